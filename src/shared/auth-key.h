/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a key is made of; for auth.c, auth-key.c and their tests only. */

#include "auth.h"

#include <openssl/sha.h>

struct AuthKey {
        bool fx2_only;
        size_t size;
        /* derived once, a purpose each */
        uint8_t tag_key[64]; /* k_tag of the self-recognising challenge */
        uint8_t host_key[64], guest_key[64], result_key[64], packet_key[64];
        uint8_t bytes[AUTH_KEY_MAX];
};

/* HMAC-SHA-512 (RFC 2104). */
void auth_hmac_sha512(
        const void *key, size_t n_key, const void *data, size_t n_data, uint8_t ret[static 64]);

/* The same in pieces: begin, SHA512_Update() of *ret_inner, end, which cleanses both. */
void auth_hmac_begin(
        const void *key, size_t n_key, SHA512_CTX *ret_inner, uint8_t ret_block[static SHA512_CBLOCK]);
void auth_hmac_end(SHA512_CTX *inner, uint8_t block[static SHA512_CBLOCK], uint8_t ret[static 64]);
