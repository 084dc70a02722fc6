/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every row of tests/policy/table.json, through all that is pure: what the requester is described as, what the hypervisors
 * answer, what that resolves to, and what policy says. tests/lab/explain asks the same of an executor that runs. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy-data.h"
#include "policy-table.h"
#include "requester.h"
#include "ruling.h"
#include "wire.h"

static Policy *table_policy(void) {
        Policy *p = policy_new(POLICY_DEFAULT_DENY);
        const char *reason = NULL;
        ConfError e = {};

        cr_assert_not_null(p);
        for (size_t i = 0; i < ELEMENTSOF(table_groups); i++)
                cr_assert_eq(policy_parse_group(p, table_groups[i].name, "table", table_groups[i].text,
                                     strlen(table_groups[i].text), &e),
                        0, "%s: %s", table_groups[i].name, e.message);
        for (size_t i = 0; i < ELEMENTSOF(table_never); i++)
                cr_assert_eq(policy_add_never(p, table_never[i], &reason), 0, "%s", reason);
        policy_sort(p);
        return p;
}

static void copy_domain(size_t i, Answer *ret) {
        *ret = (Answer){ .kind = ANSWER_FOUND, .power = POWER_OFF };
        (void) snprintf(ret->name, sizeof(ret->name), "%s", table_domains[i].name);
        (void) snprintf(ret->uuid, sizeof(ret->uuid), "%s", table_domains[i].uuid);
        (void) snprintf(ret->labels, sizeof(ret->labels), "%s", table_domains[i].labels);
}

/* As fenced-worker/libvirt-lookup.c does. */
static Answer answer_of(unsigned uri, const char *text) {
        Answer a = { .kind = ANSWER_NOT_FOUND };
        bool named = false;

        for (size_t i = 0; i < ELEMENTSOF(table_domains); i++)
                if (table_domains[i].uri == uri && strcasecmp(table_domains[i].uuid, text) == 0)
                        copy_domain(i, &a);
        for (size_t i = 0; i < ELEMENTSOF(table_domains); i++) {
                if (table_domains[i].uri != uri || strcmp(table_domains[i].name, text) != 0)
                        continue;
                named = strcasecmp(table_domains[i].uuid, text) != 0;
                if (!wire_is_uuid(text))
                        copy_domain(i, &a);
        }
        if (wire_is_uuid(text) && named && a.kind == ANSWER_FOUND)
                a = (Answer){ .kind = ANSWER_AMBIGUOUS };
        return a;
}

static Finding look_up(const char *text, Answer answers[static TABLE_URIS]) {
        Finding f = { .text = text, .answers = answers, .n_answers = TABLE_URIS };
        size_t index = 0;

        for (unsigned uri = 0; uri < TABLE_URIS; uri++)
                answers[uri] = answer_of(uri, text);
        f.outcome = resolve_decide(answers, TABLE_URIS, &index);
        if (f.outcome == RESOLVE_FOUND)
                f.answer = &answers[index];
        return f;
}

static Identity requester_of(const char *words) {
        const char *reason = NULL;
        Answer answers[TABLE_URIS];
        Identity who;

        cr_assert_eq(requester_parse(words, &who, &reason), 0, "%s: %s", words, reason);
        if (!who.uuid[0])
                return who;
        Finding f = look_up(who.uuid, answers);
        if (f.answer)
                identity_set_domain(&who, f.answer->name, f.answer->uuid, f.answer->labels);
        if (f.answer && who.family == AF_UNSPEC)
                (void) snprintf(who.source, sizeof(who.source), "%s", who.name);
        return who;
}

static void check_row(const Policy *p, size_t row) {
        Answer answers[TABLE_URIS];
        Reason why = {}, untouched = {};
        Finding found = {};
        Action action;

        Identity who = requester_of(table_rows[row].words);
        cr_assert_eq(action_from_string(table_rows[row].action, &action), 0);
        Verdict v = policy_check_requester(p, &who, action, &why);
        if (v == VERDICT_ALLOW) {
                found = look_up(table_rows[row].text, answers);
                v = rule(p, &who, action, &found, &why);
        } else {
                /* it would be denied after a lookup, too, with the same reason */
                Finding later = look_up(table_rows[row].text, answers);
                cr_assert_eq(rule(p, &who, action, &later, &untouched), VERDICT_DENY);
                cr_assert_str_eq(untouched.text, why.text);
        }
        bool is_found = found.answer != NULL;
        const char *reason =
                v == VERDICT_ALLOW && !is_found ? resolve_outcome_reason(found.outcome) : why.text;

        if (v != (table_rows[row].allowed ? VERDICT_ALLOW : VERDICT_DENY) ||
                strcmp(why.group, table_rows[row].group) != 0 ||
                strcmp(reason, table_rows[row].reason) != 0 ||
                strcmp(is_found ? found.answer->name : "", table_rows[row].name) != 0 ||
                strcmp(is_found ? found.answer->uuid : "", table_rows[row].uuid) != 0)
                cr_expect(false, "row %zu, \"%s\" %s %s: %s, group \"%s\": %s; wanted %s, group \"%s\": %s",
                        row, table_rows[row].words, table_rows[row].action, table_rows[row].text,
                        v == VERDICT_ALLOW ? "allowed" : "denied", why.group, reason,
                        table_rows[row].allowed ? "allowed" : "denied", table_rows[row].group,
                        table_rows[row].reason);
}

Test(policy_table, every_requester_action_and_target_has_its_verdict_and_reason) {
        _cleanup_(policy_unrefp) Policy *p = table_policy();

        for (size_t i = 0; i < ELEMENTSOF(table_rows); i++)
                check_row(p, i);
}
