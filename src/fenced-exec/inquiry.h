/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One question to all hypervisors at once: where is it, what have you, are you there? */

#include "base.h"
#include "hypervisor.h"
#include "memory.h"
#include "resolve.h"
#include "ruling.h"
#include "worker-protocol.h"

/* A name that was found where it was the last time waits so long for those who have not answered, though they are not silent
 * yet: one that answers and has another domain of that name makes it ambiguous. A UUID means one domain and does not wait. */
#define INQUIRY_GRACE_USEC (100 * USEC_PER_MSEC)

typedef struct Inquiry Inquiry;

/* What came of it; only what belongs to the kind of job that was asked. */
typedef struct InquiryResult {
        ResolveOutcome outcome; /* RESOLVE, IDENTIFY */
        Hypervisor *hypervisor; /* RESOLVE_FOUND: where; borrowed */
        const Answer *answer; /* RESOLVE_FOUND: what; borrowed */
        const Answer *answers; /* of everybody who was asked; borrowed */
        bool certain; /* everybody answered */
        const WorkerRecord *records; /* the LISTs, IDENTIFY_PORT: of all that answered; borrowed */
        size_t n_records;
        size_t n_answered, n_asked; /* LIST, PING: how many gave a good answer */
        const char *trouble; /* why one did not, or found nothing; "" if there is nothing to say; borrowed */
} InquiryResult;

/* The same for policy; valid as long as the result. */
Finding inquiry_finding(const InquiryResult *result, const char *text, const Memory *memory);

enum { INQUIRY_SENTENCE_SIZE = 320 };

/* Why nothing was found for certain, in one sentence for the audit. */
void inquiry_say(const InquiryResult *result, char ret[static INQUIRY_SENTENCE_SIZE]);

/* Called once; the inquiry is gone when it returns. */
typedef void (*InquiryDone)(const InquiryResult *result, void *userdata);

/* Asks all of them the same: RESOLVE or one of the IDENTIFY jobs (each with a ResolveOutcome), one of the LISTs or PING. remembered:
 * where the target was, and which, the last time everybody had answered, or NULL. Never calls back before it returns. -EBUSY
 * when a queue is full. */
int inquiry_new(Hypervisor *const *hypervisors, size_t n, const JobRequest *request, const Place *remembered,
        InquiryDone done, void *userdata, Inquiry **ret);

/* Without calling back. */
Inquiry *inquiry_free(Inquiry *q);
DEFINE_CLEANUP(Inquiry *, inquiry_free)
