/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One channel of a guest: a connection that stays, and an exchange. The only code that reads from and writes to channels.
 * Ends when the other end hangs up or does not take its answers. */

#include "listener.h"

/* The line is gone. */
typedef void (*LineEnded)(void *userdata);

/* fd: does not block; owned by the line from now on, also on failure. `ended` may be NULL; otherwise a request that the
 * executor refuses ends the line as well: whoever has called can call again, and may then reach another process. 0 or a
 * negative errno, and `ended` is not called then. The line takes a seat, whatever the limits. */
int line_new(Listener *l, int fd, LineEnded ended, void *userdata);
