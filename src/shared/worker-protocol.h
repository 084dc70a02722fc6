/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the executor and its workers (fenced-worker): fixed structs over a SOCK_STREAM socketpair, both ends from one
 * build. A worker serves one job at a time on one hypervisor connection. The executor sends a WorkerJob; the worker
 * answers with an optional WorkerEvent of kind WORKER_EVENT_STARTED (from now on the action may take effect), then
 * exactly one of kind WORKER_EVENT_RESULT followed by n_records WorkerRecords. The executor kills (SIGKILL) a worker
 * whose deadline passed; a worker whose socketpair is closed exits. The receiver still validates every field. */

#include "action.h"
#include "base.h"

enum {
        WORKER_NAME_SIZE = 256, /* libvirt names are longer than the wire's 63 bytes */
        WORKER_UUID_SIZE = 37,
        WORKER_MESSAGE_SIZE = 256,
        WORKER_PORT_SIZE = 16, /* name of a network interface */
        WORKER_LABELS_SIZE =
                128, /* of a domain's libvirt metadata, all of them, separated by single blanks */
        WORKER_DOMAINS_MAX = 16384, /* that can be listed */
        WORKER_RECORDS_MAX = 2 * WORKER_DOMAINS_MAX,
        WORKER_FD = 3, /* where a worker finds its end of the socketpair */
};

typedef enum WorkerJobKind {
        WORKER_JOB_PING = 1, /* is the hypervisor's manager answering? */
        WORKER_JOB_RESOLVE, /* name or UUID -> name, UUID, power state; one round of reading, no effect */
        WORKER_JOB_ACT, /* off, on, reboot of the domain with this UUID, with proof */
        WORKER_JOB_LIST, /* all domains in a constant number of round trips */
        WORKER_JOB_IDENTIFY_PROCESS, /* `subject` is a pid: which running domain is it, and has it a channel at the socket
                                        path `target`? */
        WORKER_JOB_IDENTIFY_CID, /* `subject` is a vsock CID: which running domain has it? */
        WORKER_JOB_IDENTIFY_PORT, /* `target` is a network interface of the host: of which running domain is it the other end?
                                     If libvirt keeps it from lying there, with every other such interface as a record */
        WORKER_JOB_LIST_PORTS, /* every interface of the host that is the other end of a running domain's */
        _WORKER_JOB_MAX,
} WorkerJobKind;

typedef enum WorkerJobFlags {
        WORKER_JOB_LABELS =
                1
                << 0, /* RESOLVE, LIST, IDENTIFY: labels are wanted, at the price of one call for each domain */
        _WORKER_JOB_FLAGS_ALL = WORKER_JOB_LABELS,
} WorkerJobFlags;

typedef struct WorkerJob {
        uint32_t kind; /* WorkerJobKind */
        uint32_t action; /* Action; WORKER_JOB_ACT only */
        uint64_t id; /* echoed in every event */
        uint64_t deadline_usec; /* CLOCK_MONOTONIC; nothing may be started after it */
        uint64_t subject; /* the IDENTIFY jobs; 0 otherwise */
        uint64_t flags; /* WorkerJobFlags */
        char target
                [WORKER_NAME_SIZE]; /* name or UUID for RESOLVE, UUID for ACT, path for IDENTIFY_PROCESS, interface for
                                      IDENTIFY_PORT */
        char domain
                [WORKER_UUID_SIZE]; /* IDENTIFY_PORT, IDENTIFY_CID: UUID of the one that had it before, which is asked first; "" for none */
} WorkerJob;

typedef enum WorkerEventKind {
        WORKER_EVENT_STARTED = 1,
        WORKER_EVENT_RESULT,
        _WORKER_EVENT_MAX,
} WorkerEventKind;

/* Zero claims nothing. */
typedef enum WorkerResult {
        WORKER_FAILED = 0, /* `message` says why; the state of the domain is not known to have changed */
        WORKER_UNREACHABLE, /* the hypervisor's manager does not answer; nothing was started */
        WORKER_OK, /* PING, the LISTs */
        WORKER_NOT_FOUND, /* RESOLVE, ACT: the manager answered that there is no such domain. IDENTIFY: it is none that runs
                             and may ask; `message` says why */
        WORKER_AMBIGUOUS, /* RESOLVE: the text is the UUID of one domain and the name of another */
        WORKER_FOUND, /* RESOLVE, IDENTIFY: name, uuid, power, state are set */
        WORKER_OFF_PROVEN, /* ACT off: it ran, and was seen to die */
        WORKER_ALREADY_OFF, /* ACT off, reboot: it did not run (and reboot did not start it) */
        WORKER_ON, /* ACT on: it was started */
        WORKER_ALREADY_ON, /* ACT on: it ran already */
        WORKER_REBOOTED, /* ACT reboot: seen to die, started again */
        WORKER_OFF_START_FAILED, /* ACT reboot: seen to die, but could not be started; `message` says why */
        _WORKER_RESULT_MAX,
} WorkerResult;

typedef struct WorkerEvent {
        uint32_t kind; /* WorkerEventKind */
        uint32_t result; /* WorkerResult */
        uint64_t id;
        uint32_t power; /* PowerState */
        uint32_t state; /* virDomainState */
        uint32_t n_records;
        uint32_t reserved;
        char name[WORKER_NAME_SIZE];
        char uuid[WORKER_UUID_SIZE];
        char labels
                [WORKER_LABELS_SIZE]; /* with WORKER_JOB_LABELS; "" for none, and for what is no list of labels */
        char proof[32]; /* how death was seen: "pidfd", "state"; for the audit */
        char message[WORKER_MESSAGE_SIZE]; /* for the journal, UTF-8 without control characters */
} WorkerEvent;

/* A LIST with WORKER_JOB_LABELS has behind the record of each domain with labels one more: of this state, with the labels as
 * its name. Records are not made larger for that: thousands of them pass through several buffers. */
enum { WORKER_STATE_LABELS = UINT8_MAX };

typedef struct WorkerRecord {
        char name[WORKER_NAME_SIZE];
        char uuid[WORKER_UUID_SIZE];
        char port[WORKER_PORT_SIZE]; /* IDENTIFY_PORT (with nothing else), LIST_PORTS */
        uint8_t state; /* LIST: virDomainState. LIST_PORTS: 1 when libvirt keeps the domain from lying there */
        uint8_t reserved[2];
} WorkerRecord;
