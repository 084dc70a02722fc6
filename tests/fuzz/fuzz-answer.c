/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host sends after authentication, with a tag and without, and what a serial line brings. The first byte is the
 * question. */

#include "client.h"
#include "serial-reader.h"

#include <string.h>

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const Answer *a) {
        check((a->state == ANSWER_BROKEN || a->state == ANSWER_COMPLETE) == (answer_want(a) == 0));
        check(a->state == ANSWER_COMPLETE || a->verdict == VERDICT_FAILED);
        check(a->verdict != VERDICT_OFF || a->action == ACTION_STATUS);
        check(a->n_records == 0 || a->action == ACTION_LIST);
        check(a->n_records <= ANSWER_RECORDS_MAX && a->n_records <= a->n_allocated);
        for (size_t i = 0; i < a->n_records; i++)
                check(wire_is_printable((const uint8_t *) a->records[i].name, strlen(a->records[i].name)) &&
                        wire_is_printable((const uint8_t *) a->records[i].uuid, strlen(a->records[i].uuid)));
}

/* As stream_finish() cuts it up. */
static void fuzz_stream(Action action, const uint8_t *data, size_t size) {
        size_t used = 0, want;
        Answer a;

        answer_start(&a, action);
        while ((want = answer_want(&a)) > 0 && size - used >= want) {
                answer_feed(&a, data + used);
                used += want;
                check_answer(&a);
        }
        answer_done(&a);
}

static void start_tagged(Answer *a, const AuthKey *k, const Fx2Transcript *t, Action action) {
        answer_start(a, action);
        answer_expect_tag(a, k, t);
}

/* With the tag in the data: nobody guesses one. With the right one: what is believed is what would be without FX2, and no
 * byte of it before. */
static void fuzz_tagged(const AuthKey *k, Action action, const uint8_t *data, size_t size) {
        static const Fx2Transcript transcript = { { 1 } };
        uint8_t right[WIRE_MAC_SIZE];
        size_t used = 0, want;
        Answer a, plain;
        Fx2Tag tag;

        start_tagged(&a, k, &transcript, action);
        while ((want = answer_want(&a)) > 0 && size - used >= want) {
                answer_feed(&a, data + used);
                used += want;
                check_answer(&a);
                check(a.state != ANSWER_COMPLETE && a.verdict == VERDICT_FAILED);
        }
        answer_done(&a);

        start_tagged(&a, k, &transcript, action);
        answer_start(&plain, action);
        fx2_tag_begin(k, &transcript, &tag);
        for (used = 0; (want = answer_want(&a)) > 0 && a.state != ANSWER_TAG && size - used >= want;
                used += want) {
                answer_feed(&a, data + used);
                answer_feed(&plain, data + used);
                fx2_tag_add(&tag, data + used, want);
                check_answer(&a);
        }
        fx2_tag_end(&tag, right);
        if (a.state == ANSWER_TAG) {
                check(answer_want(&plain) == 0 && a.verdict == VERDICT_FAILED && !a.reason[0]);
                answer_feed(&a, right);
                check_answer(&a);
        }
        check(a.state == plain.state && a.verdict == plain.verdict && a.n_records == plain.n_records);
        check(strcmp(a.reason, plain.reason) == 0);
        answer_done(&a);
        answer_done(&plain);
}

static void fuzz_serial(Action action, const uint8_t *data, size_t size) {
        SerialReader r;
        Answer a;

        answer_start(&a, action);
        serial_reader_start(&r, &a);
        for (size_t i = 0; i < size; i++)
                serial_reader_feed(&r, data[i]);
        check_answer(&a);
        answer_done(&a);
}

/* Nobody guesses a proof. */
static void fuzz_proof(const AuthKey *k, const uint8_t proof[static CLIENT_PROOF_SIZE]) {
        static const uint8_t random[FX2_RANDOM_SIZE] = { 0xff }, packet[WIRE_PACKET_SIZE] = { 1 };
        Sent sent = {};
        Client c;

        sent_add(&sent, packet);
        client_start(&c, k, HASH_SHA256, random);
        check(!client_prove(&c, &sent, proof) && c.state == CLIENT_REFUSED && !c.fx2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint8_t bytes[64] = { 1 };
        AuthKey *k = NULL;
        Action action;

        if (size == 0)
                return 0;
        check(auth_key_new(bytes, sizeof(bytes), &k, NULL) == 0);
        action = (Action) (data[0] % _ACTION_MAX);
        fuzz_stream(action, data + 1, size - 1);
        fuzz_tagged(k, action, data + 1, size - 1);
        fuzz_serial(action, data + 1, size - 1);
        if (size == CLIENT_PROOF_SIZE)
                fuzz_proof(k, data);
        auth_key_free(k);
        return 0;
}
