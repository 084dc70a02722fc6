/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-server.h"
#include "bucket.h"
#include "bus-peer.h"
#include "log.h"
#include "names.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-id128.h>

enum { ACCEPTS_PER_WAKEUP = 64 };

struct BusServer {
        Manager *manager;
        int fd;
        gid_t listen_gid;
        sd_event_source *accept;
        BusProcesses *processes;
        LIST_HEAD(, BusPeer) peers;
        Bucket complaints;
        unsigned n_silent; /* complaints that were not made */
};

static BusPeer *bus_peer_free(BusPeer *p) {
        if (!p)
                return NULL;
        LIST_REMOVE(p, entry);
        bus_process_close(p->process, p->n);
        while (p->n > 0) {
                Conversation *c = p->conversations[--p->n];

                c->gone = NULL; /* it may outlive us, when it has started to act */
                conversation_abort(c, "the listener is gone");
        }
        bus_process_leave(p->process);
        gate_free(p->gate);
        sd_event_source_disable_unref(p->drop);
        sd_bus_slot_unref(p->disconnected);
        sd_bus_slot_unref(p->object);
        sd_bus_slot_unref(p->filter);
        sd_bus_close_unref(p->bus);
        free(p);
        return NULL;
}

/* Strangers that have taken over a listener must not fill the journal as well. */
static void complain(BusServer *s, pid_t pid, const char *reason) {
        static const Rate rate = { .per_second = 1, .burst = 10 };

        if (!bucket_take(&s->complaints, rate, manager_now(s->manager))) {
                s->n_silent++;
                return;
        }
        log_warning("Dropping the listener with pid %d: %s (%u more like this were not logged).", (int) pid,
                reason, TAKE(s->n_silent, 0));
}

static void drop(BusPeer *p, const char *reason) {
        complain(p->server, p->pid, reason);
        bus_peer_free(p);
}

static int on_drop(sd_event_source *source, void *userdata) {
        BusPeer *p = userdata;

        drop(p, p->drop_reason);
        return 0;
}

static void drop_later(BusPeer *p, const char *reason) {
        if (!p->drop_reason && sd_event_source_set_enabled(p->drop, SD_EVENT_ONESHOT) >= 0)
                p->drop_reason = reason;
}

static void on_refused(const char *reason, void *userdata) {
        drop(userdata, reason);
}

/* sd-bus would be woken up for them as well, but a round of the event loop later. */
static void on_passed(unsigned n, void *userdata) {
        BusPeer *p = userdata;
        sd_bus *bus = sd_bus_ref(p->bus); /* the peer may be freed by what it sent */

        while (n-- > 0 && sd_bus_process(bus, NULL) > 0)
                ;
        sd_bus_unref(bus);
}

static const GateHandler gate_handler = { .passed = on_passed, .refused = on_refused };

void bus_peer_check_unread(BusPeer *p) {
        uint64_t n = 0;

        if (sd_bus_get_n_queued_write(p->bus, &n) >= 0 && bus_unread_is_over(&p->unread, n))
                drop_later(p, "it does not read its answers");
}

/* Sees every message first: sd-bus itself would answer others, and at length. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BusPeer *p = userdata;

        bus_peer_check_unread(p);
        if (!p->drop_reason && !sd_bus_message_is_method_call(m, BUS_INTERFACE, NULL) &&
                !sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Disconnected"))
                drop_later(p, "a message that is none of its calls");
        return p->drop_reason ? 1 : 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        bus_peer_free(userdata);
        return 0;
}

/* The uid of who is there was looked at before: what a client says of itself here is not. sd-bus owns fd from here on, also on
 * failure. */
static int start_bus(BusPeer *p, int fd) {
        sd_id128_t id;
        int from_gate;

        int r = gate_new(p->manager->event, fd, &gate_handler, p, &p->gate, &from_gate);
        if (r >= 0) {
                r = sd_bus_set_fd(p->bus, from_gate, fd);
                if (r < 0)
                        safe_close(from_gate);
        }
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_set_server(p->bus, true, id);
        if (r >= 0)
                r = sd_bus_set_anonymous(p->bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(p->bus, true);
        if (r >= 0)
                r = sd_bus_add_filter(p->bus, &p->filter, on_message, p);
        if (r >= 0)
                r = bus_session_serve(p);
        if (r >= 0)
                r = sd_bus_match_signal(p->bus, &p->disconnected, NULL, "/org/freedesktop/DBus/Local",
                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, p);
        if (r >= 0)
                r = sd_bus_start(p->bus);
        if (r >= 0)
                r = sd_bus_attach_event(p->bus, p->manager->event, SD_EVENT_PRIORITY_NORMAL);
        return r;
}

static int bus_peer_start(BusPeer *p, int fd) {
        int r = sd_event_add_defer(p->manager->event, &p->drop, on_drop, p);

        if (r >= 0)
                r = sd_event_source_set_enabled(p->drop, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_bus_new(&p->bus);
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        return start_bus(p, fd);
}

/* The kernel's word on who connected. */
static bool may_connect(const BusServer *s, int fd, pid_t *ret) {
        struct ucred who;
        socklen_t size = sizeof(who);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
                return false;
        *ret = who.pid;
        if (who.uid == 0 || who.uid == geteuid() || who.gid == s->listen_gid)
                return true;
        log_warning("Refusing a connection to the private bus from uid %u, gid %u.", (unsigned) who.uid,
                (unsigned) who.gid);
        return false;
}

static void serve(BusServer *s, int fd, pid_t pid) {
        BusPeer *p = calloc(1, sizeof(*p));
        BusProcess *process = p ? bus_process_join(s->processes, pid) : NULL;

        if (!process) {
                if (p)
                        complain(s, pid,
                                "it has as many connections as one may have, or there are too many listeners");
                free(p);
                safe_close(fd);
                return;
        }
        p->server = s;
        p->manager = s->manager;
        p->process = process;
        p->pid = pid;
        LIST_INSERT_HEAD(&s->peers, p, entry);
        int r = bus_peer_start(p, fd);
        if (r < 0) {
                log_error_errno(r, "Cannot serve a listener: %m");
                bus_peer_free(p);
        }
}

static int on_accept(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata) {
        BusServer *s = userdata;
        pid_t pid;

        for (unsigned i = 0; i < ACCEPTS_PER_WAKEUP; i++) {
                int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0 && (errno == ECONNABORTED || errno == EINTR)) /* it is gone again */
                        continue;
                if (fd < 0) /* no more, or we have run out of something: then systemd starts us anew */
                        return errno == EAGAIN ? 0 : -errno;
                if (may_connect(s, fd, &pid))
                        serve(s, fd, pid);
                else
                        safe_close(fd);
        }
        return 0;
}

int bus_server_new(Manager *m, int fd, gid_t listen_gid, BusServer **ret) {
        BusServer *s = calloc(1, sizeof(*s));
        if (!s) {
                safe_close(fd);
                return -ENOMEM;
        }
        *s = (BusServer){ .manager = m, .fd = fd, .listen_gid = listen_gid };
        LIST_INIT(&s->peers);
        int r = bus_processes_new(&s->processes);
        if (r >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) < 0) /* systemd passes it without */
                r = -errno;
        if (r >= 0)
                r = sd_event_add_io(m->event, &s->accept, fd, EPOLLIN, on_accept, s);
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
        bus_processes_free(s->processes);
        sd_event_source_disable_unref(s->accept);
        safe_close(s->fd);
        free(s);
        return NULL;
}
