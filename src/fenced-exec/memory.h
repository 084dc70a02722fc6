/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a target was found, and as which domain, the last time that every hypervisor had answered. It spares a request the
 * wait for a hypervisor that has stopped answering (resolve.h), as long as the target is still that domain, and tells
 * policy whom a request is about when it cannot be found out. It never decides what a name means. Pure. */

#include "base.h"
#include "hypervisor.h"
#include "resolve.h"
#include "wire.h"

enum { MEMORY_SIZE = 1024 };

typedef struct Place {
        char target[WIRE_TARGET_MAX + 1];
        const Hypervisor *hypervisor; /* compared, never followed */
        Answer answer;
} Place;

typedef struct Memory {
        Place *slots[MEMORY_SIZE];
} Memory;

/* What falls into the same slot is forgotten. */
void memory_store(Memory *m, const char *target, const Hypervisor *hypervisor, const Answer *answer);

void memory_forget(Memory *m, const char *target);
void memory_clear(Memory *m);

/* NULL when nothing is remembered. Valid until the next call of the others. */
const Place *memory_find(const Memory *m, const char *target);
