/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transport-serial.h"
#include "address.h"
#include "io.h"
#include "log.h"
#include "serial-device.h"
#include "serial-reader.h"

#include <string.h>

/* A line is taken to be silent after this; a host that just answered has nothing else to do for it. */
#define QUIET_USEC (50 * USEC_PER_MSEC)
/* How often we look whether the host is back. The kernel tells only that it is away, and that at once. */
#define AGAIN_USEC (100 * USEC_PER_MSEC)
/* A host that was restarted knows nothing of our request. One that works on it takes it for what it is, the same one. */
#define RETRANSMIT_USEC  (5 * USEC_PER_SEC)
#define CONNECT_USEC_MAX (4 * USEC_PER_SEC)
/* Whoever does not answer in this time is not looked for any longer. */
#define PROBE_USEC_MAX (2 * USEC_PER_SEC)

enum { N_NULL = 2 };

typedef struct Line {
        int fd;
        uint64_t deadline;
        uint64_t retransmit_usec;
        bool returns; /* a host that leaves may come back: not so over a socket */
        bool away; /* nobody is at the other end, as far as the kernel can tell */
        bool heard; /* a reply of any kind */
        bool synchronising; /* "null" was asked, which always fails: any other reply is an older one, and passed over */
} Line;

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

/* Errors that say that nobody is at the other end; of a terminal that was hung up it is EIO. */
static bool is_away(int error) {
        return error == -ECONNRESET || error == -EIO;
}

/* -ETIMEDOUT: nobody came. */
static int wait_for_host(Line *l) {
        l->away = true;
        log_debug("Nobody is connected to the other end of the line; waiting");
        while (now_usec() < l->deadline) {
                struct pollfd p = { .fd = l->fd };
                int r = io_poll(NULL, 0, earlier(l->deadline, now_usec() + AGAIN_USEC));

                if (r >= 0)
                        r = io_poll(&p, 1, now_usec());
                if (r < 0)
                        return r;
                if (!(p.revents & POLLHUP)) {
                        l->away = false;
                        return 0;
                }
        }
        return -ETIMEDOUT;
}

/* Throws away what comes until nothing comes any more. */
static int drain(Line *l) {
        uint8_t buffer[512];
        ssize_t n;

        for (;;) {
                do
                        n = io_read_some(l->fd, buffer, sizeof(buffer),
                                earlier(l->deadline, now_usec() + QUIET_USEC));
                while (n > 0 && now_usec() < l->deadline);
                if (n == -ETIMEDOUT || n > 0)
                        return 0;
                if (!is_away((int) n) || !l->returns)
                        return (int) n;
                n = wait_for_host(l);
                if (n < 0)
                        return (int) n;
        }
}

static int make_frame(const Question *q, Action action, uint8_t ret[static WIRE_SERIAL_SIZE]) {
        Request request;
        int r;

        r = question_request(q, &request);
        if (r < 0)
                return r;
        request.action = action;
        request.hash = HASH_NONE;
        request.flags = 0;
        return wire_encode_serial(&request, ret);
}

static void take(const Line *l, SerialReader *reader, uint8_t byte) {
        Answer *a = reader->answer;

        serial_reader_feed(reader, byte);
        if (!l->synchronising || answer_want(a) > 0 ||
                (a->state == ANSWER_COMPLETE && a->verdict == VERDICT_FAILED))
                return;
        answer_start(a, a->action);
        serial_reader_start(reader, a);
}

/* Reads until the answer is there, or for as long as a host may take until it is asked again. */
static int hear(Line *l, SerialReader *reader) {
        uint64_t until = earlier(l->deadline, now_usec() + l->retransmit_usec);

        while (answer_want(reader->answer) > 0) {
                uint8_t buffer[512];
                ssize_t n = io_read_some(l->fd, buffer, sizeof(buffer), until);

                if (n < 0)
                        return (int) n;
                for (ssize_t i = 0; i < n; i++)
                        take(l, reader, buffer[i]);
                if (reader->answer->state != ANSWER_REPLY) /* a list is not asked for again while it comes */
                        until = earlier(l->deadline, now_usec() + l->retransmit_usec);
        }
        l->heard = true;
        return 0;
}

/* One request and its answer; the same frame again when the host has come back, or has said nothing for some seconds. */
static int exchange(Line *l, const Question *q, Action action, Answer *ret) {
        uint8_t frame[WIRE_SERIAL_SIZE];
        SerialReader reader;
        int r;

        r = make_frame(q, action, frame);
        if (r < 0)
                return r;
        serial_reader_start(&reader, ret);
        for (;;) {
                r = io_write(l->fd, frame, sizeof(frame), l->deadline);
                if (r >= 0)
                        r = hear(l, &reader);
                if (r >= 0)
                        return 0;
                if (is_away(r) && l->returns) {
                        r = wait_for_host(l);
                        if (r < 0)
                                return r;
                } else if (r != -ETIMEDOUT || now_usec() >= l->deadline)
                        return r;
                if (ret->state != ANSWER_REPLY) { /* half a list, whose end will not come */
                        answer_done(ret);
                        answer_start(ret, action);
                        serial_reader_start(&reader, ret);
                }
                log_debug("Asking again: %s", action_to_string(action));
        }
}

