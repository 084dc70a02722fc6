/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is over a limit is refused, or held back, and only that. */

#include "bus-fixture.h"

#include "bus-gate.h"
#include "bus-process.h"
#include "log.h"

static Fixture *limited(const char *limits) {
        Fixture *f = fixture();
        char conf[512];
        ConfError e = {};

        (void) snprintf(
                conf, sizeof(conf), "[Libvirt]\nURI=fake:good:%s\n[Limits]\n%s", f->directory, limits);
        write_file(f->directory, "fence-virt.conf", conf, 0600);
        cr_assert_eq(manager_load(f->manager, &e), 0, "%s: %s", e.path, e.message);
        return f;
}

static bool is_refused(Fixture *f, Action action, const char *target) {
        uint8_t packet[WIRE_PACKET_SIZE];
        Call c;

        make_packet(f->key, action, target, packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        return strcmp(c.error, BUS_ERROR_REFUSED) == 0;
}

Test(bus_limits, who_asks_too_often_is_refused_but_may_still_act) {
        Fixture *f = limited("QuestionsPerSec=1\nQuestionsBurst=3\nActionsPerSec=1\nActionsBurst=2\n");

        for (int i = 0; i < 3; i++)
                cr_expect_eq(request(f, ACTION_MONITOR, ""), REPLY_SUCCESS);
        cr_expect(is_refused(f, ACTION_MONITOR, ""));
        cr_expect(audited(f, "FENCE_DECISION=refuse\n"));
        cr_expect(audited(f, "QuestionsPerSec="));
        cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_SUCCESS);
        cr_expect_eq(request(f, ACTION_ON, "vm5"), REPLY_SUCCESS);
        cr_expect(is_refused(f, ACTION_OFF, "vm1"));
        cr_expect(audited(f, "ActionsPerSec="));
        cr_expect_eq(n_acts(f), 2);
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

Test(bus_limits, so_many_are_in_flight_and_one_that_ends_makes_room) {
        Fixture *f = limited("InFlight=2\n");
        Call waiting[2];

        ask(f, ACTION_OFF, "waiting", &waiting[0]);
        ask(f, ACTION_OFF, "slow", &waiting[1]);
        cr_expect(is_refused(f, ACTION_OFF, "vm1"));
        cr_expect(audited(f, "InFlight="));
        cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_SUCCESS, "questions are counted apart");
        write_file(f->directory, "go", "", 0600);
        loop_until(f->event, waiting[0].done && waiting[1].done);
        cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_SUCCESS);
        free(waiting[0].bytes);
        free(waiting[1].bytes);
        fixture_end(f);
}

Test(bus_limits, a_storm_is_held_back_with_a_failure_and_said_once) {
        static const char *const limits[] = { "FencesPerMinuteRequester=2\n", "FencesPerMinuteKey=2\n",
                "FencesPerMinuteHost=2\n" };

        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                Fixture *f = limited(limits[i]);
                char name[64];

                (void) snprintf(name, sizeof(name), "%.*s=", (int) strcspn(limits[i], "="), limits[i]);
                cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_SUCCESS);
                cr_expect_eq(request(f, ACTION_REBOOT, "vm2"), REPLY_SUCCESS);
                cr_expect_eq(f->n_audit, 2);
                cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_FAILURE);
                cr_expect(audited(f, "FENCE_DECISION=deny\n"));
                cr_expect(audited(f, name), "%s", name);
                cr_expect_eq(f->n_audit, 4, "that it was denied, and that there is a storm");
                cr_expect_not_null(strstr(f->audit[2], "held back"));
                cr_expect_eq(request(f, ACTION_REBOOT, "vm1"), REPLY_FAILURE);
                cr_expect_eq(f->n_audit, 5, "the storm is said once");
                cr_expect_eq(request(f, ACTION_ON, "vm5"), REPLY_SUCCESS, "on is never held back");
                cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
                cr_expect_eq(request(f, ACTION_OFF, "vm3"), REPLY_DENIED, "policy is asked before");
                cr_expect_eq(n_acts(f), 3);
                fixture_end(f);
        }
}

