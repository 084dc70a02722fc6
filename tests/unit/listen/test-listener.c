/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "listener-fixture.h"

Test(listener, carries_the_captured_exchange_byte_by_byte_and_ends_it_at_once) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        const struct VectorHandshake *v = fake_handshake();
        const uint8_t *packet = NULL;
        Fixture f;
        int fd;

        o.limits.drain_usec = 3600 * USEC_PER_SEC;
        setup_with(&f, &o, 0);
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++)
                if (strcmp(vector_packets[i].name, "exchange-tcp-status #0") == 0)
                        packet = vector_packets[i].packet;
        cr_assert_not_null(packet);
        fd = guest_connect(&f.address);
        guest_send(fd, packet, WIRE_PACKET_SIZE);
        guest_send(fd, v->guest_challenge, 64);
        guest_expect(fd, v->host_response, 64);
        guest_expect(fd, v->host_challenge, 64);
        guest_send(fd, v->guest_response, 64);
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        expect_events(&f, "cOPC");
        fake_executor_expect_nothing(&f.executor);
        teardown(&f);
}

Test(listener, takes_single_bytes_as_well) {
        const struct VectorHandshake *v = fake_handshake();
        uint8_t packet[WIRE_PACKET_SIZE];
        Fixture f;
        int fd;

        setup(&f);
        fake_packet("vm", WIRE_STREAM, NULL, 0, packet);
        fd = guest_connect(&f.address);
        for (size_t i = 0; i < sizeof(packet); i++)
                guest_send(fd, packet + i, 1);
        for (size_t i = 0; i < 64; i++)
                guest_send(fd, v->guest_challenge + i, 1);
        guest_expect(fd, v->host_response, 64);
        guest_expect(fd, v->host_challenge, 64);
        for (size_t i = 0; i < 64; i++)
                guest_send(fd, v->guest_response + i, 1);
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        teardown(&f);
}

/* The row of vsock, on sockets that this host has for sure. */
Test(listener, does_without_challenges_for_packets_without_hash) {
        Request r = { .action = ACTION_STATUS, .hash = HASH_NONE, .target = "vm" };
        Transport vsock = *transport_find("vsock");
        ListenerOptions o = { .transport = &vsock, .limits = LIMITS_DEFAULT };
        uint8_t packet[WIRE_PACKET_SIZE];
        Fixture f;
        int fd;

        vsock.name = "tcp";
        cr_assert_eq(wire_encode_packet(&r, WIRE_UNSIGNED, packet), 0);
        setup_with(&f, &o, 0);
        fd = guest_connect(&f.address);
        guest_send(fd, packet, sizeof(packet));
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        expect_events(&f, "cOC");
        expect_success(&f);
        expect_events(&f, "OPC");
        teardown(&f);

        setup(&f);
        fd = guest_connect(&f.address);
        guest_send(fd, packet, sizeof(packet));
        guest_expect_end(fd);
        expect_events(&f, "cR");
        fake_executor_expect(&f.executor, '0' + REFUSED_FORM);
        teardown(&f);
}

Test(listener, says_nothing_when_the_executor_refuses) {
        Fixture f;

        setup(&f);
        for (int i = 0; i < 2; i++) {
                int fd = guest_connect(&f.address);

                ask(fd, i == 0 ? "refuse" : "duplicate");
                guest_expect_end(fd);
                close(fd);
        }
        expect_events(&f, "cOO");
        expect_success(&f);
        expect_events(&f, "OPC");
        teardown(&f);
}

Test(listener, reports_what_it_refuses_by_form) {
        const struct linger reset = { 1, 0 };
        uint8_t packet[WIRE_PACKET_SIZE];
        Fixture f;
        int fd;

        setup(&f);
        fake_packet("vm", WIRE_STREAM, NULL, 0, packet);
        packet[64] = 0x80;
        fd = guest_connect(&f.address);
        guest_send(fd, packet, sizeof(packet));
        guest_expect_end(fd);
        close(fd);
        expect_events(&f, "cR");
        fake_executor_expect(&f.executor, '0' + REFUSED_FORM);

        fd = guest_connect(&f.address);
        guest_send(fd, packet, sizeof(packet) - 1);
        close(fd);
        expect_events(&f, "R");
        fake_executor_expect(&f.executor, '0' + REFUSED_SIZE);

        fd = guest_connect(&f.address); /* a port scan is no request */
        cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        close(fd);
        close(guest_connect(&f.address));
        expect_success(&f);
        expect_events(&f, "OPC");
        teardown(&f);
}

Test(listener, aborts_when_the_guest_hangs_up_while_the_executor_works) {
        Fixture f;
        int fd;

        setup(&f);
        fd = guest_connect(&f.address);
        converse(fd, "hang");
        expect_events(&f, "cOPC");
        close(fd);
        expect_events(&f, "A");
        expect_success(&f);
        teardown(&f);
}

