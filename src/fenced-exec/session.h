/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's side of the challenge-response, pure: no descriptor, clock, random source or log.
 *
 *   CLOSED --open--> OPENED --prove--> PROVED --commit--> COMMITTED --seal--> CLOSED
 *
 * The packet says which protocol this is, FX2 (docs/fx2.md) or v1, and nothing that comes later can change that.
 *
 * A step returns true only when everything about it was right; anything else, a step out of order included, closes the
 * session for good and points *ret_reason at a static sentence for the audit. Zero (SESSION_CLOSED) authenticates nobody.
 * H1, H2, H3 of the threat model are here; replay and policy are the caller's. */

#include "auth.h"
#include "base.h"
#include "keyring.h"
#include "wire.h"

typedef enum SessionState {
        SESSION_CLOSED = 0,
        SESSION_OPENED,
        SESSION_PROVED,
        SESSION_COMMITTED,
        _SESSION_STATE_MAX,
} SessionState;

typedef struct Session {
        SessionState state;
        Request request; /* valid from OPENED on */
        bool fx2; /* from OPENED on */
        uint8_t packet[WIRE_PACKET_SIZE];
        const KeyringKey *key; /* lives as long as the ring given to session_open() */
        HashType challenge_hash; /* of v1 */
        uint8_t guest_challenge[WIRE_CHALLENGE_SIZE], challenge[WIRE_CHALLENGE_SIZE]; /* from PROVED on */
} Session;

/* Takes a packet in canonical form, whose hash type is at least `minimum` and whose MAC a key of the ring verifies. HASH_FX2
 * as the minimum asks for FX2, and of the packet for SHA-256 at least. challenge_hash, of v1: SHA-256 for WIRE_STREAM, the
 * configured one for multicast. *s need not be initialised. s->request is filled as soon as the packet could be decoded,
 * also when it is refused, so that the audit can name it. */
bool session_open(Session *s, WireKind kind, const uint8_t packet[static WIRE_PACKET_SIZE],
        const Keyring *keys, HashType minimum, HashType challenge_hash, const char **ret_reason);

/* Answers the guest's challenge and makes our own from 32 random bytes. Refuses a challenge that a host made (H1, any
 * key of the ring), one that is not of the protocol of the packet, and in v1 one that could be the beginning of a packet
 * (H3). Both rets are written on success only. */
bool session_prove(Session *s, const Keyring *keys,
        const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE], const uint8_t random[static 32],
        uint8_t ret_response[static WIRE_MAC_SIZE], uint8_t ret_challenge[static WIRE_CHALLENGE_SIZE],
        const char **ret_reason);

/* Takes the guest's answer to our challenge. */
bool session_commit(Session *s, const uint8_t guest_response[static WIRE_MAC_SIZE], const char **ret_reason);

/* The tag by which a guest of FX2 knows our answer. One for each conversation: false, and nothing written, the second time,
 * before COMMITTED, and in v1, where there is none. */
bool session_seal(Session *s, const void *body, size_t size, uint8_t ret_tag[static WIRE_MAC_SIZE]);
