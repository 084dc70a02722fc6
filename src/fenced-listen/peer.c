/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "peer.h"
#include "callback-client.h"
#include "log.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define DEADLINE_ACCURACY_USEC (10 * USEC_PER_MSEC)

typedef struct Peer {
        Seat seat; /* first: a Seat * is a Peer * */
        Listener *listener;
        Conversation conversation;
        int fd; /* -1 before the call-back */
        bool asking; /* fd leads to fenced-callback, whose answer is a socket to put there */
        int udp_fd; /* the listener's; -1 for connections */
        uint16_t port; /* to call back */
        uint32_t ifindex;
        sd_event_source *io, *deadline;
        ExecCall *call; /* unanswered */
        ExecSession session; /* from Open to Commit's answer */
        RefusedByForm refused; /* what is to be reported */
        size_t drained;
} Peer;

static const Standing standings[] = {
        [TURN_NOBODY] = STANDING_LEAVING,
        [TURN_READ] = STANDING_ASKED,
        [TURN_WRITE] = STANDING_UNREAD,
        [TURN_CALL] = STANDING_SERVED,
        [TURN_CONNECT] = STANDING_ASKED,
        [TURN_DRAIN] = STANDING_LEAVING,
        [TURN_REPORT] = STANDING_LEAVING,
};

/* A hang-up matters while the executor works. EPOLLRDHUP is level-triggered, so elsewhere it would only spin. */
static const uint32_t events[] = {
        [TURN_READ] = EPOLLIN,
        [TURN_WRITE] = EPOLLOUT,
        [TURN_CALL] = EPOLLRDHUP,
        [TURN_CONNECT] = EPOLLOUT,
        [TURN_DRAIN] = EPOLLIN,
        [TURN_REPORT] = 0,
};

static Phase phase(const Peer *p) {
        return conversation_phase(&p->conversation);
}

static ExecOrigin origin(const Peer *p) {
        return (ExecOrigin){
                .transport = p->listener->options.transport->name,
                .source = p->udp_fd >= 0 ? &p->seat.address : NULL,
                .ifindex = p->ifindex,
        };
}

static void peer_end(Seat *seat) {
        Peer *p = (Peer *) seat;

        if (p->call)
                exec_call_cancel(p->call);
        if (p->session.connection != 0)
                exec_client_abort(p->listener->exec, &p->session);
        sd_event_source_disable_unref(p->deadline);
        sd_event_source_disable_unref(p->io);
        /* The executor may have a copy: closing ours alone would say nothing to the guest. */
        if (p->fd >= 0)
                (void) shutdown(p->fd, SHUT_RDWR);
        (void) safe_close(p->fd);
        listener_left(p->listener, seat, p->conversation.reply_size);
        conversation_clear(&p->conversation);
        free(p);
}

/* The connection ends when the executor knows. */
static void refuse(Peer *p, RefusedByForm reason) {
        p->refused = reason;
        conversation_refuse(&p->conversation, listener_now(p->listener));
}

/* A packet that ends, or never does, before it is complete. One that never began is a port scan or a health check. */
static bool has_fragment(const Peer *p) {
        return phase(p) == PHASE_PACKET && p->conversation.done > 0;
}

/* The steps below return 1: go on, 0: wait for an event, negative errno: the end of this peer. */

static int step_read(Peer *p) {
        RefusedByForm reason;
        size_t size;
        uint8_t *room = conversation_room(&p->conversation, &size);
        ssize_t n;

        n = recv(p->fd, room, size, 0);
        if (n < 0)
                return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
        if (n == 0 && !has_fragment(p))
                return -ECONNRESET;
        if (n == 0)
                reason = REFUSED_SIZE;
        else
                reason = conversation_received(&p->conversation, (size_t) n, listener_now(p->listener));
        if (reason != 0)
                refuse(p, reason);
        return 1;
}

static int step_write(Peer *p) {
        size_t size;
        const uint8_t *bytes = conversation_pending(&p->conversation, &size);
        ssize_t n;

        n = send(p->fd, bytes, size, MSG_NOSIGNAL);
        if (n < 0)
                return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
        conversation_sent(&p->conversation, (size_t) n, listener_now(p->listener));
        return 1;
}

/* The end of our side is sent with the reply; what the guest may still have sent is read, so that the kernel does not
 * answer it with a reset that overtakes the reply. */
