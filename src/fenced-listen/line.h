/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One channel of a guest: a connection that stays, and an exchange. The only code that reads from and writes to channels.
 * Ends when the other end hangs up or does not take its answers. */

#include "listener.h"

/* The line is gone. */
typedef void (*LineEnded)(void *userdata);

/* Takes a seat, whatever the limits, and fd, which does not block, also on failure. `ended` may be NULL; otherwise a request
 * that the executor refuses ends the line as well: whoever has called can call again, and may then reach another process.
 * ret may be NULL. 0 or a negative errno, and then `ended` is not called. */
int line_new(Listener *l, int fd, LineEnded ended, void *userdata, Seat **ret);
