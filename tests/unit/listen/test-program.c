/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real program as systemd starts it, in namespaces of its own: /run, and two hosts that a veth pair connects. */

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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fake-executor.h"
#include "names.h"
#include "vectors.h"

enum { PATIENCE_MS = 60000, PORT = 1229 };

#define GROUP4     "225.0.0.12"
#define GROUP6     "ff05::3:1"
#define HOST4      "10.99.0.1"
#define GUEST4     "10.99.0.2"
#define HOST6      "fd99::1"
#define GUEST6     "fd99::2"
#define NOTIFY     "/run/notify"
#define LISTEN_FDS 3

typedef struct Host {
        FakeExecutor executor;
        int own_ns, guest_ns, notify;
        pid_t program, callback; /* fenced-callback, for multicast */
} Host;

static void shell(const char *command) {
        cr_assert_eq(system(command), 0, "%s", command);
}

static void enter(int ns) {
        cr_assert_eq(setns(ns, CLONE_NEWNET), 0, "%s", strerror(errno));
}

static void setup(Host *h) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = NOTIFY };

        *h = (Host){ .program = -1, .callback = -1 };
        cr_assert_eq(geteuid(), 0, "this test makes namespaces: run it as root");
        cr_assert_eq(unshare(CLONE_NEWNET), 0, "%s", strerror(errno));
        h->guest_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        shell("ip link set lo up");
        cr_assert_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0, "%s", strerror(errno));
        h->own_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        cr_assert(h->guest_ns >= 0 && h->own_ns >= 0);
        shell("ip link set lo up");
        cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        cr_assert_eq(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
        cr_assert_eq(mkdir("/run/fence-virt", 0755), 0);
        fake_executor_start(&h->executor, EXEC_SOCKET_PATH);
        h->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(h->notify, (const void *) &sa, sizeof(sa)), 0);
}

/* The kernel adds the routes of IPv6 a little after an interface is up, and nobody can be asked to tell. */
static void wait_until_ready(const char *interface) {
        char command[200];

        (void) snprintf(command, sizeof(command),
                "until ip -6 route show table local | grep -q '^multicast ff00::/8 dev %s '; do sleep 0.02; done",
                interface);
        shell(command);
}

/* veth0 here, veth1 at the guest. */
static void connect_guest(Host *h) {
        char command[200];

        (void) snprintf(command, sizeof(command),
                "ip link add veth0 type veth peer name veth1 netns /proc/%d/fd/%d &&"
                "ip addr add " HOST4 "/24 dev veth0 && ip addr add " HOST6 "/64 dev veth0 nodad &&"
                "ip link set veth0 up",
                (int) getpid(), h->guest_ns);
        shell(command);
        enter(h->guest_ns);
        shell("ip addr add " GUEST4 "/24 dev veth1 && ip addr add " GUEST6 "/64 dev veth1 nodad &&"
              "ip link set veth1 up");
        wait_until_ready("veth1");
        enter(h->own_ns);
        wait_until_ready("veth0");
}

static void teardown(Host *h) {
        if (h->program > 0) {
                int status;

                cr_assert_eq(kill(h->program, SIGTERM), 0);
                cr_assert_eq(waitpid(h->program, &status, 0), h->program);
                cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
        }
        if (h->callback > 0) {
                cr_assert_eq(kill(h->callback, SIGTERM), 0);
                cr_assert_eq(waitpid(h->callback, NULL, 0), h->callback);
        }
        fake_executor_stop(&h->executor);
}

static int bound_socket(int type, const char *ip, uint16_t port) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
        int fd, one = 1;

        if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1) {
                fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
                cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
                cr_assert_eq(bind(fd, (const void *) &v4, sizeof(v4)), 0, "%s: %s", ip, strerror(errno));
        } else {
                cr_assert_eq(inet_pton(AF_INET6, ip, &v6.sin6_addr), 1);
                fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
                cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
                cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)), 0);
                cr_assert_eq(bind(fd, (const void *) &v6, sizeof(v6)), 0, "%s: %s", ip, strerror(errno));
        }
        if (type == SOCK_STREAM)
                cr_assert_eq(listen(fd, 16), 0);
        return fd;
}

