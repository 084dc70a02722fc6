/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May whoever sent a message over the system bus do this? root and our own user always may, others if polkit says so, and
 * without polkit they may not. Nothing here waits: a bus or a polkit that hangs is the caller's deadline. */

#include "base.h"

#include <systemd/sd-bus.h>

enum {
        AUTHORIZATIONS_MAX = 8
}; /* wait for polkit at once: the others are not allowed, but root does not wait for users */

typedef struct Authorization Authorization;

/* Called once; the authorization is gone when it returns. */
typedef void (*AuthorizationDone)(bool allowed, void *userdata);

/* Never calls back before it returns. action: a polkit action, in static storage. n_waiting: how many wait for polkit, kept
 * here and shared by all of the caller's. */
int authorization_new(sd_bus_message *call, const char *action, size_t *n_waiting, AuthorizationDone done,
        void *userdata, Authorization **ret);

/* Without calling back. Takes NULL, returns NULL. */
Authorization *authorization_free(Authorization *a);
DEFINE_CLEANUP(Authorization *, authorization_free)
