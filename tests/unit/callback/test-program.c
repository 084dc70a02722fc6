/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real program as systemd starts it, in a network of its own. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "callback-protocol.h"

enum { PATIENCE_MS = 60000, PORT = 1229, MANY = 100 };

#define OWN "10.99.0.1"

typedef struct Host {
        char dir[64];
        struct sockaddr_un address;
        int tcp; /* listens on every address */
        pid_t program;
} Host;

static void start(Host *h, const int fds[2], const char *option) {
        char *const argv[] = { (char *) "fenced-callback", (char *) option, NULL };
        char pid[16];

        h->program = fork();
        cr_assert(h->program >= 0);
        if (h->program > 0)
                return;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 2; i++)
                if (fcntl(fds[i], F_DUPFD, 100 + i) != 100 + i)
                        _exit(97);
        for (int i = 0; i < 2; i++)
                if (dup2(100 + i, 3 + i) < 0)
                        _exit(97);
        (void) close_range(5, ~0U, 0);
        (void) snprintf(pid, sizeof(pid), "%d", (int) getpid());
        (void) setenv("LISTEN_PID", pid, 1);
        (void) setenv("LISTEN_FDS", "2", 1);
        (void) execv(FENCED_CALLBACK, argv);
        _exit(96);
}

static void setup(Host *h, const char *option) {
        struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
        struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
        int fds[2];

        *h = (Host){ .dir = "/tmp/fenced-callback-XXXXXX", .address = { .sun_family = AF_UNIX } };
        cr_assert_eq(geteuid(), 0, "this test makes a namespace: run it as root");
        cr_assert_eq(unshare(CLONE_NEWNET), 0, "%s", strerror(errno));
        cr_assert_eq(system("ip link set lo up && ip addr add " OWN "/24 dev lo"), 0);
        cr_assert_not_null(mkdtemp(h->dir));
        cr_assert_eq(chmod(h->dir, 0755), 0);
        (void) snprintf(h->address.sun_path, sizeof(h->address.sun_path), "%s/sock", h->dir);
        fds[0] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(fds[0], (const void *) &h->address, sizeof(h->address)), 0);
        cr_assert_eq(chmod(h->address.sun_path, 0666), 0);
        cr_assert_eq(listen(fds[0], 1024), 0);
        fds[1] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        cr_assert_eq(bind(fds[1], (const void *) &nl, sizeof(nl)), 0);
        h->tcp = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        cr_assert_eq(bind(h->tcp, (const void *) &any, sizeof(any)), 0);
        cr_assert_eq(listen(h->tcp, 16), 0);
        start(h, fds, option);
        close(fds[0]);
        close(fds[1]);
}

static void teardown(Host *h) {
        int status;

        cr_expect_eq(waitpid(h->program, &status, WNOHANG), 0, "it has ended: %d", status);
        cr_assert_eq(kill(h->program, SIGKILL), 0);
        cr_assert_eq(waitpid(h->program, &status, 0), h->program);
        (void) unlink(h->address.sun_path);
        (void) rmdir(h->dir);
}

static int ask_bytes(const Host *h, const void *bytes, size_t size) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        cr_assert_eq(connect(fd, (const void *) &h->address, sizeof(h->address)), 0, "%s", strerror(errno));
        if (size > 0)
                cr_assert_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t) size);
        return fd;
}

static int ask_link_local(const Host *h, const char *address, const char *interface) {
        CallbackRequest r = { .family = AF_INET6, .port = PORT, .ifindex = if_nametoindex(interface) };

        cr_assert_eq(inet_pton(AF_INET6, address, r.address), 1);
        return ask_bytes(h, &r, sizeof(r));
}

static int ask(const Host *h, const char *address, uint16_t port) {
        CallbackRequest r = { .family = AF_INET, .port = port };

        cr_assert_eq(inet_pton(AF_INET, address, r.address), 1);
        return ask_bytes(h, &r, sizeof(r));
}

/* Closes fd. The errno of the answer; -1 when there is none. */
static int answer(int fd, int *ret_socket) {
        union {
                struct cmsghdr h;
                uint8_t space[CMSG_SPACE(sizeof(int))];
        } control;
        CallbackAnswer a = {};
        struct iovec iov = { &a, sizeof(a) };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        struct pollfd p = { fd, POLLIN, 0 };
        ssize_t n;

        *ret_socket = -1;
        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "no answer");
        n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
        close(fd);
        if (n <= 0)
                return -1;
        cr_assert_eq(n, sizeof(a));
        if (CMSG_FIRSTHDR(&m))
                memcpy(ret_socket, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
        cr_expect_eq(a.error == 0, *ret_socket >= 0);
        return a.error;
}

