/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session.h"
#include "auth-fx2.h"

#include <string.h>

/* What was gathered stays, for the audit; the state is all that counts. */
static bool refuse(Session *s, const char **ret_reason, const char *reason) {
        s->state = SESSION_CLOSED;
        *ret_reason = reason;
        return false;
}

static const char *too_weak(const Request *q, bool fx2, HashType minimum) {
        if (minimum == HASH_FX2 && !fx2)
                return "the guest does not speak FX2, which MinimumHash= asks for";
        if (q->hash < (minimum == HASH_FX2 ? HASH_SHA256 : minimum))
                return "the hash of the packet is weaker than MinimumHash= allows";
        return NULL;
}

bool session_open(Session *s, WireKind kind, const uint8_t packet[static WIRE_PACKET_SIZE],
        const Keyring *keys, HashType minimum, HashType challenge_hash, const char **ret_reason) {
        const char *reason;

        *s = (Session){ .challenge_hash = challenge_hash };
        if (wire_decode_packet(packet, kind, &s->request) < 0)
                return refuse(s, ret_reason, "the packet is not in the form that guests send");
        s->fx2 = s->request.flags & WIRE_FLAG_FX2;
        reason = too_weak(&s->request, s->fx2, minimum);
        if (reason)
                return refuse(s, ret_reason, reason);
        s->key = keyring_find(keys, packet);
        if (!s->key)
                return refuse(s, ret_reason, "no key verifies the packet");
        memcpy(s->packet, packet, sizeof(s->packet));
        s->state = SESSION_OPENED;
        return true;
}

/* Negotiation rules 1 to 3 and 6 of docs/fx2.md: what is wrong with a challenge of a guest, NULL for nothing. */
static const char *bad_challenge(
        const Session *s, const Keyring *keys, const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE]) {
        if (keyring_is_host_challenge(keys, guest_challenge))
                return "the challenge was made by a host with the same key: a reflection";
        if (s->fx2)
                return fx2_is_challenge(guest_challenge)
                               ? NULL
                               : "the packet says FX2 and the challenge does not: one of them was exchanged";
        if (fx2_is_challenge(guest_challenge))
                return "the challenge says FX2 and the packet does not: one of them was exchanged";
        if (wire_looks_like_packet(guest_challenge))
                return "the challenge could be the beginning of a packet";
        return NULL;
}

bool session_prove(Session *s, const Keyring *keys,
        const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE], const uint8_t random[static 32],
        uint8_t ret_response[static WIRE_MAC_SIZE], uint8_t ret_challenge[static WIRE_CHALLENGE_SIZE],
        const char **ret_reason) {
        uint8_t response[WIRE_MAC_SIZE];
        const char *reason;
        Fx2Transcript t;

        if (s->state != SESSION_OPENED)
                return refuse(s, ret_reason, "a challenge out of order");
        reason = bad_challenge(s, keys, guest_challenge);
        if (reason)
                return refuse(s, ret_reason, reason);
        memcpy(s->guest_challenge, guest_challenge, sizeof(s->guest_challenge));
        auth_host_challenge(s->key->auth, random, s->challenge);
        if (s->fx2) {
                fx2_transcript(s->packet, s->guest_challenge, s->challenge, &t);
                fx2_host_proof(s->key->auth, &t, response);
        } else if (auth_respond(s->key->auth, s->challenge_hash, guest_challenge, response) < 0)
                return refuse(s, ret_reason, "the challenge cannot be answered without a hash");
        memcpy(ret_response, response, sizeof(response));
        memcpy(ret_challenge, s->challenge, sizeof(s->challenge));
        s->state = SESSION_PROVED;
        return true;
}

static bool answers_challenge(const Session *s, const uint8_t guest_response[static WIRE_MAC_SIZE]) {
        Fx2Transcript t;

        if (!s->fx2)
                return auth_verify_response(s->key->auth, s->challenge_hash, s->challenge, guest_response) ==
                       0;
        fx2_transcript(s->packet, s->guest_challenge, s->challenge, &t);
        return fx2_verify_guest_proof(s->key->auth, &t, guest_response);
}

bool session_commit(
        Session *s, const uint8_t guest_response[static WIRE_MAC_SIZE], const char **ret_reason) {
        if (s->state != SESSION_PROVED)
                return refuse(s, ret_reason, "an answer out of order");
        if (!answers_challenge(s, guest_response))
                return refuse(s, ret_reason,
                        "the answer to our challenge is wrong: the guest has another key or hash");
        s->state = SESSION_COMMITTED;
        return true;
}

bool session_seal(Session *s, const void *body, size_t size, uint8_t ret_tag[static WIRE_MAC_SIZE]) {
        Fx2Transcript t;
        Fx2Tag tag;

        if (s->state != SESSION_COMMITTED || !s->fx2)
                return false;
        s->state = SESSION_CLOSED;
        fx2_transcript(s->packet, s->guest_challenge, s->challenge, &t);
        fx2_tag_begin(s->key->auth, &t, &tag);
        fx2_tag_add(&tag, body, size);
        fx2_tag_end(&tag, ret_tag);
        return true;
}