Test(listener, aborts_a_session_that_is_opened_after_the_guest_left) {
        Fixture f;
        int fd;

        setup(&f);
        fd = guest_connect(&f.address);
        ask(fd, "slow-open");
        expect_events(&f, "cO");
        close(fd);
        expect_success(&f);
        /* Somewhere among the events of the other request, whose Open let the first one be answered. */
        for (int aborts = 0, commits = 0; aborts + commits < 2;) {
                char c = fake_executor_next(&f.executor);

                cr_assert(strchr("OPCA", c), "'%c'", c);
                aborts += c == FAKE_ABORT;
                commits += c == FAKE_COMMIT;
        }
        teardown(&f);
}

Test(listener, ends_conversations_of_a_lost_executor_and_connects_anew) {
        Fixture f;
        int waits, dies, stale;

        setup(&f);
        stale = guest_connect(&f.address);
        ask(stale, "vm");
        expect_events(&f, "cO");
        waits = guest_connect(&f.address);
        converse(waits, "hang");
        expect_events(&f, "OPC");
        dies = guest_connect(&f.address);
        converse(dies, "die");
        guest_expect_end(dies);
        guest_expect_end(waits);
        expect_events(&f, "OPC");
        expect_success(&f);
        expect_events(&f, "cOPC");
        /* Its session number exists on the new connection, but is somebody else's. */
        guest_send(stale, fake_handshake()->guest_challenge, 64);
        guest_expect_end(stale);
        fake_executor_expect_nothing(&f.executor);
        teardown(&f);
}

Test(listener, fails_requests_while_there_is_no_executor_and_recovers) {
        Fixture f;
        char path[108];
        int fd;

        setup(&f);
        memcpy(path, f.executor.path, sizeof(path));
        fake_executor_stop(&f.executor);
        fd = guest_connect(&f.address);
        ask(fd, "vm");
        guest_expect_end(fd);
        close(fd);
        fake_executor_start(&f.executor, path);
        expect_success(&f);
        expect_events(&f, "cOPC");
        teardown(&f);
}

Test(listener, passes_on_no_malformed_answer) {
        Fixture f;
        int fd;

        setup(&f);
        fd = guest_connect(&f.address);
        ask(fd, "short-proof");
        guest_send(fd, fake_handshake()->guest_challenge, 64);
        guest_expect_end(fd);
        expect_events(&f, "cOPA");
        fd = guest_connect(&f.address);
        converse(fd, "empty-reply");
        guest_expect_end(fd);
        expect_events(&f, "OPC"); /* that session is over */
        expect_success(&f);
        teardown(&f);
}

Test(listener, reports_only_some_of_a_flood) {
        uint8_t packet[WIRE_PACKET_SIZE];
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        unsigned reports = 0;
        Fixture f;

        o.limits.drain_usec = 10 * USEC_PER_MSEC;
        setup_with(&f, &o, 0);
        expect_success(&f);
        expect_events(&f, "cOPC");
        fake_packet("vm", WIRE_STREAM, NULL, 0, packet);
        packet[0] = 0xff;
        cr_assert_eq(kill(f.executor.pid, SIGSTOP), 0);
        for (int i = 0; i < EXEC_REPORTS_MAX + 20; i++) {
                int fd = guest_connect(&f.address);

                guest_send(fd, packet, sizeof(packet));
                guest_expect_end(fd);
                close(fd);
        }
        cr_assert_eq(kill(f.executor.pid, SIGCONT), 0);
        expect_success(&f);
        for (char c = 0; c != FAKE_OPEN; reports += c == FAKE_REPORT)
                c = fake_executor_next(&f.executor);
        cr_assert_eq(reports, EXEC_REPORTS_MAX);
        teardown(&f);
}

Test(listener, ends_a_guest_though_the_executor_has_a_copy_of_its_socket) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        Fixture f;
        int fd;

        o.limits.talk_usec = 100 * USEC_PER_MSEC;
        setup_with(&f, &o, 0);
        cr_assert_eq(kill(f.executor.pid, SIGSTOP), 0);
        fd = guest_connect(&f.address);
        ask(fd, "vm");
        guest_expect_end(fd);
        teardown(&f);
}

Test(listener, serves_everybody_who_came_before_the_connection_was_ready) {
        const struct VectorHandshake *v = fake_handshake();
        int fds[20];
        Fixture f;

        setup(&f);
        cr_assert_eq(kill(f.executor.pid, SIGSTOP), 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = guest_connect(&f.address);
                ask(fds[i], "vm");
                guest_send(fds[i], v->guest_challenge, 64);
        }
        cr_assert_eq(kill(f.executor.pid, SIGCONT), 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                guest_expect(fds[i], v->host_response, 64);
                guest_expect(fds[i], v->host_challenge, 64);
                guest_send(fds[i], v->guest_response, 64);
                guest_expect(fds[i], "", 1);
        }
        teardown(&f);
}
