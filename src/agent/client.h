/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's side of the challenge-response, pure: no descriptor, clock, random source or log.
 *
 *   CLIENT_PROOF --the host answered our challenge--> CLIENT_PROVED --our response was sent--> the answer (answer.h)
 *        '--anything else--> CLIENT_REFUSED
 *
 * Zero (CLIENT_REFUSED) believes nobody. */

#include "auth.h"
#include "base.h"

typedef enum ClientState {
        CLIENT_REFUSED = 0,
        CLIENT_PROOF,
        CLIENT_PROVED,
} ClientState;

enum { CLIENT_PROOF_SIZE = WIRE_MAC_SIZE + WIRE_CHALLENGE_SIZE };

typedef struct Client {
        ClientState state;
        const AuthKey *key;
        HashType hash; /* of the challenges */
        uint8_t challenge[WIRE_CHALLENGE_SIZE]; /* ours, to be sent */
        uint8_t response[WIRE_MAC_SIZE]; /* to the host's challenge; to be sent once PROVED */
        const char *reason; /* why REFUSED; static storage */
} Client;

/* False when the random bytes cannot be used as a challenge, as they look like a packet, which hosts do not sign; the
 * caller tries others (once in ten million times). */
bool client_start(
        Client *c, const AuthKey *key, HashType hash, const uint8_t random[static WIRE_CHALLENGE_SIZE]);

/* Takes the host's response to our challenge, and its own challenge. True when the host proved to hold the key. */
bool client_prove(Client *c, const uint8_t proof[static CLIENT_PROOF_SIZE]);
