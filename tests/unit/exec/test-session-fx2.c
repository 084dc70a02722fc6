/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "auth-fx2.h"
#include "log.h"
#include "scratch.h"
#include "session.h"
#include "vectors.h"

static Keyring *ring;
static AuthKey *raw_key, *only_key; /* as the guests have them */

/* The secret of the vectors cannot be in one ring as both kinds, so the raw key has another. */
static void set_up(void) {
        static const char raw[] = "a raw key of sixty-four bytes that is in the ring under its name";
        ConfError error;

        log_set_max_level(LOG_ERR);
        scratch_set_up();
        scratch_mkdir("keys");
        scratch_write("keys/raw.key", raw, 64, 0600);
        scratch_write("keys/only.key", vector_fx2.only_file, strlen(vector_fx2.only_file), 0600);
        cr_assert_eq(keyring_load(scratch_path("keys"), NULL, &ring, &error), 0);
        cr_assert_eq(auth_key_new(raw, 64, &raw_key, NULL), 0);
        cr_assert_eq(auth_key_new(vector_fx2.only_file, strlen(vector_fx2.only_file), &only_key, NULL), 0);
}

static void tear_down(void) {
        ring = keyring_unref(ring);
        raw_key = auth_key_free(raw_key);
        only_key = auth_key_free(only_key);
        scratch_tear_down();
}

TestSuite(session_fx2, .init = set_up, .fini = tear_down);

static const uint8_t host_random[32] = { 0x5a, 1, 2, 3 };
static const uint8_t v1_challenge[WIRE_CHALLENGE_SIZE] = { 0xff, 9, 8, 7 };

/* A guest's packet, and what it would send next. */
typedef struct Guest {
        const AuthKey *key;
        uint8_t packet[WIRE_PACKET_SIZE], challenge[WIRE_CHALLENGE_SIZE], proof[WIRE_MAC_SIZE];
        Fx2Transcript transcript;
} Guest;

static Guest new_guest(const AuthKey *key, uint8_t flags) {
        static const uint8_t random[FX2_RANDOM_SIZE] = { 4, 2 };
        Request r = { .action = ACTION_OFF, .hash = HASH_SHA256, .flags = flags, .target = "web2" };
        Guest g = { .key = key };

        if (auth_key_is_fx2_only(key))
                r.hash = HASH_FX2;
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, g.packet), 0);
        cr_assert_eq(auth_sign_packet(key, g.packet), 0);
        fx2_challenge(random, g.challenge);
        return g;
}

static bool open_packet(Session *s, const uint8_t *packet, const char **ret_reason) {
        return session_open(s, WIRE_STREAM, packet, ring, HASH_SHA256, HASH_SHA256, ret_reason);
}

/* Brings a session to the state, with a good guest of FX2. */
static void advance(Session *s, SessionState state, Guest *g) {
        uint8_t response[WIRE_MAC_SIZE], challenge[WIRE_CHALLENGE_SIZE];
        const char *reason = NULL;

        *s = (Session){};
        if (state >= SESSION_OPENED)
                cr_assert(open_packet(s, g->packet, &reason), "%s", reason);
        if (state >= SESSION_PROVED) {
                cr_assert(session_prove(s, ring, g->challenge, host_random, response, challenge, &reason),
                        "%s", reason);
                fx2_transcript(g->packet, g->challenge, challenge, &g->transcript);
                cr_assert(fx2_verify_host_proof(g->key, &g->transcript, response));
                fx2_guest_proof(g->key, &g->transcript, g->proof);
        }
        if (state >= SESSION_COMMITTED)
                cr_assert(session_commit(s, g->proof, &reason), "%s", reason);
        cr_assert_eq(s->state, state);
}

