/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who has a seat, in the order they came, and who gives his up for a newcomer. Pure. */

#include "address.h"
#include "base.h"
#include "limits.h"

#include <sys/queue.h>

/* Why a seat is held; over a limit the smallest value goes first, and of these the oldest. */
typedef enum Standing {
        STANDING_LEAVING, /* has its answer; we wait for it to close */
        STANDING_SILENT, /* no complete packet yet */
        STANDING_ASKED, /* the guest's turn to speak, or to take the call */
        STANDING_UNREAD, /* has not read what it was sent so far: a list, nothing else is so long */
        STANDING_SERVED, /* the executor's turn: never taken away */
} Standing;

typedef struct Seat {
        TAILQ_ENTRY(Seat) seats;
        Address address;
        Standing standing;
        void (*end)(struct Seat *s); /* gives it up, and whatever goes on there */
} Seat;

typedef struct Crowd {
        TAILQ_HEAD(SeatList, Seat) seats;
        unsigned n;
} Crowd;

void crowd_init(Crowd *c);

/* May a newcomer from this address, which has not said anything yet if `silent`, come in? When true and *ret_victim is
 * set, then once that one has left. One address has at most limits->silent_per_address silent seats, all together
 * limits->peers. */
bool crowd_admits(
        const Crowd *c, const Limits *limits, const Address *address, bool silent, Seat **ret_victim);

/* All seats of this address. */
unsigned crowd_count(const Crowd *c, const Address *address);

/* The oldest one of this standing, or NULL. */
Seat *crowd_oldest(const Crowd *c, Standing standing);

/* Takes a seat, whatever the limits; the caller fills the other fields. */
void crowd_enter(Crowd *c, Seat *s);
void crowd_leave(Crowd *c, Seat *s);
