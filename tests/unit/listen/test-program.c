/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real program as systemd starts it, in namespaces of its own: /run, and two hosts that a veth pair connects. */

#include "program-fixture.h"

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
