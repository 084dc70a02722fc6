/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The channel of a guest whose hypervisor listens (mode='bind'): connects to its socket, and again whenever the connection
 * ends or there was none to be had. A socket that appears is noticed at once, if its directory is there; and it is tried
 * from time to time. */

#include "listener.h"

#define DIAL_PAUSE_USEC_MIN (100 * USEC_PER_MSEC)
#define DIAL_PAUSE_USEC_MAX (2 * USEC_PER_SEC)

typedef struct Dial Dial;

/* The listener must outlive it. path: one that dial_path_is_valid(); copied. */
int dial_new(Listener *l, const char *path, Dial **ret);
void dial_free(Dial *d);
DEFINE_CLEANUP(Dial *, dial_free);

/* True for absolute paths that name something in a directory and fit into an address. */
bool dial_path_is_valid(const char *path);

/* Pure. How long to wait after a connection that lasted `lasted_usec` (0: there was none) and the pause before it. */
uint64_t dial_pause(uint64_t before_usec, uint64_t lasted_usec);
