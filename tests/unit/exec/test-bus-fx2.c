/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* FX2 over the private bus, and keys that are exchanged while guests ask. */

#include "auth-fx2.h"
#include "bus-fixture.h"

static const char only_text[] =
        AUTH_KEY_FX2 "\nYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\n";

static AuthKey *new_only_key(void) {
        AuthKey *k = NULL;

        cr_assert_eq(auth_key_new(only_text, strlen(only_text), &k, NULL), 0);
        return k;
}

typedef struct Guest {
        uint64_t id;
        uint8_t proof[WIRE_MAC_SIZE];
        Fx2Transcript transcript;
} Guest;

/* Open and Prove; empty error when both went well. */
static void begin(Fixture *f, const AuthKey *key, Action action, const char *target, Guest *ret, Call *c) {
        Request r = { .action = action,
                .hash = auth_key_is_fx2_only(key) ? HASH_FX2 : HASH_SHA256,
                .flags = WIRE_FLAG_FX2 };
        uint8_t packet[WIRE_PACKET_SIZE], challenge[WIRE_CHALLENGE_SIZE], random[FX2_RANDOM_SIZE];

        (void) snprintf(r.target, sizeof(r.target), "%s", target);
        cr_assert_eq(random_bytes(r.random, sizeof(r.random)), 0);
        cr_assert_eq(random_bytes(r.seqno, sizeof(r.seqno)), 0);
        cr_assert_eq(random_bytes(random, sizeof(random)), 0);
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, packet), 0);
        cr_assert_eq(auth_sign_packet(key, packet), 0);
        fx2_challenge(random, challenge);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, c);
        if (c->error[0])
                return;
        ret->id = c->id;
        prove(f, ret->id, challenge, c);
        if (c->error[0])
                return;
        fx2_transcript(packet, challenge, c->second, &ret->transcript);
        cr_assert(fx2_verify_host_proof(key, &ret->transcript, c->first), "the host has the key");
        fx2_guest_proof(key, &ret->transcript, ret->proof);
}

/* The first byte of an answer with a good tag. */
static uint8_t end(Fixture *f, const AuthKey *key, const Guest *g, size_t *ret_body_size) {
        Fx2Tag tag;
        Call c;

        commit(f, g->id, g->proof, f->host, &c);
        loop_until(f->event, c.done);
        cr_assert_str_empty(c.error);
        cr_assert_gt(c.size, WIRE_MAC_SIZE);
        size_t n = c.size - WIRE_MAC_SIZE;
        fx2_tag_begin(key, &g->transcript, &tag);
        fx2_tag_add(&tag, c.bytes, n);
        cr_assert(fx2_tag_verify(&tag, c.bytes + n), "%zu bytes", n);
        uint8_t reply = c.bytes[0];
        free(c.bytes);
        *ret_body_size = n;
        return reply;
}

static uint8_t request_fx2(Fixture *f, const AuthKey *key, Action action, const char *target) {
        size_t n;
        Guest g;
        Call c;

        begin(f, key, action, target, &g, &c);
        cr_assert_str_empty(c.error);
        uint8_t reply = end(f, key, &g, &n);
        cr_expect_eq(n, reply == REPLY_LIST ? 1 + 6 * WIRE_RECORD_SIZE + 1 : 1);
        return reply;
}

static void reload(Fixture *f) {
        ConfError e = {};

        cr_assert_eq(manager_load(f->manager, &e), 0, "%s: %s", e.path, e.message);
}

static void rename_key(const Fixture *f, const char *old, const char *new) {
        char from[128], to[128];

        (void) snprintf(from, sizeof(from), "%s/%s", f->keys, old);
        (void) snprintf(to, sizeof(to), "%s/%s", f->keys, new);
        cr_assert_eq(rename(from, to), 0);
}

Test(bus_fx2, every_answer_has_its_tag_with_either_kind_of_key) {
        Fixture *f = fixture();
        _cleanup_(auth_key_freep) AuthKey *only = new_only_key();
        const AuthKey *keys[] = { f->key, only };
        static const struct {
                Action action;
                const char *target;
                uint8_t reply;
        } table[] = {
                { ACTION_STATUS, "vm1", REPLY_SUCCESS },
                { ACTION_STATUS, "vm5", REPLY_OFF },
                { ACTION_OFF, "vm1", REPLY_SUCCESS },
                { ACTION_REBOOT, "vm2", REPLY_SUCCESS },
                { ACTION_MONITOR, "", REPLY_SUCCESS },
                { ACTION_LIST, "", REPLY_LIST },
                { ACTION_OFF, "vm3", REPLY_DENIED },
                { ACTION_STATUS, "ambiguous", REPLY_FAILURE },
                { ACTION_NULL, "", REPLY_FAILURE },
        };

        write_file(f->keys, "web.next.key", only_text, 0600);
        reload(f);
        for (size_t k = 0; k < ELEMENTSOF(keys); k++)
                for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                        cr_expect_eq(request_fx2(f, keys[k], table[i].action, table[i].target),
                                table[i].reply, "%zu", i);
                        cr_expect(audited(f, "FENCE_KEY=web\n"));
                        cr_expect(audited(f, k == 0 ? "FENCE_KEY_FILE=web\n" : "FENCE_KEY_FILE=web.next\n"));
                        cr_expect(audited(f, "FENCE_PROTOCOL=fx2\n"));
                }
        cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
        cr_expect(audited(f, "FENCE_PROTOCOL=v1\n"));
        fixture_end(f);
}

