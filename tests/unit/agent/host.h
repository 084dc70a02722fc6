/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host for tests: the other end of a conversation, byte by byte, in a child process. */

#include "auth.h"
#include "transport.h"

typedef struct FakeHost {
        const AuthKey *key;
        HashType auth;
        bool has_packet; /* tcp: a packet precedes the challenge */
        size_t cut; /* hang up after so many bytes of proof and answer; SIZE_MAX: never */
        const uint8_t *answer;
        size_t n_answer;
} FakeHost;

/* Speaks over fd and ends the process: 0 if everything the guest sent was right, 1 if not. */
_Noreturn void fake_host_speak(int fd, const FakeHost *h);

/* In a child, which does not keep `other` (or -1) open; the caller waits for it. */
int fake_host_start(int fd, int other, const FakeHost *h);

/* Waits for it; its exit status. */
int fake_host_wait(int pid);

/* A question with everything at its default. */
void fake_question(Question *q, Options *o, const AuthKey *key, Action action);
AuthKey *fake_key(uint8_t first);
