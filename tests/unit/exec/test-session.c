/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "scratch.h"
#include "session.h"
#include "vectors.h"

static Keyring *ring, *other_ring;
static AuthKey *guest_key;

static const struct VectorKey *vector_key(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(vector_keys); i++)
                if (strcmp(vector_keys[i].name, name) == 0)
                        return vector_keys + i;
        cr_assert(false, "no key %s", name);
        return NULL;
}

static Keyring *load(const char *directory) {
        Keyring *k = NULL;
        ConfError error;

        cr_assert_eq(keyring_load(scratch_path(directory), NULL, &k, &error), 0);
        return k;
}

/* Two hosts that share key32, each with a key of its own before and after it. */
static void set_up(void) {
        const struct VectorKey *shared, *big;

        shared = vector_key("key32");
        big = vector_key("key4096");
        scratch_set_up();
        scratch_mkdir("a");
        scratch_write("a/guests.key", shared->bytes, shared->size, 0600);
        scratch_write("a/long.key", big->bytes, big->size, 0600);
        scratch_mkdir("b");
        scratch_write("b/a-first.key", "this is the key of some others..", 32, 0600);
        scratch_write("b/shared.key", shared->bytes, shared->size, 0600);
        ring = load("a");
        other_ring = load("b");
        cr_assert_eq(auth_key_new(shared->bytes, shared->size, &guest_key, NULL), 0);
}

static void tear_down(void) {
        ring = keyring_unref(ring);
        other_ring = keyring_unref(other_ring);
        guest_key = auth_key_free(guest_key);
        scratch_tear_down();
}

TestSuite(session, .init = set_up, .fini = tear_down);

static const uint8_t host_random[32] = { 0x5a, 1, 2, 3 };
static const uint8_t guest_challenge[WIRE_CHALLENGE_SIZE] = { 0xff, 9, 8, 7 };

static void make_packet(uint8_t ret[static WIRE_PACKET_SIZE]) {
        const Request r = {
                .action = ACTION_OFF, .hash = HASH_SHA256, .target = "web2", .random = { 1, 2 }
        };

        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, ret), 0);
        cr_assert_eq(auth_sign_packet(guest_key, ret), 0);
}

static bool open_with(Session *s, const Keyring *keys, const uint8_t *packet, const char **ret_reason) {
        return session_open(s, WIRE_STREAM, packet, keys, HASH_SHA256, HASH_SHA256, ret_reason);
}

/* Brings a session to the state, with what a good guest would send; the guest's last answer is returned. */
static void advance(Session *s, SessionState state, uint8_t ret_answer[static WIRE_MAC_SIZE]) {
        uint8_t packet[WIRE_PACKET_SIZE], response[WIRE_MAC_SIZE], challenge[WIRE_CHALLENGE_SIZE];
        const char *reason = NULL;

        *s = (Session){};
        memset(ret_answer, 0, WIRE_MAC_SIZE);
        if (state >= SESSION_OPENED) {
                make_packet(packet);
                cr_assert(open_with(s, ring, packet, &reason), "%s", reason);
        }
        if (state >= SESSION_PROVED) {
                cr_assert(
                        session_prove(s, ring, guest_challenge, host_random, response, challenge, &reason));
                cr_assert_eq(auth_verify_response(guest_key, HASH_SHA256, guest_challenge, response), 0);
                cr_assert_eq(auth_respond(guest_key, HASH_SHA256, challenge, ret_answer), 0);
        }
        if (state >= SESSION_COMMITTED)
                cr_assert(session_commit(s, ret_answer, &reason), "%s", reason);
        cr_assert_eq(s->state, state);
}

Test(session, carries_a_guest_from_packet_to_commit) {
        uint8_t answer[WIRE_MAC_SIZE];
        Session s;

        advance(&s, SESSION_COMMITTED, answer);
        cr_expect_str_eq(s.key->name, "guests");
        cr_expect_not(s.fx2);
        cr_expect_str_eq(s.request.target, "web2");
        cr_expect_eq(s.request.action, ACTION_OFF);
}