static bool prove(Session *s, const uint8_t *guest_challenge, const char **ret_reason) {
        uint8_t response[WIRE_MAC_SIZE] = { 0x77 }, challenge[WIRE_CHALLENGE_SIZE] = { 0x77 };
        bool r = session_prove(s, ring, guest_challenge, host_random, response, challenge, ret_reason);

        if (!r) {
                cr_expect_eq(s->state, SESSION_CLOSED);
                cr_expect_eq(response[0], 0x77, "nothing was computed");
                cr_expect_eq(challenge[0], 0x77);
        }
        return r;
}

Test(session_fx2, carries_a_guest_with_either_kind_of_key_from_packet_to_tag) {
        const AuthKey *keys[] = { raw_key, only_key };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                Guest g = new_guest(keys[i], WIRE_FLAG_FX2);
                uint8_t body[3] = { 253, 1, 2 }, tag[WIRE_MAC_SIZE];
                Fx2Tag expected;
                Session s;

                advance(&s, SESSION_COMMITTED, &g);
                cr_expect(s.fx2);
                cr_expect_str_eq(s.key->name, i == 0 ? "raw" : "only");
                cr_expect(session_seal(&s, body, sizeof(body), tag));
                fx2_tag_begin(g.key, &g.transcript, &expected);
                fx2_tag_add(&expected, body, sizeof(body));
                cr_expect(fx2_tag_verify(&expected, tag));
        }
}

static Keyring *ring_of_vectors(void) {
        ConfError error;
        Keyring *k = NULL;

        scratch_mkdir("vectors");
        for (size_t i = 0; i < ELEMENTSOF(vector_keys); i++)
                if (strcmp(vector_keys[i].name, vector_fx2.key) == 0)
                        scratch_write("vectors/raw.key", vector_keys[i].bytes, vector_keys[i].size, 0600);
        cr_assert_eq(keyring_load(scratch_path("vectors"), NULL, &k, &error), 0);
        cr_assert_eq(keyring_size(k), 1);
        return k;
}

Test(session_fx2, says_byte_for_byte_what_the_vectors_say) {
        _cleanup_(keyring_unrefp) Keyring *raw_ring = ring_of_vectors();
        const struct VectorFx2 *v = &vector_fx2;
        const struct {
                const Keyring *ring;
                const uint8_t *packet, *host_proof, *guest_proof, *body;
                size_t body_size;
                const uint8_t *tag;
        } table[] = {
                { raw_ring, v->packet, v->host_proof, v->guest_proof, v->body, 1, v->result_tag },
                { ring, v->only_packet, v->only_host_proof, v->only_guest_proof, v->only_body, 1,
                        v->only_result_tag },
                { ring, v->only_packet, v->only_host_proof, v->only_guest_proof, v->only_list_body,
                        sizeof(v->only_list_body), v->only_list_result_tag },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t response[WIRE_MAC_SIZE], challenge[WIRE_CHALLENGE_SIZE], tag[WIRE_MAC_SIZE];
                const char *reason = NULL;
                Session s;

                cr_assert(session_open(&s, WIRE_STREAM, table[i].packet, table[i].ring, HASH_SHA256,
                                  HASH_SHA256, &reason),
                        "%s", reason);
                cr_assert(session_prove(&s, table[i].ring, v->guest_challenge, v->host_challenge, response,
                                  challenge, &reason),
                        "%s", reason);
                cr_expect_arr_eq(response, table[i].host_proof, sizeof(response), "row %zu", i);
                cr_expect_arr_eq(challenge, v->host_challenge, sizeof(challenge), "row %zu", i);
                cr_assert(session_commit(&s, table[i].guest_proof, &reason), "%s", reason);
                cr_assert(session_seal(&s, table[i].body, table[i].body_size, tag));
                cr_expect_arr_eq(tag, table[i].tag, sizeof(tag), "row %zu", i);
        }
}

