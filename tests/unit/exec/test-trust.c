/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What policy does to a request: at Open, at Commit, and when nobody can say what the target is. */

#include "bus-fixture.h"

#define VM(last) "00000000-0000-4000-8000-00000000000" last

static void set_policy(Fixture *f, const char *conf, const char *group) {
        char text[256];
        ConfError e = {};

        (void) snprintf(text, sizeof(text), "[Libvirt]\nURI=fake:good:%s\n%s", f->directory, conf);
        write_file(f->directory, "fence-virt.conf", text, 0600);
        write_file(f->groups, "web.conf", group, 0600);
        cr_assert_eq(manager_load(f->manager, &e), 0, "%s: %s", e.path, e.message);
}

/* Every byte of an answer. */
static size_t answer(Fixture *f, Action action, const char *target, uint8_t ret[static 16]) {
        Call c;

        ask(f, action, target, &c);
        loop_until(f->event, c.done);
        cr_assert_str_empty(c.error);
        cr_assert_leq(c.size, 16);
        memcpy(ret, c.bytes, c.size);
        free(c.bytes);
        return c.size;
}

Test(trust, a_target_that_is_no_member_is_denied_alike_whatever_is_true_of_it) {
        static const char *const targets[] = { "vm3", "nosuch", "ambiguous2", VM("3"), VM("f"), "vm4",
                VM("4") };
        static const Action actions[] = { ACTION_OFF, ACTION_ON, ACTION_REBOOT, ACTION_STATUS };
        Fixture *f = fixture();

        for (int down = 0; down < 2; down++) {
                if (down)
                        write_file(f->directory, "down", "", 0600);
                for (size_t a = 0; a < ELEMENTSOF(actions); a++)
                        for (size_t t = 0; t < ELEMENTSOF(targets); t++) {
                                uint8_t bytes[16] = {};

                                cr_expect_eq(answer(f, actions[a], targets[t], bytes), 1);
                                cr_expect_eq(
                                        bytes[0], REPLY_DENIED, "%s%s", targets[t], down ? ", down" : "");
                                cr_expect(audited(f, "FENCE_DECISION=deny\n"));
                        }
        }
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

Test(trust, a_member_hears_of_a_failure_even_if_only_its_uuid_is_one) {
        Fixture *f = fixture();

        set_policy(f, "", "[Group]\nMembers=" VM("1") " vm2\nSources=key:web\n");
        cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
        cr_expect_eq(request(f, ACTION_STATUS, VM("2")), REPLY_SUCCESS);
        cr_expect_eq(request(f, ACTION_STATUS, "vm3"), REPLY_DENIED);
        write_file(f->directory, "down", "", 0600);
        cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_FAILURE, "its UUID is remembered");
        cr_expect(audited(f, "FENCE_RESULT=unreachable\n"));
        cr_expect_eq(request(f, ACTION_OFF, VM("2")), REPLY_FAILURE, "its name is remembered");
        cr_expect_eq(request(f, ACTION_OFF, VM("1")), REPLY_FAILURE);
        cr_expect_eq(request(f, ACTION_OFF, "vm2"), REPLY_FAILURE);
        cr_expect_eq(request(f, ACTION_OFF, "vm3"), REPLY_DENIED, "remembered, and no member");
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

Test(trust, nobody_switches_off_what_never_names) {
        static const struct {
                Action action;
                const char *target;
                uint8_t reply;
        } table[] = {
                { ACTION_OFF, "vm1", REPLY_DENIED },
                { ACTION_REBOOT, "vm1", REPLY_DENIED },
                { ACTION_OFF, VM("1"), REPLY_DENIED },
                { ACTION_OFF, "vm2", REPLY_DENIED },
                { ACTION_OFF, "nosuch", REPLY_DENIED },
                { ACTION_STATUS, "vm1", REPLY_SUCCESS },
                { ACTION_ON, "vm1", REPLY_SUCCESS },
                { ACTION_OFF, "vm5", REPLY_SUCCESS },
        };
        Fixture *f = fixture();

        set_policy(f, "[Policy]\nNever=vm1 " VM("2") "\nNever=nosuch\n",
                "[Group]\nMembers=vm1 vm2 vm5 nosuch\nSources=key:web\n");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                cr_expect_eq(request(f, table[i].action, table[i].target), table[i].reply, "row %zu", i);
                cr_expect_eq(
                        audited(f, "is protected by Never="), table[i].reply == REPLY_DENIED, "row %zu", i);
        }
        cr_expect_eq(n_acts(f), 2);
        fixture_end(f);
}

