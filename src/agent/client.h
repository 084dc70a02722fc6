/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's side of the mutual authentication (docs/fx2.md), pure: no descriptor, clock, random source or log.
 *
 *   CLIENT_PROOF --the host answered our challenge--> CLIENT_PROVED --our response was sent--> the answer (answer.h)
 *        '--anything else--> CLIENT_REFUSED
 *
 * We always say that we speak FX2. A host that proves itself by FX2 is held to it; with a raw key one that does so by v1 is
 * taken as well, unless its challenge shows that it knows FX2: then somebody is in between. A key that is for FX2 only takes
 * nothing else.
 *
 * Zero (CLIENT_REFUSED) believes nobody. */

#include "auth-fx2.h"
#include "auth.h"
#include "base.h"

typedef enum ClientState {
        CLIENT_REFUSED = 0,
        CLIENT_PROOF,
        CLIENT_PROVED,
} ClientState;

enum {
        CLIENT_PROOF_SIZE = WIRE_MAC_SIZE + WIRE_CHALLENGE_SIZE,
        SENT_MAX = 64,
};

/* The newest packets of one request, each with random bytes of its own. A host proves itself over the one that it has
 * received, and by multicast we cannot know which that is. */
typedef struct Sent {
        uint8_t packets[SENT_MAX][WIRE_PACKET_SIZE];
        size_t n, next; /* next is where the oldest is, once all are taken */
} Sent;

void sent_add(Sent *s, const uint8_t packet[static WIRE_PACKET_SIZE]);

typedef struct Client {
        ClientState state;
        bool fx2; /* PROVED: the answer is believed with its tag only, which is over `transcript` */
        const AuthKey *key;
        HashType hash; /* of the challenges of v1 */
        uint8_t challenge[WIRE_CHALLENGE_SIZE]; /* ours, to be sent */
        uint8_t response[WIRE_MAC_SIZE]; /* to the host's challenge; to be sent once PROVED */
        Fx2Transcript transcript;
        const char *reason; /* why REFUSED; static storage */
} Client;

void client_start(
        Client *c, const AuthKey *key, HashType hash, const uint8_t random[static FX2_RANDOM_SIZE]);

/* Takes the host's response to our challenge, and its own challenge. True when the host proved to hold the key, and over one of
 * the packets. */
bool client_prove(Client *c, const Sent *sent, const uint8_t proof[static CLIENT_PROOF_SIZE]);
