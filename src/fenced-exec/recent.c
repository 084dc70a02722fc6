/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "recent.h"

#include <string.h>

bool request_key_equal(const RequestKey *a, const RequestKey *b) {
        return a->action == b->action && memcmp(a->seqno, b->seqno, sizeof(a->seqno)) == 0 &&
               strcmp(a->target, b->target) == 0 && strcmp(a->key, b->key) == 0 &&
               strcmp(a->uuid, b->uuid) == 0;
}

void recent_add(Recent *r, const RequestKey *key, Reply reply, bool delivered, uint64_t now_usec) {
        r->entries[r->next] =
                (RecentEntry){ .key = *key, .usec = now_usec, .delivered = delivered, .reply = reply };
        r->next = (r->next + 1) % RECENT_MAX;
}

/* Newest first, and never past the first that is too old: a request costs what the last ten seconds hold. */
const RecentEntry *recent_find(const Recent *r, const RequestKey *key, uint64_t now_usec) {
        for (size_t i = 1; i <= RECENT_MAX; i++) {
                const RecentEntry *e = &r->entries[(r->next + RECENT_MAX - i) % RECENT_MAX];

                if (e->usec == 0 || e->usec + RECENT_USEC < now_usec)
                        return NULL;
                if (request_key_equal(&e->key, key))
                        return e;
        }
        return NULL;
}
