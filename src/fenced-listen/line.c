/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "line.h"
#include "exchange.h"
#include "local.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#define DEADLINE_ACCURACY_USEC (10 * USEC_PER_MSEC)

typedef struct Line {
        Seat seat; /* first: a Seat * is a Line * */
        Listener *listener;
        Exchange exchange;
        int fd;
        sd_event_source *io, *deadline;
        ExecCall *call; /* unanswered */
        ExecSession session; /* from Open to Commit's answer */
        size_t held; /* bytes of the reply that the listener counts */
        uint64_t report_usec; /* no report before */
        LineEnded ended;
        void *userdata;
} Line;

/* While no reply is held: one that the kernel has costs us nothing. */
static const Standing standings[] = {
        [EXCHANGE_IDLE] = STANDING_SILENT,
        [EXCHANGE_OPEN] = STANDING_SERVED,
        [EXCHANGE_COMMIT] = STANDING_SERVED,
        [EXCHANGE_READY] = STANDING_SERVED,
        [EXCHANGE_REPLY] = STANDING_SILENT,
};

static const Limits *limits(const Line *l) {
        return &l->listener->options.limits;
}

/* The executor need not go on with what it was asked. */
static void withdraw(Line *l) {
        if (l->call)
                exec_call_cancel(TAKE(l->call, NULL));
        if (l->session.connection != 0)
                exec_client_abort(l->listener->exec, &l->session);
        l->session = (ExecSession){};
}

static void line_end(Seat *seat) {
        Line *l = (Line *) seat;
        LineEnded ended = l->ended;
        void *userdata = l->userdata;

        withdraw(l);
        sd_event_source_disable_unref(l->deadline);
        sd_event_source_disable_unref(l->io);
        (void) shutdown(l->fd, SHUT_RDWR); /* the executor may have a copy: closing ours says nothing */
        (void) safe_close(l->fd);
        listener_left(l->listener, seat, l->held);
        exchange_clear(&l->exchange);
        free(l);
        if (ended)
                ended(userdata);
}

static void report_malformed(Line *l) {
        ExecOrigin origin = { .transport = l->listener->options.transport->name };
        uint64_t now = listener_now(l->listener);
        ExecCall *call;

        if (now < l->report_usec)
                return;
        l->report_usec = now + limits(l)->report_usec;
        (void) exec_client_report(l->listener->exec, REFUSED_FORM, &origin, l->fd, NULL, NULL, &call);
}

/* The steps below return 1: go on, 0: wait for an event, negative errno: the end of this line. */

static int step_read(Line *l) {
        uint64_t now = listener_now(l->listener);
        uint8_t frame[WIRE_SERIAL_SIZE];
        size_t size;
        uint8_t *room = frame_room(&l->exchange.scanner, &size);
        ssize_t n;

        n = recv(l->fd, room, size, 0);
        if (n < 0 && errno == EINTR)
                return 1;
        if (n < 0 && errno == EAGAIN) {
                exchange_guest_is_silent(&l->exchange, limits(l), now);
                return l->exchange.state == EXCHANGE_REPLY;
        }
        if (n <= 0)
                return n < 0 ? -errno : -ECONNRESET;
        switch (frame_received(&l->exchange.scanner, (size_t) n, now, frame)) {
        case FRAME_NOTHING:
                break;
        case FRAME_MALFORMED:
                report_malformed(l);
                break;
        case FRAME_REQUEST:
                if (exchange_request(&l->exchange, frame, limits(l), now))
                        withdraw(l);
                break;
        }
        return 1;
}

static int step_send(Line *l) {
        size_t size;
        const uint8_t *bytes = exchange_pending(&l->exchange, &size);
        ssize_t n;

        n = send(l->fd, bytes, size, MSG_NOSIGNAL);
        if (n < 0)
                return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
        exchange_sent(&l->exchange, (size_t) n, listener_now(l->listener));
        return 1;
}

static int step_ask_taken(Line *l, bool more) {
        size_t unread;
        int r;

        r = local_unread(l->fd, &unread);
        if (r < 0)
                return r;
        if (unread == 0)
                exchange_taken(&l->exchange);
        else
                exchange_not_taken(&l->exchange, more, listener_now(l->listener));
        return unread == 0;
}

static void fail(Line *l) {
        withdraw(l);
        exchange_failed(&l->exchange, limits(l), listener_now(l->listener));
}

static void on_answer(const ExecAnswer *answer, void *userdata);

static int step_open(Line *l) {
        ExecOrigin origin = { .transport = l->listener->options.transport->name };

        if (exec_client_open(l->listener->exec, &origin, l->fd, l->exchange.request, WIRE_SERIAL_SIZE,
                    on_answer, l, &l->call) < 0)
                fail(l);
        return 1;
}

