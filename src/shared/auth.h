/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keys and MACs. The v1 MAC is the wire's own: H(key || message), a prefix MAC, kept for compatibility and therefore
 * named legacy; what surrounds it (canonical packets, self-recognising challenges) is what makes it bearable.
 * Every compare is constant-time; expected values are never logged. */

#include "base.h"
#include "wire.h"

#include <sys/types.h>

enum {
        AUTH_KEY_MIN = 16,
        AUTH_KEY_RECOMMENDED = 32,
        AUTH_KEY_MAX = 4096,
};

/* The first line of a key file that is for FX2 only: no v1 value is ever computed from such a key. */
#define AUTH_KEY_FX2 "FENCE-FX2-KEY"

typedef struct AuthKey AuthKey;

/* What is questionable about a key that was accepted nevertheless. */
typedef enum AuthKeyWarning {
        AUTH_KEY_SHORT = 1 << 0, /* fewer than 32 bytes */
        AUTH_KEY_LENGTH_EXTENSION =
                1 << 1, /* size mod 64 in 16..55 or mod 128 in 16..47: old hosts can be fooled */
} AuthKeyWarning;

/* What a key file holds: 16..4096 bytes (-EINVAL otherwise), which are the key exactly as they are, newline included; or the
 * line AUTH_KEY_FX2 and base64 of at least 32 bytes, which are the key then (-EBADMSG for what only begins like that). The key
 * is cleansed when freed. */
int auth_key_new(const void *bytes, size_t size, AuthKey **ret, unsigned *ret_warnings);
AuthKey *auth_key_free(AuthKey *k);
DEFINE_CLEANUP(AuthKey *, auth_key_free)

/* Loads a key file relative to dir_fd (or AT_FDCWD). -EISDIR/-EINVAL not a regular file, -EPERM group or others have
 * any access, -EMSGSIZE not 16..4096 bytes, -EBADMSG as above, or the errno of open/read. */
int auth_key_load(int dir_fd, const char *path, AuthKey **ret, unsigned *ret_warnings);

/* As auth_key_load(), for a caller that has opened the file and looked at it; `forbidden` are the bits that its mode must
 * not have. */
int auth_key_load_fd(int fd, mode_t forbidden, AuthKey **ret, unsigned *ret_warnings);

bool auth_key_is_fx2_only(const AuthKey *k);

/* True when both are the same key, of the same kind. */
bool auth_key_equal(const AuthKey *a, const AuthKey *b);

/* True also when only one of them is for FX2 only; then the other breaks the promise of that one. */
bool auth_key_same_bytes(const AuthKey *a, const AuthKey *b);

/* A sentence for an error of auth_key_load(), saying what to do. Static storage. */
const char *auth_key_error_hint(int error);

/* Writes the MAC field of a packet whose hash type byte is already set. -EINVAL for HASH_NONE, an unknown type, and one that is
 * not the key's: HASH_FX2 is for keys that are for FX2 only, the others for the rest. */
int auth_sign_packet(const AuthKey *k, uint8_t packet[static WIRE_PACKET_SIZE]);

/* 0 if the packet's MAC is right, -EBADMSG if not; never 0 on error. */
int auth_verify_packet(const AuthKey *k, const uint8_t packet[static WIRE_PACKET_SIZE]);

/* The legacy answer to a challenge: pad64(H(key || challenge)). -EINVAL for HASH_NONE, HASH_FX2, a key that is for FX2 only, and
 * a challenge that is a guest's of FX2, which must never be answered so. */
int auth_respond(const AuthKey *k, HashType h, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret[static WIRE_MAC_SIZE]);

/* 0 if the response answers the challenge, -EBADMSG if not; never 0 on error. */
int auth_verify_response(const AuthKey *k, HashType h, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        const uint8_t response[static WIRE_MAC_SIZE]);

/* H1: 32 random bytes and their tag, HMAC-SHA-512(k_tag, n) cut to 32; looks random to guests. Random comes from the
 * caller, so that this stays a function of its arguments. */
void auth_host_challenge(
        const AuthKey *k, const uint8_t random[static 32], uint8_t ret[static WIRE_CHALLENGE_SIZE]);

/* H1: true when the bytes carry our own tag, that is: when a host with this key made them. Such a challenge is never
 * answered. */
bool auth_is_host_challenge(const AuthKey *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]);

/* SHA-256, for the replay cache. */
void auth_sha256(const void *data, size_t size, uint8_t ret[static 32]);

/* Constant-time compare: true when equal. */
bool auth_equal(const void *a, const void *b, size_t size);

/* getrandom(2) until all of it is filled; negative errno. */
int random_bytes(void *buffer, size_t size);
