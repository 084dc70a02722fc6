/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "auth-fx2.h"
#include "auth-key.h"
#include "vectors.h"

static AuthKey *new_key(void) {
        AuthKey *k = NULL;

        for (size_t i = 0; i < ELEMENTSOF(vector_keys); i++)
                if (strcmp(vector_keys[i].name, vector_fx2.key) == 0)
                        cr_assert_eq(auth_key_new(vector_keys[i].bytes, vector_keys[i].size, &k, NULL), 0);
        cr_assert_not_null(k);
        return k;
}

static AuthKey *new_fx2_only_key(void) {
        AuthKey *k = NULL;

        cr_assert_eq(auth_key_new(vector_fx2.only_file, strlen(vector_fx2.only_file), &k, NULL), 0);
        return k;
}

static Fx2Transcript transcript(void) {
        Fx2Transcript t;

        fx2_transcript(vector_fx2.packet, vector_fx2.guest_challenge, vector_fx2.host_challenge, &t);
        return t;
}

Test(auth_fx2, derives_a_key_for_each_purpose) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key();

        cr_expect_arr_eq(k->tag_key, vector_fx2.k_tag, sizeof(k->tag_key));
        cr_expect_arr_eq(k->host_key, vector_fx2.k_host, sizeof(k->host_key));
        cr_expect_arr_eq(k->guest_key, vector_fx2.k_guest, sizeof(k->guest_key));
        cr_expect_arr_eq(k->result_key, vector_fx2.k_result, sizeof(k->result_key));
}

Test(auth_fx2, computes_the_whole_conversation_of_the_vectors) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key();
        Fx2Transcript t = transcript();
        uint8_t challenge[WIRE_CHALLENGE_SIZE], mac[WIRE_MAC_SIZE];
        Fx2Tag tag;

        fx2_challenge(vector_fx2.guest_challenge + 8, challenge);
        cr_expect_arr_eq(challenge, vector_fx2.guest_challenge, sizeof(challenge));
        auth_host_challenge(k, vector_fx2.host_challenge, challenge);
        cr_expect_arr_eq(challenge, vector_fx2.host_challenge, sizeof(challenge));
        fx2_host_proof(k, &t, mac);
        cr_expect_arr_eq(mac, vector_fx2.host_proof, sizeof(mac));
        fx2_guest_proof(k, &t, mac);
        cr_expect_arr_eq(mac, vector_fx2.guest_proof, sizeof(mac));
        fx2_tag_begin(k, &t, &tag);
        fx2_tag_add(&tag, vector_fx2.body, 1);
        fx2_tag_end(&tag, mac);
        cr_expect_arr_eq(mac, vector_fx2.result_tag, sizeof(mac));
        cr_expect(fx2_verify_host_proof(k, &t, vector_fx2.host_proof));
        cr_expect(fx2_verify_guest_proof(k, &t, vector_fx2.guest_proof));
}

Test(auth_fx2, computes_the_conversation_of_a_key_for_fx2_only) {
        _cleanup_(auth_key_freep) AuthKey *k = new_fx2_only_key();
        uint8_t packet[WIRE_PACKET_SIZE], mac[WIRE_MAC_SIZE];
        Fx2Transcript t;
        Fx2Tag tag;

        cr_expect(auth_key_is_fx2_only(k));
        cr_expect_arr_eq(k->packet_key, vector_fx2.only_k_packet, sizeof(k->packet_key));
        memcpy(packet, vector_fx2.only_packet, sizeof(packet));
        memset(packet + WIRE_MAC_OFFSET, 0, WIRE_MAC_SIZE);
        cr_assert_eq(auth_sign_packet(k, packet), 0);
        cr_expect_arr_eq(packet, vector_fx2.only_packet, sizeof(packet));
        fx2_transcript(packet, vector_fx2.guest_challenge, vector_fx2.host_challenge, &t);
        fx2_host_proof(k, &t, mac);
        cr_expect_arr_eq(mac, vector_fx2.only_host_proof, sizeof(mac));
        fx2_guest_proof(k, &t, mac);
        cr_expect_arr_eq(mac, vector_fx2.only_guest_proof, sizeof(mac));
        fx2_tag_begin(k, &t, &tag);
        fx2_tag_add(&tag, vector_fx2.only_body, sizeof(vector_fx2.only_body));
        cr_expect(fx2_tag_verify(&tag, vector_fx2.only_result_tag));
        fx2_tag_begin(k, &t, &tag);
        fx2_tag_add(&tag, vector_fx2.only_list_body, sizeof(vector_fx2.only_list_body));
        cr_expect(fx2_tag_verify(&tag, vector_fx2.only_list_result_tag));
}