static const struct VectorPacket *packet_of(const struct VectorHandshake *h) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                const struct VectorPacket *p = vector_packets + i;

                if (strncmp(p->name, h->name, strlen(h->name)) == 0 && p->name[strlen(h->name)] == ' ')
                        return p;
        }
        cr_assert(false, "no packet of %s", h->name);
        return NULL;
}

Test(session, answers_every_captured_guest_with_the_bytes_of_the_real_host) {
        for (size_t i = 0; i < ELEMENTSOF(vector_handshakes); i++) {
                const struct VectorHandshake *h = vector_handshakes + i;
                const struct VectorPacket *p = packet_of(h);
                uint8_t response[WIRE_MAC_SIZE], challenge[WIRE_CHALLENGE_SIZE];
                const char *reason = NULL;
                HashType hash;
                Session s;

                cr_assert_eq(hash_type_from_string(h->hash, &hash), 0);
                cr_assert(session_open(&s, p->multicast ? WIRE_MULTICAST : WIRE_STREAM, p->packet, ring,
                                  HASH_SHA1, hash, &reason),
                        "%s: %s", p->name, reason);
                cr_expect_str_eq(s.key->name, strcmp(h->key, "key32") == 0 ? "guests" : "long");
                cr_assert(session_prove(
                                  &s, ring, h->guest_challenge, host_random, response, challenge, &reason),
                        "%s: %s", p->name, reason);
                cr_expect_arr_eq(response, h->host_response, sizeof(response), "%s", p->name);
                /* as if the real host's challenge had been ours */
                memcpy(s.challenge, h->host_challenge, sizeof(s.challenge));
                cr_expect(session_commit(&s, h->guest_response, &reason), "%s: %s", p->name, reason);
        }
}

Test(session, a_challenge_is_random_and_carries_our_tag) {
        uint8_t answer[WIRE_MAC_SIZE];
        Session s;

        advance(&s, SESSION_PROVED, answer);
        cr_expect_arr_eq(s.challenge, host_random, sizeof(host_random));
        cr_expect(auth_is_host_challenge(guest_key, s.challenge));
}

Test(session, refuses_a_packet_with_any_single_bit_flipped) {
        uint8_t packet[WIRE_PACKET_SIZE];

        make_packet(packet);
        for (size_t bit = 0; bit < WIRE_PACKET_SIZE * 8; bit++) {
                const char *reason = NULL;
                Session s;

                packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_expect(!open_with(&s, ring, packet, &reason), "bit %zu", bit);
                cr_expect_eq(s.state, SESSION_CLOSED);
                cr_expect_not_null(reason);
                packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
        }
}

Test(session, refuses_an_answer_with_any_single_bit_flipped) {
        for (size_t bit = 0; bit < WIRE_MAC_SIZE * 8; bit++) {
                uint8_t answer[WIRE_MAC_SIZE];
                const char *reason = NULL;
                Session s;

                advance(&s, SESSION_PROVED, answer);
                answer[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_expect(!session_commit(&s, answer, &reason), "bit %zu", bit);
                cr_expect_eq(s.state, SESSION_CLOSED);
                answer[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_expect(!session_commit(&s, answer, &reason), "one guess is all there is");
        }
}

Test(session, takes_no_packet_in_the_form_of_the_other_transport) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                const struct VectorPacket *p = vector_packets + i;
                const char *reason = NULL;
                Session s;

                cr_expect(!session_open(&s, p->multicast ? WIRE_STREAM : WIRE_MULTICAST, p->packet, ring,
                                  HASH_SHA1, HASH_SHA256, &reason),
                        "%s", p->name);
                cr_expect_str_eq(reason, "the packet is not in the form that guests send");
        }
}

