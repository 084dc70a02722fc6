/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "replay.h"
#include "auth.h"

#include <string.h>

enum { FIRST_SIZE = 256, NOBODY = UINT32_MAX };

typedef struct Seen {
        uint8_t digest[32];
        uint32_t next; /* in the chain of its bucket; NOBODY ends it */
} Seen;

/* `seen` is a ring once it has REPLAY_MAX places; before that it is an array that doubles. There are as many buckets as
 * places, so a chain has one entry on average. Only holders of a key get here, so nobody else can choose digests. */
struct Replay {
        Seen *seen;
        uint32_t *buckets;
        uint32_t size; /* places allocated, a power of two */
        uint32_t n;
        uint32_t oldest; /* the next to be overwritten when n == REPLAY_MAX */
};

int replay_new(Replay **ret) {
        Replay *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        *ret = r;
        return 0;
}

Replay *replay_free(Replay *r) {
        if (r) {
                free(r->seen);
                free(r->buckets);
        }
        free(r);
        return NULL;
}

static uint32_t *bucket_of(Replay *r, const uint8_t digest[static 32]) {
        uint32_t hash;

        memcpy(&hash, digest, sizeof(hash));
        return r->buckets + (hash & (r->size - 1));
}

static void link_entry(Replay *r, uint32_t i) {
        uint32_t *bucket = bucket_of(r, r->seen[i].digest);

        r->seen[i].next = *bucket;
        *bucket = i;
}

static void unlink_entry(Replay *r, uint32_t i) {
        uint32_t *p = bucket_of(r, r->seen[i].digest);

        while (*p != i)
                p = &r->seen[*p].next;
        *p = r->seen[i].next;
}

static bool grow(Replay *r) {
        uint32_t size = r->size == 0 ? FIRST_SIZE : r->size * 2;
        uint32_t *buckets = reallocarray(NULL, size, sizeof(uint32_t));
        Seen *seen = reallocarray(r->seen, size, sizeof(Seen));

        if (seen)
                r->seen = seen;
        if (!buckets || !seen) {
                free(buckets);
                return false;
        }
        free(r->buckets);
        r->buckets = buckets;
        r->size = size;
        memset(buckets, 0xff, size * sizeof(uint32_t)); /* NOBODY */
        for (uint32_t i = 0; i < r->n; i++)
                link_entry(r, i);
        return true;
}

static bool contains(Replay *r, const uint8_t digest[static 32]) {
        if (r->n == 0)
                return false;
        for (uint32_t i = *bucket_of(r, digest); i != NOBODY; i = r->seen[i].next)
                if (memcmp(r->seen[i].digest, digest, sizeof(r->seen[i].digest)) == 0)
                        return true;
        return false;
}

bool replay_is_fresh(Replay *r, const uint8_t packet[static WIRE_PACKET_SIZE]) {
        uint8_t digest[32];
        uint32_t place;

        auth_sha256(packet, WIRE_PACKET_SIZE, digest);
        if (contains(r, digest))
                return false;
        if (r->n == REPLAY_MAX) {
                place = r->oldest;
                r->oldest = (r->oldest + 1) % REPLAY_MAX;
                unlink_entry(r, place);
        } else {
                if (r->n == r->size && !grow(r))
                        return false;
                place = r->n++;
        }
        memcpy(r->seen[place].digest, digest, sizeof(digest));
        link_entry(r, place);
        return true;
}

size_t replay_size(const Replay *r) {
        return r->n;
}
