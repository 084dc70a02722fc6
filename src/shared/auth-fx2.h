/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* FX2, the mutual authentication whose answer cannot be forged; specified in docs/fx2.md. Pure. Everything is
 * HMAC-SHA-512 under keys of one purpose each, over a transcript that both ends must have seen alike. */

#include "auth.h"
#include "base.h"
#include "wire.h"

#include <openssl/sha.h>

enum { FX2_RANDOM_SIZE = 56 };

/* P || Cg || Ch */
typedef struct Fx2Transcript {
        uint8_t bytes[WIRE_PACKET_SIZE + 2 * WIRE_CHALLENGE_SIZE];
} Fx2Transcript;

/* The guest's challenge: the sentinel and 56 random bytes. */
void fx2_challenge(const uint8_t random[static FX2_RANDOM_SIZE], uint8_t ret[static WIRE_CHALLENGE_SIZE]);

/* True when a challenge begins with the sentinel: no v1 value is ever computed of such a one. */
bool fx2_is_challenge(const uint8_t challenge[static WIRE_CHALLENGE_SIZE]);

void fx2_transcript(const uint8_t packet[static WIRE_PACKET_SIZE],
        const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE],
        const uint8_t host_challenge[static WIRE_CHALLENGE_SIZE], Fx2Transcript *ret);

/* Rh: the host's proof. Verifying returns true for the right one only. */
void fx2_host_proof(const AuthKey *k, const Fx2Transcript *t, uint8_t ret[static WIRE_MAC_SIZE]);
bool fx2_verify_host_proof(
        const AuthKey *k, const Fx2Transcript *t, const uint8_t proof[static WIRE_MAC_SIZE]);

/* Rg: the guest's proof. */
void fx2_guest_proof(const AuthKey *k, const Fx2Transcript *t, uint8_t ret[static WIRE_MAC_SIZE]);
bool fx2_verify_guest_proof(
        const AuthKey *k, const Fx2Transcript *t, const uint8_t proof[static WIRE_MAC_SIZE]);

/* T: the tag of the host's answer, whose bytes may come in pieces. Begin, add what there is, and end once, by making the tag
 * or by verifying one; ending cleanses it. */
typedef struct Fx2Tag {
        SHA512_CTX inner;
        uint8_t block[SHA512_CBLOCK]; /* key ^ opad */
} Fx2Tag;

void fx2_tag_begin(const AuthKey *k, const Fx2Transcript *t, Fx2Tag *ret);
void fx2_tag_add(Fx2Tag *g, const void *bytes, size_t size);
void fx2_tag_end(Fx2Tag *g, uint8_t ret[static WIRE_MAC_SIZE]);
bool fx2_tag_verify(Fx2Tag *g, const uint8_t tag[static WIRE_MAC_SIZE]);
