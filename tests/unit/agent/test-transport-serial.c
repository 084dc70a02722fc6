/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pseudo-terminal is the line; a child at its other end is the host. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>

#include "host.h"
#include "io.h"
#include "transport-serial.h"

enum { FRAMES_MAX = 8 };

/* What the host has said before it hears anything, and says in reply to each request in turn. */
typedef struct Script {
        bool stale; /* a complete reply */
        Reply replies[FRAMES_MAX];
        size_t n;
        Reply late[2]; /* replies to somebody else's requests, which come when ours was sent */
        size_t n_late;
} Script;

static _Noreturn void play(int fd, const Script *s) {
        uint64_t deadline = now_usec() + 60 * USEC_PER_SEC;
        static const Action expected[] = { ACTION_NULL, ACTION_NULL, ACTION_OFF };
        uint8_t frame[WIRE_SERIAL_SIZE], reply[WIRE_SERIAL_REPLY_SIZE];
        Request r;

        for (size_t i = 0; i < s->n; i++) {
                if (io_read(fd, frame, sizeof(frame), deadline) < 0 || wire_decode_serial(frame, &r) < 0)
                        _exit(2);
                if (r.action != expected[i] || strcmp(r.target, "vm1") != 0 || r.flags != 0)
                        _exit(3);
                /* a host of ours gives a request up for the next */
                if (io_poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1,
                            now_usec() + 20 * USEC_PER_MSEC) != 0)
                        _exit(5);
                for (size_t k = 0; i == 0 && k < s->n_late; k++) {
                        wire_encode_serial_reply(s->late[k], reply);
                        if (io_write(fd, reply, sizeof(reply), deadline) < 0)
                                _exit(4);
                }
                wire_encode_serial_reply(s->replies[i], reply);
                if (io_write(fd, reply, sizeof(reply), deadline) < 0)
                        _exit(6);
        }
        /* the agent closes first: what is in a terminal goes with its other end */
        while (io_read_some(fd, frame, sizeof(frame), deadline) > 0)
                ;
        _exit(0);
}

static Verdict ask(const Script *s, Answer *ret) {
        struct termios raw = { .c_cflag = CS8 | CREAD }; /* or what is there already is echoed to the host */
        char name[128];
        int host, line;
        pid_t pid;
        Options o;
        Question q;

        cr_assert_eq(openpty(&host, &line, name, &raw, NULL), 0);
        cr_assert_geq(fcntl(host, F_SETFL, O_NONBLOCK), 0);
        if (s->stale)
                cr_assert_eq(write(host, "abba\0", WIRE_SERIAL_REPLY_SIZE), WIRE_SERIAL_REPLY_SIZE);
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                (void) close(line);
                play(host, s);
        }
        fake_question(&q, &o, NULL, ACTION_OFF);
        o.device = name;
        answer_start(ret, ACTION_OFF);
        if (s->n < 3)
                q.deadline = now_usec() + 500 * USEC_PER_MSEC;
        device_ask(&q, ret);
        (void) close(line);
        (void) close(host);
        cr_expect_eq(fake_host_wait(pid), 0);
        return ret->verdict;
}

Test(transport_serial, asks_null_first_and_believes_what_follows) {
        static const Reply replies[] = { REPLY_SUCCESS, REPLY_FAILURE, REPLY_DENIED };
        static const Verdict verdicts[] = { VERDICT_SUCCESS, VERDICT_FAILED, VERDICT_DENIED };

        for (size_t i = 0; i < ELEMENTSOF(replies); i++) {
                Script s = { .replies = { REPLY_FAILURE, REPLY_FAILURE, replies[i] }, .n = 3 };
                Answer a;

                cr_expect_eq(ask(&s, &a), verdicts[i], "%s", a.reason);
        }
}

Test(transport_serial, does_not_believe_a_reply_that_was_there_before_the_question) {
        Script s = { .stale = true, .replies = { REPLY_FAILURE, REPLY_FAILURE, REPLY_FAILURE }, .n = 3 };
        Answer a;

        cr_expect_eq(ask(&s, &a), VERDICT_FAILED);
}