Test(session, takes_no_hash_below_the_minimum_and_still_tells_the_audit_what_was_asked) {
        for (HashType have = HASH_SHA1; have < _HASH_MAX; have++)
                for (HashType minimum = HASH_NONE; minimum < _HASH_MAX; minimum++) {
                        const Request r = { .action = ACTION_STATUS, .hash = have, .target = "vm1" };
                        uint8_t packet[WIRE_PACKET_SIZE];
                        const char *reason = NULL;
                        Session s;

                        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, packet), 0);
                        cr_assert_eq(auth_sign_packet(guest_key, packet), 0);
                        cr_expect_eq(
                                session_open(&s, WIRE_STREAM, packet, ring, minimum, HASH_SHA256, &reason),
                                have >= minimum);
                        cr_expect_str_eq(s.request.target, "vm1");
                        cr_expect_eq(s.request.action, ACTION_STATUS);
                        if (have < minimum)
                                cr_expect_str_eq(
                                        reason, "the hash of the packet is weaker than MinimumHash= allows");
                }
}

Test(session, a_packet_that_no_key_verifies_is_refused_and_named) {
        uint8_t packet[WIRE_PACKET_SIZE];
        _cleanup_(keyring_unrefp) Keyring *empty = load("no-such-directory");
        const char *reason = NULL;
        Session s;

        make_packet(packet);
        cr_expect(!open_with(&s, empty, packet, &reason));
        cr_expect_str_eq(reason, "no key verifies the packet");
        cr_expect_str_eq(s.request.target, "web2");
        cr_expect_null(s.key);
}

/* T2: two hosts serve the same guests; a stranger hands the challenge of one to the other. */
Test(session, no_host_answers_the_challenge_of_another_host_with_the_same_key) {
        uint8_t packet[WIRE_PACKET_SIZE], answer[WIRE_MAC_SIZE], response[WIRE_MAC_SIZE] = { 0x77 },
                                                                 challenge[WIRE_CHALLENGE_SIZE] = { 0x77 };
        const char *reason = NULL;
        Session a, b;

        advance(&a, SESSION_PROVED, answer);
        make_packet(packet);
        cr_assert(open_with(&b, other_ring, packet, &reason));
        cr_expect_str_eq(b.key->name, "shared");
        cr_expect(!session_prove(&b, other_ring, a.challenge, host_random, response, challenge, &reason));
        cr_expect_str_eq(reason, "the challenge was made by a host with the same key: a reflection");
        cr_expect_eq(b.state, SESSION_CLOSED);
        cr_expect_eq(response[0], 0x77, "nothing was signed");
        cr_expect_eq(challenge[0], 0x77);

        /* nor does it answer itself */
        cr_assert(open_with(&b, ring, packet, &reason));
        cr_expect(!session_prove(&b, ring, a.challenge, host_random, response, challenge, &reason));
}

/* The tag of any key of the ring counts, whichever signed this packet. */
Test(session, no_host_answers_a_challenge_made_with_any_of_its_keys) {
        const struct VectorKey *big = vector_key("key4096");
        uint8_t packet[WIRE_PACKET_SIZE], response[WIRE_MAC_SIZE], challenge[WIRE_CHALLENGE_SIZE];
        _cleanup_(auth_key_freep) AuthKey *other = NULL;
        const char *reason = NULL;
        Session s;

        cr_assert_eq(auth_key_new(big->bytes, big->size, &other, NULL), 0);
        auth_host_challenge(other, host_random, challenge);
        make_packet(packet);
        cr_assert(open_with(&s, ring, packet, &reason));
        cr_expect(!session_prove(&s, ring, challenge, host_random, response, challenge, &reason));
        cr_expect_str_eq(reason, "the challenge was made by a host with the same key: a reflection");
}