Test(bus_fx2, an_answer_of_v1_has_no_tag) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_STATUS, "vm1", &c);
        loop_until(f->event, c.done);
        cr_expect_eq(c.size, 1);
        free(c.bytes);
        fixture_end(f);
}

Test(bus_fx2, a_proof_with_a_flipped_bit_does_nothing) {
        Fixture *f = fixture();
        _cleanup_(auth_key_freep) AuthKey *only = new_only_key();
        Guest g;
        Call c;

        write_file(f->keys, "web.key", only_text, 0600);
        reload(f);
        for (size_t bit = 0; bit < 512; bit += 73) {
                begin(f, only, ACTION_OFF, "vm1", &g, &c);
                cr_assert_str_empty(c.error);
                g.proof[bit / 8] ^= (uint8_t) (1 << bit % 8);
                commit(f, g.id, g.proof, f->host, &c);
                loop_until(f->event, c.done);
                cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "bit %zu", bit);
                cr_expect(audited(f, "FENCE_PROTOCOL=fx2\n"));
        }
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

Test(bus_fx2, where_fx2_is_the_minimum_v1_is_refused) {
        Fixture *f = fixture();
        char conf[192];
        uint8_t packet[WIRE_PACKET_SIZE];
        Call c;

        (void) snprintf(conf, sizeof(conf),
                "[Libvirt]\nURI=fake:good:%s\n[Authentication]\nMinimumHash=fx2\n", f->directory);
        write_file(f->directory, "fence-virt.conf", conf, 0600);
        reload(f);
        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect(audited(f, "FENCE_REASON=the guest does not speak FX2, which MinimumHash= asks for\n"));
        cr_expect_eq(n_acts(f), 0);
        cr_expect_eq(request_fx2(f, f->key, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
        fixture_end(f);
}

Test(bus_fx2, a_key_is_exchanged_while_conversations_are_under_way) {
        Fixture *f = fixture();
        _cleanup_(auth_key_freep) AuthKey *only = new_only_key();
        Guest with_old, with_next;
        size_t n;
        Call c;

        cr_expect_eq(request_fx2(f, f->key, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
        begin(f, only, ACTION_STATUS, "vm1", &with_next, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "it is not known yet");
        write_file(f->keys, "web.next.key", only_text, 0600);
        reload(f);
        cr_expect_eq(request_fx2(f, f->key, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
        cr_expect_eq(request_fx2(f, only, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
        begin(f, f->key, ACTION_STATUS, "vm1", &with_old, &c);
        cr_assert_str_empty(c.error);
        begin(f, only, ACTION_STATUS, "vm1", &with_next, &c);
        cr_assert_str_empty(c.error);
        rename_key(f, "web.next.key", "web.key");
        reload(f);
        cr_expect_eq(end(f, f->key, &with_old, &n), REPLY_SUCCESS, "what had begun goes on with its key");
        cr_expect_eq(end(f, only, &with_next, &n), REPLY_SUCCESS);
        cr_expect_eq(request_fx2(f, only, ACTION_STATUS, "vm1"), REPLY_SUCCESS);
        cr_expect(audited(f, "FENCE_KEY_FILE=web\n"));
        begin(f, f->key, ACTION_STATUS, "vm1", &with_old, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "the old key is none any more");
        fixture_end(f);
}

Test(bus_fx2, a_bad_new_key_keeps_the_old_ones) {
        static const char *const bad[] = { AUTH_KEY_FX2 "\nYWFhYWFh\n",
                AUTH_KEY_FX2 "-and no more than that", "a short raw key" };
        Fixture *f = fixture();
        _cleanup_(auth_key_freep) AuthKey *only = new_only_key();
        char path[128];
        ConfError e;

        write_file(f->keys, "web.key", only_text, 0600);
        reload(f);
        (void) snprintf(path, sizeof(path), "%s/web.next.key", f->keys);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                write_file(f->keys, "web.next.key", bad[i], 0600);
                e = (ConfError){};
                cr_expect_eq(manager_load(f->manager, &e), -EBADMSG, "%s", bad[i]);
                cr_expect_str_eq(e.path, path);
                cr_expect_eq(request_fx2(f, only, ACTION_STATUS, "vm1"), REPLY_SUCCESS, "%s", bad[i]);
        }
        fixture_end(f);
}
