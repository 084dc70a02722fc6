/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session.h"

#include <string.h>

/* What was gathered stays, for the audit; the state is all that counts. */
static bool refuse(Session *s, const char **ret_reason, const char *reason) {
        s->state = SESSION_CLOSED;
        *ret_reason = reason;
        return false;
}

bool session_open(Session *s, WireKind kind, const uint8_t packet[static WIRE_PACKET_SIZE],
        const Keyring *keys, HashType minimum, HashType challenge_hash, const char **ret_reason) {
        *s = (Session){ .challenge_hash = challenge_hash };
        if (wire_decode_packet(packet, kind, &s->request) < 0)
                return refuse(s, ret_reason, "the packet is not in the form that guests send");
        if (s->request.hash < minimum)
                return refuse(s, ret_reason, "the hash of the packet is weaker than MinimumHash= allows");
        s->key = keyring_find(keys, packet, &s->key_name);
        if (!s->key)
                return refuse(s, ret_reason, "no key verifies the packet");
        memcpy(s->packet, packet, sizeof(s->packet));
        s->state = SESSION_OPENED;
        return true;
}

bool session_prove(Session *s, const Keyring *keys,
        const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE], const uint8_t random[static 32],
        uint8_t ret_response[static WIRE_MAC_SIZE], uint8_t ret_challenge[static WIRE_CHALLENGE_SIZE],
        const char **ret_reason) {
        uint8_t response[WIRE_MAC_SIZE];

        if (s->state != SESSION_OPENED)
                return refuse(s, ret_reason, "a challenge out of order");
        if (keyring_is_host_challenge(keys, guest_challenge))
                return refuse(
                        s, ret_reason, "the challenge was made by a host with the same key: a reflection");
        if (wire_looks_like_packet(guest_challenge))
                return refuse(s, ret_reason, "the challenge could be the beginning of a packet");
        if (auth_respond(s->key, s->challenge_hash, guest_challenge, response) < 0)
                return refuse(s, ret_reason, "the challenge cannot be answered without a hash");
        auth_host_challenge(s->key, random, s->challenge);
        memcpy(ret_response, response, sizeof(response));
        memcpy(ret_challenge, s->challenge, sizeof(s->challenge));
        s->state = SESSION_PROVED;
        return true;
}

bool session_commit(
        Session *s, const uint8_t guest_response[static WIRE_MAC_SIZE], const char **ret_reason) {
        if (s->state != SESSION_PROVED)
                return refuse(s, ret_reason, "an answer out of order");
        if (auth_verify_response(s->key, s->challenge_hash, s->challenge, guest_response) < 0)
                return refuse(s, ret_reason,
                        "the answer to our challenge is wrong: the guest has another key or hash");
        s->state = SESSION_COMMITTED;
        return true;
}