static int step(Line *l, bool more, unsigned *reads) {
        switch (exchange_turn(&l->exchange, listener_now(l->listener))) {
        case EXCHANGE_CALL_OPEN:
                return step_open(l);
        case EXCHANGE_SEND:
                return step_send(l);
        case EXCHANGE_ASK_TAKEN:
                return step_ask_taken(l, more && *reads == 0);
        case EXCHANGE_WAIT:
                break;
        }
        if (!exchange_listens(&l->exchange) || *reads == READS_PER_WAKEUP)
                return 0;
        ++*reads;
        return step_read(l);
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata);

static int set_deadline(Line *l, uint64_t deadline) {
        int r;

        if (!l->deadline && deadline == UINT64_MAX)
                return 0;
        if (!l->deadline)
                return sd_event_add_time(l->listener->event, &l->deadline, CLOCK_MONOTONIC, deadline,
                        DEADLINE_ACCURACY_USEC, on_deadline, l);
        if (deadline == UINT64_MAX)
                return sd_event_source_set_enabled(l->deadline, SD_EVENT_OFF);
        r = sd_event_source_set_time(l->deadline, deadline);
        return r < 0 ? r : sd_event_source_set_enabled(l->deadline, SD_EVENT_ONESHOT);
}

/* EPOLLRDHUP is level-triggered: whoever watches for it ends. */
static uint32_t events(const Exchange *e) {
        uint32_t in = exchange_heeds(e) ? EPOLLIN : 0;
        uint32_t out = e->state == EXCHANGE_REPLY && e->reply ? EPOLLOUT : 0;

        return EPOLLRDHUP | in | out;
}

static void count_reply(Line *l) {
        size_t size = l->exchange.reply ? l->exchange.reply_size : 0;

        if (size > l->held)
                listener_hold_reply(l->listener, size - l->held);
        else
                listener_release_reply(l->listener, l->held - size);
        l->held = size;
}

static int wait_for_event(Line *l, bool tired) {
        uint64_t deadline = exchange_deadline(&l->exchange, limits(l));
        int r;

        l->seat.standing = l->held > 0 ? STANDING_UNREAD : standings[l->exchange.state];
        r = sd_event_source_set_io_events(l->io, events(&l->exchange));
        if (r < 0)
                return r;
        return set_deadline(l, tired ? listener_now(l->listener) : deadline);
}

/* As far as it goes without waiting, and without keeping others waiting. more: there may be bytes to read. The line may be
 * gone afterwards. */
static void run(Line *l, bool more) {
        unsigned reads = 0;
        int r;

        do
                r = step(l, more, &reads);
        while (r > 0);
        count_reply(l);
        if (r == 0)
                r = wait_for_event(l, reads == READS_PER_WAKEUP);
        if (r < 0)
                line_end(&l->seat);
}

/* False for an answer that is of no use: the executor refused, failed or went away. */
static bool take_answer(Line *l, const ExecAnswer *answer) {
        Exchange *e = &l->exchange;
        uint64_t now = listener_now(l->listener);

        l->session = (ExecSession){}; /* what there was is closed by the executor */
        if (!answer)
                return false;
        if (e->state != EXCHANGE_OPEN)
                return exchange_committed(e, answer->reply, answer->reply_size, now) >= 0;
        l->session = answer->session;
        if (exchange_opened(e, limits(l), now))
                return exec_client_commit(l->listener->exec, &l->session, e->request, 0, l->fd, on_answer, l,
                               &l->call) >= 0;
        withdraw(l);
        return true;
}

static void on_answer(const ExecAnswer *answer, void *userdata) {
        Line *l = userdata;
        bool refused = !answer && l->exchange.state == EXCHANGE_OPEN;

        l->call = NULL;
        if (refused && l->ended) {
                line_end(&l->seat);
                return;
        }
        if (!take_answer(l, answer))
                fail(l);
        count_reply(l);
        run(l, false);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Line *l = userdata;

        if ((revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) && !exchange_listens(&l->exchange))
                line_end(&l->seat);
        else
                run(l, revents & EPOLLIN);
        return 0;
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        Line *l = userdata;
        Exchange *e = &l->exchange;
        uint64_t now = listener_now(l->listener);
        int r = 0;

        if (e->state == EXCHANGE_REPLY && !e->reply)
                r = step_ask_taken(l, false);
        if (r < 0 || exchange_is_late(e, limits(l), now))
                line_end(&l->seat);
        else
                run(l, false);
        return 0;
}

int line_new(Listener *l, int fd, LineEnded ended, void *userdata, Seat **ret) {
        Line *line = calloc(1, sizeof(*line));
        int r = -ENOMEM;

        if (line)
                r = sd_event_add_io(l->event, &line->io, fd, EPOLLIN | EPOLLRDHUP, on_io, line);
        if (r < 0) {
                free(line);
                (void) safe_close(fd);
                return r;
        }
        line->seat.end = line_end;
        line->seat.standing = standings[EXCHANGE_IDLE];
        local_peer(fd, &line->seat.address);
        line->listener = l;
        line->fd = fd;
        line->ended = ended;
        line->userdata = userdata;
        crowd_enter(&l->crowd, &line->seat);
        if (ret)
                *ret = &line->seat;
        return 0;
}
