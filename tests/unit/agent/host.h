/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host for tests: the other end of a conversation, byte by byte, in a child process. */

#include "auth-fx2.h"
#include "auth.h"
#include "client.h"
#include "transport.h"

typedef struct FakeHost {
        const AuthKey *key;
        bool fx2; /* or v1, as fence_virtd speaks it */
        HashType auth; /* of v1 */
        bool has_packet; /* tcp: a packet precedes the challenge */
        const uint8_t *packet; /* FX2 over multicast: the one that the host has received */
        size_t cut; /* hang up after so many bytes of proof and answer (with its tag); SIZE_MAX: never */
        size_t flip; /* the byte among them that is another; SIZE_MAX: none */
        const uint8_t *answer;
        size_t n_answer;
} FakeHost;

/* Everything unset: never cuts, flips nothing. */
#define FAKE_HOST(...) ((FakeHost){ .auth = HASH_SHA256, .cut = SIZE_MAX, .flip = SIZE_MAX, __VA_ARGS__ })

/* Speaks over fd and ends the process: 0 if everything the guest sent was right, 1 if not. */
_Noreturn void fake_host_speak(int fd, const FakeHost *h);

/* In a child, which does not keep `other` (or -1) open; the caller waits for it. */
int fake_host_start(int fd, int other, const FakeHost *h);

/* Waits for it; its exit status. */
int fake_host_wait(int pid);

/* The response of v1, to any challenge: what a host that knows nothing of FX2 makes of ours, too. */
void fake_v1_response(const AuthKey *k, HashType h, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret[static WIRE_MAC_SIZE]);

/* What precedes the answer in a conversation: the host's response and challenge. */
void fake_proof(const FakeHost *h, const uint8_t packet[static WIRE_PACKET_SIZE],
        const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret[static WIRE_MAC_SIZE + WIRE_CHALLENGE_SIZE]);

/* A question with everything at its default. */
void fake_question(Question *q, Options *o, const AuthKey *key, Action action);

/* A raw key, and the same bytes for FX2 only, which is what this file holds; its size. */
enum { FAKE_FILE_MAX = 128 };
AuthKey *fake_key(uint8_t first);
AuthKey *fake_fx2_key(uint8_t first);
size_t fake_fx2_file(uint8_t first, char ret[static FAKE_FILE_MAX]);