static int step_drain(Peer *p) {
        uint8_t rubbish[4096];
        ssize_t n;

        if (shutdown(p->fd, SHUT_WR) < 0)
                return -errno;
        do {
                n = recv(p->fd, rubbish, sizeof(rubbish), 0);
                if (n > 0)
                        p->drained += (size_t) n;
        } while (n > 0 && p->drained < DRAIN_MAX);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        return -ECONNRESET;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata);

static int set_fd(Peer *p, int fd) {
        int one = 1;

        p->fd = fd;
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        return sd_event_add_io(p->listener->event, &p->io, fd, 0, on_io, p);
}

/* That fenced-callback does not answer is said once, not per request. Nor is it the guest's failure. */
static int without_callback(Listener *l, int error) {
        if (!l->callback_lost)
                log_error_errno(
                        error, "Cannot call guests back, fence-virt-callback.socket does not answer: %m");
        l->callback_lost = true;
        return error;
}

static int start_connect(Peer *p) {
        int fd, r;

        if (!sources_may_call(&p->listener->sources, &p->seat.address, listener_now(p->listener)))
                return -EBUSY;
        r = callback_ask(p->listener->options.callback_path, &p->seat.address, p->port, &fd);
        if (r < 0)
                return without_callback(p->listener, r);
        p->asking = true;
        return set_fd(p, fd);
}

/* 0: not yet, or the socket is there now and connects; a positive errno: the guest cannot be called. */
static int take_socket(Peer *p) {
        int fd, error, r;

        r = callback_take(p->fd, &fd, &error);
        if (r < 0)
                return without_callback(p->listener, r);
        if (r == 0)
                return 0;
        p->listener->callback_lost = false;
        p->asking = false;
        p->io = sd_event_source_disable_unref(p->io);
        p->fd = safe_close(p->fd);
        return error != 0 ? error : set_fd(p, fd);
}

static int step_connect(Peer *p) {
        int error = 0;
        socklen_t length = sizeof(error);
        bool waits = p->fd < 0 || p->asking;

        if (p->fd < 0)
                error = start_connect(p);
        else if (p->asking)
                error = take_socket(p);
        else if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
                return -errno;
        if (error < 0)
                return error;
        if (error > 0) {
                sources_failed(&p->listener->sources, &p->seat.address, listener_now(p->listener));
                return -error;
        }
        if (waits)
                return 0;
        conversation_advance(&p->conversation, listener_now(p->listener));
        return 1;
}

static void on_answer(const ExecAnswer *answer, void *userdata);

static int step_call(Peer *p) {
        ExecClient *exec = p->listener->exec;
        const uint8_t *in = p->conversation.in;
        ExecOrigin o = origin(p);

        if (p->call)
                return 0;
        switch (phase(p)) {
        case PHASE_OPEN:
                return exec_client_open(exec, &o, p->udp_fd >= 0 ? p->udp_fd : p->fd, in, WIRE_PACKET_SIZE,
                        on_answer, p, &p->call);
        case PHASE_PROVE:
                return exec_client_prove(exec, &p->session, in, on_answer, p, &p->call);
        case PHASE_COMMIT:
                return exec_client_commit(exec, &p->session, in,
                        p->conversation.kind == WIRE_UNSIGNED ? 0 : WIRE_MAC_SIZE, p->fd, on_answer, p,
                        &p->call);
        default:
                return -EINVAL;
        }
}

static int step_report(Peer *p) {
        ExecOrigin o = origin(p);

        if (p->call)
                return 0;
        return exec_client_report(p->listener->exec, p->refused, &o, p->fd, on_answer, p, &p->call);
}

static int step(Peer *p) {
        switch (conversation_turn(&p->conversation)) {
        case TURN_READ:
                return step_read(p);
        case TURN_WRITE:
                return step_write(p);
        case TURN_CALL:
                return step_call(p);
        case TURN_CONNECT:
                return step_connect(p);
        case TURN_DRAIN:
                return step_drain(p);
        case TURN_REPORT:
                return step_report(p);
        case TURN_NOBODY:
                break;
        }
        return -ESHUTDOWN;
}

