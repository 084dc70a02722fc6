/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules 4 to 6 of docs/fx2.md, section 6, and its vectors. */

#include <criterion/criterion.h>
#include <string.h>

#include "client.h"
#include "host.h"
#include "vectors.h"

static const uint8_t random_bytes_[FX2_RANDOM_SIZE] = { 9, 8, 7 };
static AuthKey *raw, *only;
static Sent sent;

static void set_up(void) {
        uint8_t packet[WIRE_PACKET_SIZE] = { ACTION_OFF };

        raw = fake_key(1);
        only = fake_fx2_key(1);
        cr_assert(raw && only && auth_key_same_bytes(raw, only));
        packet[1] = 1;
        sent_add(&sent, packet);
}

static void tear_down(void) {
        raw = auth_key_free(raw);
        only = auth_key_free(only);
}

TestSuite(client_fx2, .init = set_up, .fini = tear_down);

static bool prove(
        Client *c, const AuthKey *k, const FakeHost *h, const Sent *s, const uint8_t *packet, int flip) {
        uint8_t proof[CLIENT_PROOF_SIZE];

        client_start(c, k, HASH_SHA256, random_bytes_);
        fake_proof(h, packet, c->challenge, proof);
        if (flip >= 0)
                proof[flip / 8] ^= (uint8_t) (1U << flip % 8);
        return client_prove(c, s, proof);
}

static void expect_refused(const Client *c, const char *reason) {
        static const uint8_t nothing[WIRE_MAC_SIZE];

        cr_expect_eq(c->state, CLIENT_REFUSED);
        cr_expect(c->reason && strstr(c->reason, reason), "%s", c->reason);
        cr_expect_arr_eq(c->response, nothing, sizeof(nothing), "an answer was computed");
        cr_expect_not(c->fx2);
}

static AuthKey *vector_key(void) {
        AuthKey *k = NULL;

        for (size_t i = 0; i < ELEMENTSOF(vector_keys); i++)
                if (strcmp(vector_keys[i].name, vector_fx2.key) == 0)
                        cr_assert_eq(auth_key_new(vector_keys[i].bytes, vector_keys[i].size, &k, NULL), 0);
        cr_assert(k);
        return k;
}

Test(client_fx2, holds_the_conversations_of_the_vectors) {
        _cleanup_(auth_key_freep) AuthKey *k = vector_key(), *k_only = NULL;
        struct {
                const AuthKey *key;
                const uint8_t *packet, *host_proof, *guest_proof;
        } table[] = {
                { k, vector_fx2.packet, vector_fx2.host_proof, vector_fx2.guest_proof },
                { NULL, vector_fx2.only_packet, vector_fx2.only_host_proof, vector_fx2.only_guest_proof },
        };

        cr_assert_eq(auth_key_new(vector_fx2.only_file, strlen(vector_fx2.only_file), &k_only, NULL), 0);
        table[1].key = k_only;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t proof[CLIENT_PROOF_SIZE];
                Sent s = {};
                Client c;

                sent_add(&s, table[i].packet);
                client_start(&c, table[i].key, HASH_SHA256, vector_fx2.guest_challenge + 8);
                cr_expect_arr_eq(c.challenge, vector_fx2.guest_challenge, sizeof(c.challenge));
                memcpy(proof, table[i].host_proof, WIRE_MAC_SIZE);
                memcpy(proof + WIRE_MAC_SIZE, vector_fx2.host_challenge, WIRE_CHALLENGE_SIZE);
                cr_expect(client_prove(&c, &s, proof), "%s", c.reason);
                cr_expect_eq(c.state, CLIENT_PROVED);
                cr_expect(c.fx2);
                cr_expect_arr_eq(c.response, table[i].guest_proof, sizeof(c.response));
                cr_expect_arr_eq(c.transcript.bytes, table[i].packet, WIRE_PACKET_SIZE);
        }
}

Test(client_fx2, takes_what_the_rules_allow_and_nothing_else) {
        const struct {
                const AuthKey *ours, *theirs;
                bool fx2;
                const char *refused; /* NULL: taken */
        } table[] = {
                { raw, raw, true, NULL },
                { raw, raw, false, NULL },
                { only, only, true, NULL },
                { only, raw, true, NULL }, /* the same bytes: what is proved is that they are known */
                { only, raw, false, "does not speak FX2" },
                { only, only, false, "does not speak FX2" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const FakeHost h = FAKE_HOST(.key = table[i].theirs, .fx2 = table[i].fx2);
                Client c;

                cr_expect_eq(prove(&c, table[i].ours, &h, &sent, sent.packets[0], -1), !table[i].refused,
                        "row %zu", i);
                if (table[i].refused)
                        expect_refused(&c, table[i].refused);
                else
                        cr_expect_eq(c.fx2, table[i].fx2);
        }
}

Test(client_fx2, refuses_every_bit_that_flips_in_proof_and_challenge) {
        const AuthKey *const keys[] = { raw, only };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const FakeHost h = FAKE_HOST(.key = keys[i], .fx2 = true);

                for (int bit = 0; bit < CLIENT_PROOF_SIZE * 8; bit++) {
                        Client c;

                        cr_assert_not(prove(&c, keys[i], &h, &sent, sent.packets[0], bit), "bit %d", bit);
                        cr_assert_eq(c.state, CLIENT_REFUSED);
                }
        }
}

