/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conversation.h"
#include "conversation-local.h"
#include "log.h"
#include "names.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

Conversation *conversation_free(Conversation *c) {
        if (!c)
                return NULL;
        if (c->gone)
                c->gone(c, c->gone_userdata);
        if (c->link) {
                *c->link = c->next;
                if (c->next)
                        c->next->link = c->link;
                c->manager->n_conversations--;
        }
        inquiry_free(c->inquiry);
        waiter_free(c->waiter);
        sd_event_source_disable_unref(c->expiry);
        sd_event_source_disable_unref(c->hangup);
        sd_bus_message_unref(c->open);
        sd_bus_message_unref(c->commit);
        safe_close(c->process.pidfd);
        limits_release(&c->hold);
        keyring_unref(c->keyring);
        policy_unref(c->policy);
        safe_close(c->fd);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(Conversation *, conversation_free)

void conversation_audit(Conversation *c, AuditKind kind, const char *decision, const char *reason,
        const char *result, const char *proof) {
        const Request *q = &c->session.request;
        uint64_t now = manager_now(c->manager);
        AuditRecord r = {
                .kind = kind,
                .listener = c->requester.transport,
                .source = c->requester.source,
                .source_uuid = c->unproven_uuid[0] ? c->unproven_uuid : c->requester.uuid,
                .source_port = c->port.name,
                .source_filter = c->filter,
                .key = c->requester.key,
                .key_file = c->session.key ? c->session.key->file : NULL,
                .protocol = c->session.key ? (c->session.fx2 ? "fx2" : "v1") : NULL,
                .action = action_to_string(q->action),
                .target = c->name[0] ? c->name : q->target,
                .target_uuid = c->uuid,
                .decision = decision,
                .reason = reason,
                .result = result,
                .backend = c->backend,
                .proof = proof,
                .unproven = kind == AUDIT_CANCELLED && c->deadline_usec == 0, /* Commit sets it */
                .duration_usec = now - c->opened_usec,
        };

        memcpy(r.request_id, c->request_id, sizeof(r.request_id));
        audit_write(c->manager->audit, &r, now);
}

void conversation_report(Manager *m, const Origin *origin, const char *reason) {
        AuditRecord r = {
                .kind = AUDIT_REFUSED,
                .listener = origin->requester.transport,
                .source = origin->requester.source,
                .decision = "refuse",
                .reason = reason,
        };

        if (random_bytes(r.request_id, sizeof(r.request_id)) >= 0)
                audit_write(m->audit, &r, manager_now(m));
}

_Static_assert((int) _FORM_MAX <= (int) LIMITS_CLASSES_MAX, "each form of request is a class of its own");

static int refuse(Conversation *c, const char *reason) {
        /* a packet that could not be decoded has no action to name */
        conversation_audit(c, AUDIT_REFUSED, "refuse", reason, NULL, NULL);
        conversation_free(c);
        return -EACCES;
}

int conversation_refuse(Conversation *c, const char *reason) {
        return refuse(c, reason);
}

static int on_expired(sd_event_source *s, uint64_t usec, void *userdata) {
        conversation_abort(userdata, "the conversation took too long");
        return 0;
}

static int conversation_new(Manager *m, Origin *origin, Conversation **ret) {
        if (m->n_conversations >= CONVERSATIONS_MAX)
                return -EBUSY;
        _cleanup_(conversation_freep) Conversation *c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->manager = m;
        c->fd = -1;
        c->form = origin->form;
        c->requester = origin->requester;
        c->process = origin->process;
        origin->process.pidfd = -1;
        c->keyring = keyring_ref(m->keyring);
        c->policy = policy_ref(m->policy);
        c->opened_usec = manager_now(m);

        int r = random_bytes(c->request_id, sizeof(c->request_id));
        if (r >= 0)
                r = random_bytes(&c->id, sizeof(c->id));
        if (r >= 0)
                r = sd_event_add_time(m->event, &c->expiry, CLOCK_MONOTONIC,
                        c->opened_usec + CONVERSATION_USEC, USEC_PER_SEC, on_expired, c);
        if (r < 0)
                return r;

        c->next = m->conversations;
        if (c->next)
                c->next->link = &c->next;
        m->conversations = c;
        c->link = &m->conversations;
        m->n_conversations++;
        *ret = TAKE(c, NULL);
        return 0;
}

static void make_key(Conversation *c) {
        const Request *q = &c->session.request;

        if (!c->keyless)
                (void) snprintf(c->requester.key, sizeof(c->requester.key), "%s", c->session.key->name);
        memcpy(c->key.key, c->requester.key, sizeof(c->key.key));
        memcpy(c->key.uuid, c->requester.uuid, sizeof(c->key.uuid));
        c->key.action = (uint8_t) q->action;
        memcpy(c->key.seqno, q->seqno, sizeof(c->key.seqno));
        memcpy(c->key.target, q->target, sizeof(c->key.target));
}

/* Over multicast a guest sends its request again every two seconds, and from each of its addresses at once. Each address is
 * called back (the guest may be reachable at one only), but once. */
static bool is_duplicate(const Conversation *c) {
        Manager *m = c->manager;
        const RecentEntry *e = recent_find(&m->recent, &c->key, c->opened_usec);

        if ((e && e->delivered) || operation_is_running(m->operations, &c->key))
                return true;
        for (const Conversation *o = m->conversations; o; o = o->next)
                if (o != c && request_key_equal(&o->key, &c->key) &&
                        (o->commit || identity_same_address(&o->requester, &c->requester)))
                        return true;
        return false;
}

static bool calls_back_elsewhere(const Conversation *c) {
        const Request *q = &c->session.request;
        Identity named = {};

        return identity_from_address(q->address, q->family == AF_INET ? 4 : 16, &named) < 0 ||
               !identity_same_address(&named, &c->requester);
}

/* Is this a request, and who signed it, if it is signed? */
static bool decode(Conversation *c, const uint8_t *bytes, const char **ret_reason) {
        const Settings *s = c->manager->settings;
        WireKind kind = c->form == FORM_MULTICAST ? WIRE_MULTICAST : WIRE_STREAM;
        HashType challenge_hash = kind == WIRE_MULTICAST ? s->multicast_challenge : HASH_SHA256;
        int r;

        c->keyless = c->form == FORM_FRAME || (c->form == FORM_VSOCK && wire_is_unsigned(bytes));
        if (!c->keyless)
                return session_open(
                        &c->session, kind, bytes, c->keyring, s->minimum_hash, challenge_hash, ret_reason);
        r = c->form == FORM_FRAME ? wire_decode_serial(bytes, &c->session.request)
                                  : wire_decode_packet(bytes, WIRE_UNSIGNED, &c->session.request);
        if (r < 0)
                *ret_reason = "not a request in the form that agents send";
        return r >= 0;
}

int conversation_open(Manager *m, Origin *origin, const uint8_t *bytes, Conversation **ret) {
        const char *reason = NULL;
        Conversation *c;

        int r = conversation_new(m, origin, &c);
        if (r < 0)
                return r;
        if (!decode(c, bytes, &reason))
                return refuse(c, reason);
        make_key(c);
        if (c->form == FORM_MULTICAST && calls_back_elsewhere(c))
                return refuse(c, "the packet asks for a call-back to another address than it came from");
        if (!c->keyless && !replay_is_fresh(m->replay, bytes))
                return refuse(c, "this very packet was seen before: a replay");
        reason = limits_admit(m->limits, &m->settings->limits, &c->requester, c->form,
                c->session.request.action, c->opened_usec, &c->hold);
        if (reason)
                return refuse(c, reason);
        if (c->form == FORM_MULTICAST && is_duplicate(c)) {
                conversation_free(c);
                return -EALREADY;
        }
        *ret = c;
        return 0;
}

static void on_identified(const InquiryResult *result, void *userdata) {
        Conversation *c = userdata;
        sd_bus_message *call = TAKE(c->open, NULL);
        bool found = result->outcome == RESOLVE_FOUND && result->answer->power == POWER_ON;

        c->inquiry = NULL;
        if (found) {
                identity_set_domain(
                        &c->requester, result->answer->name, result->answer->uuid, result->answer->labels);
                if (c->form == FORM_VSOCK)
                        ports_learn(&c->manager->cids, c->requester.source, c->requester.uuid);
                if (c->form == FORM_FRAME)
                        (void) snprintf(c->requester.source, sizeof(c->requester.source), "%s",
                                c->requester.name[0] ? c->requester.name : c->requester.uuid);
                make_key(c);
        }
        if (found || !c->keyless)
                (void) sd_bus_reply_method_return(call, "t", c->id);
        else {
                (void) sd_bus_reply_method_errorf(call, BUS_ERROR_REFUSED, "Refused");
                (void) refuse(
                        c, result->trouble[0] ? result->trouble : "no running domain of ours asks here");
        }
        sd_bus_message_unref(call);
}

int conversation_identify(Conversation *c, sd_bus_message *call) {
        Manager *m = c->manager;
        JobRequest request = {
                .kind = c->form == FORM_FRAME ? WORKER_JOB_IDENTIFY_PROCESS : WORKER_JOB_IDENTIFY_CID,
                .target = c->form == FORM_FRAME ? c->process.path : NULL,
                .subject = c->form == FORM_FRAME ? (uint64_t) c->process.pid : c->requester.cid,
                .domain = c->form == FORM_VSOCK ? ports_find(&m->cids, c->requester.source) : NULL,
                .labels = policy_uses_labels(c->policy),
                .deadline_usec = c->opened_usec + m->settings->operation_timeout_usec,
        };

        if (conversation_is_local_only(c))
                return conversation_identify_port(c, call);
        if (c->form != FORM_FRAME && c->form != FORM_VSOCK)
                return 0;
        int r = inquiry_new(m->hypervisors, m->n_hypervisors, &request, NULL, on_identified, c, &c->inquiry);
        if (r < 0) {
                conversation_free(c);
                return r;
        }
        c->open = sd_bus_message_ref(call);
        return 1;
}

int conversation_prove(Conversation *c, const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret_response[static WIRE_MAC_SIZE], uint8_t ret_challenge[static WIRE_CHALLENGE_SIZE]) {
        const char *reason = NULL;
        uint8_t random[32];

        if (c->keyless || c->open)
                return refuse(c, "a challenge out of order");
        int r = random_bytes(random, sizeof(random));
        if (r < 0) {
                conversation_free(c);
                return r;
        }
        if (!session_prove(
                    &c->session, c->keyring, guest_challenge, random, ret_response, ret_challenge, &reason))
                return refuse(c, reason);
        return 0;
}

static int on_hangup(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        conversation_abort(userdata, "the guest hung up");
        return 0;
}

/* Who is at the other end now must be who was there at Open. */
static bool same_peer(const Conversation *c, int fd) {
        Identity now = c->requester;
        PeerProcess process;

        if (c->form != FORM_FRAME)
                return identity_from_peer(fd, &now) >= 0 && identity_same_address(&now, &c->requester);
        if (peer_process_from_socket(fd, &process) < 0)
                return false;
        safe_close(process.pidfd);
        return process.pid == c->process.pid && strcmp(process.path, c->process.path) == 0 &&
               peer_process_is_alive(c->process.pidfd) == 1;
}

static bool is_authentic(Conversation *c, const uint8_t *response, size_t size, const char **ret_reason) {
        if (c->open || c->commit || size != (c->keyless ? 0 : WIRE_MAC_SIZE)) {
                *ret_reason = "an answer out of order";
                return false;
        }
        if (!c->keyless)
                return session_commit(&c->session, response, ret_reason);
        *ret_reason = "nobody vouches for the requester";
        return c->requester.uuid[0] != 0;
}

int conversation_commit(
        Conversation *c, const uint8_t *response, size_t size, int fd, sd_bus_message *call) {
        Manager *m = c->manager;
        const char *reason = NULL;

        safe_close(c->fd);
        c->fd = fd;
        if (!same_peer(c, fd))
                return refuse(c, "the guest's connection is not the one that its request came by");
        if (!is_authentic(c, response, size, &reason))
                return refuse(c, reason);
        reason = conversation_check_port(c);
        if (reason)
                return refuse(c, reason);
        int r = sd_event_add_io(m->event, &c->hangup, fd, EPOLLRDHUP, on_hangup, c);
        if (r < 0) {
                conversation_free(c);
                return r;
        }
        c->expiry = sd_event_source_disable_unref(c->expiry);
        c->deadline_usec = manager_now(m) + m->settings->operation_timeout_usec;
        c->commit = sd_bus_message_ref(call);
        conversation_act_locally(c);
        return 0;
}

void conversation_abort(Conversation *c, const char *reason) {
        static const char *const before[_SESSION_STATE_MAX] = {
                [SESSION_OPENED] =
                        "the guest was not heard of again (over multicast: it could not be called back, or "
                        "asked too often; is 1229/tcp open there?)",
                [SESSION_PROVED] =
                        "the guest did not answer our challenge (another key, or another -C hash?)",
        };

        if (c->denied) {
                conversation_free(c);
                return;
        }
        c->hangup = sd_event_source_disable_unref(c->hangup);
        c->open = sd_bus_message_unref(c->open);
        c->commit = sd_bus_message_unref(c->commit);
        if (c->waiter && waiter_started(c->waiter))
                return;
        if (!c->keyless && before[c->session.state])
                reason = before[c->session.state];
        conversation_audit(c, AUDIT_CANCELLED, NULL, reason, "cancelled", NULL);
        conversation_free(c);
}

/* In FX2 with the tag behind it. */
static bool deliver(Conversation *c, uint8_t *bytes, size_t size) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        uint8_t tag[WIRE_MAC_SIZE];
        struct iovec parts[] = { { bytes, size }, { tag, sizeof(tag) } };
        unsigned n_parts = session_seal(&c->session, bytes, size, tag) ? 2 : 1;

        if (!c->commit)
                return false;
        int r = sd_bus_message_new_method_return(c->commit, &m);
        if (r >= 0)
                r = sd_bus_message_append_array_iovec(m, 'y', parts, n_parts);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        if (r < 0)
                log_error_errno(r, "Cannot hand an answer to the listener: %m");
        return r >= 0;
}

void conversation_answer(Conversation *c, Reply reply, uint8_t *bytes, size_t size) {
        bool delivered = deliver(c, bytes, size);

        c->answer_size = delivered ? size : 0;

        free(bytes);
        /* what a question was answered with is stale at once: only what changed a domain is kept */
        if (c->form == FORM_MULTICAST || action_changes_power(c->session.request.action))
                recent_add(&c->manager->recent, &c->key, reply, delivered, manager_now(c->manager));
        conversation_free(c);
}
