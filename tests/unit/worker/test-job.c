/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "job.h"
#include "wire.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

static void pair(int fds[2]) {
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

Test(job, says_one_printable_line_that_fits) {
        static const struct {
                const char *said, *kept;
        } table[] = {
                { "plain", "plain" },
                { "two\nlines\t\x1b[1m", "two?lines??[1m" },
                { "bad \xff\xc3 bytes", "bad ?? bytes" },
                { "d\xc3\xa9j\xc3\xa0", "d\xc3\xa9j\xc3\xa0" },
        };
        char longer[2 * WORKER_MESSAGE_SIZE];
        Job j = {};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                job_say(&j, "%s", table[i].said);
                cr_expect_str_eq(j.result.message, table[i].kept);
        }
        /* the field ends within a character */
        for (size_t i = 0; i + 1 < sizeof(longer); i += 2)
                memcpy(longer + i, "\xc3\xa9", 2);
        longer[sizeof(longer) - 2] = '\0';
        job_say(&j, "%s", longer);
        cr_expect_eq(strlen(j.result.message), WORKER_MESSAGE_SIZE - 1);
        cr_expect(wire_is_printable((const uint8_t *) j.result.message, strlen(j.result.message)));
}

Test(job, does_not_start_after_the_deadline) {
        int fds[2];
        Job j = { .request = { .deadline_usec = 1 } };
        char c;

        pair(fds);
        j.fd = fds[0];
        cr_expect_lt(job_start(&j), 0);
        cr_expect_eq(recv(fds[1], &c, 1, MSG_DONTWAIT), -1, "something was sent");
        cr_expect_neq(j.result.message[0], '\0');
}

Test(job, does_not_start_when_nobody_listens) {
        int fds[2];
        Job j = { .request = { .deadline_usec = UINT64_MAX } };

        pair(fds);
        j.fd = fds[0];
        (void) close(fds[1]);
        cr_expect_lt(job_start(&j), 0);
        cr_expect_neq(j.result.message[0], '\0');
}

Test(job, tells_that_it_starts) {
        int fds[2];
        Job j = { .request = { .id = 77, .deadline_usec = UINT64_MAX } };
        WorkerEvent e;

        pair(fds);
        j.fd = fds[0];
        cr_assert_eq(job_start(&j), 0);
        cr_assert_eq(recv(fds[1], &e, sizeof(e), MSG_WAITALL), (ssize_t) sizeof(e));
        cr_expect_eq(e.kind, WORKER_EVENT_STARTED);
        cr_expect_eq(e.id, 77);
}

Test(job, answers_with_its_records) {
        int fds[2];
        WorkerRecord records[2];
        Job j = {};
        WorkerEvent e;

        pair(fds);
        j.fd = fds[0];
        j.result = (WorkerEvent){ .kind = WORKER_EVENT_RESULT, .result = WORKER_OK, .n_records = 2 };
        j.records = calloc(2, sizeof(WorkerRecord));
        cr_assert_not_null(j.records);
        j.records[1].state = 5;
        cr_assert_eq(job_answer(&j), 0);
        cr_assert_eq(recv(fds[1], &e, sizeof(e), MSG_WAITALL), (ssize_t) sizeof(e));
        cr_assert_eq(recv(fds[1], records, sizeof(records), MSG_WAITALL), (ssize_t) sizeof(records));
        cr_expect_eq(records[1].state, 5);
        job_done(&j);
        cr_expect_null(j.records);
}

Test(job, ends_at_a_border_and_fails_within) {
        static const char byte;
        int fds[2];
        Job j = { .fd = 42 };

        pair(fds);
        (void) close(fds[1]);
        cr_expect_eq(job_read(fds[0], &j), 0);
        (void) close(fds[0]);
        pair(fds);
        cr_assert_eq(send(fds[1], &byte, 1, 0), 1);
        (void) close(fds[1]);
        cr_expect_eq(job_read(fds[0], &j), -EPIPE);
        cr_expect_eq(job_read(-1, &j), -EBADF);
        cr_expect_eq(j.fd, 42, "*ret was touched");
}
