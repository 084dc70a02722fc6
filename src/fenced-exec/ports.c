/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ports.h"

#include <stdio.h>
#include <string.h>

void ports_done(Ports *p) {
        free(p->entries);
        *p = (Ports){};
}

static void set(Port *port, const char *name, const char *uuid) {
        *port = (Port){};
        (void) snprintf(port->name, sizeof(port->name), "%s", name);
        (void) snprintf(port->uuid, sizeof(port->uuid), "%s", uuid);
}

void ports_replace(Ports *p, const WorkerRecord *records, size_t n) {
        size_t n_taken = n < PORTS_MAX ? n : PORTS_MAX;
        Port *entries = calloc(n_taken + 1, sizeof(*entries));

        if (!entries)
                return;
        for (size_t i = 0; i < n_taken; i++)
                set(entries + i, records[i].port, records[i].uuid);
        ports_done(p);
        *p = (Ports){ entries, n_taken };
}

static Port *find(const Ports *p, const char *name) {
        for (size_t i = 0; i < p->n; i++)
                if (strcmp(p->entries[i].name, name) == 0)
                        return p->entries + i;
        return NULL;
}

void ports_learn(Ports *p, const char *name, const char *uuid) {
        Port *port = find(p, name);

        if (!port && p->n >= PORTS_MAX) {
                p->n--;
                memmove(p->entries, p->entries + 1, p->n * sizeof(*p->entries));
        }
        if (!port) {
                Port *entries = realloc(p->entries, (p->n + 1) * sizeof(*entries));
                if (!entries)
                        return;
                p->entries = entries;
                port = entries + p->n++;
        }
        set(port, name, uuid);
}

const char *ports_find(const Ports *p, const char *name) {
        const Port *port = find(p, name);

        return port ? port->uuid : NULL;
}
