/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transport-serial.h"
#include "address.h"
#include "io.h"
#include "log.h"
#include "serial-reader.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

/* A line is taken to be silent after this; a host that just answered has nothing else to do for it. */
#define QUIET_USEC (50 * USEC_PER_MSEC)
/* How often a device is tried again that another agent has open, or whose other end is away. */
#define AGAIN_USEC       (100 * USEC_PER_MSEC)
#define CONNECT_USEC_MAX (4 * USEC_PER_SEC)

enum { N_NULL = 2 };

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static int pause_until_again(uint64_t deadline) {
        int r;

        if (now_usec() >= deadline)
                return -ETIMEDOUT;
        r = io_poll(NULL, 0, earlier(deadline, now_usec() + AGAIN_USEC));
        return r < 0 ? r : 0;
}

/* Throws away what comes until nothing comes any more. -ECONNRESET: nobody is at the other end. */
static int drain(int fd, uint64_t deadline) {
        uint8_t buffer[512];
        ssize_t n;

        do
                n = io_read_some(fd, buffer, sizeof(buffer), earlier(deadline, now_usec() + QUIET_USEC));
        while (n > 0 && now_usec() < deadline);
        return n == -ETIMEDOUT || n > 0 ? 0 : (int) n;
}

static int send_request(int fd, const Question *q, Action action) {
        uint8_t frame[WIRE_SERIAL_SIZE];
        Request request;
        int r;

        r = question_request(q, &request);
        if (r < 0)
                return r;
        request.action = action;
        request.hash = HASH_NONE;
        request.flags = 0;
        r = wire_encode_serial(&request, frame);
        if (r < 0)
                return r;
        return io_write(fd, frame, sizeof(frame), q->deadline);
}

static int read_answer(int fd, uint64_t deadline, Answer *ret) {
        SerialReader reader;

        serial_reader_start(&reader, ret);
        while (answer_want(ret) > 0) {
                uint8_t buffer[512];
                ssize_t n = io_read_some(fd, buffer, sizeof(buffer), deadline);

                if (n < 0)
                        return (int) n;
                for (ssize_t i = 0; i < n; i++)
                        serial_reader_feed(&reader, buffer[i]);
        }
        return 0;
}

/* Reads replies until the last N_NULL of them were failures. */
static int read_nulls(int fd, uint64_t deadline) {
        SerialReader reader;
        Answer null;

        answer_start(&null, ACTION_NULL);
        serial_reader_start(&reader, &null);
        for (unsigned n = 0; n < N_NULL;) {
                uint8_t byte;
                int r = io_read(fd, &byte, 1, deadline);

                if (r < 0)
                        return r;
                serial_reader_feed(&reader, byte);
                if (answer_want(&null) > 0)
                        continue;
                n = null.state == ANSWER_COMPLETE && null.verdict == VERDICT_FAILED ? n + 1 : 0;
                answer_start(&null, ACTION_NULL);
        }
        return 0;
}

/* A reply does not say what it replies to, and a host that was stuck answers what an agent asked long ago. So before
 * anything is asked whose answer is believed of a domain, "null" is asked, which always fails and at once: hosts take
 * requests in their order, so when that has been answered and the line is silent, no older answer is under way. More
 * than once, as one failure may be an older answer. */
static int synchronise(int fd, const Question *q) {
        int r;

        while ((r = drain(fd, q->deadline)) == -ECONNRESET) {
                r = pause_until_again(q->deadline);
                if (r < 0)
                        return r;
        }
        if (r < 0 || !action_has_target(q->action))
                return r;
        for (unsigned i = 0; i < N_NULL; i++) {
                r = send_request(fd, q, ACTION_NULL);
                if (r < 0)
                        return r;
        }
        r = read_nulls(fd, q->deadline);
        return r < 0 ? r : drain(fd, q->deadline);
}

static void converse(int fd, const Question *q, Answer *ret) {
        int r = synchronise(fd, q);

        if (r >= 0)
                r = send_request(fd, q, q->action);
        if (r >= 0)
                r = read_answer(fd, q->deadline, ret);
        if (r == -ETIMEDOUT)
                answer_fail(ret, VERDICT_SILENT, "No answer from the host in time");
        else if (r == -ECONNRESET)
                answer_fail(ret, VERDICT_SILENT, "The host hung up");
        else if (r < 0)
                answer_fail(ret, VERDICT_SILENT, "Lost the host: %s", strerror(-r));
}

/* A virtio port is no tty, and needs no setting up. */
static int set_up_tty(int fd, const Options *o) {
        struct termios t;
        SerialLine line;

        if (!isatty(fd))
                return 0;
        if (serial_line_parse(o->line_parameters, &line) < 0)
                return -EINVAL;
        if (tcgetattr(fd, &t) < 0)
                return -errno;
        cfmakeraw(&t);
        t.c_cflag &= ~(tcflag_t) (CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
        t.c_cflag |= line.flags | CLOCAL | CREAD;
        t.c_cc[VMIN] = 1;
        t.c_cc[VTIME] = 0;
        if (cfsetispeed(&t, line.speed) < 0 || cfsetospeed(&t, line.speed) < 0)
                return -errno;
        if (tcsetattr(fd, TCSANOW, &t) < 0 || tcflush(fd, TCIOFLUSH) < 0)
                return -errno;
        return 0;
}

/* One agent at a time: two would read each other's answers. */
static int open_device(const Options *o, uint64_t deadline) {
        for (;;) {
                _cleanup_close_ int fd = open(o->device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
                int r;

                if (fd < 0 && errno != EBUSY)
                        return -errno;
                if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) >= 0) {
                        r = set_up_tty(fd, o);
                        return r < 0 ? r : TAKE(fd, -1);
                }
                if (fd >= 0 && errno != EWOULDBLOCK)
                        return -errno;
                log_debug("%s is in use; trying again", o->device);
                r = pause_until_again(deadline);
                if (r < 0)
                        return r == -ETIMEDOUT ? -EBUSY : r;
        }
}

void device_ask(const Question *q, Answer *ret) {
        _cleanup_close_ int fd = open_device(q->options, q->deadline);

        if (fd < 0) {
                answer_fail(ret, VERDICT_SILENT, "Cannot open serial device %s: %s", q->options->device,
                        strerror(-fd));
                return;
        }
        converse(fd, q, ret);
}

void channel_ask(const Question *q, Answer *ret) {
        const Options *o = q->options;
        Address addresses[ADDRESSES_MAX];
        _cleanup_close_ int fd = -1;

        fd = address_resolve(o->channel_address, (uint16_t) o->port, q->deadline, addresses);
        if (fd > 0)
                fd = io_connect(&addresses->any, address_size(addresses),
                        earlier(q->deadline, now_usec() + CONNECT_USEC_MAX));
        if (fd < 0) {
                answer_fail(ret, VERDICT_SILENT, "Failed to connect to %s:%u: %s", o->channel_address,
                        o->port, strerror(-fd));
                return;
        }
        converse(fd, q, ret);
}