Test(auth_fx2, takes_the_proof_of_one_end_for_that_of_no_other) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key();
        Fx2Transcript t = transcript();
        Fx2Tag tag;

        cr_expect_not(fx2_verify_host_proof(k, &t, vector_fx2.guest_proof));
        cr_expect_not(fx2_verify_guest_proof(k, &t, vector_fx2.host_proof));
        fx2_tag_begin(k, &t, &tag);
        cr_expect_not(fx2_tag_verify(&tag, vector_fx2.host_proof), "an answer without a byte");
}

Test(auth_fx2, believes_nothing_about_a_transcript_with_any_bit_flipped) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key();
        Fx2Transcript t = transcript();

        for (size_t bit = 0; bit < sizeof(t.bytes) * 8; bit++) {
                Fx2Tag tag;

                t.bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_assert_not(fx2_verify_host_proof(k, &t, vector_fx2.host_proof), "bit %zu", bit);
                cr_assert_not(fx2_verify_guest_proof(k, &t, vector_fx2.guest_proof), "bit %zu", bit);
                fx2_tag_begin(k, &t, &tag);
                fx2_tag_add(&tag, vector_fx2.body, 1);
                cr_assert_not(fx2_tag_verify(&tag, vector_fx2.result_tag), "bit %zu", bit);
                t.bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
        }
}

Test(auth_fx2, believes_no_proof_and_no_tag_with_any_bit_flipped) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key();
        Fx2Transcript t = transcript();

        for (size_t bit = 0; bit < 8 * WIRE_MAC_SIZE; bit++) {
                uint8_t flip = (uint8_t) (1U << bit % 8), host[WIRE_MAC_SIZE], guest[WIRE_MAC_SIZE],
                        result[WIRE_MAC_SIZE];
                Fx2Tag tag;

                memcpy(host, vector_fx2.host_proof, sizeof(host));
                memcpy(guest, vector_fx2.guest_proof, sizeof(guest));
                memcpy(result, vector_fx2.result_tag, sizeof(result));
                host[bit / 8] ^= flip;
                guest[bit / 8] ^= flip;
                result[bit / 8] ^= flip;
                cr_assert_not(fx2_verify_host_proof(k, &t, host), "bit %zu", bit);
                cr_assert_not(fx2_verify_guest_proof(k, &t, guest), "bit %zu", bit);
                fx2_tag_begin(k, &t, &tag);
                fx2_tag_add(&tag, vector_fx2.body, 1);
                cr_assert_not(fx2_tag_verify(&tag, result), "bit %zu", bit);
        }
}

Test(auth_fx2, believes_another_answer_of_no_length) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key();
        Fx2Transcript t = transcript();
        uint8_t body[2] = {};

        for (unsigned value = 0; value <= UINT8_MAX; value++)
                for (size_t n = 0; n <= sizeof(body); n++) {
                        Fx2Tag tag;

                        body[0] = (uint8_t) value;
                        fx2_tag_begin(k, &t, &tag);
                        fx2_tag_add(&tag, body, n);
                        cr_assert_eq(fx2_tag_verify(&tag, vector_fx2.result_tag),
                                n == 1 && value == vector_fx2.body[0], "%zu bytes, the first %u", n, value);
                }
}

