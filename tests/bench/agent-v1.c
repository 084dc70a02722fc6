/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Our agent as it would be if it had never heard of FX2, against the same host: what tools/bench holds FX2 against. Three
 * functions of it are exchanged by the linker (--wrap, see ld(1)). */

#include "client.h"
#include "transport.h"

int __real_question_request(const Question *q, Request *ret);
int __wrap_question_request(const Question *q, Request *ret);
void __real_client_start(
        Client *c, const AuthKey *key, HashType hash, const uint8_t random[static FX2_RANDOM_SIZE]);
void __wrap_client_start(
        Client *c, const AuthKey *key, HashType hash, const uint8_t random[static FX2_RANDOM_SIZE]);
bool __wrap_auth_is_host_challenge(const AuthKey *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]);

int __wrap_question_request(const Question *q, Request *ret) {
        int r = __real_question_request(q, ret);

        if (r >= 0)
                ret->flags &= (uint8_t) ~WIRE_FLAG_FX2;
        return r;
}

void __wrap_client_start(
        Client *c, const AuthKey *key, HashType hash, const uint8_t random[static FX2_RANDOM_SIZE]) {
        __real_client_start(c, key, hash, random);
        c->challenge[0] ^= 0xff; /* no sentinel, and not what begins a packet either */
}

/* An old agent cannot know. */
bool __wrap_auth_is_host_challenge(const AuthKey *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]) {
        return false;
}
