/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "memory.h"

#include <stdio.h>
#include <string.h>

/* FNV-1a; nothing hangs on how well it spreads */
static size_t slot_of(const char *target) {
        uint32_t h = 2166136261U;

        for (const char *p = target; *p; p++)
                h = (h ^ (uint8_t) *p) * 16777619U;
        return h % MEMORY_SIZE;
}

void memory_store(Memory *m, const char *target, const Hypervisor *hypervisor) {
        size_t i = slot_of(target);

        (void) snprintf(m->slots[i].target, sizeof(m->slots[i].target), "%s", target);
        m->slots[i].hypervisor = hypervisor;
}

const Hypervisor *memory_find(const Memory *m, const char *target) {
        size_t i = slot_of(target);

        return strcmp(m->slots[i].target, target) == 0 ? m->slots[i].hypervisor : NULL;
}
