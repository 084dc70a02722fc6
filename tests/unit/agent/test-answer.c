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

/* --- FX2 ----------------------------------------------------------------------------------------------------------- */
enum { LIST_MAX = 2 + 4 * WIRE_RECORD_SIZE };

typedef struct Tagged {
        Action action;
        uint8_t bytes[LIST_MAX + WIRE_MAC_SIZE]; /* of body and tag */
        size_t size;
        Verdict verdict;
        size_t n_records;
} Tagged;

static AuthKey *key;
static Fx2Transcript transcript;

static void set_up(void) {
        static const uint8_t bytes[64] = { 1 };

        cr_assert_eq(auth_key_new(bytes, sizeof(bytes), &key, NULL), 0);
}

static void tear_down(void) {
        key = auth_key_free(key);
}

TestSuite(answer_fx2, .init = set_up, .fini = tear_down);

static void add_tag(Tagged *t) {
        Fx2Tag tag;

        fx2_tag_begin(key, &transcript, &tag);
        fx2_tag_add(&tag, t->bytes, t->size);
        fx2_tag_end(&tag, t->bytes + t->size);
        t->size += WIRE_MAC_SIZE;
}

static Tagged one_byte(Action action, uint8_t reply, Verdict verdict) {
        Tagged t = { .action = action, .bytes = { reply }, .size = 1, .verdict = verdict };

        add_tag(&t);
        return t;
}

static Tagged list(size_t n, uint8_t end) {
        Tagged t = { .action = ACTION_LIST,
                .bytes = { REPLY_LIST },
                .size = 2 + (n + 1) * WIRE_RECORD_SIZE,
                .verdict = end == REPLY_SUCCESS ? VERDICT_SUCCESS : VERDICT_FAILED,
                .n_records = end == REPLY_SUCCESS ? n : 0 };

        cr_assert_leq(t.size, LIST_MAX);
        for (size_t i = 0; i < n; i++) {
                Record r = { .name = { 'v', 'm', (char) ('0' + i) }, .state = 1 };

                cr_assert_eq(wire_encode_record(&r, t.bytes + 1 + i * WIRE_RECORD_SIZE), 0);
        }
        t.bytes[t.size - 1] = end;
        add_tag(&t);
        return t;
}

static size_t feed_tagged(Answer *a, const Tagged *t, size_t size) {
        answer_start(a, t->action);
        answer_expect_tag(a, key, &transcript);
        return feed(a, t->bytes, size);
}

/* Every kind of answer that there is. */
static size_t answers(Tagged ret[static 16]) {
        size_t n = 0;

        ret[n++] = one_byte(ACTION_OFF, 0, VERDICT_SUCCESS);
        ret[n++] = one_byte(ACTION_OFF, 1, VERDICT_FAILED);
        ret[n++] = one_byte(ACTION_OFF, 3, VERDICT_DENIED);
        ret[n++] = one_byte(ACTION_STATUS, 0, VERDICT_SUCCESS);
        ret[n++] = one_byte(ACTION_STATUS, 2, VERDICT_OFF);
        ret[n++] = one_byte(ACTION_LIST, 3, VERDICT_DENIED);
        ret[n++] = list(0, 0);
        ret[n++] = list(1, 0);
        ret[n++] = list(3, 0);
        return n;
}

Test(answer_fx2, believes_what_the_tag_covers) {
        Tagged t[16];
        size_t n = answers(t);

        for (size_t i = 0; i < n; i++) {
                _cleanup_(answer_done) Answer a = {};

                cr_expect_eq(feed_tagged(&a, t + i, t[i].size), t[i].size, "answer %zu", i);
                cr_expect_eq(a.state, ANSWER_COMPLETE);
                cr_expect_eq(a.verdict, t[i].verdict, "answer %zu", i);
                cr_expect_eq(a.n_records, t[i].n_records);
                cr_expect_str_empty(a.reason);
        }
}

Test(answer_fx2, believes_nothing_before_the_last_byte_of_the_tag) {
        Tagged t[16];
        size_t n = answers(t);

        for (size_t i = 0; i < n; i++)
                for (size_t size = 0; size < t[i].size; size++) {
                        _cleanup_(answer_done) Answer a = {};

                        (void) feed_tagged(&a, t + i, size);
                        cr_assert_neq(a.state, ANSWER_COMPLETE, "answer %zu, %zu bytes", i, size);
                        cr_assert_eq(a.verdict, VERDICT_FAILED);
                        cr_assert_gt(answer_want(&a), 0);
                }
}

Test(answer_fx2, believes_nothing_when_any_bit_is_another) {
        Tagged t[16];
        size_t n = answers(t);

        for (size_t i = 0; i < n; i++)
                for (size_t bit = 0; bit < t[i].size * 8; bit++) {
                        _cleanup_(answer_done) Answer a = {};

                        t[i].bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                        (void) feed_tagged(&a, t + i, t[i].size);
                        cr_assert_neq(a.state, ANSWER_COMPLETE, "answer %zu, bit %zu", i, bit);
                        cr_assert_eq(a.verdict, VERDICT_FAILED, "answer %zu, bit %zu", i, bit);
                        cr_assert(a.state != ANSWER_BROKEN || (a.reason[0] && !a.records));
                        t[i].bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                }
}

