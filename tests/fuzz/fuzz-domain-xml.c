/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A domain's XML. What is taken has a UUID in lower case and claims only paths that become names of units, each once;
 * without the configured directories it claims no more than with them. What is refused says why. */

#include <ctype.h>
#include <string.h>

#include "channel.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_channels(const Channels *c) {
        char path[SOCKET_PATH_SIZE], unit[UNIT_NAME_SIZE];

        check(wire_is_uuid(c->uuid) && c->n_binds <= CHANNEL_BINDS_MAX);
        for (const char *p = c->uuid; *p; p++)
                check(!isupper((unsigned char) *p));
        for (size_t i = 0; i < c->n_binds; i++) {
                check(path_normalize(c->binds[i], strlen(c->binds[i]), path) == 0);
                check(strcmp(path, c->binds[i]) == 0 && strncmp(path, "/run/fence-virt/", 16) != 0);
                check(unit_name_dial(c->binds[i], unit) == 0);
                for (size_t j = 0; j < i; j++)
                        check(strcmp(c->binds[i], c->binds[j]) != 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char directory[] = "/run/a", *directories[] = { directory, NULL };
        const char *reason = NULL;
        Channels with = {}, without = {};
        int r = channels_parse((const char *) data, size, directories, &with, &reason);

        check(channels_parse((const char *) data, size, NULL, &without, &reason) == r);
        check(r == 0 || (r == -EBADMSG && reason && *reason) || r == -EMSGSIZE);
        if (r < 0)
                return 0;
        check_channels(&with);
        check_channels(&without);
        check(strcmp(with.uuid, without.uuid) == 0 && with.own_socket == without.own_socket);
        check(without.n_binds <= with.n_binds);
        return 0;
}