Test(session, signs_nothing_that_could_be_the_beginning_of_a_packet) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                uint8_t answer[WIRE_MAC_SIZE], response[WIRE_MAC_SIZE] = { 0x77 },
                                               challenge[WIRE_CHALLENGE_SIZE];
                const char *reason = NULL;
                Session s;

                advance(&s, SESSION_OPENED, answer);
                cr_expect(!session_prove(
                        &s, ring, vector_packets[i].packet, host_random, response, challenge, &reason));
                cr_expect_str_eq(reason, "the challenge could be the beginning of a packet");
                cr_expect_eq(response[0], 0x77);
        }
}

Test(session, proves_nothing_without_a_hash) {
        static const HashType hashes[] = { HASH_NONE, _HASH_MAX };

        for (size_t i = 0; i < ELEMENTSOF(hashes); i++) {
                uint8_t packet[WIRE_PACKET_SIZE], response[WIRE_MAC_SIZE], challenge[WIRE_CHALLENGE_SIZE];
                const char *reason = NULL;
                Session s;

                make_packet(packet);
                cr_assert(session_open(&s, WIRE_STREAM, packet, ring, HASH_SHA1, hashes[i], &reason));
                cr_expect(!session_prove(
                        &s, ring, guest_challenge, host_random, response, challenge, &reason));
                cr_expect_eq(s.state, SESSION_CLOSED);
        }
}

/* The zero session is the first row. */
Test(session, a_step_out_of_order_is_refused_and_closes_for_good) {
        for (SessionState state = SESSION_CLOSED; state < _SESSION_STATE_MAX; state++) {
                uint8_t answer[WIRE_MAC_SIZE], response[WIRE_MAC_SIZE], challenge[WIRE_CHALLENGE_SIZE];
                const char *reason = NULL;
                Session s;

                if (state != SESSION_OPENED) {
                        advance(&s, state, answer);
                        cr_expect(!session_prove(
                                &s, ring, guest_challenge, host_random, response, challenge, &reason));
                        cr_expect_str_eq(reason, "a challenge out of order");
                        cr_expect_eq(s.state, SESSION_CLOSED);
                        cr_expect(!session_commit(&s, answer, &reason), "closed for good");
                }
                if (state != SESSION_PROVED) {
                        advance(&s, state, answer);
                        cr_expect(!session_commit(&s, answer, &reason));
                        cr_expect_str_eq(reason, "an answer out of order");
                        cr_expect_eq(s.state, SESSION_CLOSED);
                        cr_expect(!session_prove(
                                &s, ring, guest_challenge, host_random, response, challenge, &reason));
                }
        }
}

Test(session, an_answer_with_another_hash_or_to_another_challenge_is_refused) {
        uint8_t answer[WIRE_MAC_SIZE];
        const char *reason = NULL;
        Session s;

        advance(&s, SESSION_PROVED, answer);
        cr_assert_eq(auth_respond(guest_key, HASH_SHA512, s.challenge, answer), 0);
        cr_expect(!session_commit(&s, answer, &reason));
        advance(&s, SESSION_PROVED, answer);
        cr_assert_eq(auth_respond(guest_key, HASH_SHA256, guest_challenge, answer), 0);
        cr_expect(!session_commit(&s, answer, &reason));
        advance(&s, SESSION_PROVED, answer);
        memset(answer, 0, sizeof(answer));
        cr_expect(!session_commit(&s, answer, &reason));
}

Test(session, an_answer_made_with_another_key_of_the_ring_is_refused) {
        const struct VectorKey *big = vector_key("key4096");
        _cleanup_(auth_key_freep) AuthKey *other = NULL;
        uint8_t answer[WIRE_MAC_SIZE];
        const char *reason = NULL;
        Session s;

        cr_assert_eq(auth_key_new(big->bytes, big->size, &other, NULL), 0);
        advance(&s, SESSION_PROVED, answer);
        cr_assert_eq(auth_respond(other, HASH_SHA256, s.challenge, answer), 0);
        cr_expect(!session_commit(&s, answer, &reason));
}
