/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Low-level SHA functions on purpose: EVP makes OpenSSL 3 load its providers, which costs more than everything else
 * the agent does, and Pacemaker runs an agent for every monitor. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "auth.h"
#include "auth-fx2.h"
#include "auth-key.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

enum { TAG_SIZE = 32 };

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

/* pad64(H(key || message)): the legacy MAC, which a key that is for FX2 only never makes. */
static int prefix_mac(
        HashType h, const AuthKey *k, const void *message, size_t n, uint8_t ret[static WIRE_MAC_SIZE]) {
        uint8_t mac[WIRE_MAC_SIZE] = {};
        union {
                SHA_CTX sha1;
                SHA256_CTX sha256;
                SHA512_CTX sha512;
        } c;

        if (k->fx2_only)
                return -EINVAL;
        switch (h) {
        case HASH_SHA1:
                SHA1_Init(&c.sha1);
                SHA1_Update(&c.sha1, k->bytes, k->size);
                SHA1_Update(&c.sha1, message, n);
                SHA1_Final(mac, &c.sha1);
                break;
        case HASH_SHA256:
                SHA256_Init(&c.sha256);
                SHA256_Update(&c.sha256, k->bytes, k->size);
                SHA256_Update(&c.sha256, message, n);
                SHA256_Final(mac, &c.sha256);
                break;
        case HASH_SHA512:
                SHA512_Init(&c.sha512);
                SHA512_Update(&c.sha512, k->bytes, k->size);
                SHA512_Update(&c.sha512, message, n);
                SHA512_Final(mac, &c.sha512);
                break;
        case HASH_NONE:
        case _HASH_MAX:
        case HASH_FX2:
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
        uint8_t message[WIRE_PACKET_SIZE] = {};

        memcpy(message, packet, WIRE_MAC_OFFSET);
        if (packet[1] != HASH_FX2)
                return prefix_mac((HashType) packet[1], k, message, sizeof(message), ret);
        if (!k->fx2_only)
                return -EINVAL;
        auth_hmac_sha512(k->packet_key, sizeof(k->packet_key), message, sizeof(message), ret);
        return 0;
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
        if (fx2_is_challenge(challenge))
                return -EINVAL;
        return prefix_mac(h, k, challenge, WIRE_CHALLENGE_SIZE, ret);
}

int auth_verify_response(const AuthKey *k, HashType h, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        const uint8_t response[static WIRE_MAC_SIZE]) {
        uint8_t mac[WIRE_MAC_SIZE];
        bool equal;

        if (prefix_mac(h, k, challenge, WIRE_CHALLENGE_SIZE, mac) < 0)
                return -EBADMSG;
        equal = auth_equal(mac, response, sizeof(mac));
        OPENSSL_cleanse(mac, sizeof(mac));
        return equal ? 0 : -EBADMSG;
}

/* HMAC-SHA-512, RFC 2104. */
void auth_hmac_begin(
        const void *key, size_t n_key, SHA512_CTX *ret_inner, uint8_t ret_block[static SHA512_CBLOCK]) {
        memset(ret_block, 0, SHA512_CBLOCK);
        if (n_key > SHA512_CBLOCK) {
                SHA512_Init(ret_inner);
                SHA512_Update(ret_inner, key, n_key);
                SHA512_Final(ret_block, ret_inner);
        } else
                memcpy(ret_block, key, n_key);
        for (size_t i = 0; i < SHA512_CBLOCK; i++)
                ret_block[i] ^= 0x36;
        SHA512_Init(ret_inner);
        SHA512_Update(ret_inner, ret_block, SHA512_CBLOCK);
        for (size_t i = 0; i < SHA512_CBLOCK; i++)
                ret_block[i] ^= 0x36 ^ 0x5c;
}

void auth_hmac_end(SHA512_CTX *inner, uint8_t block[static SHA512_CBLOCK], uint8_t ret[static 64]) {
        uint8_t digest[SHA512_DIGEST_LENGTH];

        SHA512_Final(digest, inner);
        SHA512_Init(inner);
        SHA512_Update(inner, block, SHA512_CBLOCK);
        SHA512_Update(inner, digest, sizeof(digest));
        SHA512_Final(ret, inner);
        OPENSSL_cleanse(digest, sizeof(digest));
        OPENSSL_cleanse(block, SHA512_CBLOCK);
        OPENSSL_cleanse(inner, sizeof(*inner));
}

void auth_hmac_sha512(
        const void *key, size_t n_key, const void *data, size_t n_data, uint8_t ret[static 64]) {
        uint8_t block[SHA512_CBLOCK];
        SHA512_CTX c;

        auth_hmac_begin(key, n_key, &c, block);
        SHA512_Update(&c, data, n_data);
        auth_hmac_end(&c, block, ret);
}

void auth_host_challenge(
        const AuthKey *k, const uint8_t random[static 32], uint8_t ret[static WIRE_CHALLENGE_SIZE]) {
        uint8_t tag[SHA512_DIGEST_LENGTH];

        auth_hmac_sha512(k->tag_key, sizeof(k->tag_key), random, 32, tag);
        memcpy(ret, random, 32);
        memcpy(ret + 32, tag, TAG_SIZE);
}

bool auth_is_host_challenge(const AuthKey *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]) {
        uint8_t tag[SHA512_DIGEST_LENGTH];

        auth_hmac_sha512(k->tag_key, sizeof(k->tag_key), challenge, 32, tag);
        return auth_equal(tag, challenge + 32, TAG_SIZE);
}