/* A reply does not say what it replies to, and a host that was stuck answers what an agent asked long ago. So before
 * anything is asked whose answer is believed of a domain, "null" is asked, which always fails and at once: hosts take
 * requests in their order, so when that has been answered and the line is silent, no older answer is under way. More
 * than once, as one failure may be an older answer; and one after the other, as a host may give the first up for the
 * second. */
static int synchronise(Line *l, const Question *q) {
        int r = drain(l);

        if (!action_has_target(q->action))
                return r;
        l->synchronising = true;
        for (unsigned i = 0; i < N_NULL && r >= 0; i++) {
                Answer null;

                answer_start(&null, ACTION_NULL);
                r = exchange(l, q, ACTION_NULL, &null);
                if (r >= 0)
                        r = drain(l);
        }
        l->synchronising = false;
        return r;
}

static void fail_line(const Line *l, const Question *q, int error, Answer *ret) {
        if (error == -ETIMEDOUT && l->returns && (l->away || !l->heard))
                answer_fail(ret, VERDICT_SILENT,
                        "Nobody %s this line: %s. On the host, fence-virt-listen@serial.socket must be running, "
                        "and the XML of this machine connect the port to it",
                        l->away ? "is connected to" : "answers on", q->options->device);
        else if (error == -ETIMEDOUT)
                answer_fail(ret, VERDICT_SILENT, "No answer from the host in time");
        else if (error == -ECONNRESET)
                answer_fail(ret, VERDICT_SILENT, "The host hung up");
        else
                answer_fail(ret, VERDICT_SILENT, "Lost the host: %s", strerror(-error));
}

static void converse(Line *l, const Question *q, Answer *ret) {
        int r = synchronise(l, q);

        if (r >= 0)
                r = exchange(l, q, q->action, ret);
        if (r < 0)
                fail_line(l, q, r, ret);
}

void serial_converse(int fd, const Question *q, uint64_t retransmit_usec, Answer *ret) {
        Line l = { .fd = fd, .deadline = q->deadline, .retransmit_usec = retransmit_usec, .returns = true };

        converse(&l, q, ret);
}

void device_ask(const Question *q, Answer *ret) {
        _cleanup_(serial_device_close) SerialDevice d = { .fd = -1 };
        int r = serial_device_open(q->options, q->deadline, &d);

        if (r == -EBUSY)
                answer_fail(ret, VERDICT_SILENT,
                        "Cannot open serial device %s: it is busy, another program has it open",
                        q->options->device);
        else if (r < 0)
                answer_fail(ret, VERDICT_SILENT, "Cannot open serial device %s: %s", q->options->device,
                        strerror(-r));
        else
                serial_converse(d.fd, q, RETRANSMIT_USEC, ret);
}

bool device_answers(const Question *q) {
        _cleanup_(serial_device_close) SerialDevice d = { .fd = -1 };
        Line l = { .retransmit_usec = RETRANSMIT_USEC, .returns = true, .synchronising = true };
        Answer null;
        int r;

        if (serial_device_open(q->options, q->deadline, &d) < 0)
                return false;
        l.fd = d.fd;
        l.deadline = earlier(q->deadline, now_usec() + PROBE_USEC_MAX);
        answer_start(&null, ACTION_NULL);
        r = exchange(&l, q, ACTION_NULL, &null);
        if (r < 0 && d.is_tty)
                (void) tcsetattr(d.fd, TCSANOW, &d.before);
        return r >= 0;
}

void channel_ask(const Question *q, Answer *ret) {
        const Options *o = q->options;
        Address addresses[ADDRESSES_MAX];
        _cleanup_close_ int fd = -1;
        Line l;

        fd = address_resolve(o->channel_address, (uint16_t) o->port, q->deadline, addresses);
        if (fd > 0)
                fd = io_connect(&addresses->any, address_size(addresses),
                        earlier(q->deadline, now_usec() + CONNECT_USEC_MAX));
        if (fd < 0) {
                answer_fail(ret, VERDICT_SILENT, "Failed to connect to %s:%u: %s", o->channel_address,
                        o->port, strerror(-fd));
                return;
        }
        l = (Line){ .fd = fd, .deadline = q->deadline, .retransmit_usec = RETRANSMIT_USEC };
        converse(&l, q, ret);
}
