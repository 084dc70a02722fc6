/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Low-level SHA functions on purpose: EVP makes OpenSSL 3 load its providers, which costs more than everything else
 * the agent does, and Pacemaker runs an agent for every monitor. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "auth.h"
#include "auth-key.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

enum { HMAC_BLOCK = SHA512_CBLOCK, HMAC_SIZE = SHA512_DIGEST_LENGTH, TAG_SIZE = 32 };

bool auth_equal(const void *a, const void *b, size_t size) {
        return CRYPTO_memcmp(a, b, size) == 0;
}

int random_bytes(void *buffer, size_t size) {
        uint8_t *p = buffer;

        while (size > 0) {
                ssize_t n = getrandom(p, size, 0);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

void auth_sha256(const void *data, size_t size, uint8_t ret[static 32]) {
        SHA256_CTX c;

        SHA256_Init(&c);
        SHA256_Update(&c, data, size);
        SHA256_Final(ret, &c);
}

/* pad64(H(key || a || b)): the legacy MAC, over up to two pieces. */
static int prefix_mac(HashType h, const AuthKey *k, const void *a, size_t n_a, const void *b, size_t n_b,
        uint8_t ret[static WIRE_MAC_SIZE]) {
        uint8_t mac[WIRE_MAC_SIZE] = {};
        union {
                SHA_CTX sha1;
                SHA256_CTX sha256;
                SHA512_CTX sha512;
        } c;

        switch (h) {
        case HASH_SHA1:
                SHA1_Init(&c.sha1);
                SHA1_Update(&c.sha1, k->bytes, k->size);
                SHA1_Update(&c.sha1, a, n_a);
                SHA1_Update(&c.sha1, b, n_b);
                SHA1_Final(mac, &c.sha1);
                break;
        case HASH_SHA256:
                SHA256_Init(&c.sha256);
                SHA256_Update(&c.sha256, k->bytes, k->size);
                SHA256_Update(&c.sha256, a, n_a);
                SHA256_Update(&c.sha256, b, n_b);
                SHA256_Final(mac, &c.sha256);
                break;
        case HASH_SHA512:
                SHA512_Init(&c.sha512);
                SHA512_Update(&c.sha512, k->bytes, k->size);
                SHA512_Update(&c.sha512, a, n_a);
                SHA512_Update(&c.sha512, b, n_b);
                SHA512_Final(mac, &c.sha512);
                break;
        case HASH_NONE:
        case _HASH_MAX:
        default:
                return -EINVAL;
        }
        OPENSSL_cleanse(&c, sizeof(c));
        memcpy(ret, mac, sizeof(mac));
        OPENSSL_cleanse(mac, sizeof(mac));
        return 0;
}

static int packet_mac(
        const AuthKey *k, const uint8_t packet[static WIRE_PACKET_SIZE], uint8_t ret[static WIRE_MAC_SIZE]) {
        static const uint8_t zeros[WIRE_MAC_SIZE] = {};

        return prefix_mac((HashType) packet[1], k, packet, WIRE_MAC_OFFSET, zeros, sizeof(zeros), ret);
}

int auth_sign_packet(const AuthKey *k, uint8_t packet[static WIRE_PACKET_SIZE]) {
        return packet_mac(k, packet, packet + WIRE_MAC_OFFSET);
}

int auth_verify_packet(const AuthKey *k, const uint8_t packet[static WIRE_PACKET_SIZE]) {
        uint8_t mac[WIRE_MAC_SIZE];
        bool equal;

        if (packet_mac(k, packet, mac) < 0)
                return -EBADMSG;
        equal = auth_equal(mac, packet + WIRE_MAC_OFFSET, sizeof(mac));
        OPENSSL_cleanse(mac, sizeof(mac)); /* what would have been right is as good as the key, once */
        return equal ? 0 : -EBADMSG;
}

int auth_respond(const AuthKey *k, HashType h, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret[static WIRE_MAC_SIZE]) {
        return prefix_mac(h, k, challenge, WIRE_CHALLENGE_SIZE, "", 0, ret);
}

int auth_verify_response(const AuthKey *k, HashType h, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        const uint8_t response[static WIRE_MAC_SIZE]) {
        uint8_t mac[WIRE_MAC_SIZE];
        bool equal;

        if (auth_respond(k, h, challenge, mac) < 0)
                return -EBADMSG;
        equal = auth_equal(mac, response, sizeof(mac));
        OPENSSL_cleanse(mac, sizeof(mac));
        return equal ? 0 : -EBADMSG;
}

/* HMAC-SHA-512, RFC 2104. */
void auth_hmac_sha512(
        const void *key, size_t n_key, const void *data, size_t n_data, uint8_t ret[static 64]) {
        uint8_t block[HMAC_BLOCK] = {}, inner[HMAC_SIZE];
        SHA512_CTX c;

        if (n_key > sizeof(block)) {
                SHA512_Init(&c);
                SHA512_Update(&c, key, n_key);
                SHA512_Final(block, &c);
        } else
                memcpy(block, key, n_key);
        for (size_t i = 0; i < sizeof(block); i++)
                block[i] ^= 0x36;
        SHA512_Init(&c);
        SHA512_Update(&c, block, sizeof(block));
        SHA512_Update(&c, data, n_data);
        SHA512_Final(inner, &c);
        for (size_t i = 0; i < sizeof(block); i++)
                block[i] ^= 0x36 ^ 0x5c;
        SHA512_Init(&c);
        SHA512_Update(&c, block, sizeof(block));
        SHA512_Update(&c, inner, sizeof(inner));
        SHA512_Final(ret, &c);
        OPENSSL_cleanse(block, sizeof(block));
        OPENSSL_cleanse(inner, sizeof(inner));
        OPENSSL_cleanse(&c, sizeof(c));
}

void auth_host_challenge(
        const AuthKey *k, const uint8_t random[static 32], uint8_t ret[static WIRE_CHALLENGE_SIZE]) {
        uint8_t tag[HMAC_SIZE];

        auth_hmac_sha512(k->tag_key, sizeof(k->tag_key), random, 32, tag);
        memcpy(ret, random, 32);
        memcpy(ret + 32, tag, TAG_SIZE);
}

bool auth_is_host_challenge(const AuthKey *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]) {
        uint8_t tag[HMAC_SIZE];

        auth_hmac_sha512(k->tag_key, sizeof(k->tag_key), challenge, 32, tag);
        return auth_equal(tag, challenge + 32, TAG_SIZE);
}
