/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-peer.h"
#include "conversation.h"
#include "names.h"
#include "origin.h"

#include <fcntl.h>
#include <string.h>

static const char *const refusal_reasons[_REFUSED_BY_FORM_MAX] = {
        [REFUSED_SIZE] = "not the size of a request",
        [REFUSED_FORM] = "not a request in the form that agents send",
        [REFUSED_NOT_TO_GROUP] = "sent to an address of this host instead of the multicast group",
        [REFUSED_INTERFACE] = "came in on an interface that is not served",
        [REFUSED_CALLBACK_ADDRESS] =
                "asks for a call-back to another address than it came from, or to this host",
        [REFUSED_CALLBACK_PORT] = "asks for a call-back to a privileged port",
};

static void on_gone(Conversation *c, void *userdata) {
        BusPeer *p = userdata;

        if (c->answer_size > 0) {
                bus_unread_add(&p->unread, c->answer_size);
                bus_peer_check_unread(p);
        }
        for (size_t i = 0; i < p->n; i++)
                if (p->conversations[i] == c) {
                        p->conversations[i] = p->conversations[--p->n];
                        bus_process_close(p->process, 1);
                        return;
                }
}

static void adopt(BusPeer *p, Conversation *c) {
        c->gone = on_gone;
        c->gone_userdata = p;
        p->conversations[p->n++] = c;
}

static Conversation *find(BusPeer *p, uint64_t id) {
        for (size_t i = 0; i < p->n; i++)
                if (p->conversations[i]->id == id)
                        return p->conversations[i];
        return NULL;
}

static int read_bytes(sd_bus_message *m, const uint8_t **ret, size_t *ret_size) {
        const void *p;

        int r = sd_bus_message_read_array(m, 'y', &p, ret_size);
        *ret = p;
        return r;
}

/* Our own answer to what went wrong; sd-bus turns other errnos into System.Error names. */
static int error_reply(int r, sd_bus_error *error) {
        switch (r) {
        case -EACCES:
                return sd_bus_error_set_const(error, BUS_ERROR_REFUSED, "Refused");
        case -EALREADY:
                return sd_bus_error_set_const(
                        error, BUS_ERROR_DUPLICATE, "Another conversation has this request");
        case -EBUSY:
                return sd_bus_error_set_const(error, BUS_ERROR_BUSY, "Too many conversations");
        default:
                return r;
        }
}

static int method_open(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BusPeer *p = userdata;
        _cleanup_(origin_clear) Origin origin = { .process.pidfd = -1 };
        const uint8_t *bytes;
        size_t size;
        Conversation *c;
        int fd, r;

        r = read_bytes(m, &bytes, &size);
        if (r >= 0)
                r = sd_bus_message_read(m, "h", &fd);
        if (r >= 0)
                r = origin_read(m, fd, &origin);
        if (r < 0)
                return r;
        if (size != form_size(origin.form))
                return -EMSGSIZE;
        if (!bus_process_open(p->process))
                return error_reply(-EBUSY, error);
        r = conversation_open(p->manager, &origin, bytes, &c);
        if (r < 0) {
                bus_process_close(p->process, 1);
                return error_reply(r, error);
        }
        adopt(p, c);
        uint64_t id = c->id;
        r = conversation_identify(c, m);
        if (r < 0)
                return error_reply(r, error);
        return r > 0 ? r : sd_bus_reply_method_return(m, "t", id);
}

static int method_prove(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint8_t response[WIRE_MAC_SIZE], challenge[WIRE_CHALLENGE_SIZE];
        const uint8_t *guest_challenge;
        uint64_t id;
        size_t size;
        int r;

        r = sd_bus_message_read(m, "t", &id);
        if (r >= 0)
                r = read_bytes(m, &guest_challenge, &size);
        if (r < 0)
                return r;
        if (size != WIRE_CHALLENGE_SIZE)
                return -EMSGSIZE;
        Conversation *c = find(userdata, id);
        if (!c)
                return -ENXIO;
        r = conversation_prove(c, guest_challenge, response, challenge);
        if (r < 0)
                return error_reply(r, error);

        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', response, sizeof(response));
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', challenge, sizeof(challenge));
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_commit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const uint8_t *guest_response;
        uint64_t id;
        size_t size;
        int fd, r;

        r = sd_bus_message_read(m, "t", &id);
        if (r >= 0)
                r = read_bytes(m, &guest_response, &size);
        if (r >= 0)
                r = sd_bus_message_read(m, "h", &fd);
        if (r < 0)
                return r;
        Conversation *c = find(userdata, id);
        if (!c)
                return -ENXIO;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message owns the one it brought */
        if (fd < 0)
                return -errno;
        r = conversation_commit(c, guest_response, size, fd, m);
        return r < 0 ? error_reply(r, error) : 1;
}

static int method_abort(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint64_t id;
        int r;

        r = sd_bus_message_read(m, "t", &id);
        if (r < 0)
                return r;
        Conversation *c = find(userdata, id);
        if (c)
                conversation_abort(c, "the guest hung up");
        return sd_bus_reply_method_return(m, "");
}

static int method_report(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BusPeer *p = userdata;
        uint8_t reason;
        _cleanup_(origin_clear) Origin origin = { .process.pidfd = -1 };
        int fd, r;

        r = sd_bus_message_read(m, "yh", &reason, &fd);
        if (r >= 0)
                r = origin_read(m, fd, &origin);
        if (r < 0)
                return r;
        if (reason >= _REFUSED_BY_FORM_MAX || !refusal_reasons[reason])
                return -EINVAL;
        conversation_report(p->manager, &origin, refusal_reasons[reason]);
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable session_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Open", "ayha{sv}", "t", method_open, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Prove", "tay", "ayay", method_prove, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Commit", "tayh", "ay", method_commit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Abort", "t", "", method_abort, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Report", "yha{sv}", "", method_report, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int bus_session_serve(BusPeer *p) {
        return sd_bus_add_object_vtable(p->bus, &p->object, BUS_PATH, BUS_INTERFACE, session_vtable, p);
}