Test(auth_fx2, tags_an_answer_in_pieces_as_it_does_the_whole) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key();
        Fx2Transcript t = transcript();
        uint8_t body[1000], whole[WIRE_MAC_SIZE];
        Fx2Tag tag;

        for (size_t i = 0; i < sizeof(body); i++)
                body[i] = (uint8_t) (i * 7);
        fx2_tag_begin(k, &t, &tag);
        fx2_tag_add(&tag, body, sizeof(body));
        fx2_tag_end(&tag, whole);
        for (size_t cut = 0; cut <= sizeof(body); cut++) {
                fx2_tag_begin(k, &t, &tag);
                fx2_tag_add(&tag, body, cut);
                fx2_tag_add(&tag, body + cut, sizeof(body) - cut);
                cr_assert(fx2_tag_verify(&tag, whole), "cut at %zu", cut);
        }
}

Test(auth_fx2, signs_packets_with_a_key_for_fx2_only_and_no_other) {
        _cleanup_(auth_key_freep) AuthKey *only = new_fx2_only_key(), *raw = new_key();
        uint8_t packet[WIRE_PACKET_SIZE];

        memcpy(packet, vector_fx2.packet, sizeof(packet));
        for (unsigned type = 0; type <= UINT8_MAX; type++) {
                bool v1 = type >= HASH_SHA1 && type <= HASH_SHA512;

                packet[1] = (uint8_t) type;
                cr_expect_eq(
                        auth_sign_packet(only, packet), type == HASH_FX2 ? 0 : -EINVAL, "type %u", type);
                cr_expect_eq(
                        auth_verify_packet(only, packet), type == HASH_FX2 ? 0 : -EBADMSG, "type %u", type);
                cr_expect_eq(auth_sign_packet(raw, packet), v1 ? 0 : -EINVAL, "type %u", type);
        }
}

Test(auth_fx2, believes_no_packet_of_an_fx2_key_with_any_bit_flipped) {
        _cleanup_(auth_key_freep) AuthKey *k = new_fx2_only_key();
        uint8_t packet[WIRE_PACKET_SIZE];

        memcpy(packet, vector_fx2.packet, sizeof(packet));
        packet[1] = HASH_FX2;
        cr_assert_eq(auth_sign_packet(k, packet), 0);
        for (size_t bit = 0; bit < sizeof(packet) * 8; bit++) {
                packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_assert_eq(auth_verify_packet(k, packet), -EBADMSG, "bit %zu", bit);
                packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
        }
        cr_expect_eq(auth_verify_packet(k, packet), 0);
}

Test(auth_fx2, computes_no_v1_value_from_a_key_for_fx2_only) {
        static const uint8_t challenge[WIRE_CHALLENGE_SIZE] = { 0xff };
        _cleanup_(auth_key_freep) AuthKey *only = new_fx2_only_key(), *raw = new_key();
        uint8_t response[WIRE_MAC_SIZE];

        cr_assert(auth_key_same_bytes(only, raw));
        for (HashType h = HASH_SHA1; h < _HASH_MAX; h++) {
                cr_assert_eq(auth_respond(raw, h, challenge, response), 0);
                cr_expect_eq(auth_verify_response(raw, h, challenge, response), 0);
                cr_expect_eq(auth_verify_response(only, h, challenge, response), -EBADMSG);
                cr_expect_eq(auth_respond(only, h, challenge, response), -EINVAL);
        }
}

Test(auth_fx2, gives_no_v1_answer_to_a_challenge_of_fx2) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key();
        uint8_t response[WIRE_MAC_SIZE], near[WIRE_CHALLENGE_SIZE];

        cr_expect_eq(auth_respond(k, HASH_SHA256, vector_fx2.guest_challenge, response), -EINVAL);
        memcpy(near, vector_fx2.guest_challenge, sizeof(near));
        near[7] ^= 1;
        cr_expect_eq(auth_respond(k, HASH_SHA256, near, response), 0);
}
