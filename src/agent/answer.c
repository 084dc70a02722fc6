/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void answer_start(Answer *a, Action action) {
        *a = (Answer){ .state = ANSWER_REPLY, .action = action };
}

void answer_expect_tag(Answer *a, const AuthKey *key, const Fx2Transcript *transcript) {
        fx2_tag_begin(key, transcript, &a->tag);
        a->tagged = true;
}

void answer_done(Answer *a) {
        free(a->records);
        a->records = NULL;
        a->n_records = a->n_allocated = 0;
        explicit_bzero(&a->tag, sizeof(a->tag));
}

void answer_fail(Answer *a, Verdict verdict, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(a->reason, sizeof(a->reason), format, ap);
        va_end(ap);
        answer_done(a);
        a->state = ANSWER_BROKEN;
        a->verdict = verdict;
}

size_t answer_want(const Answer *a) {
        switch (a->state) {
        case ANSWER_REPLY:
        case ANSWER_END:
                return 1;
        case ANSWER_RECORDS:
                return WIRE_RECORD_SIZE;
        case ANSWER_TAG:
                return WIRE_MAC_SIZE;
        case ANSWER_BROKEN:
        case ANSWER_COMPLETE:
                break;
        }
        return 0;
}

static void complete(Answer *a, Verdict verdict) {
        a->verdict = verdict;
        a->state = ANSWER_COMPLETE;
}

/* The answer is there to its last byte, and is the host's as far as that can be known. */
static void believe(Answer *a) {
        bool list = a->action == ACTION_LIST;

        if (a->reply == REPLY_SUCCESS && a->listed == list)
                complete(a, VERDICT_SUCCESS);
        else if (a->listed)
                answer_fail(a, VERDICT_FAILED, "The host's list ended with an error (%u)", a->reply);
        else if (a->reply == REPLY_FAILURE)
                complete(a, VERDICT_FAILED);
        else if (a->reply == REPLY_DENIED)
                complete(a, VERDICT_DENIED);
        else if (a->reply == REPLY_OFF && a->action == ACTION_STATUS)
                complete(a, VERDICT_OFF);
        else
                answer_fail(a, VERDICT_FAILED, "The host's answer (%u) does not fit the question (%s)",
                        a->reply, action_to_string(a->action));
}

static void take_reply(Answer *a, uint8_t reply) {
        if (a->state == ANSWER_REPLY && reply == REPLY_LIST && a->action == ACTION_LIST) {
                a->listed = true;
                a->state = ANSWER_RECORDS;
                return;
        }
        a->reply = reply;
        if (a->tagged)
                a->state = ANSWER_TAG;
        else
                believe(a);
}

static void take_record(Answer *a, const uint8_t bytes[static WIRE_RECORD_SIZE]) {
        Record r;
        int k = wire_decode_record(bytes, &r);

        if (k == 0) {
                a->state = ANSWER_END;
                return;
        }
        if (k < 0) {
                answer_fail(a, VERDICT_FAILED, "Entry %zu of the host's list is damaged", a->n_records + 1);
                return;
        }
        if (a->n_records >= ANSWER_RECORDS_MAX) {
                answer_fail(
                        a, VERDICT_FAILED, "The host's list has more than %d entries", ANSWER_RECORDS_MAX);
                return;
        }
        if (a->n_records >= a->n_allocated) {
                size_t n = a->n_allocated ? a->n_allocated * 2 : 16;
                Record *p = reallocarray(a->records, n, sizeof(*p));

                if (!p) {
                        answer_fail(a, VERDICT_FAILED, "Out of memory for the host's list");
                        return;
                }
                a->records = p;
                a->n_allocated = n;
        }
        a->records[a->n_records++] = r;
}

void answer_feed(Answer *a, const uint8_t *bytes) {
        if (a->tagged && a->state != ANSWER_TAG)
                fx2_tag_add(&a->tag, bytes, answer_want(a));
        switch (a->state) {
        case ANSWER_REPLY:
        case ANSWER_END:
                take_reply(a, *bytes);
                return;
        case ANSWER_RECORDS:
                take_record(a, bytes);
                return;
        case ANSWER_TAG:
                if (fx2_tag_verify(&a->tag, bytes))
                        believe(a);
                else
                        answer_fail(a, VERDICT_FAILED,
                                "The answer is not the host's: it was forged, or cut, on its way");
                return;
        case ANSWER_BROKEN:
        case ANSWER_COMPLETE:
                return;
        }
}
