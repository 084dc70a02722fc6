/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* H4: packets that were seen before. A guest's retransmission carries new random bytes, so an identical packet is a
 * replay, or a duplicate made by the network, and is refused either way. The oldest is forgotten when REPLAY_MAX is
 * reached. Memory is touched as it is needed, up to 1.5 MB; lookups cost the same however full it is.
 *
 * What was seen is a ring in memory that may be a file's (replay-file.h): it then outlives us, however we end. */

#include "base.h"
#include "wire.h"

enum { REPLAY_MAX = 65536, REPLAY_DIGEST_SIZE = 16 };

/* The ring, in the host's own byte order. */
typedef struct ReplayRing {
        uint64_t magic; /* REPLAY_MAGIC */
        uint32_t version; /* REPLAY_VERSION */
        uint32_t capacity; /* REPLAY_MAX */
        uint64_t
                n; /* packets since the beginning; the next is written to place n % REPLAY_MAX, and only then counted */
        uint64_t unused[5]; /* 0 */
        uint8_t digests[REPLAY_MAX][REPLAY_DIGEST_SIZE]; /* the first half of SHA-256 */
} ReplayRing;

#define REPLAY_MAGIC UINT64_C(0x0a79616c70657266) /* "freplay\n" */
enum { REPLAY_VERSION = 1 };

/* Places that are in use. */
size_t replay_ring_size(const ReplayRing *ring);

/* A ring of nothing in memory of its own; free it with replay_ring_free(). */
int replay_ring_new(ReplayRing **ret);
ReplayRing *replay_ring_free(ReplayRing *ring);
DEFINE_CLEANUP(ReplayRing *, replay_ring_free)

/* A ring of nothing. */
void replay_ring_init(ReplayRing *ring);
bool replay_ring_is_valid(const ReplayRing *ring);

typedef struct Replay Replay;

/* Takes a valid ring that was mapped with mmap(2), also on failure. */
int replay_new(ReplayRing *ring, Replay **ret);
Replay *replay_free(Replay *r);
DEFINE_CLEANUP(Replay *, replay_free)

/* Remembers the packet (by its SHA-256) and returns true if it had not been seen. Call it after the MAC was verified, so
 * that strangers cannot make us forget. */
bool replay_is_fresh(Replay *r, const uint8_t packet[static WIRE_PACKET_SIZE]);

size_t replay_size(const Replay *r);
const ReplayRing *replay_ring(const Replay *r);
