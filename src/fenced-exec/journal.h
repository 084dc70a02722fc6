/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Structured records for journald in its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL). Not
 * sd_journal_sendv(): that waits for as long as journald does not read, and a hung journal must not delay fencing. */

#include "base.h"

#include <sys/uio.h>

#define JOURNAL_SOCKET_PATH "/run/systemd/journal/socket"

typedef struct Journal Journal;

int journal_new(const char *socket_path, Journal **ret);
Journal *journal_free(Journal *j);
DEFINE_CLEANUP(Journal *, journal_free)

/* Sends one record of up to JOURNAL_FIELDS_MAX fields "NAME=value". -EINVAL for more, none, or a line end in one.
 * -EAGAIN when journald does not read: waits JOURNAL_PATIENCE_USEC for it, and not at all again until it does. Other
 * negative errno of sendmsg(2), -ENOENT or -ECONNREFUSED when there is no journald. userdata is the Journal. */
enum { JOURNAL_FIELDS_MAX = 32 };
#define JOURNAL_PATIENCE_USEC (100 * USEC_PER_MSEC)
int journal_send(const struct iovec *fields, int n, void *userdata);
