/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The brake on a fence storm: how many domains were switched off within the last minute, by one requester, by all holders of
 * one key, on this host. Exact, not a bucket: it is a promise about any sixty seconds. Pure. */

#include "base.h"
#include "identity.h"

enum { BRAKE_MAX = 10000 }; /* as many are remembered, and the most that may be configured */

#define BRAKE_USEC (60 * USEC_PER_SEC)

typedef struct BrakeSettings {
        unsigned requester, key, host; /* per minute; 0: no limit */
} BrakeSettings;

#define BRAKE_SETTINGS_DEFAULT ((BrakeSettings){ .requester = 120, .key = 300, .host = 600 })

typedef enum BrakeVerdict {
        BRAKE_HELD_REQUESTER = 0,
        BRAKE_HELD_KEY,
        BRAKE_HELD_HOST,
        BRAKE_FREE,
        _BRAKE_VERDICT_MAX,
} BrakeVerdict;

typedef struct Brake Brake;

int brake_new(Brake **ret);
Brake *brake_free(Brake *b);
DEFINE_CLEANUP(Brake *, brake_free)

/* BRAKE_FREE: go on, it is counted. A requester is its own domain where that is known, else a key and an address; one without a
 * key is under no limit of a key. */
BrakeVerdict brake_ask(Brake *b, const BrakeSettings *s, const Identity *requester, uint64_t now_usec);

/* True once a minute for each verdict: somebody should be told. */
bool brake_is_news(Brake *b, BrakeVerdict verdict, uint64_t now_usec);

/* One sentence for the audit. Static storage; NULL for BRAKE_FREE. */
const char *brake_reason(BrakeVerdict verdict);