/* Of the packet and of our own challenge: then the host has heard something else than we said. */
Test(client_fx2, refuses_a_proof_over_anything_that_it_did_not_say) {
        const FakeHost h = FAKE_HOST(.key = raw, .fx2 = true);
        uint8_t packet[WIRE_PACKET_SIZE], proof[CLIENT_PROOF_SIZE];
        Client c;

        for (size_t bit = 0; bit < sizeof(packet) * 8; bit++) {
                memcpy(packet, sent.packets[0], sizeof(packet));
                packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_assert_not(prove(&c, raw, &h, &sent, packet, -1), "bit %zu", bit);
        }
        for (size_t bit = 0; bit < WIRE_CHALLENGE_SIZE * 8; bit++) {
                client_start(&c, raw, HASH_SHA256, random_bytes_);
                fake_proof(&h, sent.packets[0], c.challenge, proof);
                c.challenge[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_assert_not(client_prove(&c, &sent, proof), "bit %zu", bit);
        }
}

/* A host that knows FX2 marks its challenges, in v1 as well: who speaks v1 with them took our flag away. */
Test(client_fx2, is_not_talked_down_to_v1_by_who_is_between_two_new_ends) {
        uint8_t proof[CLIENT_PROOF_SIZE];
        Client c;

        client_start(&c, raw, HASH_SHA256, random_bytes_);
        fake_v1_response(raw, HASH_SHA256, c.challenge, proof);
        auth_host_challenge(raw, random_bytes_, proof + WIRE_MAC_SIZE);
        cr_expect_not(client_prove(&c, &sent, proof));
        expect_refused(&c, "somebody is in between");
        /* in a v1 challenge of somebody else the tag is noise */
        proof[CLIENT_PROOF_SIZE - 1] ^= 1;
        client_start(&c, raw, HASH_SHA256, random_bytes_);
        cr_expect(client_prove(&c, &sent, proof));
        cr_expect_not(c.fx2);
}

Test(client_fx2, answers_neither_its_own_challenge_nor_that_of_another_guest) {
        const FakeHost h = FAKE_HOST(.key = raw, .fx2 = true);
        const AuthKey *const keys[] = { raw, only };
        uint8_t proof[CLIENT_PROOF_SIZE];
        Fx2Transcript t;
        Client c;

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                client_start(&c, keys[i], HASH_SHA256, random_bytes_);
                fx2_transcript(sent.packets[0], c.challenge, c.challenge, &t);
                fx2_host_proof(h.key, &t, proof);
                memcpy(proof + WIRE_MAC_SIZE, c.challenge, WIRE_CHALLENGE_SIZE);
                cr_expect_not(client_prove(&c, &sent, proof));
                expect_refused(&c, "our own question");
        }
        client_start(&c, raw, HASH_SHA256, random_bytes_);
        fake_v1_response(raw, HASH_SHA256, c.challenge, proof);
        fx2_challenge((const uint8_t[FX2_RANDOM_SIZE]){ 1 }, proof + WIRE_MAC_SIZE);
        cr_expect_not(client_prove(&c, &sent, proof));
        expect_refused(&c, "cannot be answered");
}

static void fill(Sent *s, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                uint8_t packet[WIRE_PACKET_SIZE] = { ACTION_OFF, (uint8_t) i, (uint8_t) (i >> 8) };

                sent_add(s, packet);
        }
}

Test(client_fx2, finds_the_packet_among_those_that_it_sent) {
        const FakeHost h = FAKE_HOST(.key = only, .fx2 = true);

        for (unsigned n = 0; n <= 3 * SENT_MAX; n += 1 + n / 3) {
                Sent s = {};

                fill(&s, n);
                cr_assert_leq(s.n, SENT_MAX);
                for (unsigned i = 0; i < n + 2; i++) {
                        uint8_t packet[WIRE_PACKET_SIZE] = { ACTION_OFF, (uint8_t) i, (uint8_t) (i >> 8) };
                        bool is_there = i < n && i + SENT_MAX >= n;
                        Client c;

                        cr_assert_eq(prove(&c, only, &h, &s, packet, -1), is_there, "%u of %u", i, n);
                        if (is_there)
                                cr_assert_arr_eq(c.transcript.bytes, packet, sizeof(packet));
                }
        }
}

Test(client_fx2, a_host_is_heard_once_and_in_this_order_only) {
        const FakeHost h = FAKE_HOST(.key = only, .fx2 = true);
        uint8_t proof[CLIENT_PROOF_SIZE];
        Client c = {};

        fake_proof(&h, sent.packets[0], c.challenge, proof);
        cr_expect_not(client_prove(&c, &sent, proof), "a cleared client believes somebody");
        cr_expect(prove(&c, only, &h, &sent, sent.packets[0], -1));
        fake_proof(&h, sent.packets[0], c.challenge, proof);
        cr_expect_not(client_prove(&c, &sent, proof), "twice");
        cr_expect_eq(c.state, CLIENT_REFUSED);
        cr_expect_not(prove(&c, only, &h, &sent, sent.packets[0], 0));
        fake_proof(&h, sent.packets[0], c.challenge, proof);
        cr_expect_not(client_prove(&c, &sent, proof), "a second try");
}
