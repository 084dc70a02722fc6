/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* H4: packets that were seen before. A guest's retransmission carries new random bytes, so an identical packet is a
 * replay, or a duplicate made by the network, and is refused either way. The oldest is forgotten when REPLAY_MAX is
 * reached. Memory grows with use, up to about 3 MB; lookups cost the same however full it is. */

#include "base.h"
#include "wire.h"

enum { REPLAY_MAX = 65536 };

typedef struct Replay Replay;

int replay_new(Replay **ret);
Replay *replay_free(Replay *r);
DEFINE_CLEANUP(Replay *, replay_free)

/* Remembers the packet (by its SHA-256) and returns true if it had not been seen; false for one that had, and also when
 * it could not be remembered. Call it after the MAC was verified, so that strangers cannot make us forget. */
bool replay_is_fresh(Replay *r, const uint8_t packet[static WIRE_PACKET_SIZE]);

size_t replay_size(const Replay *r);
