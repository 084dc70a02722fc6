/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Paths of sockets, and the names of the units that serve them. Pure. */

#include "base.h"

enum {
        SOCKET_PATH_SIZE = 108, /* sun_path, with its NUL */
        UNIT_NAME_SIZE = 256, /* the longest name that systemd takes, with its NUL */
};

/* Writes n bytes of an absolute path without //, /./ and a trailing slash, and with /run for /var/run. -EINVAL for what
 * is not absolute, is the root, or has a NUL or ".." in it; -ENAMETOOLONG for what no socket can be bound to. */
int path_normalize(const char *path, size_t n, char ret[static SOCKET_PATH_SIZE]);

/* "fence-virt-dial@ESCAPED.service" for a path of path_normalize(), escaped as by `systemd-escape --path`;
 * -ENAMETOOLONG when that is more than systemd takes. */
int unit_name_dial(const char *path, char ret[static UNIT_NAME_SIZE]);

/* "fence-virt-vm@UUID" and the suffix, which is ".socket" or ".service". */
void unit_name_vm(const char *uuid, const char *suffix, char ret[static UNIT_NAME_SIZE]);
