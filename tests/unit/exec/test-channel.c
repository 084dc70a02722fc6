/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Channels: who asks is known from the socket. */

#include "bus-fixture.h"

/* Both ends of a connection to a unix socket of this name. */
static void make_channel(const Fixture *f, const char *name, int *ret_guest, int *ret_host) {
        Address a = { .un.sun_family = AF_UNIX };
        int l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s/%s", f->directory, name);
        cr_assert_eq(bind(l, &a.sa, sizeof(a.un)), 0);
        cr_assert_eq(listen(l, 1), 0);
        *ret_guest = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(connect(*ret_guest, &a.sa, sizeof(a.un)), 0);
        *ret_host = accept4(l, NULL, NULL, SOCK_CLOEXEC);
        cr_assert_geq(*ret_host, 0);
        close(l);
}

static void open_frame(Fixture *f, Action action, const char *target, int fd, Call *c) {
        Request r = { .action = action };
        uint8_t frame[WIRE_SERIAL_SIZE];
        sd_bus_message *m = new_call(f->bus, "Open");

        (void) snprintf(r.target, sizeof(r.target), "%s", target);
        cr_assert_eq(random_bytes(r.seqno, sizeof(r.seqno)), 0);
        cr_assert_eq(wire_encode_serial(&r, frame), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', frame, sizeof(frame)), 0);
        cr_assert_geq(sd_bus_message_append(m, "ha{sv}", fd, 1, ORIGIN_TRANSPORT, "s", "serial"), 0);
        send_call(f->bus, m, c);
        loop_until(f->event, c->done);
}

static void commit_nothing(Fixture *f, uint64_t id, int fd, Call *c) {
        sd_bus_message *m = new_call(f->bus, "Commit");

        cr_assert_geq(sd_bus_message_append(m, "t", id), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', NULL, 0), 0);
        cr_assert_geq(sd_bus_message_append(m, "h", fd), 0);
        send_call(f->bus, m, c);
}

Test(channel, a_domain_that_is_known_by_its_socket_needs_no_key) {
        static const struct {
                Action action;
                const char *target;
                uint8_t reply;
        } table[] = {
                { ACTION_STATUS, "vm2", REPLY_SUCCESS },
                { ACTION_OFF, "vm2", REPLY_SUCCESS },
                { ACTION_OFF, "vm1", REPLY_SUCCESS }, /* itself */
                { ACTION_OFF, "vm3", REPLY_DENIED },
                { ACTION_MONITOR, "", REPLY_SUCCESS },
        };
        Fixture *f = fixture();
        int guest, host;
        Call c;

        make_channel(f, "vm1.sock", &guest, &host);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                static const uint8_t magic[] = { 'a', 'b', 'b', 'a' };

                open_frame(f, table[i].action, table[i].target, host, &c);
                cr_assert_str_empty(c.error);
                commit_nothing(f, c.id, host, &c);
                loop_until(f->event, c.done);
                cr_assert_str_empty(c.error);
                cr_assert_eq(c.size, WIRE_SERIAL_REPLY_SIZE);
                cr_expect_arr_eq(c.bytes, magic, 4);
                cr_expect_eq(c.bytes[4], table[i].reply, "%zu: %u", i, c.bytes[4]);
                cr_expect(audited(f, "FENCE_SOURCE_UUID=00000000-0000-4000-8000-000000000001\n"));
                cr_expect_not(
                        audited(f, "FENCE_PROTOCOL="), "where there is no key there is neither v1 nor FX2");
                free(c.bytes);
        }
        cr_expect_eq(n_acts(f), 2);
        close(guest);
        close(host);
        fixture_end(f);
}

Test(channel, a_process_that_is_no_domain_gets_nothing) {
        Fixture *f = fixture();
        int guest, host;
        Call c;

        make_channel(f, "stranger.sock", &guest, &host);
        open_frame(f, ACTION_OFF, "vm1", host, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect(audited(f, "FENCE_REASON=it is no domain of ours\n"));
        cr_expect_eq(f->manager->n_conversations, 0);
        close(guest);
        close(host);
        fixture_end(f);
}

Test(channel, a_session_is_good_for_the_connection_that_opened_it) {
        Fixture *f = fixture();
        int guest, host, other_guest, other_host;
        uint8_t zero[64] = {};
        Call c;

        make_channel(f, "vm1.sock", &guest, &host);
        make_channel(f, "vm2.sock", &other_guest, &other_host);
        open_frame(f, ACTION_OFF, "vm2", host, &c);
        cr_assert_str_empty(c.error);
        commit_nothing(f, c.id, other_host, &c);
        loop_until(f->event, c.done);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "another connection");

        open_frame(f, ACTION_OFF, "vm2", host, &c);
        prove(f, c.id, zero, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "there is nothing to prove");
        open_frame(f, ACTION_OFF, "vm2", host, &c);
        commit(f, c.id, zero, host, &c);
        loop_until(f->event, c.done);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "there is no response");
        cr_expect_eq(n_acts(f), 0);
        close(guest);
        close(host);
        close(other_guest);
        close(other_host);
        fixture_end(f);
}

Test(channel, a_tcp_connection_is_no_channel_and_a_channel_no_tcp_connection) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE];
        int guest, host;
        Call c;

        open_frame(f, ACTION_OFF, "vm2", f->host, &c);
        cr_expect_neq(c.error[0], 0);
        make_channel(f, "vm1.sock", &guest, &host);
        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), host, &c);
        cr_expect_neq(c.error[0], 0);
        cr_expect_eq(f->manager->n_conversations, 0);
        close(guest);
        close(host);
        fixture_end(f);
}

Test(channel, a_domain_is_a_requester_by_its_label) {
        static const struct {
                const char *socket;
                uint8_t reply;
        } table[] = { { "vm4.sock", REPLY_SUCCESS }, { "vm3.sock", REPLY_DENIED } };
        Fixture *f = fixture();
        ConfError e = {};
        Call c;

        write_file(f->groups, "web.conf", "[Group]\nMembers=metadata:red vm1\n", 0600);
        cr_assert_eq(manager_load(f->manager, &e), 0, "%s", e.message);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int guest, host;

                make_channel(f, table[i].socket, &guest, &host);
                open_frame(f, ACTION_OFF, "vm1", host, &c);
                cr_assert_str_empty(c.error);
                commit_nothing(f, c.id, host, &c);
                loop_until(f->event, c.done);
                cr_assert_eq(c.size, WIRE_SERIAL_REPLY_SIZE);
                cr_expect_eq(c.bytes[4], table[i].reply, "%s", table[i].socket);
                free(c.bytes);
                close(guest);
                close(host);
        }
        cr_expect_eq(n_acts(f), 1);
        fixture_end(f);
}
