/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Units are started and stopped through PID 1's own socket, which only root may connect to: it answers also when
 * dbus-daemon does not. Everything together ends at one deadline (CLOCK_MONOTONIC, in microseconds) with -ETIMEDOUT,
 * also the greeting, for which sd-bus has a minute of its own. What fails is logged here. */

#include "base.h"

#define SYSTEMD_SOCKET "/run/systemd/private"

typedef struct Systemd Systemd;

int systemd_connect(const char *socket_path, uint64_t deadline_usec, Systemd **ret);

/* 1 when the unit is active, 0 when it is anything else, or not known. */
int systemd_is_active(Systemd *s, const char *unit);

/* Starts a unit that may be running already. With `wait` only when it is up that is a success (for sockets, which
 * are up in a moment); without, when systemd has taken the job. */
int systemd_start(Systemd *s, const char *unit, bool wait);

/* Has systemd stop a unit; one that is not there is stopped. Does not wait. */
int systemd_stop(Systemd *s, const char *unit);

Systemd *systemd_free(Systemd *s);
DEFINE_CLEANUP(Systemd *, systemd_free)

/* CLOCK_MONOTONIC in microseconds. */
uint64_t now_usec(void);
