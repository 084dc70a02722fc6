/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One structured journal record per decision, refusals included (journalctl -t fence-virt). Each kind has a MESSAGE_ID
 * with catalog text that tells the operator what to do. Records of refused requests, which any stranger can cause, and
 * of those given up before it was proven who asks, are limited per reason; what was dropped is counted and said. */

#include "action.h"
#include "base.h"

#include <sys/uio.h>

typedef enum AuditKind {
        AUDIT_DONE, /* the action was carried out (or the question answered) */
        AUDIT_FAILED, /* allowed, but not carried out; the guest was told failure */
        AUDIT_DENIED, /* policy said no */
        AUDIT_REFUSED, /* not authenticated, malformed, replayed, reflected: nothing was said to the peer */
        AUDIT_CANCELLED, /* the requester hung up, or the deadline passed, before it was started */
        AUDIT_STORM, /* a limit of fences per minute was reached; what was held back for it is denied one by one */
        _AUDIT_KIND_MAX,
} AuditKind;

/* Strings may be NULL or "", numbers 0: the field is then left out. Of a string no more than AUDIT_VALUE_MAX bytes are
 * written, what is not printable as '?'. */
enum { AUDIT_VALUE_MAX = 255 };
typedef struct AuditRecord {
        AuditKind kind;
        uint8_t request_id[16]; /* FENCE_REQUEST_ID, as 32 hex digits */
        const char *listener; /* FENCE_LISTENER: tcp, multicast, ... */
        const char *source; /* FENCE_SOURCE */
        const char *source_uuid;
        const char *source_port; /* FENCE_SOURCE_PORT: of the bridge, when neighbours are looked at */
        const char *
                source_filter; /* FENCE_SOURCE_FILTER: what there is against lies, when that is not enough */
        const char *key;
        const char *key_file; /* FENCE_KEY_FILE: NAME or NAME.next */
        const char *protocol; /* FENCE_PROTOCOL: fx2, v1 */
        const char *action; /* FENCE_ACTION; NULL when it could not be read */
        const char *target; /* FENCE_TARGET as written or as resolved */
        const char *target_uuid;
        const char *decision; /* FENCE_DECISION: allow, deny, refuse */
        const char *reason; /* FENCE_REASON: one sentence */
        const char *
                result; /* FENCE_RESULT: off-proven, already-off, on, rebooted, off-start-failed, status-on, failed, ... */
        const char *backend; /* FENCE_BACKEND: libvirt */
        const char *proof; /* FENCE_PROOF: pidfd, state */
        bool unproven; /* who is said to have asked was not proven: limited like AUDIT_REFUSED */
        uint64_t duration_usec; /* FENCE_DURATION_USEC: from Open to the decision */
} AuditRecord;

typedef struct Audit Audit;

/* Where the fields of one record go, each "NAME=value" without a line end: journal_send() in the executor, a capture in
 * tests. Negative errno when they could not be written. */
typedef int (*AuditSink)(const struct iovec *fields, int n, void *userdata);

/* sink NULL: the journal. */
int audit_new(AuditSink sink, void *userdata, Audit **ret);
Audit *audit_free(Audit *a);
DEFINE_CLEANUP(Audit *, audit_free)

/* Never fails the request: a record that cannot be written is counted, and the next one says so in FENCE_LOST. now_usec
 * is CLOCK_MONOTONIC, for the limit on what strangers can cause: AUDIT_BURST records per reason and AUDIT_INTERVAL_USEC, counted
 * by what the reason begins with; when more than AUDIT_REASONS_MAX reasons are in use, the rest share one limit. */
enum { AUDIT_BURST = 10, AUDIT_REASONS_MAX = 32 };
#define AUDIT_INTERVAL_USEC (10 * USEC_PER_SEC)
void audit_write(Audit *a, const AuditRecord *r, uint64_t now_usec);
