/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-session.h"
#include "conversation.h"
#include "log.h"
#include "names.h"
#include "origin.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

/* One listener's connection. */
typedef struct BusPeer {
        BusServer *server;
        sd_bus *bus;
        sd_bus_slot *object, *disconnected;
        Conversation *conversations[BUS_CONVERSATIONS_MAX];
        size_t n;
        LIST_ENTRY(BusPeer) entry;
} BusPeer;

struct BusServer {
        Manager *manager;
        int fd;
        uid_t listen_uid;
        sd_event_source *accept;
        LIST_HEAD(, BusPeer) peers;
        size_t n_peers;
};

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

        for (size_t i = 0; i < p->n; i++)
                if (p->conversations[i] == c) {
                        p->conversations[i] = p->conversations[--p->n];
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

static BusPeer *bus_peer_free(BusPeer *p) {
        if (!p)
                return NULL;
        LIST_REMOVE(p, entry);
        p->server->n_peers--;
        while (p->n > 0) {
                Conversation *c = p->conversations[--p->n];

                c->gone = NULL; /* it may outlive us, when it has started to act */
                conversation_abort(c, "the listener is gone");
        }
        sd_bus_slot_unref(p->disconnected);
        sd_bus_slot_unref(p->object);
        sd_bus_close_unref(p->bus);
        free(p);
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
        if (p->n >= BUS_CONVERSATIONS_MAX)
                return error_reply(-EBUSY, error);
        r = conversation_open(p->server->manager, &origin, bytes, &c);
        if (r < 0)
                return error_reply(r, error);
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
        conversation_report(p->server->manager, &origin, refusal_reasons[reason]);
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

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        bus_peer_free(userdata);
        return 0;
}

static int bus_peer_start(BusPeer *p, int fd) {
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_new(&p->bus);
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        r = sd_bus_set_fd(p->bus, fd, fd);
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        r = sd_bus_set_server(p->bus, true, id);
        if (r >= 0)
                r = sd_bus_negotiate_fds(p->bus, true);
        if (r >= 0)
                r = sd_bus_add_object_vtable(p->bus, &p->object, BUS_PATH, BUS_INTERFACE, session_vtable, p);
        if (r >= 0)
                r = sd_bus_match_signal(p->bus, &p->disconnected, NULL, "/org/freedesktop/DBus/Local",
                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, p);
        if (r >= 0)
                r = sd_bus_start(p->bus);
        if (r >= 0)
                r = sd_bus_attach_event(p->bus, p->server->manager->event, SD_EVENT_PRIORITY_NORMAL);
        return r;
}

static bool may_connect(const BusServer *s, int fd) {
        struct ucred who;
        socklen_t size = sizeof(who);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
                return false;
        if (who.uid == 0 || who.uid == geteuid() || who.uid == s->listen_uid)
                return true;
        log_warning("Refusing a connection to the private bus from uid %u.", (unsigned) who.uid);
        return false;
}

static int on_accept(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata) {
        BusServer *s = userdata;

        _cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) /* it is gone again, or we have run out of something: then systemd starts us anew */
                return errno == ECONNABORTED || errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (!may_connect(s, fd))
                return 0;
        if (s->n_peers >= BUS_CONNECTIONS_MAX) {
                log_warning("Too many listeners are connected.");
                return 0;
        }
        BusPeer *p = calloc(1, sizeof(*p));
        if (!p)
                return 0;
        p->server = s;
        LIST_INSERT_HEAD(&s->peers, p, entry);
        s->n_peers++;
        int r = bus_peer_start(p, TAKE(fd, -1));
        if (r < 0) {
                log_error_errno(r, "Cannot serve a listener: %m");
                bus_peer_free(p);
        }
        return 0;
}

int bus_server_new(Manager *m, int fd, uid_t listen_uid, BusServer **ret) {
        BusServer *s = calloc(1, sizeof(*s));
        if (!s) {
                safe_close(fd);
                return -ENOMEM;
        }
        *s = (BusServer){ .manager = m, .fd = fd, .listen_uid = listen_uid };
        LIST_INIT(&s->peers);
        int r = sd_event_add_io(m->event, &s->accept, fd, EPOLLIN, on_accept, s);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(s->accept, true);
        if (r < 0) {
                bus_server_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

BusServer *bus_server_free(BusServer *s) {
        if (!s)
                return NULL;
        while (!LIST_EMPTY(&s->peers))
                bus_peer_free(LIST_FIRST(&s->peers));
        sd_event_source_disable_unref(s->accept);
        safe_close(s->fd);
        free(s);
        return NULL;
}