/* A host that was stuck answers older requests first, and ours after them. */
Test(transport_serial, does_not_believe_a_reply_to_an_older_question) {
        static const Reply late[][2] = { { REPLY_SUCCESS, REPLY_SUCCESS }, { REPLY_SUCCESS, REPLY_FAILURE },
                { REPLY_FAILURE, REPLY_SUCCESS }, { REPLY_FAILURE, REPLY_FAILURE },
                { REPLY_OFF, REPLY_LIST } };

        for (size_t i = 0; i < ELEMENTSOF(late); i++) {
                Script s = { .replies = { REPLY_FAILURE, REPLY_FAILURE, REPLY_DENIED },
                        .n = 3,
                        .late = { late[i][0], late[i][1] },
                        .n_late = 2 };
                Answer a;

                cr_expect_eq(ask(&s, &a), VERDICT_DENIED, "row %zu: %s", i, a.reason);
        }
}

Test(transport_serial, a_host_that_says_nothing_is_no_answer) {
        Script nothing = {}, half = { .replies = { REPLY_FAILURE }, .n = 1 },
               nulls = { .replies = { REPLY_FAILURE, REPLY_FAILURE }, .n = 2 };
        Answer a;

        cr_expect_eq(ask(&nothing, &a), VERDICT_SILENT);
        cr_expect(strstr(a.reason, "Nobody answers on this line: /dev/pts/"), "%s", a.reason);
        cr_expect(strstr(a.reason, "fence-virt-listen@serial.socket"), "%s", a.reason);
        cr_expect_eq(ask(&half, &a), VERDICT_SILENT);
        cr_expect_str_eq(a.reason, "No answer from the host in time");
        cr_expect_eq(ask(&nulls, &a), VERDICT_SILENT);
        cr_expect_str_eq(a.reason, "No answer from the host in time");
}

Test(transport_serial, a_line_that_is_never_silent_is_left_at_the_deadline) {
        struct termios raw = { .c_cflag = CS8 | CREAD };
        int host, line;
        char name[128];
        pid_t pid;
        Options o;
        Question q;
        Answer a;

        cr_assert_eq(openpty(&host, &line, name, &raw, NULL), 0);
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                (void) close(line);
                while (write(host, "abbabbabbab", 11) > 0)
                        ;
                _exit(0);
        }
        fake_question(&q, &o, NULL, ACTION_OFF);
        o.device = name;
        q.deadline = now_usec() + 200 * USEC_PER_MSEC;
        answer_start(&a, ACTION_OFF);
        device_ask(&q, &a);
        cr_expect_eq(a.verdict, VERDICT_SILENT);
        cr_assert_eq(kill(pid, SIGKILL), 0);
        cr_expect_eq(fake_host_wait(pid), -1);
        (void) close(line);
        (void) close(host);
}

Test(transport_serial, a_device_that_another_agent_has_is_waited_for) {
        int host, line, other;
        char name[128];
        Options o;
        Question q;
        Answer a;

        cr_assert_eq(openpty(&host, &line, name, NULL, NULL), 0);
        other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        cr_assert_geq(other, 0);
        cr_assert_eq(flock(other, LOCK_EX), 0);
        fake_question(&q, &o, NULL, ACTION_OFF);
        o.device = name;
        q.deadline = now_usec() + 150 * USEC_PER_MSEC;
        answer_start(&a, ACTION_OFF);
        device_ask(&q, &a);
        cr_expect_eq(a.verdict, VERDICT_SILENT);
        cr_expect(strstr(a.reason, "busy"), "%s", a.reason);
        (void) close(other);
        (void) close(line);
        (void) close(host);
}

/* The hosts that follow leave and come back. Our end is the master of a pseudo-terminal, which tells as a virtio port does
 * that nobody has the other end open. */

static int come(const char *name) {
        int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                _exit(10);
        return fd;
}

/* Reads a request with this action, which is kept; if there was one before it is to be the same. */
static void want(int fd, Action action, bool again, uint8_t frame[static WIRE_SERIAL_SIZE]) {
        uint8_t bytes[WIRE_SERIAL_SIZE];
        Request r;

        if (io_read(fd, bytes, sizeof(bytes), now_usec() + 60 * USEC_PER_SEC) < 0 ||
                wire_decode_serial(bytes, &r) < 0)
                _exit(11);
        if (r.action != action)
                _exit(12);
        if (again && memcmp(bytes, frame, sizeof(bytes)) != 0)
                _exit(13);
        memcpy(frame, bytes, sizeof(bytes));
}