Test(bus_limits, what_joins_an_operation_is_not_counted_again) {
        Fixture *f = limited("FencesPerMinuteRequester=1\n");
        uint8_t packets[2][WIRE_PACKET_SIZE], response[64];
        Request r = { .action = ACTION_OFF, .hash = HASH_SHA256, .target = "slow", .seqno = { 1, 2, 3, 4 } };
        Call results[2];

        for (size_t i = 0; i < 2; i++) { /* the same request, with other random bytes */
                Call c;

                cr_assert_eq(random_bytes(r.random, sizeof(r.random)), 0);
                cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, packets[i]), 0);
                cr_assert_eq(auth_sign_packet(f->key, packets[i]), 0);
                open_packet(f, f->bus, packets[i], WIRE_PACKET_SIZE, f->host, &c);
                cr_assert_str_empty(c.error);
                uint64_t id = c.id;
                prove(f, id, guest_challenge, &c);
                cr_assert_eq(auth_respond(f->key, HASH_SHA256, c.second, response), 0);
                commit(f, id, response, f->host, &results[i]);
                loop_until(f->event, f->manager->conversations->waiter);
        }
        write_file(f->directory, "go", "", 0600);
        for (size_t i = 0; i < 2; i++) {
                loop_until(f->event, results[i].done);
                cr_assert_geq(results[i].size, 1);
                cr_expect_eq(results[i].bytes[0], REPLY_SUCCESS);
                free(results[i].bytes);
        }
        cr_expect_eq(n_acts(f), 1);
        cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_FAILURE);
        fixture_end(f);
}

Test(bus_limits, a_listener_that_does_what_none_does_is_dropped_and_others_stay) {
        static const char *const interfaces[] = { "org.freedesktop.DBus.Introspectable",
                "org.freedesktop.DBus.Peer", NULL };
        Fixture *f = fixture();

        log_set_max_level(LOG_EMERG);
        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++) {
                static const uint8_t large[GATE_MESSAGE_MAX];
                sd_bus *other = connect_bus(f);
                sd_bus_message *m = NULL;

                if (interfaces[i])
                        cr_assert_geq(sd_bus_message_new_method_call(
                                              other, &m, NULL, BUS_PATH, interfaces[i], "Ping"),
                                0);
                else {
                        m = new_call(other, "Open");
                        cr_assert_geq(sd_bus_message_append_array(m, 'y', large, sizeof(large)), 0);
                }
                cr_assert_geq(sd_bus_send(other, m, NULL), 0);
                sd_bus_message_unref(m);
                loop_until(f->event, sd_bus_is_open(other) <= 0);
                sd_bus_close_unref(other);
                cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_SUCCESS, "%zu", i);
        }
        fixture_end(f);
}

Test(bus_limits, one_process_has_so_many_conversations_and_no_more) {
        Fixture *f = limited("ActionsPerSec=0\nInFlight=0\n");
        uint8_t packet[WIRE_PACKET_SIZE];
        Call c;

        for (size_t i = 0; i < BUS_CONVERSATIONS_MAX; i++) {
                make_packet(f->key, ACTION_OFF, "vm1", packet);
                open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
                cr_assert_str_empty(c.error, "%zu", i);
        }
        uint64_t last = c.id;
        sd_bus *other = connect_bus(f); /* of the same process */
        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, other, packet, sizeof(packet), f->host, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_BUSY);

        sd_bus_message *m = new_call(f->bus, "Abort");
        cr_assert_geq(sd_bus_message_append(m, "t", last), 0);
        send_call(f->bus, m, &c);
        loop_until(f->event, c.done);
        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, other, packet, sizeof(packet), f->host, &c);
        cr_expect_str_empty(c.error, "one that ends makes room");
        sd_bus_flush_close_unref(other);
        loop_until(f->event, f->manager->n_conversations == BUS_CONVERSATIONS_MAX - 1);
        fixture_end(f);
}
