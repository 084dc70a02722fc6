/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* multicast: the guest listens, sends the packet from every address it has, again and again, and hosts call back. All
 * call-backs are heard side by side; the first host that proves itself is believed, and the others are hung up on. */

#include "transport.h"

void multicast_ask(const Question *q, Answer *ret);
