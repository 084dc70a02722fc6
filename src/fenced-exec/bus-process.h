/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What one process may hold of the private bus. Listeners run as one user and cannot fork, so one that strangers have taken over is
 * one process, and the kernel says which: however much of this it takes, another listener finds room. */

#include "base.h"

#include <sys/types.h>

enum {
        BUS_PROCESSES_MAX =
                1024, /* of which each has a connection at least; one listener for each domain on a channel */
        BUS_CONNECTIONS_MAX = 2, /* of one process: the one in use, and one that breaks */
        BUS_CONVERSATIONS_MAX = 512, /* of one process; as many guests as a listener serves at once */
        BUS_UNREAD_MAX =
                2048, /* answers of one connection that are not read; an honest one has not asked as much */
        BUS_UNREAD_BYTES_MAX = 64 * 1024 * 1024, /* the same in bytes: lists are large */
};

typedef struct BusProcesses BusProcesses;
typedef struct BusProcess BusProcess;

int bus_processes_new(BusProcesses **ret);
/* When nobody is in it any more. */
BusProcesses *bus_processes_free(BusProcesses *all);
DEFINE_CLEANUP(BusProcesses *, bus_processes_free)

/* One more connection of a process; NULL when it has enough, or there are too many processes, or memory is out. */
BusProcess *bus_process_join(BusProcesses *all, pid_t pid);
void bus_process_leave(BusProcess *p);

/* One more conversation; false when it has enough. */
bool bus_process_open(BusProcess *p);
void bus_process_close(BusProcess *p, size_t n);

/* The sizes of the answers that were sent over one connection; zero is none. Pure. */
typedef struct BusUnread {
        uint32_t sizes[BUS_UNREAD_MAX];
        size_t next;
} BusUnread;

void bus_unread_add(BusUnread *u, size_t size);

/* Whether the newest n_queued answers are too many or too large to keep. */
bool bus_unread_is_over(const BusUnread *u, uint64_t n_queued);
