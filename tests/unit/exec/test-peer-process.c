/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "peer-process.h"

typedef struct Channel {
        char directory[40], path[64];
        pid_t child; /* holds the calling end */
        int host;
} Channel;

static int address(const Channel *c, struct sockaddr_un *ret) {
        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        return snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", c->path);
}

static Channel channel(void) {
        Channel c = { .directory = "/tmp/test-peer-process-XXXXXX" };
        struct sockaddr_un a;

        cr_assert_not_null(mkdtemp(c.directory));
        (void) snprintf(c.path, sizeof(c.path), "%s/socket", c.directory);
        (void) address(&c, &a);
        int l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(l, (const void *) &a, sizeof(a)), 0);
        cr_assert_eq(listen(l, 1), 0);
        c.child = fork();
        cr_assert_geq(c.child, 0);
        if (c.child == 0) {
                int fd = socket(AF_UNIX, SOCK_STREAM, 0);

                if (connect(fd, (const void *) &a, sizeof(a)) < 0)
                        _exit(1);
                pause();
                _exit(0);
        }
        c.host = accept4(l, NULL, NULL, SOCK_CLOEXEC);
        cr_assert_geq(c.host, 0);
        close(l);
        return c;
}

static void channel_end(Channel *c) {
        close(c->host);
        unlink(c->path);
        cr_expect_eq(rmdir(c->directory), 0);
}

Test(peer_process, names_the_process_at_the_other_end_and_the_path) {
        Channel c = channel();
        PeerProcess p;

        cr_assert_eq(peer_process_from_socket(c.host, &p), 0);
        cr_expect_eq(p.pid, c.child);
        cr_expect_str_eq(p.path, c.path);
        cr_expect_eq(peer_process_is_alive(p.pidfd), 1);
        cr_assert_eq(kill(c.child, SIGKILL), 0);
        cr_assert_eq(waitpid(c.child, NULL, 0), c.child);
        cr_expect_eq(peer_process_is_alive(p.pidfd), 0);
        close(p.pidfd);
        channel_end(&c);
}

Test(peer_process, a_dead_peer_is_nobody) {
        Channel c = channel();
        PeerProcess p = { .pid = 77 };

        cr_assert_eq(kill(c.child, SIGKILL), 0);
        cr_assert_eq(waitpid(c.child, NULL, 0), c.child);
        cr_expect_eq(peer_process_from_socket(c.host, &p), -ESRCH);
        cr_expect_eq(p.pid, 77, "untouched");
        channel_end(&c);
}

Test(peer_process, what_has_no_path_or_is_no_unix_stream_is_refused) {
        static const struct {
                int family, type;
        } others[] = { { AF_INET, SOCK_STREAM }, { AF_INET, SOCK_DGRAM }, { AF_UNIX, SOCK_DGRAM } };
        PeerProcess p;
        int pair[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        cr_expect_eq(peer_process_from_socket(pair[0], &p), -ENOENT);
        close(pair[0]);
        close(pair[1]);
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                int fd = socket(others[i].family, others[i].type | SOCK_CLOEXEC, 0);

                cr_expect_eq(peer_process_from_socket(fd, &p), -EAFNOSUPPORT, "%zu", i);
                close(fd);
        }
        cr_expect_eq(peer_process_is_alive(-1), -EBADF, "no pidfd is not alive");
}
