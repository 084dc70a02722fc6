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
        cr_expect(a.reason[0]);
        cr_expect_eq(ask(&half, &a), VERDICT_SILENT);
        cr_expect_eq(ask(&nulls, &a), VERDICT_SILENT);
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
