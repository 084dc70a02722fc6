/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <string.h>

bool client_start(
        Client *c, const AuthKey *key, HashType hash, const uint8_t random[static WIRE_CHALLENGE_SIZE]) {
        *c = (Client){};
        if (wire_looks_like_packet(random))
                return false;
        c->key = key;
        c->hash = hash;
        memcpy(c->challenge, random, sizeof(c->challenge));
        c->state = CLIENT_PROOF;
        return true;
}

static bool refuse(Client *c, const char *reason) {
        c->state = CLIENT_REFUSED;
        c->reason = reason;
        return false;
}

bool client_prove(Client *c, const uint8_t proof[static CLIENT_PROOF_SIZE]) {
        const uint8_t *challenge = proof + WIRE_MAC_SIZE;

        if (c->state != CLIENT_PROOF)
                return refuse(c, "the host was heard already");
        if (auth_verify_response(c->key, c->hash, c->challenge, proof) < 0)
                return refuse(c, "it does not hold our key, or uses another hash for challenges (auth)");
        if (auth_equal(challenge, c->challenge, sizeof(c->challenge)))
                return refuse(c, "it asked us our own question");
        /* Whoever relays our host's proof must not get the hash of a packet of his making in return. */
        if (wire_looks_like_packet(challenge))
                return refuse(c, "it asked us to sign a request");
        if (auth_respond(c->key, c->hash, challenge, c->response) < 0)
                return refuse(c, "its challenge cannot be answered");
        c->state = CLIENT_PROVED;
        return true;
}