static int rtnetlink_socket(uint32_t groups) {
        struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

        cr_assert_eq(bind(fd, (const void *) &sa, sizeof(sa)), 0);
        return fd;
}

/* As systemd does: sockets from descriptor 3 on, named. */
static pid_t start_program(
        const char *program, const int *fds, int n, const char *name, char *const argv[]) {
        char names[200] = "", pid_text[16], n_text[16];
        pid_t pid = fork();

        cr_assert(pid >= 0);
        if (pid > 0)
                return pid;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < n; i++) {
                if (fcntl(fds[i], F_DUPFD, 100 + i) != 100 + i)
                        _exit(97);
                (void) snprintf(
                        names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ":" : "", name);
        }
        for (int i = 0; i < n; i++)
                if (dup2(100 + i, LISTEN_FDS + i) < 0)
                        _exit(97);
        (void) close_range(LISTEN_FDS + (unsigned) n, ~0U, 0);
        (void) snprintf(pid_text, sizeof(pid_text), "%d", (int) getpid());
        (void) snprintf(n_text, sizeof(n_text), "%d", n);
        (void) setenv("LISTEN_PID", pid_text, 1);
        (void) setenv("LISTEN_FDS", n_text, 1);
        (void) setenv("LISTEN_FDNAMES", names, 1);
        (void) setenv("NOTIFY_SOCKET", NOTIFY, 1);
        (void) execv(program, argv);
        _exit(96);
}

/* Without a network, as its unit has it. */
static pid_t start(const int *fds, int n, const char *name, char *const argv[]) {
        int own_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        pid_t pid;

        cr_assert(own_ns >= 0);
        cr_assert_eq(unshare(CLONE_NEWNET), 0, "%s", strerror(errno));
        pid = start_program(FENCED_LISTEN, fds, n, name, argv);
        enter(own_ns);
        close(own_ns);
        return pid;
}

static void start_callback(Host *h, const char *option) {
        const struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = CALLBACK_SOCKET_PATH };
        char *const argv[] = { (char *) "fenced-callback", (char *) option, NULL };
        const int fds[] = { socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), rtnetlink_socket(0) };

        cr_assert_eq(bind(fds[0], (const void *) &sa, sizeof(sa)), 0, "%s", strerror(errno));
        cr_assert_eq(listen(fds[0], 1024), 0);
        h->callback = start_program(FENCED_CALLBACK, fds, 2, "fence-virt-callback.socket", argv);
        close(fds[0]);
        close(fds[1]);
}

/* Waits for a message of the program that has this line in it. */
static void expect_notify(Host *h, const char *line) {
        struct pollfd p = { h->notify, POLLIN, 0 };
        char text[1024];

        do {
                ssize_t n;

                cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "no '%s' came", line);
                n = recv(h->notify, text, sizeof(text) - 1, 0);
                cr_assert(n > 0);
                text[n] = '\0';
        } while (!strstr(text, line));
}

/* option: NULL, or one of the listener's. */
static void start_listener(Host *h, const char *option) {
        char *const argv[] = { (char *) "fenced-listen", (char *) "--transport=multicast", (char *) option,
                NULL };
        const int fds[] = { bound_socket(SOCK_DGRAM, GROUP4, PORT), bound_socket(SOCK_DGRAM, GROUP6, PORT),
                rtnetlink_socket(0), rtnetlink_socket(RTMGRP_LINK) };

        h->program = start(fds, ELEMENTSOF(fds), "fence-virt-listen@multicast.socket", argv);
        expect_notify(h, "READY=1");
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
}

static void start_multicast(Host *h, const char *option) {
        start_callback(h, option && strcmp(option, "--allow-local") == 0 ? option : NULL);
        start_listener(h, option);
}