Test(trust, for_who_may_do_nothing_nothing_is_looked_up) {
        Fixture *f = fixture();

        set_policy(f, "", "[Group]\nMembers=hang die\nSources=key:other\n");
        cr_expect_eq(request(f, ACTION_OFF, "hang"), REPLY_DENIED); /* a lookup would never end */
        cr_expect(audited(f, "is a source of no group\n"));
        set_policy(f, "", "[Group]\nMembers=hang die\nSources=key:web\nActions=status\n");
        cr_expect_eq(request(f, ACTION_OFF, "hang"), REPLY_DENIED);
        cr_expect(audited(f, "FENCE_REASON=group web does not allow off\n"));
        fixture_end(f);
}

/* Up to Commit, with a reload before it. */
static uint8_t request_around(Fixture *f, Action action, const char *target, const char *group) {
        uint8_t packet[WIRE_PACKET_SIZE], response[64], reply;
        Call c;

        make_packet(f->key, action, target, packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_assert_str_empty(c.error);
        uint64_t id = c.id;
        set_policy(f, "", group);
        prove(f, id, guest_challenge, &c);
        cr_assert_str_empty(c.error, "who is denied hears it in an authentic answer");
        cr_assert_eq(auth_respond(f->key, HASH_SHA256, c.second, response), 0);
        commit(f, id, response, f->host, &c);
        loop_until(f->event, c.done);
        cr_assert_geq(c.size, 1);
        reply = c.bytes[0];
        free(c.bytes);
        return reply;
}

Test(trust, the_policy_at_open_and_the_policy_at_commit_must_allow) {
        static const char all[] = "[Group]\nMembers=vm1 vm2\nSources=key:web\n",
                          one[] = "[Group]\nMembers=vm1\nSources=key:web\n",
                          status[] = "[Group]\nMembers=vm1 vm2\nSources=key:web\nActions=status list\n",
                          others[] = "[Group]\nMembers=vm1 vm2\nSources=key:other\n";
        static const struct {
                const char *before, *after, *target;
                uint8_t reply;
        } table[] = {
                { all, all, "vm2", REPLY_SUCCESS },
                { all, one, "vm1", REPLY_SUCCESS },
                { one, all, "vm1", REPLY_SUCCESS },
                /* taken away */
                { all, one, "vm2", REPLY_DENIED },
                { all, status, "vm2", REPLY_DENIED },
                { all, others, "vm2", REPLY_DENIED },
                /* given: not to a conversation that has begun */
                { one, all, "vm2", REPLY_DENIED },
                { status, all, "vm2", REPLY_DENIED },
                { others, all, "vm2", REPLY_DENIED },
        };
        Fixture *f = fixture();
        unsigned want = 0;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                set_policy(f, "", table[i].before);
                cr_expect_eq(request_around(f, ACTION_OFF, table[i].target, table[i].after), table[i].reply,
                        "row %zu", i);
                want += table[i].reply == REPLY_SUCCESS;
        }
        cr_expect_eq(n_acts(f), want);
        for (int i = 0; i < 2; i++) {
                set_policy(f, "", i ? one : all);
                cr_expect_eq(request_around(f, ACTION_LIST, "", i ? all : one), REPLY_LIST);
                cr_expect(audited(f, "FENCE_REASON=1 of 7 domains are shown\n"));
        }
        fixture_end(f);
}