static void say(int fd, Reply reply) {
        uint8_t bytes[WIRE_SERIAL_REPLY_SIZE];

        wire_encode_serial_reply(reply, bytes);
        if (io_write(fd, bytes, sizeof(bytes), now_usec() + 60 * USEC_PER_SEC) < 0)
                _exit(14);
}

/* Answers two different nulls. */
static void say_nulls(int fd) {
        uint8_t first[WIRE_SERIAL_SIZE], second[WIRE_SERIAL_SIZE];

        want(fd, ACTION_NULL, false, first);
        say(fd, REPLY_FAILURE);
        want(fd, ACTION_NULL, false, second);
        if (memcmp(first, second, sizeof(first)) == 0)
                _exit(15);
        say(fd, REPLY_FAILURE);
}

static Verdict ask_over(Action action, void (*host)(const char *name, int fd), uint64_t retransmit_usec,
        uint64_t timeout_usec, Answer *ret) {
        struct termios raw = { .c_cflag = CS8 | CREAD, .c_cc[VMIN] = 1 };
        int line, other, status;
        char name[128];
        pid_t pid;
        Options o;
        Question q;

        cr_assert_eq(openpty(&line, &other, name, &raw, NULL), 0);
        cr_assert_geq(fcntl(line, F_SETFL, O_NONBLOCK), 0);
        cr_assert_geq(fcntl(other, F_SETFL, O_NONBLOCK), 0);
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                (void) close(line);
                host(name, other);
                _exit(0);
        }
        (void) close(other);
        fake_question(&q, &o, NULL, action);
        o.device = "port";
        q.deadline = now_usec() + timeout_usec;
        answer_start(ret, action);
        serial_converse(line, &q, retransmit_usec, ret);
        (void) close(line);
        status = fake_host_wait(pid);
        cr_expect_eq(status, 0, "the host ended with %d", status);
        return ret->verdict;
}

/* The answer is read before the line is closed; a host that stays until then loses none. */
static void stay(int fd) {
        char byte;

        while (io_read_some(fd, &byte, 1, now_usec() + 60 * USEC_PER_SEC) > 0)
                ;
}

static void comes_late(const char *name, int fd) {
        (void) close(fd);
        (void) io_poll(NULL, 0, now_usec() + 50 * USEC_PER_MSEC);
        fd = come(name);
        say_nulls(fd);
        want(fd, ACTION_OFF, false, (uint8_t[WIRE_SERIAL_SIZE]){});
        say(fd, REPLY_SUCCESS);
        stay(fd);
}

static void restarts_with_the_request(const char *name, int fd) {
        uint8_t frame[WIRE_SERIAL_SIZE];

        say_nulls(fd);
        want(fd, ACTION_OFF, false, frame);
        (void) close(fd);
        fd = come(name);
        want(fd, ACTION_OFF, true, frame);
        say(fd, REPLY_SUCCESS);
        stay(fd);
}

static void forgets_without_a_sign(const char *name, int fd) {
        uint8_t frame[WIRE_SERIAL_SIZE];

        want(fd, ACTION_NULL, false, frame);
        want(fd, ACTION_NULL, true, frame);
        say(fd, REPLY_FAILURE);
        want(fd, ACTION_NULL, false, frame);
        say(fd, REPLY_FAILURE);
        want(fd, ACTION_OFF, false, frame);
        want(fd, ACTION_OFF, true, frame);
        want(fd, ACTION_OFF, true, frame);
        say(fd, REPLY_DENIED);
        stay(fd);
}

static void restarts_within_a_list(const char *name, int fd) {
        uint8_t frame[WIRE_SERIAL_SIZE], record[WIRE_RECORD_SIZE];
        Record r = { .name = "web", .uuid = "00000000-0000-4000-8000-000000000001", .state = 1 };

        if (wire_encode_record(&r, record) < 0)
                _exit(16);
        want(fd, ACTION_LIST, false, frame);
        say(fd, REPLY_LIST);
        if (io_write(fd, record, sizeof(record), now_usec() + 60 * USEC_PER_SEC) < 0 ||
                io_write(fd, record, 7, now_usec() + 60 * USEC_PER_SEC) < 0)
                _exit(17);
        want(fd, ACTION_LIST, true, frame);
        say(fd, REPLY_LIST);
        if (io_write(fd, record, sizeof(record), now_usec() + 60 * USEC_PER_SEC) < 0 ||
                io_write(fd, (uint8_t[WIRE_RECORD_SIZE]){}, WIRE_RECORD_SIZE,
                        now_usec() + 60 * USEC_PER_SEC) < 0)
                _exit(18);
        say(fd, REPLY_SUCCESS);
        stay(fd);
}