/* The reply of one answer with the tag of each of the others, a list without a record, with one twice, in another order. */
Test(answer_fx2, believes_nothing_that_was_put_together_of_several_answers) {
        Tagged t[16], forged;
        size_t n = answers(t);

        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++) {
                        _cleanup_(answer_done) Answer a = {};

                        forged = t[i];
                        memcpy(forged.bytes + forged.size - WIRE_MAC_SIZE,
                                t[j].bytes + t[j].size - WIRE_MAC_SIZE, WIRE_MAC_SIZE);
                        (void) feed_tagged(&a, &forged, forged.size);
                        if (memcmp(forged.bytes, t[i].bytes, forged.size) != 0)
                                cr_expect_eq(a.state, ANSWER_BROKEN, "%zu with the tag of %zu", i, j);
                }
        for (size_t k = 0; k < 3; k++) {
                _cleanup_(answer_done) Answer a = {};
                uint8_t *first = forged.bytes + 1;

                forged = list(3, 0);
                if (k == 0) {
                        memmove(first, first + WIRE_RECORD_SIZE, forged.size - 1 - WIRE_RECORD_SIZE);
                        forged.size -= WIRE_RECORD_SIZE;
                } else if (k == 1)
                        memcpy(first, first + WIRE_RECORD_SIZE, WIRE_RECORD_SIZE);
                else {
                        memcpy(first, first + WIRE_RECORD_SIZE, WIRE_RECORD_SIZE);
                        memcpy(first + WIRE_RECORD_SIZE, list(1, 0).bytes + 1, WIRE_RECORD_SIZE);
                }
                cr_expect_eq(feed_tagged(&a, &forged, forged.size), forged.size);
                cr_expect_eq(a.state, ANSWER_BROKEN);
                cr_expect_eq(a.verdict, VERDICT_FAILED);
                cr_expect_null(a.records);
        }
}

Test(answer_fx2, a_tag_of_another_conversation_or_key_is_none) {
        static const uint8_t other[64] = { 2 };
        AuthKey *k = NULL;
        Answer a;
        Tagged t = one_byte(ACTION_OFF, 0, VERDICT_SUCCESS);

        for (size_t i = 0; i < sizeof(transcript.bytes); i++) {
                transcript.bytes[i] ^= 1;
                (void) feed_tagged(&a, &t, t.size);
                cr_assert_eq(a.state, ANSWER_BROKEN, "byte %zu", i);
                transcript.bytes[i] ^= 1;
        }
        cr_assert_eq(auth_key_new(other, sizeof(other), &k, NULL), 0);
        answer_start(&a, ACTION_OFF);
        answer_expect_tag(&a, k, &transcript);
        (void) feed(&a, t.bytes, t.size);
        cr_expect_eq(a.state, ANSWER_BROKEN);
        cr_expect_eq(a.verdict, VERDICT_FAILED);
        k = auth_key_free(k);
}

/* What does not fit is told only when it is the host's. */
Test(answer_fx2, what_does_not_fit_the_question_is_none_even_with_its_tag) {
        const Tagged table[] = { one_byte(ACTION_OFF, 2, VERDICT_FAILED),
                one_byte(ACTION_OFF, REPLY_LIST, VERDICT_FAILED), one_byte(ACTION_LIST, 0, VERDICT_FAILED),
                one_byte(ACTION_STATUS, 77, VERDICT_FAILED), list(1, 1), list(2, REPLY_LIST) };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Answer a;

                (void) feed_tagged(&a, table + i, table[i].size - 1);
                cr_expect_str_empty(a.reason, "row %zu: told before the tag was there", i);
                answer_done(&a);
                cr_expect_eq(feed_tagged(&a, table + i, table[i].size), table[i].size);
                cr_expect_eq(a.state, ANSWER_BROKEN, "row %zu", i);
                cr_expect_eq(a.verdict, VERDICT_FAILED);
                cr_expect(strstr(a.reason, "The host's "), "%s", a.reason);
                cr_expect_null(a.records);
        }
}

Test(answer_fx2, knows_the_tags_of_the_vectors) {
        _cleanup_(auth_key_freep) AuthKey *k = NULL;
        Answer a;

        cr_assert_eq(auth_key_new(vector_fx2.only_file, strlen(vector_fx2.only_file), &k, NULL), 0);
        fx2_transcript(
                vector_fx2.only_packet, vector_fx2.guest_challenge, vector_fx2.host_challenge, &transcript);
        answer_start(&a, ACTION_OFF);
        answer_expect_tag(&a, k, &transcript);
        answer_feed(&a, vector_fx2.only_body);
        answer_feed(&a, vector_fx2.only_result_tag);
        cr_expect_eq(a.verdict, VERDICT_SUCCESS);
        answer_start(&a, ACTION_LIST);
        answer_expect_tag(&a, k, &transcript);
        (void) feed(&a, vector_fx2.only_list_body, sizeof(vector_fx2.only_list_body));
        cr_assert_eq(answer_want(&a), WIRE_MAC_SIZE);
        answer_feed(&a, vector_fx2.only_list_result_tag);
        cr_assert_eq(a.verdict, VERDICT_SUCCESS);
        cr_expect_eq(a.n_records, 1);
        cr_expect_str_eq(a.records[0].name, "vm1");
        answer_done(&a);
}
