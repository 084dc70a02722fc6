/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy-data.h"
#include "ruling.h"

#define UUID_A "00000000-0000-4000-8000-00000000000a"
#define UUID_B "00000000-0000-4000-8000-00000000000b"

static const Answer answers[] = {
        ['n'] = { .kind = ANSWER_NOT_FOUND },
        ['s'] = { .silent = true },
        ['x'] = { .kind = ANSWER_UNREACHABLE },
        ['?'] = { .kind = ANSWER_AMBIGUOUS },
        ['A'] = { .kind = ANSWER_FOUND, .name = "web1", .uuid = UUID_A }, /* a member, by its UUID */
        ['B'] = { .kind = ANSWER_FOUND, .name = "web1", .uuid = UUID_B, .labels = "blue" }, /* none */
        ['C'] = { .kind = ANSWER_FOUND, .name = "moved", .uuid = UUID_B },
        ['N'] = { .kind = ANSWER_FOUND, .name = "named", .uuid = UUID_B },
        ['L'] = { .kind = ANSWER_FOUND, .name = "web1", .uuid = UUID_B, .labels = "red" },
};

/* The requester may act on A, on what is called "named", and on what is labelled "red". */
static const struct {
        const char *text;
        char remembered; /* 0 for nothing */
        ResolveOutcome outcome;
        const char *answers; /* the first one is that which was found */
        Verdict verdict;
} table[] = {
        { "web1", 0, RESOLVE_FOUND, "A", VERDICT_ALLOW },
        { UUID_A, 0, RESOLVE_FOUND, "A", VERDICT_ALLOW },
        { "web1", 0, RESOLVE_FOUND, "B", VERDICT_DENY },
        { "web1", 0, RESOLVE_FOUND, "L", VERDICT_ALLOW },
        { UUID_B, 0, RESOLVE_FOUND, "N", VERDICT_ALLOW },
        /* what was found is what counts, not what was asked for or found once */
        { "named", 0, RESOLVE_FOUND, "C", VERDICT_DENY },
        { "web1", 'A', RESOLVE_FOUND, "B", VERDICT_DENY },
        { "web1", 'B', RESOLVE_FOUND, "A", VERDICT_ALLOW },
        { "web1", 0, RESOLVE_FOUND, "BA", VERDICT_DENY },
        /* found nowhere: who might not touch it learns no more than of one that exists */
        { "named", 0, RESOLVE_NOT_FOUND, "nn", VERDICT_ALLOW },
        { UUID_A, 0, RESOLVE_NOT_FOUND, "n", VERDICT_ALLOW },
        { "web1", 0, RESOLVE_NOT_FOUND, "n", VERDICT_DENY },
        { UUID_B, 0, RESOLVE_NOT_FOUND, "n", VERDICT_DENY },
        /* somebody does not answer */
        { "named", 0, RESOLVE_UNREACHABLE, "xn", VERDICT_ALLOW },
        { "web1", 0, RESOLVE_UNREACHABLE, "xn", VERDICT_DENY },
        { "web1", 'A', RESOLVE_UNREACHABLE, "xn", VERDICT_ALLOW },
        { "web1", 'A', RESOLVE_UNREACHABLE, "sn", VERDICT_ALLOW },
        { "web1", 'B', RESOLVE_UNREACHABLE, "xn", VERDICT_DENY },
        { "web1", 'L', RESOLVE_UNREACHABLE, "xn", VERDICT_ALLOW },
        { UUID_B, 'N', RESOLVE_UNREACHABLE, "x", VERDICT_ALLOW },
        { "web1", 0, RESOLVE_UNREACHABLE, "xA", VERDICT_ALLOW }, /* off here, and perhaps running there */
        { "web1", 0, RESOLVE_UNREACHABLE, "xB", VERDICT_DENY },
        /* several */
        { "web1", 0, RESOLVE_AMBIGUOUS, "BA", VERDICT_ALLOW },
        { "web1", 0, RESOLVE_AMBIGUOUS, "BC", VERDICT_DENY },
        { "named", 0, RESOLVE_AMBIGUOUS, "??", VERDICT_ALLOW },
        { UUID_A, 0, RESOLVE_AMBIGUOUS, "?", VERDICT_ALLOW },
        { UUID_B, 0, RESOLVE_AMBIGUOUS, "?", VERDICT_DENY },
};

static Policy *policy(void) {
        static const char text[] =
                "[Group]\nMembers=" UUID_A " named metadata:red\nSources=key:k\nActions=off\n";
        Policy *p = policy_new(POLICY_DEFAULT_DENY);
        ConfError e = {};

        cr_assert_not_null(p);
        cr_assert_eq(policy_parse_group(p, "g", "g.conf", text, strlen(text), &e), 0, "%s", e.message);
        policy_sort(p);
        return p;
}

static Verdict ask(const Policy *p, size_t row, const char *key, Action action, Reason *ret_reason) {
        const char *letters = table[row].answers;
        Answer list[4] = {};
        Place place = { .answer = answers[(unsigned char) table[row].remembered] };
        Finding found = { .text = table[row].text, .outcome = table[row].outcome, .answers = list };
        Identity who = {};

        for (; letters[found.n_answers]; found.n_answers++)
                list[found.n_answers] = answers[(unsigned char) letters[found.n_answers]];
        if (found.outcome == RESOLVE_FOUND)
                found.answer = &list[0];
        found.remembered = table[row].remembered ? &place : NULL;
        (void) snprintf(who.key, sizeof(who.key), "%s", key);
        return rule(p, &who, action, &found, ret_reason);
}

Test(ruling, whoever_may_not_touch_a_domain_is_denied_whatever_became_of_the_lookup) {
        _cleanup_(policy_unrefp) Policy *p = policy();

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Reason why = {};

                cr_expect_eq(ask(p, i, "k", ACTION_OFF, &why), table[i].verdict, "row %zu: %s", i, why.text);
                cr_expect_str_eq(why.group, table[i].verdict == VERDICT_ALLOW ? "g" : "", "row %zu", i);
                cr_expect_eq(ask(p, i, "other", ACTION_OFF, &why), VERDICT_DENY, "row %zu, a stranger", i);
                cr_expect_eq(ask(p, i, "k", ACTION_ON, &why), VERDICT_DENY, "row %zu, another action", i);
        }
}

Test(ruling, a_refusal_names_what_was_asked_for) {
        _cleanup_(policy_unrefp) Policy *p = policy();
        Reason why = {};

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (table[i].verdict == VERDICT_DENY && table[i].outcome != RESOLVE_FOUND) {
                        (void) ask(p, i, "k", ACTION_OFF, &why);
                        cr_expect_eq(
                                strncmp(why.text, table[i].text, strlen(table[i].text)), 0, "%s", why.text);
                }
}
