/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "listener.h"
#include "datagram.h"
#include "line.h"
#include "local.h"
#include "log.h"
#include "peer.h"
#include "rtnetlink.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define TIMER_ACCURACY_USEC (100 * USEC_PER_MSEC)

uint64_t listener_now(const Listener *l) {
        uint64_t now = 0;

        (void) sd_event_now(
                l->event, CLOCK_MONOTONIC, &now); /* cannot fail in the process that made the loop */
        return now;
}

static void set_listening(Listener *l, bool on) {
        for (size_t i = 0; i < l->options.n_fds; i++)
                (void) sd_event_source_set_enabled(l->sockets[i], on ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* Out of descriptors or memory: asking again at once would only burn the processor. */
static int pause_listening(Listener *l) {
        int r;

        r = sd_event_source_set_time(l->pause, listener_now(l) + l->options.limits.pause_usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(l->pause, SD_EVENT_ONESHOT);
        if (r < 0)
                return log_error_errno(r, "Cannot set a timer: %m");
        set_listening(l, false);
        return 0;
}

static void resume_listening(Listener *l) {
        (void) sd_event_source_set_enabled(l->pause, SD_EVENT_OFF);
        set_listening(l, true);
}

static int on_pause_over(sd_event_source *s, uint64_t usec, void *userdata) {
        resume_listening(userdata);
        return 0;
}

/* Only while nobody is there, so that channels which stay cost no wake-ups. */
static int watch_idleness(Listener *l, uint64_t since_usec) {
        int r;

        r = sd_event_source_set_time(l->idle, since_usec + l->options.idle_usec);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(l->idle, SD_EVENT_ONESHOT);
}

void listener_hold_reply(Listener *l, size_t size) {
        Seat *victim;

        while (l->reply_bytes + size > REPLIES_MAX && (victim = crowd_oldest(&l->crowd, STANDING_UNREAD)))
                victim->end(victim);
        l->reply_bytes += size;
}

void listener_release_reply(Listener *l, size_t size) {
        l->reply_bytes -= size;
}

void listener_left(Listener *l, Seat *seat, size_t reply_size) {
        int paused = SD_EVENT_OFF;

        listener_release_reply(l, reply_size);
        crowd_leave(&l->crowd, seat);
        l->left_usec = listener_now(l);
        l->complained = false;
        if (l->idle && l->crowd.n == 0)
                (void) watch_idleness(l, l->left_usec);
        if (sd_event_source_get_enabled(l->pause, &paused) > 0)
                resume_listening(l); /* what it held is free now */
}

/* Makes room for one more, if that is fair. */
static bool admit(Listener *l, const Address *address, bool silent) {
        Seat *victim = NULL;

        if (!crowd_admits(&l->crowd, &l->options.limits, address, silent, &victim))
                return false;
        if (victim)
                victim->end(victim);
        return true;
}

static bool is_shortage(int error) {
        return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* accept(2): errors that belong to the connection which was not to be. */
static bool is_strangers_failure(int error) {
        return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM ||
               error == ENETDOWN || error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET ||
               error == EHOSTUNREACH || error == EOPNOTSUPP || error == ENETUNREACH || error == ETIMEDOUT ||
               error == ECONNRESET;
}

/* A channel that is idle serves somebody all the same, so none has to make room for another. */
static bool has_room(Listener *l, const Address *process) {
        const Limits *limits = &l->options.limits;

        if (crowd_count(&l->crowd, process) >= limits->channels_per_process)
                return false;
        if (l->crowd.n < limits->peers)
                return true;
        log_full(l->complained ? LOG_DEBUG : LOG_WARNING, "%u channels are connected, and no more are taken",
                l->crowd.n);
        l->complained = true;
        return false;
}

static void take_channel(Listener *l, int fd) {
        Address process;

        local_peer(fd, &process);
        if (has_room(l, &process))
                (void) line_new(l, fd, NULL, NULL, NULL);
        else
                (void) safe_close(fd);
}

static void take_peer(Listener *l, int fd, const Address *address) {
        const ListenerOptions *o = &l->options;
        bool refused = address_is_vsock_host(address) && !o->filter.local;

        if (!refused && admit(l, address, true))
                peer_accept(l, fd, address);
        else
                (void) safe_close(fd);
}

static int on_connection(sd_event_source *s, int listen_fd, uint32_t revents, void *userdata) {
        Listener *l = userdata;

        for (unsigned i = 0; i < ACCEPTS_PER_WAKEUP; i++) {
                SocketAddress sa = {};
                socklen_t length = sizeof(sa);
                Address address;
                uint16_t port;
                int fd;

                fd = accept4(listen_fd, &sa.sa, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (fd < 0 && errno == EAGAIN)
                        return 0;
                if (fd < 0 && is_strangers_failure(errno))
                        continue;
                if (fd < 0 && is_shortage(errno))
                        return pause_listening(l);
                if (fd < 0)
                        return log_error_errno(errno, "Cannot accept connections: %m");
                address_from_sockaddr(&sa, &address, &port);
                if (l->options.transport->flow)
                        take_peer(l, fd, &address);
                else
                        take_channel(l, fd);
        }
        return 0;
}

/* Who a datagram says it is from is who it is from, and somebody we call. */
static RefusedByForm check(Listener *l, const Datagram *d, const Address *group, uint16_t *ret_port) {
        bool served = membership_serves(l->membership, d->ifindex);
        RefusedByForm reason;
        unsigned type;

        reason = datagram_check(d, group, served, ret_port);
        if (reason != 0)
                return reason;
        if (rtnetlink_route_type(
                    l->options.netlink.ask, d->source.family, d->source.bytes, d->source.scope, &type) < 0)
                return REFUSED_CALLBACK_ADDRESS;
        return datagram_check_route(type, l->options.filter.local);
}

static void serve_datagram(Listener *l, int fd, const Datagram *d, const Address *group) {
        ExecOrigin origin = { l->options.transport->name, &d->source, d->ifindex };
        RefusedByForm reason;
        uint16_t port = 0;
        ExecCall *call;

        if (sources_avoid(&l->sources, &d->source, listener_now(l)))
                return;
        reason = check(l, d, group, &port);
        if (reason != 0)
                (void) exec_client_report(l->exec, reason, &origin, fd, NULL, NULL, &call);
        else if (admit(l, &d->source, false))
                peer_call_back(l, fd, d, port);
}

static const Address *group_of(const Listener *l, int fd) {
        size_t i = 0;

        while (l->options.fds[i] != fd)
                i++;
        return l->groups + i;
}

static int on_datagram(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Listener *l = userdata;

        for (unsigned i = 0; i < DATAGRAMS_PER_WAKEUP; i++) {
                Datagram d;
                int r;

                r = datagram_receive(fd, &d);
                if (r == 0)
                        return 0;
                if (r < 0 && is_shortage(-r))
                        return pause_listening(l);
                if (r < 0)
                        return log_error_errno(r, "Cannot receive datagrams: %m");
                serve_datagram(l, fd, &d, group_of(l, fd));
        }
        return 0;
}

static int on_idle(sd_event_source *s, uint64_t usec, void *userdata) {
        Listener *l = userdata;
        uint64_t now = listener_now(l), since = l->left_usec;

        if (l->crowd.n > 0)
                return 0;
        if (exec_client_outstanding(l->exec) > 0)
                since = now;
        if (now >= since + l->options.idle_usec)
                return sd_event_exit(l->event, 0); /* whoever comes now waits in systemd's socket */
        return watch_idleness(l, since);
}

static int add_socket(Listener *l, size_t i) {
        bool datagrams = l->options.transport->type == SOCK_DGRAM;
        int fd = l->options.fds[i], r;

        r = address_of_socket(fd, l->groups + i);
        if (r < 0)
                return r;
        if (datagrams) {
                r = datagram_prepare(fd);
                if (r < 0)
                        return r;
        }
        r = sd_event_add_io(
                l->event, l->sockets + i, fd, EPOLLIN, datagrams ? on_datagram : on_connection, l);
        if (r < 0)
                return r;
        return sd_event_source_set_exit_on_failure(l->sockets[i], true);
}

static int add_timers(Listener *l) {
        int r;

        r = sd_event_add_time(
                l->event, &l->pause, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC, on_pause_over, l);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(l->pause, SD_EVENT_OFF);
        if (r < 0 || l->options.idle_usec == 0)
                return r;
        r = sd_event_add_time_relative(
                l->event, &l->idle, CLOCK_MONOTONIC, l->options.idle_usec, TIMER_ACCURACY_USEC, on_idle, l);
        if (r < 0)
                return r;
        return sd_event_source_set_exit_on_failure(l->idle, true);
}

int listener_new(sd_event *event, const ListenerOptions *options, Listener **ret) {
        _cleanup_(listener_freep) Listener *l = NULL;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->options = *options;
        l->event = sd_event_ref(event);
        crowd_init(&l->crowd);
        r = exec_client_new(event, options->exec_path, &l->exec);
        if (r < 0)
                return r;
        r = add_timers(l);
        if (r < 0)
                return r;
        for (size_t i = 0; i < options->n_fds; i++) {
                r = add_socket(l, i);
                if (r < 0)
                        return r;
        }
        if (options->transport->joins) {
                r = membership_new(event, &options->netlink, options->fds, options->n_fds, &options->filter,
                        &l->membership);
                if (r < 0)
                        return r;
        }
        l->left_usec = listener_now(l);
        *ret = TAKE(l, NULL);
        return 0;
}

void listener_free(Listener *l) {
        if (!l)
                return;
        while (!TAILQ_EMPTY(&l->crowd.seats)) {
                Seat *s = TAILQ_FIRST(&l->crowd.seats);

                s->end(s);
        }
        membership_free(l->membership);
        for (size_t i = 0; i < l->options.n_fds; i++)
                sd_event_source_disable_unref(l->sockets[i]);
        sd_event_source_disable_unref(l->pause);
        sd_event_source_disable_unref(l->idle);
        exec_client_free(l->exec);
        sd_event_unref(l->event);
        free(l);
}
