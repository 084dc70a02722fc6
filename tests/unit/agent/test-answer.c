/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "answer.h"
#include "vectors.h"

/* Feeds until nothing more is wanted; how many bytes that took. */
static size_t feed(Answer *a, const uint8_t *bytes, size_t size) {
        size_t used = 0, want;

        while ((want = answer_want(a)) > 0 && used + want <= size) {
                answer_feed(a, bytes + used);
                used += want;
        }
        return used;
}

Test(answer, believes_only_what_fits_the_question) {
        static const Verdict verdicts[UINT8_MAX] = {
                ['s'] = VERDICT_SUCCESS,
                ['f'] = VERDICT_FAILED,
                ['o'] = VERDICT_OFF,
                ['d'] = VERDICT_DENIED,
        };
        static const struct {
                Action action;
                const char *replies; /* what the reply bytes 0 to 3 mean */
        } table[] = {
                { ACTION_NULL, "sffd" },
                { ACTION_OFF, "sffd" },
                { ACTION_REBOOT, "sffd" },
                { ACTION_ON, "sffd" },
                { ACTION_STATUS, "sfod" },
                { ACTION_MONITOR, "sffd" },
                { ACTION_LIST, "fffd" },
        };

        cr_assert_eq(ELEMENTSOF(table), _ACTION_MAX);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
                        uint8_t b = (uint8_t) byte;
                        Answer a;

                        answer_start(&a, table[i].action);
                        cr_assert_eq(a.verdict, VERDICT_FAILED);
                        answer_feed(&a, &b);
                        if (byte == REPLY_LIST && table[i].action == ACTION_LIST) {
                                cr_assert_eq(answer_want(&a), WIRE_RECORD_SIZE);
                                cr_assert_eq(a.verdict, VERDICT_FAILED, "not yet");
                                continue;
                        }
                        cr_assert_eq(answer_want(&a), 0);
                        cr_assert_eq(a.verdict,
                                byte < 4 ? verdicts[(uint8_t) table[i].replies[byte]] : VERDICT_FAILED,
                                "%u to %s", byte, action_to_string(table[i].action));
                }
}

Test(answer, reads_every_captured_list) {
        for (size_t i = 0; i < ELEMENTSOF(vector_lists); i++) {
                const struct VectorList *v = vector_lists + i;
                _cleanup_(answer_done) Answer a = {};

                if (v->serial)
                        continue;
                answer_start(&a, ACTION_LIST);
                cr_expect_eq(feed(&a, v->bytes, v->size), v->size, "%s", v->name);
                cr_expect_eq(a.state, ANSWER_COMPLETE);
                cr_expect_eq(a.verdict, VERDICT_SUCCESS);
                cr_assert_eq(a.n_records, (v->size - 2) / WIRE_RECORD_SIZE - 1);
                cr_expect_str_eq(a.records[0].name, "vm1");
                cr_expect_eq(strlen(a.records[0].uuid), WIRE_UUID_SIZE);
        }
}

Test(answer, a_list_that_is_cut_off_anywhere_is_no_answer) {
        for (size_t i = 0; i < ELEMENTSOF(vector_lists); i++)
                for (size_t size = 0; !vector_lists[i].serial && size < vector_lists[i].size; size++) {
                        _cleanup_(answer_done) Answer a = {};

                        answer_start(&a, ACTION_LIST);
                        (void) feed(&a, vector_lists[i].bytes, size);
                        cr_assert_neq(a.state, ANSWER_COMPLETE, "%zu bytes", size);
                        cr_assert_eq(a.verdict, VERDICT_FAILED, "%zu bytes", size);
                }
}

Test(answer, a_list_that_ends_with_an_error_is_none) {
        static const uint8_t end[WIRE_RECORD_SIZE] = {}, bad[] = { 1, 2, 3, 253, 255 };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                uint8_t list = REPLY_LIST, bytes[WIRE_RECORD_SIZE];
                Record r = { .name = "vm1", .state = 1 };
                Answer a;

                cr_assert_eq(wire_encode_record(&r, bytes), 0);
                answer_start(&a, ACTION_LIST);
                answer_feed(&a, &list);
                answer_feed(&a, bytes);
                answer_feed(&a, end);
                cr_assert_eq(answer_want(&a), 1);
                answer_feed(&a, bad + i);
                cr_expect_eq(a.state, ANSWER_BROKEN);
                cr_expect_eq(a.verdict, VERDICT_FAILED);
                cr_expect_eq(a.n_records, 0);
                cr_expect_null(a.records);
        }
}

Test(answer, a_damaged_record_breaks_the_list) {
        uint8_t list = REPLY_LIST, bytes[WIRE_RECORD_SIZE] = { 'a', 0, 'b' };
        Answer a;

        answer_start(&a, ACTION_LIST);
        answer_feed(&a, &list);
        answer_feed(&a, bytes);
        cr_expect_eq(a.state, ANSWER_BROKEN);
        cr_expect(a.reason[0]);
}

Test(answer, a_list_has_a_maximum) {
        uint8_t list = REPLY_LIST, bytes[WIRE_RECORD_SIZE];
        Record r = { .name = "vm1" };
        Answer a;

        cr_assert_eq(wire_encode_record(&r, bytes), 0);
        answer_start(&a, ACTION_LIST);
        answer_feed(&a, &list);
        for (size_t i = 0; i < ANSWER_RECORDS_MAX; i++)
                answer_feed(&a, bytes);
        cr_expect_eq(a.n_records, ANSWER_RECORDS_MAX);
        answer_feed(&a, bytes);
        cr_expect_eq(a.state, ANSWER_BROKEN);
        cr_expect_null(a.records);
}

Test(answer, what_comes_after_the_end_changes_nothing) {
        uint8_t no = REPLY_FAILURE, yes = REPLY_SUCCESS;
        Answer a;

        answer_start(&a, ACTION_OFF);
        answer_feed(&a, &no);
        answer_feed(&a, &yes);
        cr_expect_eq(a.verdict, VERDICT_FAILED);
        a = (Answer){};
        answer_feed(&a, &yes);
        cr_expect_eq(a.verdict, VERDICT_FAILED, "a cleared answer claims something");
        cr_expect_eq(answer_want(&a), 0);
}
