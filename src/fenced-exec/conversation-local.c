/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conversation-local.h"
#include "names.h"
#include "port-survey.h"

#include <stdio.h>
#include <string.h>

bool conversation_is_local_only(const Conversation *c) {
        const Settings *s = c->manager->settings;

        return (c->form == FORM_MULTICAST && s->multicast_local_only) ||
               (c->form == FORM_STREAM && s->tcp_local_only);
}

static NeighbourOutcome look(const Conversation *c, const Identity *peer, Neighbour *ret) {
        return neighbour_find(&c->manager->kernel, peer->family, peer->address, peer->interface, ret);
}

static bool is_clean(const char *name, void *userdata) {
        const InquiryResult *result = userdata;

        for (size_t i = 0; i < result->n_records; i++)
                if (strcmp(result->records[i].port, name) == 0)
                        return true;
        return false;
}

/* The domain is certain only if nobody at all on that bridge can say that he is another: whoever could would send with the
 * address of a neighbour, and let that one answer when he is looked for. */
static const char *doubt(const Conversation *c, InquiryResult *result) {
        if (!is_clean(c->port.name, result))
                return "none";
        return neighbour_knows_all_ports(&c->manager->kernel, c->port.bridge, is_clean, result) ? NULL
                                                                                                : "partial";
}

static void learn(Conversation *c, InquiryResult *result) {
        const Answer *a = result->answer;
        Manager *m = c->manager;
        Identity *i = &c->requester;
        const char *before = ports_find(&m->ports, c->port.name);

        if (!before || strcmp(before, a->uuid) != 0)
                port_survey_outdated(m);
        ports_learn(&m->ports, c->port.name, a->uuid);
        c->filter = doubt(c, result);
        if (c->filter) {
                (void) snprintf(c->unproven_uuid, sizeof(c->unproven_uuid), "%s", a->uuid);
                return;
        }
        (void) snprintf(i->uuid, sizeof(i->uuid), "%s", a->uuid);
        if (strlen(a->name) < sizeof(i->name))
                (void) snprintf(i->name, sizeof(i->name), "%.63s", a->name);
        memcpy(i->labels, a->labels, sizeof(i->labels));
}

/* True when the domain is known now. */
static bool take_domain(Conversation *c, const InquiryResult *result, const char **ret_reason) {
        InquiryResult copy = *result;

        if (result->outcome == RESOLVE_FOUND && result->answer->power == POWER_ON) {
                learn(c, &copy);
                return true;
        }
        *ret_reason = result->trouble[0] ? result->trouble : resolve_outcome_reason(result->outcome);
        return false;
}

static void refuse_call(sd_bus_message *call) {
        if (call)
                (void) sd_bus_reply_method_errorf(call, BUS_ERROR_REFUSED, "Refused");
}

static int ask(Conversation *c, InquiryDone done, uint64_t deadline_usec) {
        Manager *m = c->manager;
        JobRequest request = { .kind = WORKER_JOB_IDENTIFY_PORT,
                .target = c->port.name,
                .domain = ports_find(&m->ports, c->port.name),
                .labels = policy_uses_labels(c->policy) || policy_uses_labels(m->policy),
                .deadline_usec = deadline_usec };

        return inquiry_new(m->hypervisors, m->n_hypervisors, &request, NULL, done, c, &c->inquiry);
}

static void on_opened(const InquiryResult *result, void *userdata) {
        Conversation *c = userdata;
        sd_bus_message *call = TAKE(c->open, NULL);
        const char *reason = NULL;

        c->inquiry = NULL;
        if (take_domain(c, result, &reason))
                (void) sd_bus_reply_method_return(call, "t", c->id);
        else {
                refuse_call(call);
                (void) conversation_refuse(c, reason);
        }
        sd_bus_message_unref(call);
}

int conversation_identify_port(Conversation *c, sd_bus_message *call) {
        Manager *m = c->manager;
        NeighbourOutcome o = look(c, &c->requester, &c->port);

        c->local_only = true;
        port_survey_in_use(m);
        if (o == NEIGHBOUR_NO_ENTRY && c->form == FORM_MULTICAST)
                return 0;
        if (o != NEIGHBOUR_FOUND)
                return conversation_refuse(c, neighbour_outcome_reason(o));
        int r = ask(c, on_opened, c->opened_usec + m->settings->operation_timeout_usec);
        if (r < 0) {
                conversation_free(c);
                return r;
        }
        c->open = sd_bus_message_ref(call);
        return 1;
}

const char *conversation_check_port(Conversation *c) {
        Identity now = c->requester;
        Neighbour port = {};

        if (!c->local_only)
                return NULL;
        if (identity_from_peer(c->fd, &now) < 0)
                return "LocalGuestsOnly=yes, and the guest is gone";
        NeighbourOutcome o = look(c, &now, &port);
        if (o != NEIGHBOUR_FOUND)
                return neighbour_outcome_reason(o);
        if (c->port.port == 0)
                c->port = port;
        return port.port == c->port.port && port.bridge == c->port.bridge
                       ? NULL
                       : "LocalGuestsOnly=yes, and it has moved to another port of the bridge: somebody pretends to "
                         "be somebody else";
}

static void on_committed(const InquiryResult *result, void *userdata) {
        Conversation *c = userdata;
        const char *reason = NULL;

        c->inquiry = NULL;
        if (take_domain(c, result, &reason)) {
                conversation_act(c);
                return;
        }
        refuse_call(c->commit);
        (void) conversation_refuse(c, reason);
}

void conversation_act_locally(Conversation *c) {
        bool known = c->requester.uuid[0] || c->unproven_uuid[0];

        if (!c->local_only || known)
                conversation_act(c);
        else if (ask(c, on_committed, c->deadline_usec) < 0) {
                refuse_call(c->commit);
                (void) conversation_refuse(c, "too many requests are waiting for the hypervisors");
        }
}
