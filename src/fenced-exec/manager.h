/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything the executor has: what was configured, and what is under way. */

#include "audit.h"
#include "base.h"
#include "brake.h"
#include "hypervisor.h"
#include "keyring.h"
#include "limits.h"
#include "memory.h"
#include "neighbour.h"
#include "operation.h"
#include "policy.h"
#include "ports.h"
#include "recent.h"
#include "replay.h"
#include "settings.h"

#include <systemd/sd-event.h>

enum { CONVERSATIONS_MAX = 4096 }; /* of all listeners together; see bus-process.h for each */

typedef struct ManagerPaths {
        const char *conf, *conf_dropins, *groups, *keys;
        const char *credentials; /* $CREDENTIALS_DIRECTORY, NULL for none */
        const char *worker;
        const char *replay_run, *replay_state; /* replay-file.h */
} ManagerPaths;

typedef struct Manager {
        sd_event *event;
        ManagerPaths paths; /* borrowed strings */

        /* replaced together, by manager_load() */
        Settings *settings;
        Policy *policy;
        Keyring *keyring;
        Hypervisor *hypervisors[HYPERVISOR_URIS_MAX];
        size_t n_hypervisors;

        NeighbourKernel kernel; /* set by main(); without it LocalGuestsOnly= lets nobody pass */
        Ports ports, cids; /* of the second the names are "cid:N" */
        struct Inquiry *survey; /* port-survey.h */
        bool survey_asked, survey_said;

        Replay *replay;
        Limits *limits;
        Brake *brake;
        Audit *audit;
        Operations *operations;
        Recent recent;
        Memory memory;
        struct Conversation *conversations; /* all of them; see conversation.h */
        size_t n_conversations;
        char reload_trouble[600]; /* why the last reload was refused, "" if it was not */
        char status[700]; /* what systemd was told last */
} Manager;

/* Borrows the paths. Nothing is loaded yet. */
int manager_new(
        sd_event *event, const ManagerPaths *paths, AuditSink sink, void *sink_userdata, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager *, manager_free)

/* Reads settings, keys and groups; all of it takes effect, or none (-EBADMSG, *ret_error says why and what to do). What is
 * under way goes on with what it began with. Hypervisors that stay configured keep their workers. */
int manager_load(Manager *m, ConfError *ret_error);

/* What an operator should know, for STATUS=. Returns its length. */
size_t manager_status(const Manager *m, char *buffer, size_t size);

uint64_t manager_now(const Manager *m); /* CLOCK_MONOTONIC, microseconds */