/* Rule 1. */
Test(session_fx2, a_packet_of_fx2_takes_no_challenge_of_v1) {
        const AuthKey *keys[] = { raw_key, only_key };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                for (size_t bit = 0; bit <= 64; bit++) {
                        Guest g = new_guest(keys[i], WIRE_FLAG_FX2);
                        const char *reason = NULL;
                        Session s;

                        cr_assert(open_packet(&s, g.packet, &reason));
                        if (bit == 64) /* behind the sentinel everything is random */
                                g.challenge[8] ^= 1;
                        else
                                g.challenge[bit / 8] ^= (uint8_t) (1U << bit % 8);
                        cr_expect_eq(prove(&s, g.challenge, &reason), bit == 64, "bit %zu", bit);
                        if (bit < 64)
                                cr_expect_str_eq(reason,
                                        "the packet says FX2 and the challenge does not: one of them was exchanged");
                }
}

/* Rule 2: a recorded packet without F2 in the place of the guest's own. */
Test(session_fx2, a_packet_of_v1_takes_no_challenge_of_fx2) {
        Guest g = new_guest(raw_key, 0);
        const char *reason = NULL;
        Session s;

        cr_assert(open_packet(&s, g.packet, &reason));
        cr_expect_not(prove(&s, g.challenge, &reason));
        cr_expect_str_eq(
                reason, "the challenge says FX2 and the packet does not: one of them was exchanged");
        cr_assert(open_packet(&s, g.packet, &reason));
        cr_expect(prove(&s, v1_challenge, &reason));
        cr_expect_not(s.fx2);
}

/* Rule 3. */
Test(session_fx2, no_challenge_of_a_host_is_answered_in_either_protocol) {
        const AuthKey *makers[] = { raw_key, only_key };

        for (size_t i = 0; i < ELEMENTSOF(makers); i++)
                for (unsigned fx2 = 0; fx2 < 2; fx2++) {
                        Guest g = new_guest(raw_key, fx2 ? WIRE_FLAG_FX2 : 0);
                        uint8_t theirs[WIRE_CHALLENGE_SIZE], random[32] = "fx2guest and more";
                        const char *reason = NULL;
                        Session s;

                        auth_host_challenge(makers[i], random, theirs);
                        cr_assert(open_packet(&s, g.packet, &reason));
                        cr_expect_not(prove(&s, theirs, &reason));
                        cr_expect_str_eq(
                                reason, "the challenge was made by a host with the same key: a reflection");
                }
}

/* Rule 3, what it rests on. */
Test(session_fx2, challenges_carry_the_tag_in_both_protocols) {
        for (unsigned fx2 = 0; fx2 < 2; fx2++) {
                Guest g = new_guest(raw_key, fx2 ? WIRE_FLAG_FX2 : 0);
                const char *reason = NULL;
                Session s;

                cr_assert(open_packet(&s, g.packet, &reason));
                cr_assert(prove(&s, fx2 ? g.challenge : v1_challenge, &reason));
                cr_expect(auth_is_host_challenge(raw_key, s.challenge));
        }
}

Test(session_fx2, an_answer_of_v1_is_none_and_neither_is_that_of_the_host) {
        uint8_t answer[WIRE_MAC_SIZE];
        const char *reason = NULL;
        Session s;

        Guest g = new_guest(raw_key, WIRE_FLAG_FX2);
        for (HashType h = HASH_SHA1; h < _HASH_MAX; h++) {
                advance(&s, SESSION_PROVED, &g);
                cr_assert_eq(auth_respond(raw_key, h, s.challenge, answer), 0);
                cr_expect_not(session_commit(&s, answer, &reason));
        }
        advance(&s, SESSION_PROVED, &g);
        fx2_host_proof(raw_key, &g.transcript, answer);
        cr_expect_not(session_commit(&s, answer, &reason), "Rh in the place of Rg");
        advance(&s, SESSION_PROVED, &g);
        fx2_guest_proof(only_key, &g.transcript, answer);
        cr_expect_not(session_commit(&s, answer, &reason), "another key of the ring");
        cr_expect_str_eq(reason, "the answer to our challenge is wrong: the guest has another key or hash");
}