static void is_gone(const char *name, int fd) {}

static void says_all_is_well(const char *name, int fd) {
        want(fd, ACTION_NULL, false, (uint8_t[WIRE_SERIAL_SIZE]){});
        say(fd, REPLY_DENIED);
        stay(fd);
}

Test(transport_serial, waits_for_a_host_that_is_not_connected_yet) {
        Answer a;

        cr_expect_eq(ask_over(ACTION_OFF, comes_late, 60 * USEC_PER_SEC, 60 * USEC_PER_SEC, &a),
                VERDICT_SUCCESS, "%s", a.reason);
}

Test(transport_serial, asks_a_host_that_was_restarted_the_same_again) {
        Answer a;

        cr_expect_eq(
                ask_over(ACTION_OFF, restarts_with_the_request, 300 * USEC_PER_MSEC, 60 * USEC_PER_SEC, &a),
                VERDICT_SUCCESS, "%s", a.reason);
        cr_expect_eq(
                ask_over(ACTION_OFF, forgets_without_a_sign, 100 * USEC_PER_MSEC, 60 * USEC_PER_SEC, &a),
                VERDICT_DENIED, "%s", a.reason);
}

Test(transport_serial, half_a_list_is_forgotten_when_it_is_asked_for_again) {
        Answer a;

        cr_expect_eq(
                ask_over(ACTION_LIST, restarts_within_a_list, 300 * USEC_PER_MSEC, 60 * USEC_PER_SEC, &a),
                VERDICT_SUCCESS, "%s", a.reason);
        cr_expect_eq(a.n_records, 1);
        answer_done(&a);
}

Test(transport_serial, says_that_nobody_is_connected) {
        Answer a;

        cr_expect_eq(ask_over(ACTION_OFF, is_gone, USEC_PER_SEC, 300 * USEC_PER_MSEC, &a), VERDICT_SILENT);
        cr_expect(strstr(a.reason, "Nobody is connected to this line: port."), "%s", a.reason);
}

Test(transport_serial, whoever_asks_null_hears_what_is_said) {
        Answer a;

        cr_expect_eq(ask_over(ACTION_NULL, says_all_is_well, 60 * USEC_PER_SEC, 60 * USEC_PER_SEC, &a),
                VERDICT_DENIED);
}

Test(transport_serial, a_device_that_only_ends_is_left_at_the_deadline) {
        Options o;
        Question q;
        Answer a;

        fake_question(&q, &o, NULL, ACTION_OFF);
        o.device = "/dev/null";
        q.deadline = now_usec() + 250 * USEC_PER_MSEC;
        answer_start(&a, ACTION_OFF);
        device_ask(&q, &a);
        cr_expect_eq(a.verdict, VERDICT_SILENT);
        cr_expect(strstr(a.reason, "Nobody "), "%s", a.reason);
}

Test(transport_serial, a_probe_finds_a_host_and_leaves_a_line_without_one_as_it_was) {
        struct termios before, after;
        int host, line;
        char name[128];
        pid_t pid;
        Options o;
        Question q;

        cr_assert_eq(openpty(&host, &line, name, NULL, NULL), 0);
        cr_assert_eq(tcgetattr(line, &before), 0);
        fake_question(&q, &o, NULL, ACTION_NULL);
        o.device = name;
        q.deadline = now_usec() + 200 * USEC_PER_MSEC;
        cr_expect_not(device_answers(&q));
        cr_assert_eq(tcgetattr(line, &after), 0);
        cr_expect_eq(after.c_lflag, before.c_lflag);
        cr_expect_eq(after.c_iflag, before.c_iflag);
        cr_expect_eq(after.c_cflag, before.c_cflag);

        cr_assert_geq(fcntl(host, F_SETFL, O_NONBLOCK), 0);
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                (void) close(line);
                want(host, ACTION_NULL, false, (uint8_t[WIRE_SERIAL_SIZE]){});
                say(host, REPLY_FAILURE);
                stay(host);
                _exit(0);
        }
        q.deadline = now_usec() + 60 * USEC_PER_SEC;
        cr_expect(device_answers(&q));
        (void) close(line);
        (void) close(host);
        cr_expect_eq(fake_host_wait(pid), 0);
}
