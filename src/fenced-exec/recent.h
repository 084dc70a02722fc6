/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* H5: the requests of the last ten seconds and what was answered. A guest that retransmits has one question, and gets one
 * answer. What was refused or denied is not recorded, so that nobody can make us drop somebody else's request. Pure. */

#include "action.h"
#include "base.h"
#include "wire.h"

enum { RECENT_MAX = 1024 };

#define RECENT_USEC (10 * USEC_PER_SEC)

/* One run of an agent: who asks, for what, with which sequence number. Zero padded. */
typedef struct RequestKey {
        char key[64]; /* of Identity */
        char uuid[37]; /* of Identity */
        uint8_t action;
        uint8_t seqno[4];
        char target[WIRE_TARGET_MAX + 1];
} RequestKey;

bool request_key_equal(const RequestKey *a, const RequestKey *b);

typedef struct RecentEntry {
        RequestKey key;
        uint64_t usec; /* when it was answered, CLOCK_MONOTONIC; 0: no entry */
        bool delivered; /* the guest was still there */
        Reply reply;
} RecentEntry;

typedef struct Recent {
        RecentEntry entries[RECENT_MAX];
        size_t next;
} Recent;

void recent_add(Recent *r, const RequestKey *key, Reply reply, bool delivered, uint64_t now_usec);

/* NULL when there is none, or it is older than RECENT_USEC. Valid until the next recent_add(). */
const RecentEntry *recent_find(const Recent *r, const RequestKey *key, uint64_t now_usec);