/* What a guest sends with, and where: datagrams to a group, by the interface that has this address. */
static int guest_datagram_socket(const char *ip, unsigned ifindex) {
        int fd = bound_socket(SOCK_DGRAM, ip, 0);
        struct ip_mreqn v4 = { .imr_ifindex = (int) ifindex };

        if (strchr(ip, ':'))
                cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex)), 0);
        else
                cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4)), 0);
        return fd;
}

static void send_to_group(int fd, bool v6, const void *bytes, size_t n) {
        struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
        struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

        (void) inet_pton(AF_INET, GROUP4, &to4.sin_addr);
        (void) inet_pton(AF_INET6, GROUP6, &to6.sin6_addr);
        cr_assert_eq(
                sendto(fd, bytes, n, 0, v6 ? (const void *) &to6 : &to4, v6 ? sizeof(to6) : sizeof(to4)),
                (ssize_t) n, "%s", strerror(errno));
}

static void make_packet(const char *ip, uint16_t port, uint8_t packet[static WIRE_PACKET_SIZE]) {
        Request r = { .action = ACTION_STATUS, .hash = HASH_SHA256, .target = "vm", .port = port };

        r.family = strchr(ip, ':') ? AF_INET6 : AF_INET;
        cr_assert_eq(inet_pton(r.family, ip, r.address), 1);
        cr_assert_eq(wire_encode_packet(&r, WIRE_MULTICAST, packet), 0);
}

/* The whole exchange as fence_xvm does it. */
static void fence_by_multicast(int datagrams, int listener, const char *ip) {
        const struct VectorHandshake *v = fake_handshake();
        struct pollfd p = { listener, POLLIN, 0 };
        uint8_t packet[WIRE_PACKET_SIZE];
        int fd;

        make_packet(ip, PORT, packet);
        send_to_group(datagrams, strchr(ip, ':'), packet, sizeof(packet));
        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "not called back");
        fd = accept(listener, NULL, NULL);
        cr_assert(fd >= 0);
        guest_send(fd, v->guest_challenge, 64);
        guest_expect(fd, v->host_response, 64);
        guest_expect(fd, v->host_challenge, 64);
        guest_send(fd, v->guest_response, 64);
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        close(fd);
}

static void expect_events(Host *h, const char *events) {
        for (; *events; events++)
                fake_executor_expect(&h->executor, *events);
}

Test(program, refuses_what_it_cannot_serve) {
        static const struct {
                const char *name, *argv[4];
                int type;
                const char *ip;
        } rows[] = {
                { "tcp", { "--transport=tcp" }, SOCK_DGRAM, GROUP4 },
                { "tcp", { "--transport=multicast" }, SOCK_DGRAM, GROUP4 },
                { "unknown", { "--transport=tcp" }, SOCK_STREAM, "127.0.0.1" },
                { "a@tcp.service", { "--transport=tcp" }, SOCK_STREAM, "127.0.0.1" },
                { "multicast", { "--transport=multicast" }, SOCK_DGRAM, "127.0.0.1" },
                { "multicast", { "--transport=multicast" }, SOCK_DGRAM, "::1" },
                { "multicast", { "--transport=multicast" }, SOCK_STREAM, "127.0.0.1" },
                { "multicast", { "--transport=multicast", "--idle=30" }, SOCK_DGRAM, GROUP4 },
                { "tcp", { "--transport=tcp", "--idle=" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=tcp", "--idle=-1" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=tcp", "--idle=1s" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=tcp", "--idle=86401" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=tcp", "--interface=eth0" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=tcp", "--allow-local" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=tcp", "more" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=tcp", "--what" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=tcp", "--connect=/run/vm.sock" }, SOCK_STREAM, "127.0.0.1" },
                { "serial", { "--transport=serial", "--connect=vm.sock" }, SOCK_STREAM, "127.0.0.1" },
                { "serial", { "--transport=serial", "--allow-local" }, SOCK_STREAM, "127.0.0.1" },
                { "serial", { "--transport=serial" }, SOCK_STREAM, "127.0.0.1" },
                { "vsock", { "--transport=vsock" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--transport=udp" }, SOCK_STREAM, "127.0.0.1" },
                { "tcp", { "--idle=1" }, SOCK_STREAM, "127.0.0.1" },
        };
        Host h;

        setup(&h);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *const argv[] = { (char *) "fenced-listen", (char *) rows[i].argv[0],
                        (char *) rows[i].argv[1], NULL };
                int fd = bound_socket(rows[i].type, rows[i].ip, PORT), status;
                pid_t pid = start(&fd, 1, rows[i].name, argv);

                cr_assert_eq(waitpid(pid, &status, 0), pid);
                cr_assert(
                        WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE, "row %zu: %d", i, status);
                close(fd);
        }
        teardown(&h);
}

Test(program, refuses_to_start_without_a_socket_or_with_one_that_does_not_listen) {
        char *const argv[] = { (char *) "fenced-listen", (char *) "--transport=tcp", NULL };
        int fd, status;
        pid_t pid;
        Host h;

        setup(&h);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        for (int n = 0; n < 2; n++) {
                pid = start(&fd, n, "tcp", argv);
                cr_assert_eq(waitpid(pid, &status, 0), pid);
                cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE, "%d", status);
        }
        teardown(&h);
}

