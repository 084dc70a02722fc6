/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sources.h"

#define COST_USEC   (USEC_PER_SEC / SOURCE_RATE)
#define CREDIT_USEC (COST_USEC * SOURCE_BURST)

static Source *sources_get(Sources *s, const Address *address, uint64_t now_usec) {
        Source *oldest = s->table;

        for (size_t i = 0; i < SOURCES_MAX; i++) {
                Source *e = s->table + i;

                if (address_equal(&e->address, address))
                        return e;
                if (e->seen_usec < oldest->seen_usec)
                        oldest = e;
        }
        *oldest = (Source){ .address = *address, .seen_usec = now_usec, .credit_usec = CREDIT_USEC };
        return oldest;
}

bool sources_avoid(const Sources *s, const Address *address, uint64_t now_usec) {
        for (size_t i = 0; i < SOURCES_MAX; i++)
                if (address_equal(&s->table[i].address, address))
                        return now_usec < s->table[i].failed_until_usec;
        return false;
}

bool sources_may_call(Sources *s, const Address *address, uint64_t now_usec) {
        Source *e = sources_get(s, address, now_usec);
        uint64_t credit = e->credit_usec + (now_usec - e->seen_usec);

        e->seen_usec = now_usec;
        e->credit_usec = credit < CREDIT_USEC ? credit : CREDIT_USEC;
        if (e->credit_usec < COST_USEC)
                return false;
        e->credit_usec -= COST_USEC;
        return true;
}

void sources_failed(Sources *s, const Address *address, uint64_t now_usec) {
        sources_get(s, address, now_usec)->failed_until_usec = now_usec + SOURCE_FAILED_USEC;
}
