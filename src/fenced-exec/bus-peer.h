/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For bus-server.c and bus-session.c: one listener's connection. */

#include "bus-gate.h"
#include "bus-process.h"
#include "conversation.h"
#include "manager.h"

#include <sys/queue.h>
#include <systemd/sd-bus.h>

typedef struct BusServer BusServer;

typedef struct BusPeer {
        BusServer *server;
        Manager *manager;
        BusProcess *process;
        pid_t pid;
        Gate *gate;
        sd_bus *bus; /* reads from the gate, writes to the listener */
        sd_bus_slot *filter, *object, *disconnected;
        sd_event_source *drop; /* enabled when it is to be dropped, where that cannot be done at once */
        const char *drop_reason;
        Conversation *conversations[BUS_CONVERSATIONS_MAX];
        size_t n;
        LIST_ENTRY(BusPeer) entry;
        BusUnread unread;
} BusPeer;

/* bus-session.c: the calls. */
int bus_session_serve(BusPeer *p);

/* bus-server.c: drops a listener that does not read, after we have returned to the event loop. */
void bus_peer_check_unread(BusPeer *p);