Test(program, refuses_multicast_without_both_rtnetlink_sockets) {
        char *const argv[] = { (char *) "fenced-listen", (char *) "--transport=multicast", NULL };
        const uint32_t groups[] = { 0, RTMGRP_LINK };
        Host h;

        setup(&h);
        for (size_t i = 0; i < 2; i++) {
                int fds[] = { bound_socket(SOCK_DGRAM, GROUP4, PORT), rtnetlink_socket(groups[i]) }, status;
                pid_t pid = start(fds, 2, "multicast", argv);

                cr_assert_eq(waitpid(pid, &status, 0), pid);
                cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE, "%d", status);
                close(fds[0]);
                close(fds[1]);
        }
        teardown(&h);
}

Test(program, serves_both_families_over_tcp_and_ends_when_idle) {
        char *const argv[] = { (char *) "fenced-listen", (char *) "--transport=tcp", (char *) "--idle=1",
                NULL };
        const struct VectorHandshake *v = fake_handshake();
        uint8_t packet[WIRE_PACKET_SIZE];
        int fds[2], status;
        Host h;

        setup(&h);
        fds[0] = bound_socket(SOCK_STREAM, "127.0.0.1", PORT);
        fds[1] = bound_socket(SOCK_STREAM, "::1", PORT);
        h.program = start(fds, 2, "fence-virt-listen@tcp.socket", argv);
        expect_notify(&h, "READY=1");
        fake_packet("vm", WIRE_STREAM, NULL, 0, packet);
        for (int i = 0; i < 2; i++) {
                struct sockaddr_storage to;
                socklen_t length = sizeof(to);
                int fd;

                cr_assert_eq(getsockname(fds[i], (void *) &to, &length), 0);
                fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
                cr_assert_eq(connect(fd, (const void *) &to, length), 0, "%s", strerror(errno));
                guest_send(fd, packet, sizeof(packet));
                guest_send(fd, v->guest_challenge, 64);
                guest_expect(fd, v->host_response, 64);
                guest_expect(fd, v->host_challenge, 64);
                guest_send(fd, v->guest_response, 64);
                guest_expect(fd, "", 1);
                guest_expect_end(fd);
                close(fd);
        }
        expect_notify(&h, "STOPPING=1");
        cr_assert_eq(waitpid(h.program, &status, 0), h.program);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
        h.program = -1;
        teardown(&h);
}

static int local_listener(const char *path) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        memcpy(sa.sun_path, path, strlen(path));
        cr_assert_eq(bind(fd, (const void *) &sa, sizeof(sa)), 0, "%s", strerror(errno));
        cr_assert_eq(listen(fd, 16), 0);
        return fd;
}

static void fence_by_channel(int fd) {
        guest_send(fd, vector_frames[0].frame, WIRE_SERIAL_SIZE);
        guest_expect(fd, vector_frames[0].reply, vector_frames[0].reply_size);
}

