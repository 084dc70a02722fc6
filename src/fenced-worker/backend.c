/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "backend.h"

#include <string.h>

static const Backend *const backends[] = {
        &backend_libvirt,
};

const Backend *backend_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(backends); i++)
                if (strcmp(backends[i]->name, name) == 0)
                        return backends[i];
        return NULL;
}
