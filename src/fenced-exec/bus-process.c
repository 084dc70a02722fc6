/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-process.h"

#include <sys/queue.h>

struct BusProcess {
        BusProcesses *all;
        pid_t pid;
        unsigned n_connections;
        size_t n_conversations;
        LIST_ENTRY(BusProcess) entry;
};

struct BusProcesses {
        LIST_HEAD(, BusProcess) list;
        size_t n;
};

int bus_processes_new(BusProcesses **ret) {
        BusProcesses *all = calloc(1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        *ret = all;
        return 0;
}

BusProcesses *bus_processes_free(BusProcesses *all) {
        free(all);
        return NULL;
}

static BusProcess *get(BusProcesses *all, pid_t pid) {
        BusProcess *p;

        LIST_FOREACH(p, &all->list, entry)
                if (p->pid == pid)
                        return p;
        if (all->n >= BUS_PROCESSES_MAX)
                return NULL;
        p = calloc(1, sizeof(*p));
        if (!p)
                return NULL;
        *p = (BusProcess){ .all = all, .pid = pid };
        LIST_INSERT_HEAD(&all->list, p, entry);
        all->n++;
        return p;
}

BusProcess *bus_process_join(BusProcesses *all, pid_t pid) {
        BusProcess *p = get(all, pid);

        if (!p || p->n_connections >= BUS_CONNECTIONS_MAX)
                return NULL;
        p->n_connections++;
        return p;
}

void bus_process_leave(BusProcess *p) {
        if (--p->n_connections > 0)
                return;
        LIST_REMOVE(p, entry);
        p->all->n--;
        free(p);
}

bool bus_process_open(BusProcess *p) {
        if (p->n_conversations >= BUS_CONVERSATIONS_MAX)
                return false;
        p->n_conversations++;
        return true;
}

void bus_process_close(BusProcess *p, size_t n) {
        p->n_conversations -= n;
}

void bus_unread_add(BusUnread *u, size_t size) {
        u->sizes[u->next] = size < UINT32_MAX ? (uint32_t) size : UINT32_MAX;
        u->next = (u->next + 1) % BUS_UNREAD_MAX;
}

bool bus_unread_is_over(const BusUnread *u, uint64_t n_queued) {
        uint64_t bytes = 0;

        if (n_queued > BUS_UNREAD_MAX)
                return true;
        for (size_t i = 1; i <= n_queued; i++)
                bytes += u->sizes[(u->next + BUS_UNREAD_MAX - i) % BUS_UNREAD_MAX];
        return bytes > BUS_UNREAD_BYTES_MAX;
}
