/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a QEMU process of this host is dead, in the kernel's words. libvirt's word is not enough: 9.0 reports a
 * destroy as done, and forgets the domain, while the process is stuck in the kernel and may still write to the
 * disk. */

#include "base.h"

#include <sys/types.h>

#define PROOF_PROC_DIR "/proc"
#define PROOF_PIDS_DIR "/run/libvirt/qemu" /* NAME.pid */

/* Where to look, and for whom. */
typedef struct ProofDomain {
        const char *proc; /* PROOF_PROC_DIR */
        const char *pids; /* PROOF_PIDS_DIR */
        const char *name;
        const char *uuid;
} ProofDomain;

/* Opens a pidfd on the QEMU process of a running domain. Its pid file names it. That the process is that one is
 * confirmed by the lock which QEMU holds on the file (the kernel tells whose it is; the text can be written by
 * QEMU too) or else by "-uuid UUID" among its arguments, and the file is read again when the pidfd is open. The
 * pidfd, or -ENOENT: no pid file. -ESRCH: the file names a process that is gone. -EBADMSG: it names another
 * process, or none. Other negative errno: could not find out. */
int proof_open(const ProofDomain *d, pid_t *ret_pid);

/* Does this process hold the lock on an open pid file? The kernel's word: unlike the text, QEMU cannot change it for others. */
bool proof_holds_lock(int pid_file, pid_t pid);

/* Waits until the process and all its threads are gone (that is when a pidfd becomes readable) or CLOCK_MONOTONIC
 * reaches the deadline. 1: gone. 0: it lives. Negative errno: cannot tell. */
int proof_wait(int pidfd, uint64_t deadline_usec);

typedef enum ProofFound {
        PROOF_CANNOT_TELL = 0, /* errno is set: processes of others are hidden, ... */
        PROOF_NONE, /* no QEMU process carries the UUID */
        PROOF_PROCESS, /* this one does */
        PROOF_ENDING, /* this QEMU is ending, has no arguments any more, and no other domain's pid file names it */
} ProofFound;

/* Searches the processes for one with "-uuid UUID" among its arguments. *ret_pid is written for PROOF_PROCESS and
 * PROOF_ENDING. */
ProofFound proof_find(const ProofDomain *d, pid_t *ret_pid);

/* Searches, and waits for the end of what it finds, until nothing is found or the deadline passes (0: does not
 * wait). What it found last; *ret_waited tells whether a pidfd reported the end of a process on the way to
 * PROOF_NONE. */
ProofFound proof_await_none(const ProofDomain *d, uint64_t deadline_usec, pid_t *ret_pid, bool *ret_waited);
