/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a host said, taken from the bytes that follow authentication. Pure but for the memory of a list.
 *
 *   ANSWER_REPLY --253, if a list was asked for--> ANSWER_RECORDS --zero record--> ANSWER_END --0--> ANSWER_COMPLETE
 *        '--a reply that fits the question------------------------------------------------------------^
 *
 * Whatever does not fit ends in ANSWER_BROKEN: a list in reply to "off" says nothing about the domain. In FX2
 * ANSWER_TAG precedes the end, whatever was said: a tag over every byte. Nothing is believed before it was found right. */

#include "action.h"
#include "auth-fx2.h"
#include "base.h"
#include "wire.h"

enum { ANSWER_RECORDS_MAX = 65536 };

/* What is believed in the end, and the exit status. Zero claims nothing. */
typedef enum Verdict {
        VERDICT_FAILED =
                0, /* 1: the host says so, or could not be asked, or did not prove to hold the key */
        VERDICT_SILENT, /* 255: the request was handed over, and there is no answer */
        VERDICT_DENIED, /* 3 */
        VERDICT_SUCCESS, /* 0; for status: the domain is on */
        VERDICT_OFF, /* 2; for status only */
        _VERDICT_MAX,
} Verdict;

typedef enum AnswerState {
        ANSWER_BROKEN = 0,
        ANSWER_REPLY,
        ANSWER_RECORDS,
        ANSWER_END,
        ANSWER_TAG,
        ANSWER_COMPLETE,
} AnswerState;

typedef struct Answer {
        AnswerState state;
        Action action; /* the question */
        Verdict verdict; /* true when COMPLETE; until then FAILED, or what the transport made of the silence */
        Record *records; /* owned; of a complete list */
        size_t n_records, n_allocated;
        char reason[256]; /* one sentence about what went wrong; may be empty */
        bool tagged; /* FX2 */
        Fx2Tag tag; /* of what was read so far */
        bool listed; /* records came */
        uint8_t reply; /* the byte that was the answer, or its end */
} Answer;

void answer_start(Answer *a, Action action);

/* A tag over the transcript and the answer will follow; before anything was fed. */
void answer_expect_tag(Answer *a, const AuthKey *key, const Fx2Transcript *transcript);

/* How many bytes come next: 1 (a reply), WIRE_RECORD_SIZE, WIRE_MAC_SIZE (a tag), or 0 when there is nothing more to read. */
size_t answer_want(const Answer *a);

/* Takes exactly answer_want() bytes. */
void answer_feed(Answer *a, const uint8_t *bytes);

/* Sets verdict and reason, and forgets what was read so far. */
void answer_fail(Answer *a, Verdict verdict, const char *format, ...) _printf_(3, 4);

/* Frees the records. */
void answer_done(Answer *a);
