/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-fixture.h"

Test(bus, every_action_is_answered_and_audited) {
        Fixture *f = fixture();
        static const struct {
                Action action;
                const char *target;
                uint8_t reply;
                const char *field;
        } table[] = {
                { ACTION_STATUS, "vm1", REPLY_SUCCESS, "FENCE_RESULT=status-on\n" },
                { ACTION_STATUS, "vm5", REPLY_OFF, "FENCE_RESULT=status-off\n" },
                { ACTION_OFF, "vm1", REPLY_SUCCESS, "FENCE_RESULT=off-proven\n" },
                { ACTION_REBOOT, "vm2", REPLY_SUCCESS, "FENCE_RESULT=rebooted\n" },
                { ACTION_ON, "vm5", REPLY_SUCCESS, "FENCE_RESULT=on\n" },
                { ACTION_MONITOR, "", REPLY_SUCCESS, "FENCE_RESULT=ok\n" },
                { ACTION_LIST, "", REPLY_LIST, "FENCE_RESULT=listed\n" },
                { ACTION_OFF, "vm3", REPLY_DENIED, "FENCE_DECISION=deny\n" }, /* exists, no member */
                { ACTION_OFF, "nosuch", REPLY_DENIED, "FENCE_DECISION=deny\n" }, /* must look the same */
                { ACTION_STATUS, "ambiguous", REPLY_FAILURE, "FENCE_RESULT=ambiguous\n" },
                { ACTION_STATUS, "ambiguous2", REPLY_DENIED, "FENCE_DECISION=deny\n" }, /* no member */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                size_t before = f->n_audit;

                cr_expect_eq(request(f, table[i].action, table[i].target), table[i].reply, "%zu", i);
                cr_expect_eq(f->n_audit, before + 1, "%zu: one record per request", i);
                cr_expect(audited(f, table[i].field), "%zu: %s", i, f->audit[(f->n_audit - 1) % 16]);
                cr_expect(audited(f, "FENCE_KEY=web\n"));
                cr_expect(audited(f, "FENCE_SOURCE=127.0.0.1\n"));
        }
        cr_expect_eq(n_acts(f), 3);
        cr_expect_eq(request(f, ACTION_NULL, ""), REPLY_FAILURE);
        cr_expect_eq(f->n_audit, ELEMENTSOF(table), "null decides nothing");
        fixture_end(f);
}

Test(bus, a_list_shows_what_the_requester_may_list) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_LIST, "", &c);
        loop_until(f->event, c.done);
        /* five members, the end, the final byte */
        cr_assert_eq(c.size, 1 + 6 * WIRE_RECORD_SIZE + 1);
        Record r;
        cr_assert_eq(wire_decode_record(c.bytes + 1, &r), 1);
        cr_expect_str_eq(r.name, "slow");
        free(c.bytes);
        fixture_end(f);
}

Test(bus, a_stranger_gets_nothing_and_one_record) {
        Fixture *f = fixture();
        _cleanup_(auth_key_freep) AuthKey *wrong = NULL;
        uint8_t packet[WIRE_PACKET_SIZE];
        Call c;

        cr_assert_eq(auth_key_new("another key of more than 32 bytes, wrong", 40, &wrong, NULL), 0);
        make_packet(wrong, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect_eq(f->n_audit, 1);
        cr_expect(audited(f, "FENCE_DECISION=refuse\n"));
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

Test(bus, a_packet_is_good_for_one_conversation) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE];
        Call c;

        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_expect_str_empty(c.error);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect(audited(f, "replay"));
        fixture_end(f);
}

Test(bus, another_hosts_challenge_is_not_answered) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE], random[32] = { 1 }, theirs[64];
        Call c;

        auth_host_challenge(f->key, random, theirs);
        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        prove(f, c.id, theirs, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

Test(bus, steps_out_of_order_and_foreign_sessions_lead_nowhere) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE], zero[64] = {};
        Call c;

        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        uint64_t id = c.id;
        prove(f, id + 1, guest_challenge, &c);
        cr_expect_neq(c.error[0], 0);
        commit(f, id, zero, f->host, &c); /* without Prove */
        loop_until(f->event, c.done);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);

        make_packet(f->key, ACTION_OFF, "vm1", packet);
        sd_bus *other = connect_bus(f);
        open_packet(f, other, packet, sizeof(packet), f->host, &c);
        cr_assert_str_empty(c.error);
        prove(f, c.id, guest_challenge, &c); /* opened by `other` */
        cr_expect_neq(c.error[0], 0);
        sd_bus_flush_close_unref(other);
        loop_until(f->event, f->manager->n_conversations == 0);
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