static void expect_error(int fd, int error) {
        int s;

        cr_expect_eq(answer(fd, &s), error);
        cr_expect_eq(s, -1);
}

static void expect_call(Host *h, int fd) {
        struct pollfd p = { h->tcp, POLLIN, 0 };
        int called, s;
        char c = 0;

        cr_assert_eq(answer(fd, &s), 0);
        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "not called");
        called = accept(h->tcp, NULL, NULL);
        cr_assert(called >= 0);
        cr_expect(fcntl(s, F_GETFL) & O_NONBLOCK);
        cr_assert_eq(send(s, "x", 1, MSG_NOSIGNAL), 1, "%s", strerror(errno));
        cr_assert_eq(recv(called, &c, 1, 0), 1);
        cr_expect_eq(c, 'x');
        close(called);
        close(s);
}

Test(program, answers_with_a_socket_that_connects) {
        Host h;

        setup(&h, "--allow-local");
        expect_call(&h, ask(&h, "127.0.0.1", PORT));
        expect_call(&h, ask(&h, OWN, PORT));
        cr_assert_eq(
                system("ip link add fv0 type veth peer name fv1 && ip link set fv0 up && ip link set fv1 up && "
                       "ip addr add fe80::a/64 dev fv0 nodad && ip addr add fe80::b/64 dev fv1 nodad"),
                0);
        expect_call(&h, ask_link_local(&h, "fe80::a", "fv0"));
        teardown(&h);
}

Test(program, calls_neither_this_host_nor_nowhere_nor_low_ports) {
        Host h;

        setup(&h, NULL);
        expect_error(ask(&h, "127.0.0.1", PORT), EPERM);
        expect_error(ask(&h, OWN, PORT), EPERM);
        expect_error(ask(&h, "10.99.0.255", PORT), EPERM); /* the broadcast address of that network */
        expect_error(ask(&h, "225.0.0.12", PORT), EPERM);
        expect_error(ask(&h, "10.99.0.2", 22), EPERM);
        expect_error(ask(&h, "10.98.0.2", PORT), ENETUNREACH);
        cr_expect_eq(accept(h.tcp, NULL, NULL), -1);
        teardown(&h);
}

Test(program, ends_only_the_connection_of_a_malformed_message) {
        uint8_t rubbish[sizeof(CallbackRequest) + 1] = {};
        static const size_t sizes[] = { 1, sizeof(CallbackRequest) - 1, sizeof(CallbackRequest) + 1 };
        Host h;

        setup(&h, "--allow-local");
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                int good = ask(&h, OWN, PORT);

                expect_error(ask_bytes(&h, rubbish, sizes[i]), -1);
                expect_call(&h, good);
        }
        teardown(&h);
}

Test(program, is_not_kept_busy_by_the_silent) {
        int silent[MANY];
        Host h;

        setup(&h, "--allow-local");
        for (size_t i = 0; i < MANY; i++)
                silent[i] = ask_bytes(&h, NULL, 0);
        expect_call(&h, ask(&h, OWN, PORT));
        expect_error(silent[0], -1); /* the oldest has made room */
        teardown(&h);
}

Test(program, serves_the_owner_of_the_socket_only) {
        int fd;
        Host h;

        setup(&h, "--allow-local");
        cr_assert_eq(seteuid(65534), 0);
        fd = ask(&h, OWN, PORT);
        cr_assert_eq(seteuid(0), 0);
        expect_error(fd, -1);
        cr_expect_eq(accept(h.tcp, NULL, NULL), -1);
        expect_call(&h, ask(&h, OWN, PORT));
        teardown(&h);
}

Test(program, calls_nobody_for_a_listener_that_has_given_up) {
        Host h;

        setup(&h, "--allow-local");
        expect_call(&h, ask(&h, OWN, PORT));
        cr_assert_eq(kill(h.program, SIGSTOP), 0);
        cr_assert_eq(waitpid(h.program, NULL, WUNTRACED), h.program);
        close(ask(&h, OWN, PORT));
        cr_assert_eq(kill(h.program, SIGCONT), 0);
        expect_call(&h, ask(&h, OWN, PORT)); /* later than the other */
        cr_expect_eq(accept(h.tcp, NULL, NULL), -1);
        teardown(&h);
}
