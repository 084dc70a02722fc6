/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal.h"
#include "scratch.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

TestSuite(journal, .init = scratch_set_up, .fini = scratch_tear_down, .timeout = 60);

static int bind_socket(void) {
        union {
                struct sockaddr sa;
                struct sockaddr_un un;
        } a = { .un.sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        cr_assert_geq(fd, 0);
        strcpy(a.un.sun_path, scratch_path("socket"));
        cr_assert_eq(bind(fd, &a.sa, sizeof(a.un)), 0);
        return fd;
}

static int send_text(Journal *j, const char *text) {
        const struct iovec field = { .iov_base = (char *) text, .iov_len = strlen(text) };

        return journal_send(&field, 1, j);
}

static void expect_received(int fd, const char *text) {
        char buffer[4096];
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

        cr_assert_eq(n, (ssize_t) strlen(text), "%zd bytes", n);
        cr_expect_eq(memcmp(buffer, text, strlen(text)), 0);
}

Test(journal, a_record_is_one_datagram_with_a_line_for_each_field) {
        static const char *const texts[] = { "MESSAGE=web1 off", "PRIORITY=6", "EMPTY=" };
        _cleanup_close_ int fd = bind_socket();
        _cleanup_(journal_freep) Journal *j = NULL;
        struct iovec fields[ELEMENTSOF(texts)];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                fields[i] = (struct iovec){ .iov_base = (char *) texts[i], .iov_len = strlen(texts[i]) };
        cr_assert_eq(journal_new(scratch_path("socket"), &j), 0);
        cr_expect_eq(journal_send(fields, ELEMENTSOF(fields), j), 0);
        expect_received(fd, "MESSAGE=web1 off\nPRIORITY=6\nEMPTY=\n");
}

Test(journal, a_field_cannot_smuggle_in_another) {
        _cleanup_close_ int fd = bind_socket();
        _cleanup_(journal_freep) Journal *j = NULL;
        char byte;

        cr_assert_eq(journal_new(scratch_path("socket"), &j), 0);
        cr_expect_eq(send_text(j, "MESSAGE=a\nPRIORITY=0"), -EINVAL);
        cr_expect_eq(send_text(j, "MESSAGE=a\n"), -EINVAL);
        cr_expect_eq(recv(fd, &byte, 1, 0), -1);
        cr_expect_eq(errno, EAGAIN);
}

Test(journal, takes_32_fields_and_neither_more_nor_none) {
        _cleanup_close_ int fd = bind_socket();
        _cleanup_(journal_freep) Journal *j = NULL;
        struct iovec fields[JOURNAL_FIELDS_MAX + 1];
        char byte;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                fields[i] = (struct iovec){ .iov_base = (char *) "A=b", .iov_len = 3 };
        cr_assert_eq(journal_new(scratch_path("socket"), &j), 0);
        cr_expect_eq(journal_send(fields, JOURNAL_FIELDS_MAX + 1, j), -EINVAL);
        cr_expect_eq(journal_send(fields, 0, j), -EINVAL);
        cr_expect_eq(recv(fd, &byte, 1, 0), -1);
        cr_expect_eq(journal_send(fields, JOURNAL_FIELDS_MAX, j), 0);
        cr_expect_eq(recv(fd, &byte, 1, 0), 1);
}

static uint64_t now_usec(void) {
        struct timespec t;

        cr_assert_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* sd_journal_sendv() would wait for ever here. */
Test(journal, a_journald_that_does_not_read_is_waited_for_once_and_not_again_until_it_does) {
        _cleanup_close_ int fd = bind_socket();
        _cleanup_(journal_freep) Journal *j = NULL;
        uint64_t before, waited;
        char buffer[64];
        int r = 0;

        cr_assert_eq(journal_new(scratch_path("socket"), &j), 0);
        before = now_usec();
        for (unsigned i = 0; r == 0 && i < 1000000; i++)
                r = send_text(j, "MESSAGE=nobody reads");
        waited = now_usec() - before;
        cr_expect_eq(r, -EAGAIN);
        cr_expect_geq(waited, JOURNAL_PATIENCE_USEC / 2, "%llu", (unsigned long long) waited);

        /* a thousand times the patience would be over 100 s, more than this test may take */
        for (unsigned i = 0; i < 1000; i++)
                cr_expect_eq(send_text(j, "MESSAGE=nobody reads"), -EAGAIN);

        while (recv(fd, buffer, sizeof(buffer), 0) > 0)
                ;
        cr_expect_eq(send_text(j, "MESSAGE=here"), 0);
        expect_received(fd, "MESSAGE=here\n");
}

Test(journal, without_journald_a_record_is_an_error_and_with_a_new_one_it_is_none) {
        _cleanup_(journal_freep) Journal *j = NULL;
        int fd;

        cr_assert_eq(journal_new(scratch_path("socket"), &j), 0);
        cr_expect_eq(send_text(j, "A=b"), -ENOENT);
        fd = bind_socket();
        cr_expect_eq(send_text(j, "A=b"), 0);
        fd = safe_close(fd);
        cr_expect_eq(send_text(j, "A=b"), -ECONNREFUSED);
        cr_assert_eq(unlink(scratch_path("socket")), 0);
        fd = bind_socket();
        cr_expect_eq(send_text(j, "A=c"), 0);
        expect_received(fd, "A=c\n");
        fd = safe_close(fd);
}

Test(journal, a_path_that_fits_no_address_is_refused) {
        Journal *j = NULL;
        char path[200];

        memset(path, 'a', sizeof(path));
        path[sizeof(path) - 1] = '\0';
        cr_expect_eq(journal_new(path, &j), -ENAMETOOLONG);
        cr_expect_null(j);
        cr_expect_null(journal_free(NULL));
}