static int wait_for_event(Peer *p) {
        uint64_t deadline = conversation_deadline(&p->conversation, &p->listener->options.limits);
        Turn turn = conversation_turn(&p->conversation);
        int r;

        p->seat.standing = phase(p) == PHASE_PACKET ? STANDING_SILENT : standings[turn];
        if (p->io) {
                r = sd_event_source_set_io_events(p->io, p->asking ? EPOLLIN : events[turn]);
                if (r < 0)
                        return r;
        }
        if (deadline == UINT64_MAX)
                return sd_event_source_set_enabled(p->deadline, SD_EVENT_OFF);
        r = sd_event_source_set_time(p->deadline, deadline);
        return r < 0 ? r : sd_event_source_set_enabled(p->deadline, SD_EVENT_ONESHOT);
}

/* As far as it goes without waiting. The peer may be gone afterwards. */
static void run(Peer *p) {
        int r;

        do
                r = step(p);
        while (r > 0);
        if (r == 0)
                r = wait_for_event(p);
        if (r < 0)
                peer_end(&p->seat);
}

static void on_answer(const ExecAnswer *answer, void *userdata) {
        Peer *p = userdata;
        uint64_t now = listener_now(p->listener);
        int r = 0;

        p->call = NULL;
        if (!answer) {
                peer_end(&p->seat);
                return;
        }
        switch (phase(p)) {
        case PHASE_OPEN:
                p->session = answer->session;
                conversation_advance(&p->conversation, now);
                break;
        case PHASE_PROVE:
                conversation_proved(&p->conversation, answer->response, answer->challenge, now);
                break;
        case PHASE_REPORT:
                conversation_advance(&p->conversation, now);
                break;
        default:
                p->session = (ExecSession){};
                r = conversation_committed(&p->conversation, answer->reply, answer->reply_size, now);
                if (r >= 0)
                        listener_hold_reply(p->listener, answer->reply_size);
                break;
        }
        if (r < 0)
                peer_end(&p->seat);
        else
                run(p);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Peer *p = userdata;
        Turn turn = conversation_turn(&p->conversation);

        if (turn == TURN_CALL || turn == TURN_REPORT)
                peer_end(&p->seat); /* all that is watched for then is that nobody is there any more */
        else
                run(p);
        return 0;
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        Peer *p = userdata;

        if (has_fragment(p)) {
                refuse(p, REFUSED_SIZE);
                run(p);
                return 0;
        }
        if (p->asking)
                (void) without_callback(p->listener, -ETIMEDOUT);
        else if (phase(p) == PHASE_CONNECT)
                sources_failed(&p->listener->sources, &p->seat.address, listener_now(p->listener));
        peer_end(&p->seat);
        return 0;
}

/* NULL when there is no memory for one. Without a descriptor yet. */
static Peer *peer_new(Listener *l, const Address *address, int udp_fd) {
        const Transport *t = l->options.transport;
        Peer *p;

        p = calloc(1, sizeof(*p));
        if (!p)
                return NULL;
        p->seat.address = *address;
        p->seat.end = peer_end;
        p->seat.standing = STANDING_SERVED; /* until it waits for something */
        p->listener = l;
        p->fd = -1;
        p->udp_fd = udp_fd;
        conversation_init(&p->conversation, t->flow, t->unsigned_flow, t->kind, listener_now(l));
        crowd_enter(&l->crowd, &p->seat);
        if (sd_event_add_time(l->event, &p->deadline, CLOCK_MONOTONIC, 0, DEADLINE_ACCURACY_USEC,
                    on_deadline, p) < 0 ||
                sd_event_source_set_enabled(p->deadline, SD_EVENT_OFF) < 0) {
                peer_end(&p->seat);
                return NULL;
        }
        return p;
}

void peer_accept(Listener *l, int fd, const Address *address) {
        Peer *p = peer_new(l, address, -1);

        if (!p)
                (void) safe_close(fd);
        else if (set_fd(p, fd) < 0)
                peer_end(&p->seat);
        else
                run(p);
}

void peer_call_back(Listener *l, int udp_fd, const Datagram *d, uint16_t port) {
        Peer *p = peer_new(l, &d->source, udp_fd);

        if (!p)
                return;
        p->port = port;
        p->ifindex = d->ifindex;
        memcpy(p->conversation.in, d->bytes, WIRE_PACKET_SIZE);
        run(p);
}
