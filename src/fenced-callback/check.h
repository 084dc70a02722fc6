/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What must hold of every call, whatever the listener says. Pure. */

#include "base.h"
#include "callback-protocol.h"

/* As many calls at once as a listener has conversations. So many guests in trouble ask for 256 per second, each once in two
 * seconds; there is room for four times that, so that a few hostile ones (50 per second each, fenced-listen/sources.h) do not
 * silence the rest. A listener that is a stranger's by now scans no faster. */
enum {
        CALL_BURST = 512,
        CALL_RATE = 1000, /* per second */
};

/* True for one unicast address in its only form, with a port that no service of a host has to have, and not of the loopback
 * interface unless local. */
bool callback_may_be(const CallbackRequest *r, bool local);

/* True when the kernel's word on the address is that it is another machine's, or, if local, one of our own. route_type:
 * RTN_* (rtnetlink(7)). */
bool callback_may_go(unsigned route_type, bool local);

/* True when one more call may be made now; it is counted. *paid_usec: when those so far are paid for, first 0. Both times are
 * CLOCK_MONOTONIC. */
bool callback_may_now(uint64_t *paid_usec, uint64_t now_usec);
