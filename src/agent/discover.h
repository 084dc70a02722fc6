/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which way to the host this machine has, for a fence_virt that was not told. */

#include "options.h"

#define DISCOVER_PORT   "org.fencevirt.0"
#define DISCOVER_DEVICE "/dev/ttyS1"

/* One way. It is taken by writing into *o what the user would have. */
typedef struct Way {
        const char *name;
        const char *missing; /* what there is none of otherwise, for messages */
        /* True when this machine has it; it has until the deadline to find out. */
        bool (*take)(Options *o, uint64_t deadline);
} Way;

/* The documented order: virtio port, serial device, vsock, multicast. */
extern const Way discover_ways[];
extern const size_t discover_n_ways;

/* The first that is there, or NULL; *o is then as it was. */
const Way *discover(const Way *ways, size_t n, Options *o, uint64_t deadline);
