/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* As in auth.c. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "auth-fx2.h"
#include "auth-key.h"

#include <openssl/crypto.h>
#include <string.h>

static const char sentinel[8] = { 'f', 'x', '2', 'g', 'u', 'e', 's', 't' };

void fx2_challenge(const uint8_t random[static FX2_RANDOM_SIZE], uint8_t ret[static WIRE_CHALLENGE_SIZE]) {
        memcpy(ret, sentinel, sizeof(sentinel));
        memcpy(ret + sizeof(sentinel), random, FX2_RANDOM_SIZE);
}

bool fx2_is_challenge(const uint8_t challenge[static WIRE_CHALLENGE_SIZE]) {
        return memcmp(challenge, sentinel, sizeof(sentinel)) == 0;
}

void fx2_transcript(const uint8_t packet[static WIRE_PACKET_SIZE],
        const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE],
        const uint8_t host_challenge[static WIRE_CHALLENGE_SIZE], Fx2Transcript *ret) {
        memcpy(ret->bytes, packet, WIRE_PACKET_SIZE);
        memcpy(ret->bytes + WIRE_PACKET_SIZE, guest_challenge, WIRE_CHALLENGE_SIZE);
        memcpy(ret->bytes + WIRE_PACKET_SIZE + WIRE_CHALLENGE_SIZE, host_challenge, WIRE_CHALLENGE_SIZE);
}

static bool verify(
        const uint8_t key[static 64], const Fx2Transcript *t, const uint8_t proof[static WIRE_MAC_SIZE]) {
        uint8_t mac[WIRE_MAC_SIZE];
        bool equal;

        auth_hmac_sha512(key, 64, t->bytes, sizeof(t->bytes), mac);
        equal = auth_equal(mac, proof, sizeof(mac));
        OPENSSL_cleanse(mac, sizeof(mac));
        return equal;
}

void fx2_host_proof(const AuthKey *k, const Fx2Transcript *t, uint8_t ret[static WIRE_MAC_SIZE]) {
        auth_hmac_sha512(k->host_key, sizeof(k->host_key), t->bytes, sizeof(t->bytes), ret);
}

bool fx2_verify_host_proof(
        const AuthKey *k, const Fx2Transcript *t, const uint8_t proof[static WIRE_MAC_SIZE]) {
        return verify(k->host_key, t, proof);
}

void fx2_guest_proof(const AuthKey *k, const Fx2Transcript *t, uint8_t ret[static WIRE_MAC_SIZE]) {
        auth_hmac_sha512(k->guest_key, sizeof(k->guest_key), t->bytes, sizeof(t->bytes), ret);
}

bool fx2_verify_guest_proof(
        const AuthKey *k, const Fx2Transcript *t, const uint8_t proof[static WIRE_MAC_SIZE]) {
        return verify(k->guest_key, t, proof);
}

void fx2_tag_begin(const AuthKey *k, const Fx2Transcript *t, Fx2Tag *ret) {
        auth_hmac_begin(k->result_key, sizeof(k->result_key), &ret->inner, ret->block);
        fx2_tag_add(ret, t->bytes, sizeof(t->bytes));
}

void fx2_tag_add(Fx2Tag *g, const void *bytes, size_t size) {
        SHA512_Update(&g->inner, bytes, size);
}

void fx2_tag_end(Fx2Tag *g, uint8_t ret[static WIRE_MAC_SIZE]) {
        auth_hmac_end(&g->inner, g->block, ret);
}

bool fx2_tag_verify(Fx2Tag *g, const uint8_t tag[static WIRE_MAC_SIZE]) {
        uint8_t mac[WIRE_MAC_SIZE];
        bool equal;

        fx2_tag_end(g, mac);
        equal = auth_equal(mac, tag, sizeof(mac));
        OPENSSL_cleanse(mac, sizeof(mac));
        return equal;
}
