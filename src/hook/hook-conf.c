/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hook-conf.h"
#include "unit-name.h"

#include <string.h>

enum { DIRECTORIES_MAX = 64 };

static int parse_directory(const char *value, void *target, const char **reason) {
        char ***directories = target, **grown, directory[SOCKET_PATH_SIZE];
        size_t n = 0;

        if (*value == '\0') {
                *directories = strv_free(*directories);
                return 0;
        }
        if (path_normalize(value, strlen(value), directory) < 0) {
                *reason = "say an absolute path without \"..\", in which a socket can be bound";
                return -EINVAL;
        }
        for (; *directories && (*directories)[n]; n++)
                if (strcmp((*directories)[n], directory) == 0)
                        return 0;
        if (n >= DIRECTORIES_MAX) {
                *reason = "there are 64 directories already, which is all that is allowed";
                return -EINVAL;
        }
        grown = reallocarray(*directories, n + 2, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        *directories = grown;
        grown[n + 1] = NULL;
        grown[n] = strdup(directory);
        return grown[n] ? 0 : -ENOMEM;
}

static const ConfItem items[] = {
        { "Channels", "BindDirectory", parse_directory, offsetof(HookConf, bind_directories),
                CONF_REPEATABLE },
};

int hook_conf_load(const char *path, HookConf *ret, ConfError *ret_error) {
        _cleanup_(hook_conf_done) HookConf c = {};
        int r;

        r = conf_parse_file(path, items, ELEMENTSOF(items), &c, ret_error);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = TAKE(c, (HookConf){});
        return 0;
}

void hook_conf_done(HookConf *c) {
        c->bind_directories = strv_free(c->bind_directories);
}
