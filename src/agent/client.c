/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <string.h>

void sent_add(Sent *s, const uint8_t packet[static WIRE_PACKET_SIZE]) {
        memcpy(s->packets[s->next], packet, WIRE_PACKET_SIZE);
        s->next = (s->next + 1) % SENT_MAX;
        if (s->n < SENT_MAX)
                s->n++;
}

void client_start(
        Client *c, const AuthKey *key, HashType hash, const uint8_t random[static FX2_RANDOM_SIZE]) {
        *c = (Client){ .state = CLIENT_PROOF, .key = key, .hash = hash };
        fx2_challenge(random, c->challenge);
}

static bool refuse(Client *c, const char *reason) {
        c->state = CLIENT_REFUSED;
        c->reason = reason;
        return false;
}

static bool prove_fx2(Client *c, const Sent *sent, const uint8_t proof[static CLIENT_PROOF_SIZE]) {
        for (size_t i = 0; i < sent->n; i++) {
                fx2_transcript(sent->packets[i], c->challenge, proof + WIRE_MAC_SIZE, &c->transcript);
                if (fx2_verify_host_proof(c->key, &c->transcript, proof)) {
                        fx2_guest_proof(c->key, &c->transcript, c->response);
                        c->fx2 = true;
                        c->state = CLIENT_PROVED;
                        return true;
                }
        }
        return false;
}

static bool prove_v1(Client *c, const uint8_t proof[static CLIENT_PROOF_SIZE]) {
        const uint8_t *challenge = proof + WIRE_MAC_SIZE;

        if (auth_verify_response(c->key, c->hash, c->challenge, proof) < 0)
                return refuse(c, "it does not hold our key, or uses another hash for challenges (auth)");
        if (auth_is_host_challenge(c->key, challenge))
                return refuse(c, "it speaks v1 for a host that knows FX2: somebody is in between");
        /* Whoever relays our host's proof must not get the hash of a packet of his making in return. */
        if (wire_looks_like_packet(challenge))
                return refuse(c, "it asked us to sign a request");
        if (auth_respond(c->key, c->hash, challenge, c->response) < 0)
                return refuse(c, "its challenge cannot be answered");
        c->state = CLIENT_PROVED;
        return true;
}

bool client_prove(Client *c, const Sent *sent, const uint8_t proof[static CLIENT_PROOF_SIZE]) {
        if (c->state != CLIENT_PROOF)
                return refuse(c, "the host was heard already");
        if (auth_equal(proof + WIRE_MAC_SIZE, c->challenge, sizeof(c->challenge)))
                return refuse(c, "it asked us our own question");
        if (prove_fx2(c, sent, proof))
                return true;
        if (auth_key_is_fx2_only(c->key))
                return refuse(
                        c, "it does not hold our key, or does not speak FX2, which this key is for only");
        return prove_v1(c, proof);
}