Test(trust, a_domain_of_that_name_made_anew_is_another_one) {
        Fixture *f = fixture();
        const Place *place;

        set_policy(f, "", "[Group]\nMembers=" VM("1") "\nSources=key:web\n");
        cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
        place = memory_find(&f->manager->memory, "vm1");
        cr_assert_not_null(place);
        cr_expect_str_eq(place->answer.uuid, VM("1"));

        /* what a name meant once allows nothing once it is known to mean another */
        Answer other = place->answer;
        memcpy(other.uuid, VM("3"), sizeof(other.uuid));
        set_policy(f, "", "[Group]\nMembers=" VM("3") "\nSources=key:web\n");
        memory_store(&f->manager->memory, "vm1", f->manager->hypervisors[0], &other);
        cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_DENIED);
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

Test(trust, what_is_ambiguous_or_gone_is_remembered_no_longer) {
        Fixture *f = fixture();
        const Answer a = { .kind = ANSWER_FOUND, .name = "ambiguous", .uuid = VM("1"), .power = POWER_ON };

        memory_store(&f->manager->memory, "ambiguous", f->manager->hypervisors[0], &a);
        memory_store(&f->manager->memory, "nosuch", f->manager->hypervisors[0], &a);
        cr_expect_eq(request(f, ACTION_OFF, "ambiguous"), REPLY_FAILURE);
        cr_expect_eq(request(f, ACTION_OFF, "nosuch"), REPLY_DENIED);
        cr_expect_null(memory_find(&f->manager->memory, "ambiguous"));
        cr_expect_null(memory_find(&f->manager->memory, "nosuch"));
        fixture_end(f);
}

Test(trust, labels_make_members_for_who_signs) {
        static const struct {
                Action action;
                const char *target;
                uint8_t reply;
        } table[] = {
                { ACTION_STATUS, "vm4", REPLY_SUCCESS },
                { ACTION_STATUS, "vm5", REPLY_OFF },
                { ACTION_STATUS, VM("4"), REPLY_SUCCESS },
                { ACTION_STATUS, "vm3", REPLY_DENIED },
                { ACTION_OFF, "vm4", REPLY_DENIED },
                { ACTION_OFF, "vm5", REPLY_DENIED },
        };
        Fixture *f = fixture();

        set_policy(f, "[Policy]\nNever=metadata:red\n", "[Group]\nMembers=metadata:red\nSources=key:web\n");
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect_eq(request(f, table[i].action, table[i].target), table[i].reply, "row %zu", i);
        cr_expect(audited(f, "FENCE_REASON=vm5 is protected by Never=\n"));
        Call c;
        ask(f, ACTION_LIST, "", &c);
        loop_until(f->event, c.done);
        cr_expect(audited(f, "FENCE_REASON=2 of 7 domains are shown\n"));
        free(c.bytes);
        write_file(f->directory, "down", "", 0600);
        cr_expect_eq(request(f, ACTION_ON, "vm4"), REPLY_FAILURE, "its label is remembered");
        fixture_end(f);
}

Test(trust, the_time_of_a_refusal_does_not_tell_whether_the_target_exists) {
        static const char *const targets[] = { "vm3", "nosuch", "ambiguous2", VM("3"), VM("f") };
        Fixture *f = fixture();

        (void) request(f, ACTION_STATUS, "vm1"); /* a worker is there */
        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                uint64_t begin = loop_now();

                cr_expect_eq(request(f, ACTION_STATUS, targets[i]), REPLY_DENIED);
                cr_expect_geq(loop_now() - begin, CONVERSATION_GRID_USEC, "%s", targets[i]);
        }
        fixture_end(f);
}

Test(trust, who_hangs_up_before_a_refusal_is_recorded_once) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_OFF, "vm3", &c);
        loop_until(f->event, f->n_audit == 1);
        cr_expect(audited(f, "FENCE_RESULT=denied\n"));
        cr_expect_not(c.done, "the answer has its time");
        f->guest = safe_close(f->guest);
        loop_until(f->event, f->manager->n_conversations == 0);
        cr_expect_eq(f->n_audit, 1);
        fixture_end(f);
}
