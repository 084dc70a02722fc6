/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bucket.h"

bool bucket_take(Bucket *b, Rate rate, uint64_t now_usec) {
        if (rate.per_second == 0)
                return true;
        uint64_t one = USEC_PER_SEC / rate.per_second, whole = one * rate.burst;
        uint64_t missing = b->full_usec > now_usec ? b->full_usec - now_usec : 0;

        if (missing > whole) /* it was a larger bucket */
                missing = whole;
        bool taken = missing + one <= whole;
        b->full_usec = now_usec + missing + (taken ? one : 0);
        return taken;
}
