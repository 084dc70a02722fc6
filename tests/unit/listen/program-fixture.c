/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "program-fixture.h"

void shell(const char *command) {
        cr_assert_eq(system(command), 0, "%s", command);
}

void enter(int ns) {
        cr_assert_eq(setns(ns, CLONE_NEWNET), 0, "%s", strerror(errno));
}

void setup(Host *h) {
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
void wait_until_ready(const char *interface) {
        char command[200];

        (void) snprintf(command, sizeof(command),
                "until ip -6 route show table local | grep -q '^multicast ff00::/8 dev %s '; do sleep 0.02; done",
                interface);
        shell(command);
}

/* veth0 here, veth1 at the guest. */
void connect_guest(Host *h) {
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

void teardown(Host *h) {
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

int bound_socket(int type, const char *ip, uint16_t port) {
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

int rtnetlink_socket(uint32_t groups) {
        struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

        cr_assert_eq(bind(fd, (const void *) &sa, sizeof(sa)), 0);
        return fd;
}

/* As systemd does: sockets from descriptor 3 on, named. */
pid_t start_program(const char *program, const int *fds, int n, const char *name, char *const argv[]) {
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
pid_t start(const int *fds, int n, const char *name, char *const argv[]) {
        int own_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        pid_t pid;

        cr_assert(own_ns >= 0);
        cr_assert_eq(unshare(CLONE_NEWNET), 0, "%s", strerror(errno));
        pid = start_program(FENCED_LISTEN, fds, n, name, argv);
        enter(own_ns);
        close(own_ns);
        return pid;
}

void start_callback(Host *h, const char *option) {
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
void expect_notify(Host *h, const char *line) {
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
void start_listener(Host *h, const char *option) {
        char *const argv[] = { (char *) "fenced-listen", (char *) "--transport=multicast", (char *) option,
                NULL };
        const int fds[] = { bound_socket(SOCK_DGRAM, GROUP4, PORT), bound_socket(SOCK_DGRAM, GROUP6, PORT),
                rtnetlink_socket(0), rtnetlink_socket(RTMGRP_LINK) };

        h->program = start(fds, ELEMENTSOF(fds), "fence-virt-listen@multicast.socket", argv);
        expect_notify(h, "READY=1");
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
}

void start_multicast(Host *h, const char *option) {
        start_callback(h, option && strcmp(option, "--allow-local") == 0 ? option : NULL);
        start_listener(h, option);
}

/* What a guest sends with, and where: datagrams to a group, by the interface that has this address. */
int guest_datagram_socket(const char *ip, unsigned ifindex) {
        int fd = bound_socket(SOCK_DGRAM, ip, 0);
        struct ip_mreqn v4 = { .imr_ifindex = (int) ifindex };

        if (strchr(ip, ':'))
                cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex)), 0);
        else
                cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4, sizeof(v4)), 0);
        return fd;
}

void send_to_group(int fd, bool v6, const void *bytes, size_t n) {
        struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
        struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

        (void) inet_pton(AF_INET, GROUP4, &to4.sin_addr);
        (void) inet_pton(AF_INET6, GROUP6, &to6.sin6_addr);
        cr_assert_eq(
                sendto(fd, bytes, n, 0, v6 ? (const void *) &to6 : &to4, v6 ? sizeof(to6) : sizeof(to4)),
                (ssize_t) n, "%s", strerror(errno));
}

void make_packet(const char *ip, uint16_t port, uint8_t packet[static WIRE_PACKET_SIZE]) {
        Request r = { .action = ACTION_STATUS, .hash = HASH_SHA256, .target = "vm", .port = port };

        r.family = strchr(ip, ':') ? AF_INET6 : AF_INET;
        cr_assert_eq(inet_pton(r.family, ip, r.address), 1);
        cr_assert_eq(wire_encode_packet(&r, WIRE_MULTICAST, packet), 0);
}

/* The whole exchange as fence_xvm does it. */
void fence_by_multicast(int datagrams, int listener, const char *ip) {
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

void expect_events(Host *h, const char *events) {
        for (; *events; events++)
                fake_executor_expect(&h->executor, *events);
}
