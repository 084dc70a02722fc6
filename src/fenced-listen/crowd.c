/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "crowd.h"

void crowd_init(Crowd *c) {
        TAILQ_INIT(&c->seats);
        c->n = 0;
}

/* The oldest silent seat of this address, once it has as many as it may have. */
static Seat *silent_victim(const Crowd *c, const Limits *limits, const Address *address) {
        Seat *s, *oldest = NULL;
        unsigned n = 0;

        TAILQ_FOREACH(s, &c->seats, seats)
                if (s->standing == STANDING_SILENT && address_equal(&s->address, address)) {
                        if (!oldest)
                                oldest = s;
                        n++;
                }
        return n >= limits->silent_per_address ? oldest : NULL;
}

unsigned crowd_count(const Crowd *c, const Address *address) {
        unsigned n = 0;
        Seat *s;

        TAILQ_FOREACH(s, &c->seats, seats)
                n += address_equal(&s->address, address);
        return n;
}

Seat *crowd_oldest(const Crowd *c, Standing standing) {
        Seat *s;

        TAILQ_FOREACH(s, &c->seats, seats)
                if (s->standing == standing)
                        return s;
        return NULL;
}

static Seat *any_victim(const Crowd *c) {
        Seat *victim = NULL;

        for (Standing s = 0; s < STANDING_SERVED && !victim; s++)
                victim = crowd_oldest(c, s);
        return victim;
}

bool crowd_admits(
        const Crowd *c, const Limits *limits, const Address *address, bool silent, Seat **ret_victim) {
        Seat *victim = silent ? silent_victim(c, limits, address) : NULL;

        if (!victim && c->n >= limits->peers) {
                victim = any_victim(c);
                if (!victim)
                        return false;
        }
        *ret_victim = victim;
        return true;
}

void crowd_enter(Crowd *c, Seat *s) {
        TAILQ_INSERT_TAIL(&c->seats, s, seats);
        c->n++;
}

void crowd_leave(Crowd *c, Seat *s) {
        TAILQ_REMOVE(&c->seats, s, seats);
        c->n--;
}
