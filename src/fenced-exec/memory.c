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

static void drop(Memory *m, size_t slot) {
        free(m->slots[slot]);
        m->slots[slot] = NULL;
}

void memory_store(Memory *m, const char *target, const Hypervisor *hypervisor, const Answer *answer) {
        size_t i = slot_of(target);
        Place *p = m->slots[i] ? m->slots[i] : malloc(sizeof(*p));

        if (!p)
                return;
        *p = (Place){ .hypervisor = hypervisor, .answer = *answer };
        (void) snprintf(p->target, sizeof(p->target), "%s", target);
        m->slots[i] = p;
}

void memory_forget(Memory *m, const char *target) {
        if (memory_find(m, target))
                drop(m, slot_of(target));
}

void memory_clear(Memory *m) {
        for (size_t i = 0; i < MEMORY_SIZE; i++)
                drop(m, i);
}

const Place *memory_find(const Memory *m, const char *target) {
        const Place *p = m->slots[slot_of(target)];

        return p && strcmp(p->target, target) == 0 ? p : NULL;
}
