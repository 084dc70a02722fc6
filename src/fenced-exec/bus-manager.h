/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The management interface, org.fencevirt1.Manager on the system bus (names.h). Fencing does not need it: it appears when
 * the bus is there, comes back when the bus does, and nothing ever waits for it. */

#include "manager.h"

typedef struct BusManager BusManager;

/* Succeeds whether there is a bus or not. -ENOMEM. */
int bus_manager_new(Manager *m, BusManager **ret);
BusManager *bus_manager_free(BusManager *b);
DEFINE_CLEANUP(BusManager *, bus_manager_free)
