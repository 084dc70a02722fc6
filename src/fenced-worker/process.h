/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What /proc says to everybody about a process. */

#include "base.h"

#include <sys/types.h>

/* Are "-uuid" and then `uuid` among the arguments in this file (/proc/PID/cmdline)? 1 or 0. -ENODATA: it has no
 * arguments. Other negative errno as by open() and read(). dir: what `path` is relative to. */
int process_carries_uuid(int dir, const char *path, const char *uuid);

typedef struct ProcessStat {
        char comm[64];
        char state;
        unsigned flags;
        long n_threads;
} ProcessStat;

/* Reads /proc/PID/stat. 0 or negative errno. */
int process_stat(int dir, pid_t pid, ProcessStat *ret);

/* True for a kernel thread, and for a process that is dead but not yet buried by its parent. */
bool process_is_no_process(const ProcessStat *s);

/* True if it was executed from a file whose name begins like QEMU's. */
bool process_is_qemu(const ProcessStat *s);

/* The pid in a file: decimal, a newline may follow. -EBADMSG for anything else, otherwise as by open() and read(). */
int process_read_pid(int fd, pid_t *ret);