Test(bus, a_wrong_answer_to_the_challenge_does_nothing) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE], response[64];
        Call c;

        for (size_t bit = 0; bit < 256; bit += 37) {
                make_packet(f->key, ACTION_OFF, "vm1", packet);
                open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
                uint64_t id = c.id;
                prove(f, id, guest_challenge, &c);
                cr_assert_eq(auth_respond(f->key, HASH_SHA256, c.second, response), 0);
                response[bit / 8] ^= (uint8_t) (1 << bit % 8);
                commit(f, id, response, f->host, &c);
                loop_until(f->event, c.done);
                cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "bit %zu", bit);
        }
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

Test(bus, nonsense_is_refused_before_anything_is_looked_at) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE + 1] = {};
        int pair[2];
        Call c;

        open_packet(f, f->bus, packet, WIRE_PACKET_SIZE + 1, f->host, &c);
        cr_expect_neq(c.error[0], 0, "another size");
        open_packet(f, f->bus, packet, 0, f->host, &c);
        cr_expect_neq(c.error[0], 0, "no bytes");
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        open_packet(f, f->bus, packet, WIRE_PACKET_SIZE, pair[0], &c);
        cr_expect_neq(c.error[0], 0, "a socket of another kind");
        close(pair[0]);
        close(pair[1]);
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        open_packet(f, f->bus, packet, WIRE_PACKET_SIZE, null, &c);
        cr_expect_neq(c.error[0], 0, "no socket");
        close(null);
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

static void touch_go(const Fixture *f) {
        write_file(f->directory, "go", "", 0600);
}

Test(bus, a_guest_that_hangs_up_before_the_start_is_cancelled) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_OFF, "waiting", &c);
        loop_until(f->event, f->manager->conversations && f->manager->conversations->waiter);
        f->guest = safe_close(f->guest);
        loop_until(f->event, f->n_audit == 1);
        cr_expect(audited(f, "FENCE_RESULT=cancelled\n"));
        cr_expect_eq(f->manager->n_conversations, 0);
        touch_go(f);
        f->host = safe_close(f->host);
        make_pair(f);
        cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_SUCCESS);
        cr_expect_eq(n_acts(f), 1, "the cancelled one must not happen later");
        fixture_end(f);
}

Test(bus, a_guest_that_hangs_up_after_the_start_has_its_outcome_audited) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_OFF, "slow", &c);
        loop_until(f->event, f->manager->conversations && f->manager->conversations->waiter &&
                                     waiter_started(f->manager->conversations->waiter));
        f->guest = safe_close(f->guest);
        loop_until(f->event, !f->manager->conversations->commit);
        cr_expect_eq(f->n_audit, 0);
        touch_go(f);
        loop_until(f->event, f->n_audit == 1);
        cr_expect(audited(f, "FENCE_RESULT=off-proven\n"));
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

Test(bus, a_listener_that_dies_takes_its_waiting_requests_with_it) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_OFF, "waiting", &c);
        loop_until(f->event, f->manager->conversations && f->manager->conversations->waiter);
        sd_bus_close(f->bus);
        loop_until(f->event, f->manager->n_conversations == 0);
        cr_expect(audited(f, "FENCE_RESULT=cancelled\n"));
        touch_go(f);
        fixture_end(f);
}

Test(bus, a_bad_reload_changes_nothing) {
        static const char *const bad[] = { "", "[Group]\n", "[Group]\nMembers=\n",
                "[Group]\nMembers=vm1\nNonsense=1\n" };
        Fixture *f = fixture();
        ConfError e;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                write_file(f->groups, "web.conf", bad[i], 0600);
                e = (ConfError){};
                cr_expect_eq(manager_load(f->manager, &e), -EBADMSG, "%s", bad[i]);
                cr_expect_not_null(strstr(e.path, "web.conf"));
                cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_SUCCESS, "%s", bad[i]);
        }
        write_file(f->groups, "web.conf", "[Group]\nMembers=vm2\nSources=key:web\n", 0600);
        cr_assert_eq(manager_load(f->manager, &e), 0);
        cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_DENIED);
        cr_expect_eq(request(f, ACTION_STATUS, "vm2"), REPLY_SUCCESS);
        fixture_end(f);
}

Test(bus, a_report_of_a_listener_is_audited_and_nothing_more) {
        Fixture *f = fixture();
        Call c;

        for (int reason = 0; reason <= _REFUSED_BY_FORM_MAX; reason++) {
                sd_bus_message *m = new_call(f->bus, "Report");
                bool valid = reason >= REFUSED_SIZE && reason < _REFUSED_BY_FORM_MAX;
                size_t before = f->n_audit;

                cr_assert_geq(sd_bus_message_append(
                                      m, "yha{sv}", reason, f->host, 1, ORIGIN_TRANSPORT, "s", "tcp"),
                        0);
                send_call(f->bus, m, &c);
                loop_until(f->event, c.done);
                cr_expect_eq(c.error[0] == 0, valid, "%d", reason);
                cr_expect_eq(f->n_audit, before + valid);
        }
        fixture_end(f);
}
