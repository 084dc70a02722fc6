/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "address.h"
#include "io.h"

static int fds[2] = { -1, -1 };

static void set_up(void) {
        (void) signal(SIGPIPE, SIG_IGN);
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
}

static void tear_down(void) {
        fds[0] = safe_close(fds[0]);
        fds[1] = safe_close(fds[1]);
}

TestSuite(io, .init = set_up, .fini = tear_down);

static uint64_t soon(void) {
        return now_usec() + 60 * USEC_PER_SEC;
}

Test(io, reads_what_comes_in_pieces) {
        char buffer[6] = {};

        cr_assert_eq(io_write(fds[0], "abc", 3, soon()), 0);
        cr_assert_eq(io_read(fds[1], buffer, 2, soon()), 0);
        cr_assert_eq(io_write(fds[0], "de", 2, soon()), 0);
        cr_assert_eq(io_read(fds[1], buffer + 2, 3, soon()), 0);
        cr_expect_str_eq(buffer, "abcde");
}

Test(io, an_end_before_the_last_byte_is_an_error) {
        char buffer[3];

        cr_assert_eq(io_write(fds[0], "ab", 2, soon()), 0);
        fds[0] = safe_close(fds[0]);
        cr_expect_eq(io_read(fds[1], buffer, 3, soon()), -ECONNRESET);
}

Test(io, silence_ends_at_the_deadline) {
        uint64_t begin = now_usec();
        char buffer[3];

        cr_assert_eq(io_write(fds[0], "ab", 2, soon()), 0);
        cr_expect_eq(io_read(fds[1], buffer, 3, begin + 20 * USEC_PER_MSEC), -ETIMEDOUT);
        cr_expect_geq(now_usec(), begin + 20 * USEC_PER_MSEC);
        cr_assert_eq(io_write(fds[0], "ab", 2, soon()), 0);
        cr_expect_eq(io_read(fds[1], buffer, 1, 0), -ETIMEDOUT,
                "a deadline that has passed, although there is something");
}

Test(io, a_peer_that_does_not_read_holds_nobody_longer_than_the_deadline) {
        static const uint8_t much[4 * 1024 * 1024];

        cr_expect_eq(io_write(fds[0], much, sizeof(much), now_usec() + 20 * USEC_PER_MSEC), -ETIMEDOUT);
        fds[1] = safe_close(fds[1]);
        cr_expect_eq(io_write(fds[0], much, 1, soon()), -EPIPE);
}

Test(io, connects_or_says_why_not) {
        socklen_t size = sizeof(struct sockaddr_in);
        Address a = { .v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

        cr_assert_eq(bind(listener, &a.any, sizeof(a.v4)), 0);
        cr_assert_eq(getsockname(listener, &a.any, &size), 0);
        cr_expect_eq(io_connect(&a.any, address_size(&a), soon()), -ECONNREFUSED);
        cr_assert_eq(listen(listener, 1), 0);
        fd = io_connect(&a.any, address_size(&a), soon());
        cr_expect_geq(fd, 0);
        (void) close(fd);
        (void) close(listener);
}