Test(program, serves_channels_and_ends_when_none_is_left) {
        char *const argv[] = { (char *) "fenced-listen", (char *) "--transport=serial", (char *) "--idle=1",
                NULL };
        int fd, socket_fd, status;
        Host h;

        setup(&h);
        socket_fd = local_listener("/run/fence-virt/serial.sock");
        h.program = start(&socket_fd, 1, "fence-virt-listen@serial.socket", argv);
        expect_notify(&h, "READY=1");
        fd = guest_connect_local("/run/fence-virt/serial.sock");
        fence_by_channel(fd);
        (void) usleep(2500 * 1000);
        fence_by_channel(fd);
        close(fd);
        expect_notify(&h, "STOPPING=1");
        cr_assert_eq(waitpid(h.program, &status, 0), h.program);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
        h.program = -1;
        teardown(&h);
}

Test(program, connects_to_the_socket_of_a_hypervisor_and_ends_when_told) {
        char *const argv[] = { (char *) "fenced-listen", (char *) "--transport=serial",
                (char *) "--connect=/run/vm.sock", NULL };
        struct pollfd p = { .events = POLLIN };
        Host h;

        setup(&h);
        h.program = start(NULL, 0, "", argv);
        expect_notify(&h, "READY=1");
        p.fd = local_listener("/run/vm.sock");
        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "nobody connected");
        fence_by_channel(accept(p.fd, NULL, NULL));
        teardown(&h);
}

Test(program, calls_guests_back_on_an_interface_that_appears_later) {
        Host h;

        setup(&h);
        start_multicast(&h, NULL);
        connect_guest(&h);
        expect_notify(&h, "STATUS=Serving veth0");
        enter(h.guest_ns);
        fence_by_multicast(guest_datagram_socket(GUEST4, if_nametoindex("veth1")),
                bound_socket(SOCK_STREAM, GUEST4, PORT), GUEST4);
        expect_events(&h, "cOPC");
        fence_by_multicast(guest_datagram_socket(GUEST6, if_nametoindex("veth1")),
                bound_socket(SOCK_STREAM, GUEST6, PORT), GUEST6);
        expect_events(&h, "OPC");
        fake_executor_expect_nothing(&h.executor);
        teardown(&h);
}

Test(program, follows_interfaces_that_come_and_go_more_often_than_a_socket_may_join) {
        Host h;

        setup(&h);
        start_multicast(&h, "--interface=veth*");
        for (int i = 0; i < 25; i++) {
                connect_guest(&h);
                expect_notify(&h, "STATUS=Serving veth0");
                if (i < 24) {
                        shell("ip link del veth0");
                        expect_notify(&h, "STATUS=Serving no interface yet");
                }
        }
        enter(h.guest_ns);
        fence_by_multicast(guest_datagram_socket(GUEST4, if_nametoindex("veth1")),
                bound_socket(SOCK_STREAM, GUEST4, PORT), GUEST4);
        expect_events(&h, "cOPC");
        teardown(&h);
}

Test(program, serves_only_the_interfaces_it_is_told_to) {
        uint8_t packet[WIRE_PACKET_SIZE];
        int fd;
        Host h;

        setup(&h);
        connect_guest(&h);
        shell("ip link add other0 type veth peer name other1 && ip link set other0 up");
        start_multicast(&h, "--interface=other[0-9]");
        enter(h.guest_ns);
        make_packet(GUEST4, PORT, packet);
        fd = guest_datagram_socket(GUEST4, if_nametoindex("veth1"));
        send_to_group(fd, false, packet, sizeof(packet));
        enter(h.own_ns);
        shell("ip link del other0");
        expect_notify(&h, "STATUS=Serving no interface yet"); /* later than the datagram */
        fake_executor_expect_nothing(&h.executor);
        teardown(&h);
}

