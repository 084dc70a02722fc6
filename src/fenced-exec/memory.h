/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a target was found the last time that every hypervisor had answered. A hint only: it spares a request the wait for
 * a hypervisor that has stopped answering (resolve.h), and never decides what a name means. Pure. */

#include "base.h"
#include "hypervisor.h"
#include "wire.h"

enum { MEMORY_SIZE = 1024 };

typedef struct Memory {
        struct {
                char target[WIRE_TARGET_MAX + 1];
                const Hypervisor *hypervisor; /* compared, never followed */
        } slots[MEMORY_SIZE];
} Memory;

/* hypervisor NULL forgets. What falls into the same slot is forgotten. */
void memory_store(Memory *m, const char *target, const Hypervisor *hypervisor);

/* NULL when nothing is remembered. */
const Hypervisor *memory_find(const Memory *m, const char *target);
