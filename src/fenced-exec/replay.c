/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "replay.h"
#include "auth.h"

#include <string.h>
#include <sys/mman.h>

/* As many chains as places, so a chain has one entry on average. Only holders of a key get here, so nobody else can choose
 * digests. An entry is its place plus 1; 0 ends a chain. */
struct Replay {
        ReplayRing *ring;
        uint32_t chains[REPLAY_MAX];
        uint32_t next[REPLAY_MAX];
};

size_t replay_ring_size(const ReplayRing *ring) {
        return ring->n < REPLAY_MAX ? ring->n : REPLAY_MAX;
}

void replay_ring_init(ReplayRing *ring) {
        memset(ring, 0, offsetof(ReplayRing, digests));
        ring->version = REPLAY_VERSION;
        ring->capacity = REPLAY_MAX;
        ring->magic = REPLAY_MAGIC;
}

bool replay_ring_is_valid(const ReplayRing *ring) {
        static const uint64_t zero[ELEMENTSOF(ring->unused)] = {};

        return ring->magic == REPLAY_MAGIC && ring->version == REPLAY_VERSION &&
               ring->capacity == REPLAY_MAX && memcmp(ring->unused, zero, sizeof(zero)) == 0;
}

static uint32_t *chain_of(Replay *r, const uint8_t digest[static REPLAY_DIGEST_SIZE]) {
        uint32_t hash;

        memcpy(&hash, digest, sizeof(hash));
        return r->chains + hash % REPLAY_MAX;
}

static void link_entry(Replay *r, uint32_t place) {
        uint32_t *chain = chain_of(r, r->ring->digests[place]);

        r->next[place] = *chain;
        *chain = place + 1;
}

static void unlink_entry(Replay *r, uint32_t place) {
        uint32_t *p = chain_of(r, r->ring->digests[place]);

        while (*p != place + 1)
                p = &r->next[*p - 1];
        *p = r->next[place];
}

int replay_ring_new(ReplayRing **ret) {
        ReplayRing *ring =
                mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (ring == MAP_FAILED)
                return -errno;
        replay_ring_init(ring);
        *ret = ring;
        return 0;
}

ReplayRing *replay_ring_free(ReplayRing *ring) {
        if (ring)
                (void) munmap(ring, sizeof(*ring));
        return NULL;
}

int replay_new(ReplayRing *ring, Replay **ret) {
        Replay *r = calloc(1, sizeof(*r));

        if (!r) {
                replay_ring_free(ring);
                return -ENOMEM;
        }
        r->ring = ring;
        for (size_t i = 0; i < replay_ring_size(ring); i++)
                link_entry(r, (uint32_t) i);
        *ret = r;
        return 0;
}

Replay *replay_free(Replay *r) {
        if (r)
                replay_ring_free(r->ring);
        free(r);
        return NULL;
}

static bool contains(Replay *r, const uint8_t digest[static REPLAY_DIGEST_SIZE]) {
        for (uint32_t i = *chain_of(r, digest); i != 0; i = r->next[i - 1])
                if (memcmp(r->ring->digests[i - 1], digest, REPLAY_DIGEST_SIZE) == 0)
                        return true;
        return false;
}

bool replay_is_fresh(Replay *r, const uint8_t packet[static WIRE_PACKET_SIZE]) {
        uint32_t place = (uint32_t) (r->ring->n % REPLAY_MAX);
        uint8_t digest
                [32]; /* who could find two packets with the same half of it has a key, and gains nothing */

        auth_sha256(packet, WIRE_PACKET_SIZE, digest);
        if (contains(r, digest))
                return false;
        if (r->ring->n >= REPLAY_MAX)
                unlink_entry(r, place);
        memcpy(r->ring->digests[place], digest, REPLAY_DIGEST_SIZE);
        /* whoever is killed before this has forgotten one packet, and no more */
        __atomic_store_n(&r->ring->n, r->ring->n + 1, __ATOMIC_RELEASE);
        link_entry(r, place);
        return true;
}

size_t replay_size(const Replay *r) {
        return replay_ring_size(r->ring);
}

const ReplayRing *replay_ring(const Replay *r) {
        return r->ring;
}
