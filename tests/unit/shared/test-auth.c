/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "auth-key.h"
#include "auth.h"
#include "vectors.h"

static void from_hex(const char *hex, uint8_t *ret, size_t size) {
        cr_assert_eq(strlen(hex), 2 * size);
        for (size_t i = 0; i < size; i++) {
                unsigned byte;

                cr_assert_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
                ret[i] = (uint8_t) byte;
        }
}

/* The vectors have a key of 7 bytes, which auth_key_new() refuses: what a MAC is does not depend on that. */
static AuthKey *key_by_name(const char *name) {
        AuthKey *k = calloc(1, sizeof(*k));

        cr_assert_not_null(k);
        for (size_t i = 0; i < ELEMENTSOF(vector_keys); i++)
                if (strcmp(vector_keys[i].name, name) == 0) {
                        memcpy(k->bytes, vector_keys[i].bytes, vector_keys[i].size);
                        k->size = vector_keys[i].size;
                        return k;
                }
        cr_assert(false, "no key %s", name);
        return auth_key_free(k);
}

static AuthKey *new_key(uint8_t first_byte) {
        uint8_t bytes[64] = { first_byte, 2, 3 };
        AuthKey *k = NULL;

        cr_assert_eq(auth_key_new(bytes, sizeof(bytes), &k, NULL), 0);
        return k;
}

Test(auth, signs_and_verifies_every_packet_that_the_real_host_took) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                const struct VectorPacket *v = vector_packets + i;
                _cleanup_(auth_key_freep) AuthKey *k = key_by_name(v->key);
                uint8_t packet[WIRE_PACKET_SIZE];

                cr_expect_eq(auth_verify_packet(k, v->packet), 0, "%s", v->name);
                memcpy(packet, v->packet, WIRE_MAC_OFFSET);
                memset(packet + WIRE_MAC_OFFSET, 0xa5, WIRE_MAC_SIZE);
                cr_assert_eq(auth_sign_packet(k, packet), 0, "%s", v->name);
                cr_expect_arr_eq(packet, v->packet, sizeof(packet), "%s", v->name);
        }
}

Test(auth, refuses_every_packet_with_any_single_bit_flipped) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                const struct VectorPacket *v = vector_packets + i;
                _cleanup_(auth_key_freep) AuthKey *k = key_by_name(v->key);
                uint8_t packet[WIRE_PACKET_SIZE];

                memcpy(packet, v->packet, sizeof(packet));
                for (size_t bit = 0; bit < WIRE_PACKET_SIZE * 8; bit++) {
                        packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
                        if (auth_verify_packet(k, packet) != -EBADMSG)
                                cr_assert(false, "%s is taken with bit %zu flipped", v->name, bit);
                        packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
                }
        }
}

Test(auth, refuses_a_packet_signed_with_any_key_that_differs_in_one_bit_or_in_length) {
        const uint8_t *packet = vector_packets[0].packet;
        _cleanup_(auth_key_freep) AuthKey *k = key_by_name("key32");

        cr_assert_str_eq(vector_packets[0].key, "key32");
        for (size_t bit = 0; bit < k->size * 8; bit++) {
                k->bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_expect_eq(auth_verify_packet(k, packet), -EBADMSG, "bit %zu", bit);
                k->bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
        }
        k->size++;
        cr_expect_eq(auth_verify_packet(k, packet), -EBADMSG);
        k->size -= 2;
        cr_expect_eq(auth_verify_packet(k, packet), -EBADMSG);
        k->size = 0;
        cr_expect_eq(auth_verify_packet(k, packet), -EBADMSG, "an empty key authenticates nobody");
}

Test(auth, neither_signs_nor_takes_a_packet_without_a_hash) {
        static const uint8_t types[] = { 0, 4, 0x10, 0x12, 0x82, 0xff };
        _cleanup_(auth_key_freep) AuthKey *k = new_key(1);

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                uint8_t packet[WIRE_PACKET_SIZE] = { 1, types[i], 0, 0, 'v' }, before[WIRE_PACKET_SIZE];

                memcpy(before, packet, sizeof(packet));
                cr_expect_eq(auth_sign_packet(k, packet), -EINVAL, "type %u", types[i]);
                cr_expect_arr_eq(packet, before, sizeof(packet));
                cr_expect_eq(auth_verify_packet(k, packet), -EBADMSG, "type %u", types[i]);
        }
}

