/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "recent.h"

static RequestKey key(const char *name, Action action, uint8_t seqno, const char *target) {
        RequestKey k = { .action = (uint8_t) action, .seqno = { seqno } };

        (void) snprintf(k.key, sizeof(k.key), "%s", name);
        (void) snprintf(k.target, sizeof(k.target), "%s", target);
        return k;
}

Test(recent, a_request_is_the_same_only_if_all_of_it_is) {
        RequestKey base = key("default", ACTION_OFF, 1, "vm1");
        RequestKey others[] = {
                key("other", ACTION_OFF, 1, "vm1"),
                key("default", ACTION_ON, 1, "vm1"),
                key("default", ACTION_OFF, 2, "vm1"),
                key("default", ACTION_OFF, 1, "VM1"),
                base,
        };

        (void) snprintf(others[4].uuid, sizeof(others[4].uuid), "00000000-0000-4000-8000-000000000001");
        others[0] = base;
        cr_expect(request_key_equal(&base, &others[0]));
        others[0] = key("other", ACTION_OFF, 1, "vm1");
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                cr_expect_not(request_key_equal(&base, &others[i]), "%zu", i);
}

Test(recent, an_answer_is_remembered_for_ten_seconds) {
        Recent *r = calloc(1, sizeof(*r));
        RequestKey k = key("default", ACTION_OFF, 1, "vm1");
        uint64_t t = 100 * USEC_PER_SEC;

        cr_expect_null(recent_find(r, &k, t));
        recent_add(r, &k, REPLY_FAILURE, true, t);
        const RecentEntry *e = recent_find(r, &k, t + RECENT_USEC);
        cr_assert_not_null(e);
        cr_expect_eq(e->reply, REPLY_FAILURE);
        cr_expect(e->delivered);
        cr_expect_null(recent_find(r, &k, t + RECENT_USEC + 1));
        free(r);
}

Test(recent, the_newest_answer_counts_and_the_oldest_is_forgotten) {
        Recent *r = calloc(1, sizeof(*r));
        RequestKey k = key("default", ACTION_OFF, 1, "vm1"), other = key("default", ACTION_OFF, 2, "vm1");
        uint64_t t = 100 * USEC_PER_SEC;

        recent_add(r, &k, REPLY_FAILURE, true, t);
        recent_add(r, &k, REPLY_SUCCESS, false, t + 1);
        cr_assert_not_null(recent_find(r, &k, t + 1));
        cr_expect_eq(recent_find(r, &k, t + 1)->reply, REPLY_SUCCESS);
        for (size_t i = 0; i < RECENT_MAX; i++)
                recent_add(r, &other, REPLY_SUCCESS, true, t + 2);
        cr_expect_null(recent_find(r, &k, t + 2));
        cr_expect_not_null(recent_find(r, &other, t + 2));
        free(r);
}

Test(memory, remembers_where_a_target_was_and_as_which_domain_and_nothing_else) {
        Memory *m = calloc(1, sizeof(*m));
        static const char somewhere[2];
        const Hypervisor *a = (const void *) &somewhere[0], *b = (const void *) &somewhere[1];
        const Answer one = { .kind = ANSWER_FOUND, .uuid = "1" },
                     two = { .kind = ANSWER_FOUND, .uuid = "2" };

        cr_assert_not_null(m);
        cr_expect_null(memory_find(m, "vm1"));
        cr_expect_null(memory_find(m, ""));
        memory_store(m, "vm1", a, &one);
        memory_store(m, "vm2", b, &two);
        cr_assert_not_null(memory_find(m, "vm1"));
        cr_assert_not_null(memory_find(m, "vm2"));
        cr_expect_eq(memory_find(m, "vm1")->hypervisor, a);
        cr_expect_str_eq(memory_find(m, "vm1")->answer.uuid, "1");
        cr_expect_eq(memory_find(m, "vm2")->hypervisor, b);
        cr_expect_null(memory_find(m, "vm3"));
        memory_store(m, "vm1", b, &two);
        cr_expect_str_eq(memory_find(m, "vm1")->answer.uuid, "2");
        memory_forget(m, "vm3");
        memory_forget(m, "vm1");
        cr_expect_null(memory_find(m, "vm1"));
        memory_clear(m);
        cr_expect_null(memory_find(m, "vm2"));
        free(m);
}

Test(memory, forgets_what_has_to_give_way) {
        Memory *m = calloc(1, sizeof(*m));
        const Answer one = { .kind = ANSWER_FOUND };
        unsigned n = 0;
        char target[16];

        cr_assert_not_null(m);
        for (unsigned i = 0; i < 4 * MEMORY_SIZE; i++) {
                (void) snprintf(target, sizeof(target), "vm%u", i);
                memory_store(m, target, NULL, &one);
                cr_assert_not_null(memory_find(m, target));
        }
        for (unsigned i = 0; i < 4 * MEMORY_SIZE; i++) {
                (void) snprintf(target, sizeof(target), "vm%u", i);
                n += memory_find(m, target) != NULL;
        }
        cr_expect_leq(n, MEMORY_SIZE);
        memory_clear(m);
        free(m);
}
