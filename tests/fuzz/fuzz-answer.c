/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host sends after authentication, and what a serial line brings. The first byte is the question. */

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
static void fuzz_proof(const uint8_t proof[static CLIENT_PROOF_SIZE]) {
        static const uint8_t key[64] = { 1 }, random[WIRE_CHALLENGE_SIZE] = { 0xff };
        AuthKey *k = NULL;
        Client c;

        check(auth_key_new(key, sizeof(key), &k, NULL) == 0);
        check(client_start(&c, k, HASH_SHA256, random));
        check(!client_prove(&c, proof) && c.state == CLIENT_REFUSED);
        auth_key_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Action action;

        if (size == 0)
                return 0;
        action = (Action) (data[0] % _ACTION_MAX);
        fuzz_stream(action, data + 1, size - 1);
        fuzz_serial(action, data + 1, size - 1);
        if (size == CLIENT_PROOF_SIZE)
                fuzz_proof(data);
        return 0;
}