Test(auth, answers_and_verifies_every_captured_handshake) {
        for (size_t i = 0; i < ELEMENTSOF(vector_handshakes); i++) {
                const struct VectorHandshake *v = vector_handshakes + i;
                _cleanup_(auth_key_freep) AuthKey *k = key_by_name(v->key);
                uint8_t response[WIRE_MAC_SIZE];
                HashType h;

                cr_assert_eq(hash_type_from_string(v->hash, &h), 0);
                cr_assert_eq(auth_respond(k, h, v->guest_challenge, response), 0);
                cr_expect_arr_eq(response, v->host_response, sizeof(response), "%s", v->name);
                cr_expect_eq(
                        auth_verify_response(k, h, v->guest_challenge, v->host_response), 0, "%s", v->name);
                cr_expect_eq(
                        auth_verify_response(k, h, v->host_challenge, v->guest_response), 0, "%s", v->name);
                cr_expect_eq(auth_verify_response(k, h, v->host_challenge, v->host_response), -EBADMSG);
        }
}

Test(auth, refuses_every_response_and_every_challenge_with_any_single_bit_flipped) {
        for (HashType h = HASH_SHA1; h < _HASH_MAX; h++) {
                _cleanup_(auth_key_freep) AuthKey *k = new_key(1);
                uint8_t challenge[WIRE_CHALLENGE_SIZE] = { 0xff, 1, 2 }, response[WIRE_MAC_SIZE];

                cr_assert_eq(auth_respond(k, h, challenge, response), 0);
                for (size_t bit = 0; bit < 512; bit++) {
                        uint8_t flip = (uint8_t) (1U << bit % 8);

                        response[bit / 8] ^= flip;
                        cr_expect_eq(auth_verify_response(k, h, challenge, response), -EBADMSG);
                        response[bit / 8] ^= flip;
                        challenge[bit / 8] ^= flip;
                        cr_expect_eq(auth_verify_response(k, h, challenge, response), -EBADMSG);
                        challenge[bit / 8] ^= flip;
                }
                cr_expect_eq(auth_verify_response(k, h, challenge, response), 0);
        }
}

Test(auth, neither_gives_nor_takes_an_answer_without_a_hash) {
        static const HashType types[] = { HASH_NONE, _HASH_MAX, (HashType) 0x102, (HashType) -1 };
        static const uint8_t challenge[WIRE_CHALLENGE_SIZE] = {}, zeros[WIRE_MAC_SIZE] = {};
        _cleanup_(auth_key_freep) AuthKey *k = new_key(1);

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                uint8_t response[WIRE_MAC_SIZE] = {};

                cr_expect_eq(auth_respond(k, types[i], challenge, response), -EINVAL);
                cr_expect_arr_eq(response, zeros, sizeof(response));
                cr_expect_eq(auth_verify_response(k, types[i], challenge, response), -EBADMSG);
        }
}

Test(auth, host_challenges_are_those_of_the_published_vector) {
        _cleanup_(auth_key_freep) AuthKey *k = NULL;
        uint8_t challenge[WIRE_CHALLENGE_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(vector_keys); i++)
                if (strcmp(vector_keys[i].name, vector_fx2.key) == 0)
                        cr_assert_eq(auth_key_new(vector_keys[i].bytes, vector_keys[i].size, &k, NULL), 0);
        cr_assert_not_null(k);
        cr_expect_arr_eq(k->tag_key, vector_fx2.k_tag, sizeof(k->tag_key));
        auth_host_challenge(k, vector_fx2.host_challenge, challenge);
        cr_expect_arr_eq(challenge, vector_fx2.host_challenge, sizeof(challenge));
        cr_expect(auth_is_host_challenge(k, vector_fx2.host_challenge));
        cr_expect_eq(auth_verify_packet(k, vector_fx2.packet), 0);
}

