/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a key is made of; for auth.c, auth-key.c and their tests only. */

#include "auth.h"

struct AuthKey {
        size_t size;
        uint8_t tag_key[64]; /* k_tag of the self-recognising challenge, derived once */
        uint8_t bytes[AUTH_KEY_MAX];
};

/* HMAC-SHA-512 (RFC 2104). */
void auth_hmac_sha512(
        const void *key, size_t n_key, const void *data, size_t n_data, uint8_t ret[static 64]);