Test(program, reports_datagrams_it_does_not_call_back) {
        uint8_t packet[WIRE_PACKET_SIZE + 1] = {};
        int fd, own;
        Host h;

        setup(&h);
        connect_guest(&h);
        start_multicast(&h, NULL);
        own = guest_datagram_socket(HOST4, if_nametoindex("veth0"));
        enter(h.guest_ns);
        fd = guest_datagram_socket(GUEST4, if_nametoindex("veth1"));

        make_packet(GUEST4, PORT, packet);
        send_to_group(fd, false, packet, WIRE_PACKET_SIZE - 1);
        expect_events(&h, "cR");
        fake_executor_expect(&h.executor, '0' + REFUSED_SIZE);
        send_to_group(fd, false, packet, WIRE_PACKET_SIZE + 1);
        expect_events(&h, "R");
        fake_executor_expect(&h.executor, '0' + REFUSED_SIZE);
        send_to_group(fd, false, packet, 0);
        expect_events(&h, "R");
        fake_executor_expect(&h.executor, '0' + REFUSED_SIZE);

        packet[64] = 0x80;
        send_to_group(fd, false, packet, WIRE_PACKET_SIZE);
        expect_events(&h, "R");
        fake_executor_expect(&h.executor, '0' + REFUSED_FORM);

        make_packet("127.0.0.1", PORT, packet);
        send_to_group(fd, false, packet, WIRE_PACKET_SIZE);
        expect_events(&h, "R");
        fake_executor_expect(&h.executor, '0' + REFUSED_CALLBACK_ADDRESS);

        make_packet(GUEST4, 22, packet);
        send_to_group(fd, false, packet, WIRE_PACKET_SIZE);
        expect_events(&h, "R");
        fake_executor_expect(&h.executor, '0' + REFUSED_CALLBACK_PORT);

        make_packet(HOST4, PORT, packet);
        send_to_group(own, false, packet, WIRE_PACKET_SIZE);
        expect_events(&h, "R");
        fake_executor_expect(&h.executor, '0' + REFUSED_CALLBACK_ADDRESS);
        fake_executor_expect_nothing(&h.executor);
        teardown(&h);
}

Test(program, serves_this_host_when_it_is_told_to) {
        Host h;

        setup(&h);
        start_multicast(&h, "--allow-local");
        fence_by_multicast(guest_datagram_socket("127.0.0.1", if_nametoindex("lo")),
                bound_socket(SOCK_STREAM, "127.0.0.1", PORT), "127.0.0.1");
        expect_events(&h, "cOPC");
        teardown(&h);
}

Test(program, does_not_call_a_guest_again_at_once_that_could_not_be_called) {
        uint8_t packet[WIRE_PACKET_SIZE];
        int fd;
        Host h;

        setup(&h);
        connect_guest(&h);
        start_multicast(&h, NULL);
        enter(h.guest_ns);
        fd = guest_datagram_socket(GUEST4, if_nametoindex("veth1"));
        make_packet(GUEST4, PORT, packet); /* where nobody listens */
        send_to_group(fd, false, packet, sizeof(packet));
        expect_events(&h, "cOA");
        for (int i = 0; i < 5; i++)
                send_to_group(fd, false, packet, sizeof(packet));
        fence_by_multicast(guest_datagram_socket(GUEST6, if_nametoindex("veth1")),
                bound_socket(SOCK_STREAM, GUEST6, PORT), GUEST6); /* another source */
        expect_events(&h, "OPC");
        fake_executor_expect_nothing(&h.executor);
        teardown(&h);
}

Test(program, recovers_when_who_calls_guests_has_been_away) {
        uint8_t packet[WIRE_PACKET_SIZE];
        int fd, listener;
        Host h;

        setup(&h);
        connect_guest(&h);
        start_listener(&h, NULL);
        enter(h.guest_ns);
        fd = guest_datagram_socket(GUEST4, if_nametoindex("veth1"));
        listener = bound_socket(SOCK_STREAM, GUEST4, PORT);
        make_packet(GUEST4, PORT, packet);
        send_to_group(fd, false, packet, sizeof(packet));
        expect_events(&h, "cOA");
        enter(h.own_ns);
        start_callback(&h, NULL);
        enter(h.guest_ns);
        fence_by_multicast(fd, listener, GUEST4); /* at once: it was not the guest's failure */
        expect_events(&h, "OPC");
        teardown(&h);
}