Test(session_fx2, any_bit_that_the_guest_sends_changed_on_the_way_ends_it) {
        const size_t bits = 8 * (WIRE_PACKET_SIZE + WIRE_CHALLENGE_SIZE + WIRE_MAC_SIZE);

        for (size_t bit = 0; bit < bits; bit++) {
                Guest g = new_guest(raw_key, WIRE_FLAG_FX2), sent;
                const char *reason = NULL;
                Session s;

                /* what arrives; the guest's proof is about what it has sent and what it has seen */
                sent = g;
                uint8_t flip = (uint8_t) (1U << bit % 8), proof[WIRE_MAC_SIZE];
                size_t i = bit / 8, behind_challenge = WIRE_PACKET_SIZE + WIRE_CHALLENGE_SIZE;
                if (i < WIRE_PACKET_SIZE)
                        g.packet[i] ^= flip;
                else if (i < behind_challenge)
                        g.challenge[i - WIRE_PACKET_SIZE] ^= flip;
                bool ok = open_packet(&s, g.packet, &reason) && prove(&s, g.challenge, &reason);
                cr_assert(ok || i < behind_challenge);
                fx2_transcript(sent.packet, sent.challenge, s.challenge, &sent.transcript);
                fx2_guest_proof(raw_key, &sent.transcript, proof);
                if (i >= behind_challenge)
                        proof[i - behind_challenge] ^= flip;
                cr_expect_not(ok && session_commit(&s, proof, &reason), "bit %zu", bit);
                cr_expect_eq(s.state, SESSION_CLOSED);
                cr_expect_not_null(reason);
        }
}

/* T7: a routine request of the guest does not authorise another that was recorded. */
Test(session_fx2, a_proof_authorises_its_own_packet_and_no_other) {
        Guest own = new_guest(raw_key, WIRE_FLAG_FX2), recorded;
        const Request r = {
                .action = ACTION_STATUS, .hash = HASH_SHA256, .flags = WIRE_FLAG_FX2, .target = "web2"
        };
        const char *reason = NULL;
        uint8_t proof[WIRE_MAC_SIZE];
        Session s;

        recorded = own;
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, own.packet), 0);
        cr_assert_eq(auth_sign_packet(raw_key, own.packet), 0);
        cr_assert(open_packet(&s, recorded.packet, &reason));
        cr_assert(prove(&s, own.challenge, &reason));
        fx2_transcript(own.packet, own.challenge, s.challenge, &own.transcript);
        fx2_guest_proof(raw_key, &own.transcript, proof);
        cr_expect_not(session_commit(&s, proof, &reason));
}

Test(session_fx2, a_step_out_of_order_is_refused_and_closes_for_good) {
        for (SessionState state = SESSION_CLOSED; state < _SESSION_STATE_MAX; state++) {
                Guest g = new_guest(only_key, WIRE_FLAG_FX2);
                uint8_t tag[WIRE_MAC_SIZE] = { 0x77 };
                const char *reason = NULL;
                Session s;

                if (state != SESSION_OPENED) {
                        advance(&s, state, &g);
                        cr_expect_not(prove(&s, g.challenge, &reason));
                        cr_expect_str_eq(reason, "a challenge out of order");
                        cr_expect_not(session_commit(&s, g.proof, &reason), "closed for good");
                        cr_expect_not(session_seal(&s, "", 1, tag));
                }
                if (state != SESSION_PROVED) {
                        advance(&s, state, &g);
                        cr_expect_not(session_commit(&s, g.proof, &reason));
                        cr_expect_str_eq(reason, "an answer out of order");
                        cr_expect_not(session_seal(&s, "", 1, tag));
                }
                if (state != SESSION_COMMITTED) {
                        advance(&s, state, &g);
                        cr_expect_not(session_seal(&s, "", 1, tag));
                        cr_expect_eq(s.state, state, "asking for a tag too early does nothing");
                }
                cr_expect_eq(tag[0], 0x77);
        }
}