Test(auth, recognises_its_own_challenge_only_while_no_bit_is_flipped) {
        _cleanup_(auth_key_freep) AuthKey *k = new_key(1), *other = new_key(2);
        static const uint8_t random[32] = { 1, 2, 3 };
        uint8_t challenge[WIRE_CHALLENGE_SIZE];

        auth_host_challenge(k, random, challenge);
        cr_expect(auth_is_host_challenge(k, challenge));
        cr_expect(!auth_is_host_challenge(other, challenge));
        for (size_t bit = 0; bit < 512; bit++) {
                challenge[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_expect(!auth_is_host_challenge(k, challenge), "bit %zu", bit);
                challenge[bit / 8] ^= (uint8_t) (1U << bit % 8);
        }
}

Test(auth, never_takes_the_challenge_of_a_real_guest_for_its_own) {
        for (size_t i = 0; i < ELEMENTSOF(vector_handshakes); i++) {
                _cleanup_(auth_key_freep) AuthKey *k = key_by_name(vector_handshakes[i].key);

                cr_expect(!auth_is_host_challenge(k, vector_handshakes[i].guest_challenge));
        }
}

/* RFC 4231, section 4; where the RFC repeats a byte, so does the row. */
static const struct {
        uint8_t key_byte;
        size_t n_key;
        const char *key;
        uint8_t data_byte;
        size_t n_data;
        const char *data;
        size_t n_mac;
        const char *mac;
} hmacs[] = {
        { 0x0b, 20, NULL, 0x00, 8, "Hi There", 64,
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
        { 0x00, 4, "Jefe", 0x00, 28, "what do ya want for nothing?", 64,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
        { 0xaa, 20, NULL, 0xdd, 50, NULL, 64,
                "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb" },
        { 0x00, 25,
                "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
                0xcd, 50, NULL, 64,
                "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd" },
        { 0x0c, 20, NULL, 0x00, 20, "Test With Truncation", 16, "415fad6271580a531d4179bc891d87a6" },
        { 0xaa, 131, NULL, 0x00, 54, "Test Using Larger Than Block-Size Key - Hash Key First", 64,
                "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
        { 0xaa, 131, NULL, 0x00, 152,
                "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
                64,
                "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58" },
        /* around the block of 128 bytes, which the RFC leaves out; from Python's hmac */
        { 0x61, 64, NULL, 0x62, 100, NULL, 64,
                "b19e3f506cf6c84a41a3e82a6fcba395c580cfbdb3a0e13739ef93242d4b2928a2ddee17039606d04edb0eccd8b6e398f8a4a32723f2a2f0469aeeedfec0f1b1" },
        { 0x61, 65, NULL, 0x62, 100, NULL, 64,
                "363de64aee644a81de931644491c94f9b032850881173b388fbf79ce846163277041298d143590111581fa40caff103d7940035e371bd7b3370418fd4577cd68" },
        { 0x61, 128, NULL, 0x62, 100, NULL, 64,
                "050f8e01a70fcf1d4ec9767722678a96f0a866a8fa409244c4326b356162dfe5d7b6fe101155dcd7b520ca0352fae10b9705f2d9932a6ede8dc3eb863be5959f" },
        { 0x61, 129, NULL, 0x62, 100, NULL, 64,
                "e84320b9f04bd64bdf35041287068b2a6aabc23e16b3ba8e39e37a87ecc703b8dcd29c92fb6e5cafcb49d258f1477413873150ad4eeac80ba8b18c932300a1b6" },
};

Test(auth, hmac_sha512_is_that_of_rfc_4231_for_every_length_of_key) {
        for (size_t i = 0; i < ELEMENTSOF(hmacs); i++) {
                uint8_t key[131], data[152], mac[64], expected[64];

                memset(key, hmacs[i].key_byte, sizeof(key));
                if (hmacs[i].key)
                        memcpy(key, hmacs[i].key, hmacs[i].n_key);
                memset(data, hmacs[i].data_byte, sizeof(data));
                if (hmacs[i].data)
                        memcpy(data, hmacs[i].data, hmacs[i].n_data);
                auth_hmac_sha512(key, hmacs[i].n_key, data, hmacs[i].n_data, mac);
                from_hex(hmacs[i].mac, expected, hmacs[i].n_mac);
                cr_expect_arr_eq(mac, expected, hmacs[i].n_mac, "test case %zu", i + 1);
        }
}

Test(auth, sha256_is_that_of_fips_180) {
        static const struct {
                const char *data, *digest;
        } table[] = {
                { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
                { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t digest[32], expected[32];

                auth_sha256(table[i].data, strlen(table[i].data), digest);
                from_hex(table[i].digest, expected, sizeof(expected));
                cr_expect_arr_eq(digest, expected, sizeof(digest));
        }
}

Test(auth, equal_means_every_byte) {
        cr_expect(auth_equal("abc", "abc", 3));
        cr_expect(auth_equal("abc", "abd", 2));
        cr_expect(!auth_equal("abc", "abd", 3));
        cr_expect(!auth_equal("xbc", "abc", 3));
        cr_expect(auth_equal("", "", 0));
}

Test(auth, random_bytes_fills_all_of_it_and_never_twice_alike) {
        uint8_t a[4096] = {}, b[4096] = {};
        unsigned zeros = 0;

        cr_assert_eq(random_bytes(a, sizeof(a)), 0);
        cr_assert_eq(random_bytes(b, sizeof(b)), 0);
        cr_expect_arr_neq(a, b, sizeof(a));
        for (size_t i = 0; i < sizeof(a); i++)
                zeros += a[i] == 0;
        cr_expect_lt(zeros, 80, "16 zeros are expected, %u found", zeros);
        cr_assert_eq(random_bytes(a, 0), 0);
}
