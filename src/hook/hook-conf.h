/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* /etc/fence-virt/channels.conf, see fence-virt-channels(5). */

#include "base.h"
#include "conf.h"

typedef struct HookConf {
        char **bind_directories; /* [Channels] BindDirectory=, as of path_normalize(); NULL for none */
} HookConf;

/* A file that is not there is an empty one; otherwise as conf_parse_file(). */
int hook_conf_load(const char *path, HookConf *ret, ConfError *ret_error);
void hook_conf_done(HookConf *c);