Test(session_fx2, one_conversation_has_one_tag_and_one_of_v1_has_none) {
        uint8_t tag[WIRE_MAC_SIZE], answer[WIRE_MAC_SIZE];
        const char *reason = NULL;
        Session s;

        Guest g = new_guest(raw_key, WIRE_FLAG_FX2);
        advance(&s, SESSION_COMMITTED, &g);
        cr_expect(session_seal(&s, "\001", 1, tag));
        cr_expect_not(session_seal(&s, "", 1, tag));

        g = new_guest(raw_key, 0);
        cr_assert(open_packet(&s, g.packet, &reason));
        cr_assert(prove(&s, v1_challenge, &reason));
        cr_assert_eq(auth_respond(raw_key, HASH_SHA256, s.challenge, answer), 0);
        cr_assert(session_commit(&s, answer, &reason));
        cr_expect_not(session_seal(&s, "", 1, tag));
        cr_expect_eq(s.state, SESSION_COMMITTED);
}

Test(session_fx2, the_minimum_can_be_fx2_with_either_kind_of_key) {
        static const char no_fx2[] = "the guest does not speak FX2, which MinimumHash= asks for",
                          weak[] = "the hash of the packet is weaker than MinimumHash= allows";
        static const struct {
                HashType hash, minimum;
                uint8_t flags;
                const char *reason; /* NULL: taken */
        } table[] = {
                { HASH_SHA256, HASH_SHA256, 0, NULL },
                { HASH_SHA256, HASH_FX2, 0, no_fx2 },
                { HASH_SHA512, HASH_FX2, 0, no_fx2 },
                { HASH_SHA1, HASH_FX2, 0, no_fx2 },
                { HASH_SHA1, HASH_FX2, WIRE_FLAG_FX2, weak },
                { HASH_SHA1, HASH_SHA256, WIRE_FLAG_FX2, weak },
                { HASH_SHA1, HASH_SHA1, WIRE_FLAG_FX2, NULL },
                { HASH_SHA256, HASH_FX2, WIRE_FLAG_FX2, NULL },
                { HASH_SHA256, HASH_SHA512, WIRE_FLAG_FX2, weak },
                { HASH_SHA512, HASH_FX2, WIRE_FLAG_FX2, NULL },
                { HASH_FX2, HASH_SHA1, WIRE_FLAG_FX2, NULL },
                { HASH_FX2, HASH_SHA512, WIRE_FLAG_FX2, NULL },
                { HASH_FX2, HASH_FX2, WIRE_FLAG_FX2, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const Request r = { .action = ACTION_STATUS,
                        .hash = table[i].hash,
                        .flags = table[i].flags,
                        .target = "vm1" };
                uint8_t packet[WIRE_PACKET_SIZE];
                const char *reason = NULL;
                Session s;

                cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, packet), 0);
                cr_assert_eq(auth_sign_packet(r.hash == HASH_FX2 ? only_key : raw_key, packet), 0);
                cr_expect_eq(
                        session_open(&s, WIRE_STREAM, packet, ring, table[i].minimum, HASH_SHA256, &reason),
                        !table[i].reason, "row %zu: %s", i, reason ? reason : "taken");
                if (table[i].reason)
                        cr_expect_str_eq(reason, table[i].reason, "row %zu", i);
                cr_expect_str_eq(s.request.target, "vm1");
        }
}

/* A raw key signs nothing of FX2's own, and a key for FX2 only nothing else, not even by chance of equal bytes. */
Test(session_fx2, each_kind_of_key_takes_its_own_kind_of_packet_only) {
        _cleanup_(keyring_unrefp) Keyring *raw_ring = ring_of_vectors();
        const char *reason = NULL;
        Session s;

        cr_expect_not(session_open(
                &s, WIRE_STREAM, vector_fx2.only_packet, raw_ring, HASH_SHA1, HASH_SHA256, &reason));
        cr_expect_str_eq(reason, "no key verifies the packet");
        cr_expect_not(
                session_open(&s, WIRE_STREAM, vector_fx2.packet, ring, HASH_SHA1, HASH_SHA256, &reason));
        cr_expect_str_eq(reason, "no key verifies the packet");
}
