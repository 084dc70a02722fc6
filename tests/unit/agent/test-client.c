/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "client.h"
#include "host.h"
#include "vectors.h"

/* A guest that has sent nothing yet: there is nothing that a host could prove itself over in FX2. */
static const Sent nothing_sent;

static AuthKey *vector_key(const char *name) {
        AuthKey *k = NULL;

        for (size_t i = 0; i < ELEMENTSOF(vector_keys); i++)
                if (strcmp(vector_keys[i].name, name) == 0)
                        cr_assert_eq(auth_key_new(vector_keys[i].bytes, vector_keys[i].size, &k, NULL), 0);
        cr_assert(k, "%s", name);
        return k;
}

static void start(
        const struct VectorHandshake *v, const AuthKey *k, Client *c, uint8_t proof[CLIENT_PROOF_SIZE]) {
        HashType h;

        cr_assert_eq(hash_type_from_string(v->hash, &h), 0);
        client_start(c, k, h, v->guest_challenge);
        memcpy(c->challenge, v->guest_challenge, sizeof(c->challenge)); /* that of a guest without FX2 */
        memcpy(proof, v->host_response, WIRE_MAC_SIZE);
        memcpy(proof + WIRE_MAC_SIZE, v->host_challenge, WIRE_CHALLENGE_SIZE);
}

Test(client, answers_every_captured_host_as_fence_virt_did) {
        for (size_t i = 0; i < ELEMENTSOF(vector_handshakes); i++) {
                const struct VectorHandshake *v = vector_handshakes + i;
                _cleanup_(auth_key_freep) AuthKey *k = vector_key(v->key);
                uint8_t proof[CLIENT_PROOF_SIZE];
                Client c;

                start(v, k, &c, proof);
                cr_expect_arr_eq(c.challenge, v->guest_challenge, sizeof(c.challenge));
                cr_expect(client_prove(&c, &nothing_sent, proof), "%s: %s", v->name, c.reason);
                cr_expect_eq(c.state, CLIENT_PROVED);
                cr_expect_not(c.fx2);
                cr_expect_arr_eq(c.response, v->guest_response, sizeof(c.response), "%s", v->name);
        }
}

Test(client, refuses_every_bit_that_flips_in_the_hosts_response) {
        static const uint8_t nothing[WIRE_MAC_SIZE] = {};

        for (size_t i = 0; i < ELEMENTSOF(vector_handshakes); i++) {
                _cleanup_(auth_key_freep) AuthKey *k = vector_key(vector_handshakes[i].key);

                for (size_t bit = 0; bit < WIRE_MAC_SIZE * 8; bit++) {
                        uint8_t proof[CLIENT_PROOF_SIZE];
                        Client c;

                        start(vector_handshakes + i, k, &c, proof);
                        proof[bit / 8] ^= (uint8_t) (1U << bit % 8);
                        cr_assert_not(client_prove(&c, &nothing_sent, proof), "bit %zu", bit);
                        cr_assert_eq(c.state, CLIENT_REFUSED);
                        cr_assert(c.reason);
                        cr_assert_arr_eq(c.response, nothing, sizeof(nothing), "an answer was computed");
                }
        }
}

Test(client, every_bit_of_the_hosts_challenge_is_in_the_answer) {
        const struct VectorHandshake *v = vector_handshakes;
        _cleanup_(auth_key_freep) AuthKey *k = vector_key(v->key);

        for (size_t bit = 0; bit < WIRE_CHALLENGE_SIZE * 8; bit++) {
                uint8_t proof[CLIENT_PROOF_SIZE];
                Client c;

                start(v, k, &c, proof);
                proof[WIRE_MAC_SIZE + bit / 8] ^= (uint8_t) (1U << bit % 8);
                if (client_prove(&c, &nothing_sent, proof))
                        cr_assert(memcmp(c.response, v->guest_response, sizeof(c.response)) != 0, "bit %zu",
                                bit);
        }
}

Test(client, refuses_every_bit_that_flips_in_its_own_challenge) {
        const struct VectorHandshake *v = vector_handshakes;
        _cleanup_(auth_key_freep) AuthKey *k = vector_key(v->key);

        for (size_t bit = 0; bit < WIRE_CHALLENGE_SIZE * 8; bit++) {
                uint8_t proof[CLIENT_PROOF_SIZE];
                Client c;

                start(v, k, &c, proof);
                c.challenge[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_assert_not(client_prove(&c, &nothing_sent, proof), "bit %zu", bit);
        }
}

Test(client, does_not_answer_its_own_challenge) {
        _cleanup_(auth_key_freep) AuthKey *k = vector_key(vector_handshakes[0].key);
        uint8_t proof[CLIENT_PROOF_SIZE];
        Client c;

        start(vector_handshakes, k, &c, proof);
        memcpy(proof + WIRE_MAC_SIZE, c.challenge, sizeof(c.challenge));
        cr_expect_not(client_prove(&c, &nothing_sent, proof));
        cr_expect_eq(c.state, CLIENT_REFUSED);
}

Test(client, does_not_sign_the_beginning_of_a_packet) {
        _cleanup_(auth_key_freep) AuthKey *k = vector_key(vector_packets[0].key);

        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                uint8_t proof[CLIENT_PROOF_SIZE];
                Client c;

                start(vector_handshakes, k, &c, proof);
                cr_assert_eq(auth_respond(k, c.hash, c.challenge, proof), 0);
                memcpy(proof + WIRE_MAC_SIZE, vector_packets[i].packet, WIRE_CHALLENGE_SIZE);
                if (wire_looks_like_packet(vector_packets[i].packet))
                        cr_expect_not(client_prove(&c, &nothing_sent, proof), "%s", vector_packets[i].name);
        }
}

Test(client, believes_nobody_with_another_key_or_another_hash) {
        const struct VectorHandshake *v = vector_handshakes;
        _cleanup_(auth_key_freep) AuthKey *k = vector_key(v->key), *other = NULL;
        uint8_t proof[CLIENT_PROOF_SIZE];
        Client c;

        cr_assert_eq(auth_key_new("0123456789abcdef", 16, &other, NULL), 0);
        start(v, other, &c, proof);
        cr_expect_not(client_prove(&c, &nothing_sent, proof));
        start(v, k, &c, proof);
        c.hash = c.hash == HASH_SHA512 ? HASH_SHA256 : HASH_SHA512;
        cr_expect_not(client_prove(&c, &nothing_sent, proof));
        start(v, k, &c, proof);
        c.hash = HASH_NONE;
        cr_expect_not(client_prove(&c, &nothing_sent, proof));
}

Test(client, hears_a_host_once) {
        _cleanup_(auth_key_freep) AuthKey *k = vector_key(vector_handshakes[0].key);
        uint8_t proof[CLIENT_PROOF_SIZE];
        Client c;

        start(vector_handshakes, k, &c, proof);
        cr_assert(client_prove(&c, &nothing_sent, proof));
        cr_expect_not(client_prove(&c, &nothing_sent, proof));
        cr_expect_eq(c.state, CLIENT_REFUSED);
        c = (Client){};
        cr_expect_not(client_prove(&c, &nothing_sent, proof), "a cleared client believes somebody");
}
