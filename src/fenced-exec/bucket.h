/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A token bucket: so many a second, and so many at once after a pause. One number: when the bucket will be full again. Pure. */

#include "base.h"

typedef struct Rate {
        unsigned per_second; /* 0: no limit; at most RATE_MAX */
        unsigned burst; /* at least 1 */
} Rate;

enum { RATE_MAX = 1000000 };

/* Zero is a full one. */
typedef struct Bucket {
        uint64_t full_usec;
} Bucket;

/* Takes one, if one is there. The rate may be another one than the last time. */
bool bucket_take(Bucket *b, Rate rate, uint64_t now_usec);
