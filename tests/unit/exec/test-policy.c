/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy-data.h"
#include "wire.h"

#define UUID1       "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
#define UUID1_UPPER "4DEA22B3-1D52-D8F3-2516-782E98AB3FA0"
#define UUID2       "11111111-2222-3333-4444-555555555555"
#define UUID3       "99999999-2222-3333-4444-555555555555"

#define DOMAIN(name, uuid) ((PolicyDomain){ (name), (uuid), "" })

static void add_group(Policy *p, const char *name, const char *text) {
        ConfError error = {};

        cr_assert_eq(policy_parse_group(p, name, "test.conf", text, strlen(text), &error), 0, "%s: %s", name,
                error.message);
}

/* web: two domains by name and one by UUID, any action. db: no power. net: by address. self: by membership alone. */
static Policy *example(void) {
        Policy *p = policy_new(POLICY_DEFAULT_DENY);

        cr_assert_not_null(p);
        add_group(p, "db",
                "[Group]\nMembers=db1 db2 web1\nSources=key:web key:db cid:3 " UUID3
                "\nActions=status list\n");
        add_group(p, "net", "[Group]\nMembers=net1\nSources=10.1.2.0/23 2001:db8::/33 192.168.122.11\n");
        add_group(p, "self", "[Group]\nMembers=" UUID2 " self2\nActions=off\n");
        add_group(p, "web", "[Group]\nMembers=web1 web2 " UUID1_UPPER "\nSources=key:web\n");
        policy_sort(p);
        return p;
}

/* Written as in the file: "key:web", "cid:3", an address, a UUID, or "UUID name". Only a key or a UUID vouches. */
static Identity requester(const char *text) {
        Identity i = {};
        unsigned cid;

        (void) snprintf(i.source, sizeof(i.source), "%s", text);
        if (strncmp(text, "key:", 4) == 0) {
                (void) snprintf(i.key, sizeof(i.key), "%s", text + 4);
                return i;
        }
        if (strlen(text) >= 36 && text[8] == '-') {
                (void) snprintf(i.uuid, sizeof(i.uuid), "%.36s", text);
                (void) snprintf(i.name, sizeof(i.name), "%s", text[36] ? text + 37 : "");
                return i;
        }
        (void) snprintf(i.key, sizeof(i.key), "other");
        if (sscanf(text, "cid:%u", &cid) == 1) {
                i.family = AF_VSOCK;
                i.cid = cid;
                return i;
        }
        i.family = strchr(text, ':') ? AF_INET6 : AF_INET;
        cr_assert_eq(inet_pton(i.family, text, i.address), 1, "%s", text);
        return i;
}

Test(policy, allows_what_a_group_says_and_nothing_else) {
        static const struct {
                const char *requester;
                Action action;
                const char *name, *uuid;
                const char *group; /* that allows it */
        } table[] = {
                { "key:web", ACTION_OFF, "web1", UUID3, "web" },
                { "key:web", ACTION_OFF, "web2", UUID3, "web" },
                { "key:web", ACTION_REBOOT, "web2", UUID3, "web" },
                { "key:web", ACTION_ON, "web2", "", "web" },
                { "key:web", ACTION_STATUS, "web1", UUID3, "db" },
                { "key:web", ACTION_LIST, "web2", UUID3, "web" },
                { "key:web", ACTION_OFF, "renamed", UUID1, "web" },
                { "key:web", ACTION_OFF, "", UUID1_UPPER, "web" },
                { "key:web", ACTION_OFF, "Web1", UUID3, NULL },
                { "key:web", ACTION_OFF, "web", UUID3, NULL },
                { "key:web", ACTION_OFF, "web11", UUID3, NULL },
                { "key:web", ACTION_OFF, "", UUID3, NULL },
                { "key:web", ACTION_OFF, "", "", NULL },
                { "key:web", ACTION_OFF, "db1", UUID3, NULL },
                { "key:web", ACTION_STATUS, "db1", UUID3, "db" },
                { "key:db", ACTION_STATUS, "db2", UUID3, "db" },
                { "key:db", ACTION_OFF, "db2", UUID3, NULL },
                { "key:db", ACTION_OFF, "web1", UUID3, NULL },
                { "key:we", ACTION_OFF, "web1", UUID3, NULL },
                { "key:web2", ACTION_OFF, "web1", UUID3, NULL },
                { "key:WEB", ACTION_OFF, "web1", UUID3, NULL },
                { "cid:3", ACTION_STATUS, "db1", UUID3, "db" },
                { "cid:33", ACTION_STATUS, "db1", UUID3, NULL },
                { "10.1.2.0", ACTION_OFF, "net1", UUID3, "net" },
                { "10.1.3.255", ACTION_OFF, "net1", UUID3, "net" },
                { "10.1.1.255", ACTION_OFF, "net1", UUID3, NULL },
                { "10.1.4.0", ACTION_OFF, "net1", UUID3, NULL },
                { "192.168.122.11", ACTION_OFF, "net1", UUID3, "net" },
                { "192.168.122.10", ACTION_OFF, "net1", UUID3, NULL },
                { "2001:db8:7fff::1", ACTION_OFF, "net1", UUID3, "net" },
                { "2001:db8:8000::", ACTION_OFF, "net1", UUID3, NULL },
                { "a01:200::", ACTION_OFF, "net1", UUID3, NULL }, /* begins with the bytes of 10.1.2.0 */
                { UUID3, ACTION_STATUS, "db1", "", "db" },
                { UUID2, ACTION_OFF, "self2", UUID3, "self" },
                { UUID2, ACTION_ON, "self2", UUID3, NULL },
                { UUID1, ACTION_OFF, "web2", UUID3, "web" },
                { UUID1_UPPER, ACTION_OFF, "web2", UUID3, "web" },
                { UUID3 " self2", ACTION_OFF, "x", UUID2, "self" },
                { UUID3 " self3", ACTION_OFF, "x", UUID2, NULL },
        };
        _cleanup_(policy_unrefp) Policy *p = example();

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const Identity who = requester(table[i].requester);
                Reason reason = {};
                PolicyScope scope;
                Verdict v = policy_check(
                        p, &who, table[i].action, &DOMAIN(table[i].name, table[i].uuid), &reason);

                cr_expect_eq(v, table[i].group ? VERDICT_ALLOW : VERDICT_DENY, "row %zu, %s: %s", i,
                        table[i].requester, reason.text);
                if (table[i].group)
                        cr_expect_str_eq(reason.group, table[i].group, "row %zu", i);
                cr_expect_neq(reason.text[0], '\0');
                cr_expect_eq(
                        policy_check(p, &who, table[i].action, &DOMAIN(table[i].name, table[i].uuid), NULL),
                        v);
                policy_scope(p, &who, table[i].action, &scope);
                cr_expect_eq(
                        policy_scope_check(&scope, &DOMAIN(table[i].name, table[i].uuid)), v, "row %zu", i);
                if (v == VERDICT_ALLOW)
                        cr_expect_eq(policy_check_requester(p, &who, table[i].action, NULL), VERDICT_ALLOW);
        }
}

Test(policy, tells_before_anything_is_resolved_who_can_be_allowed_nothing) {
        static const struct {
                const char *requester;
                Action action;
                Verdict verdict;
        } table[] = {
                { "key:web", ACTION_OFF, VERDICT_ALLOW },
                { "key:db", ACTION_OFF, VERDICT_DENY },
                { "key:db", ACTION_LIST, VERDICT_ALLOW },
                { "key:nobody", ACTION_LIST, VERDICT_DENY },
                { UUID2, ACTION_OFF, VERDICT_ALLOW },
                { UUID2, ACTION_LIST, VERDICT_DENY },
                { UUID3 " self2", ACTION_OFF, VERDICT_ALLOW },
                { UUID3 " self3", ACTION_OFF, VERDICT_DENY },
                { "10.1.3.1", ACTION_REBOOT, VERDICT_ALLOW },
                { "10.1.9.1", ACTION_REBOOT, VERDICT_DENY },
        };
        _cleanup_(policy_unrefp) Policy *p = example();

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const Identity who = requester(table[i].requester);
                Reason reason = {};

                cr_expect_eq(policy_check_requester(p, &who, table[i].action, &reason), table[i].verdict,
                        "row %zu: %s", i, reason.text);
                cr_expect_neq(reason.text[0], '\0');
        }
}

Test(policy, monitor_and_null_are_allowed_and_what_is_no_action_is_not) {
        static const struct {
                Action action;
                Verdict verdict;
        } table[] = {
                { ACTION_MONITOR, VERDICT_ALLOW },
                { ACTION_NULL, VERDICT_ALLOW },
                { _ACTION_MAX, VERDICT_DENY },
                { (Action) 33, VERDICT_DENY },
                { (Action) -1, VERDICT_DENY },
        };
        _cleanup_(policy_unrefp) Policy *p = example(), *open = policy_new(POLICY_DEFAULT_ALLOW);
        const Identity who = requester("key:nobody");

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                cr_expect_eq(policy_check(p, &who, table[i].action, &DOMAIN("web1", UUID1), NULL),
                        table[i].verdict);
                cr_expect_eq(policy_check(open, &who, table[i].action, &DOMAIN("web1", UUID1), NULL),
                        table[i].verdict);
                cr_expect_eq(policy_check_requester(p, &who, table[i].action, NULL), table[i].verdict);
        }
}

Test(policy, the_default_counts_only_without_any_group) {
        _cleanup_(policy_unrefp) Policy *deny = policy_new(POLICY_DEFAULT_DENY),
                                        *allow = policy_new(POLICY_DEFAULT_ALLOW),
                                        *group = policy_new(POLICY_DEFAULT_ALLOW);
        const Identity who = requester("key:any");
        Reason reason = {};

        cr_expect_eq(policy_n_groups(deny), 0);
        cr_expect_eq(policy_check(deny, &who, ACTION_STATUS, &DOMAIN("web1", UUID1), &reason), VERDICT_DENY);
        cr_expect_str_eq(reason.text, "there are no groups, and Default= is deny");
        cr_expect_eq(policy_check_requester(deny, &who, ACTION_OFF, NULL), VERDICT_DENY);
        cr_expect_eq(policy_check(allow, &who, ACTION_OFF, &DOMAIN("web1", UUID1), &reason), VERDICT_ALLOW);
        cr_expect_str_eq(reason.text, "there are no groups, and Default= is allow");
        cr_expect_eq(policy_check_requester(allow, &who, ACTION_OFF, NULL), VERDICT_ALLOW);

        add_group(group, "one", "[Group]\nMembers=web9\n");
        policy_sort(group);
        cr_expect_eq(policy_n_groups(group), 1);
        cr_expect_eq(
                policy_check(group, &who, ACTION_STATUS, &DOMAIN("web1", UUID1), &reason), VERDICT_DENY);
        cr_expect_str_eq(reason.text, "key:any with key:any is a source of no group");
}

Test(policy, a_scope_without_groups_is_everything_or_nothing) {
        _cleanup_(policy_unrefp) Policy *deny = policy_new(POLICY_DEFAULT_DENY),
                                        *allow = policy_new(POLICY_DEFAULT_ALLOW);
        const Identity who = requester("key:any"), nobody = {};
        const struct {
                const Policy *policy;
                const Identity *who;
                Action action;
                Verdict verdict;
        } table[] = {
                { deny, &who, ACTION_LIST, VERDICT_DENY },
                { deny, &who, ACTION_MONITOR, VERDICT_ALLOW },
                { allow, &who, ACTION_LIST, VERDICT_ALLOW },
                { allow, &who, _ACTION_MAX, VERDICT_DENY },
                { allow, &nobody, ACTION_LIST, VERDICT_DENY },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                PolicyScope scope;

                memset(&scope, 0xa5, sizeof(scope));
                policy_scope(table[i].policy, table[i].who, table[i].action, &scope);
                cr_expect_eq(
                        policy_scope_check(&scope, &DOMAIN("web1", UUID1)), table[i].verdict, "row %zu", i);
                cr_expect_eq(policy_scope_check(&scope, &DOMAIN("", "")), table[i].verdict, "row %zu", i);
        }
}

Test(policy, a_requester_that_nothing_vouches_for_is_denied_whatever_its_address) {
        _cleanup_(policy_unrefp) Policy *p = example(), *allow = policy_new(POLICY_DEFAULT_ALLOW);
        Identity who = requester("10.1.2.3");
        Reason reason = {};

        cr_expect_eq(policy_check(p, &who, ACTION_OFF, &DOMAIN("net1", UUID3), NULL), VERDICT_ALLOW);
        who.key[0] = '\0';
        cr_expect_eq(policy_check(p, &who, ACTION_OFF, &DOMAIN("net1", UUID3), &reason), VERDICT_DENY);
        cr_expect_str_eq(reason.text, "neither a key nor a proven domain vouches for the requester");
        cr_expect_eq(policy_check_requester(p, &who, ACTION_OFF, NULL), VERDICT_DENY);
        cr_expect_eq(policy_check(allow, &who, ACTION_OFF, &DOMAIN("net1", UUID3), NULL), VERDICT_DENY);
}

static void add_never(Policy *p, const char *word) {
        const char *reason = "";

        cr_assert_eq(policy_add_never(p, word, &reason), 0, "%s: %s", word, reason);
}

Test(policy, nobody_switches_off_what_never_names) {
        static const struct {
                const char *requester;
                Action action;
                PolicyDomain domain;
                const char *reason; /* NULL: allowed */
        } table[] = {
                { "key:web", ACTION_OFF, { "web1", UUID3, "" }, "web1 is protected by Never=" },
                { "key:web", ACTION_REBOOT, { "web1", UUID3, "" }, "web1 is protected by Never=" },
                { "key:web", ACTION_ON, { "web1", UUID3, "" }, NULL },
                { "key:web", ACTION_STATUS, { "web1", UUID3, "" }, NULL },
                { "key:web", ACTION_LIST, { "web1", UUID3, "" }, NULL },
                { "key:web", ACTION_OFF, { "web2", UUID1_UPPER, "" }, "web2 is protected by Never=" },
                { "key:web", ACTION_OFF, { "", UUID1, "" }, UUID1 " is protected by Never=" },
                { "key:web", ACTION_OFF, { "web2", UUID3, "x pet" }, "web2 is protected by Never=" },
                { "key:web", ACTION_OFF, { "web2", UUID3, "pets x" }, NULL },
                /* who could not do it anyway hears nothing of it */
                { "key:db", ACTION_OFF, { "web1", UUID3, "" }, "group db does not allow off" },
                { "key:no", ACTION_OFF, { "web1", UUID3, "" },
                        "key:no with key:no is a source of no group" },
        };
        _cleanup_(policy_unrefp) Policy *p = example(), *open = policy_new(POLICY_DEFAULT_ALLOW);

        for (int i = 0; i < 2; i++) {
                add_never(i ? open : p, "web1");
                add_never(i ? open : p, UUID1_UPPER);
                add_never(i ? open : p, "metadata:pet");
                policy_sort(i ? open : p);
        }
        cr_expect(policy_uses_labels(p));
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const Identity who = requester(table[i].requester);
                const PolicyDomain *d = &table[i].domain;
                Verdict want = table[i].reason ? VERDICT_DENY : VERDICT_ALLOW;
                Reason reason = {};
                PolicyScope scope;

                cr_expect_eq(policy_check(p, &who, table[i].action, d, &reason), want, "row %zu", i);
                if (table[i].reason)
                        cr_expect_str_eq(reason.text, table[i].reason, "row %zu", i);
                policy_scope(p, &who, table[i].action, &scope);
                cr_expect_eq(policy_scope_check(&scope, d), want, "row %zu", i);

                /* nor does Default=allow help */
                bool named = table[i].reason && strstr(table[i].reason, "Never=");
                if (strcmp(table[i].requester, "key:web") == 0) {
                        want = named ? VERDICT_DENY : VERDICT_ALLOW;
                        cr_expect_eq(policy_check(open, &who, table[i].action, d, NULL), want, "row %zu", i);
                        policy_scope(open, &who, table[i].action, &scope);
                        cr_expect_eq(policy_scope_check(&scope, d), want, "row %zu", i);
                }
        }
}

Test(policy, a_label_of_the_metadata_makes_a_member_and_a_name_like_one_does_not) {
        static const struct {
                PolicyDomain requester, target;
                Verdict verdict;
        } table[] = {
                { { "a", UUID1, "web" }, { "b", UUID2, "web" }, VERDICT_ALLOW },
                { { "a", UUID1, "db web" }, { "b", UUID2, "web db" }, VERDICT_ALLOW },
                { { "a", UUID1, "web" }, { "named", UUID2, "" }, VERDICT_ALLOW },
                { { "named", UUID1, "" }, { "b", UUID2, "web" }, VERDICT_ALLOW },
                { { "a", UUID1, "web" }, { "b", UUID2, "" }, VERDICT_DENY },
                { { "a", UUID1, "" }, { "b", UUID2, "web" }, VERDICT_DENY },
                { { "a", UUID1, "web" }, { "b", UUID2, "webx we Web" }, VERDICT_DENY },
                { { "a", UUID1, "web" }, { "b", UUID2, "named" }, VERDICT_DENY }, /* a label is no name */
                { { "a", UUID1, "web" }, { "metadata:web", UUID2, "" }, VERDICT_DENY },
                { { "metadata:web", UUID1, "" }, { "named", UUID2, "" }, VERDICT_DENY },
                { { "a", UUID1, "metadata:web" }, { "named", UUID2, "" }, VERDICT_DENY },
                { { "a", UUID1, "web" }, { "b", UUID2, "  web" }, VERDICT_DENY }, /* not as labels come */
                { { "a", UUID1, "key:k" }, { "named", UUID2, "" }, VERDICT_DENY },
        };
        _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY), *without = example();

        cr_expect_not(policy_uses_labels(without));
        add_group(p, "g", "[Group]\nMembers=metadata:web named\nSources=key:k\n");
        policy_sort(p);
        cr_expect(policy_uses_labels(p));
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Identity who = {};

                (void) snprintf(who.name, sizeof(who.name), "%s", table[i].requester.name);
                (void) snprintf(who.uuid, sizeof(who.uuid), "%s", table[i].requester.uuid);
                (void) snprintf(who.labels, sizeof(who.labels), "%s", table[i].requester.labels);
                cr_expect_eq(policy_check(p, &who, ACTION_OFF, &table[i].target, NULL), table[i].verdict,
                        "row %zu", i);
        }
}

/* T22: whoever names machines must not get at another's by naming one like its UUID. */
Test(policy, a_domain_named_like_the_uuid_of_a_member_is_no_member) {
        _cleanup_(policy_unrefp) Policy *p = example();
        const Identity who = requester("key:web"), impostor = requester(UUID3 " " UUID1);

        cr_expect_eq(policy_check(p, &who, ACTION_OFF, &DOMAIN(UUID1, UUID3), NULL), VERDICT_DENY);
        cr_expect_eq(policy_check(p, &impostor, ACTION_OFF, &DOMAIN("web2", ""), NULL), VERDICT_DENY);
}

/* The name of a requester means nothing while nobody has proven which domain it is. */
Test(policy, a_name_without_a_uuid_makes_no_requester_a_member) {
        _cleanup_(policy_unrefp) Policy *p = example();
        Identity who = requester("key:nobody");

        (void) snprintf(who.name, sizeof(who.name), "self2");
        cr_expect_eq(policy_check(p, &who, ACTION_OFF, &DOMAIN("self2", ""), NULL), VERDICT_DENY);
}

/* The texts of the tables must not be reachable through a field that means something else. */
Test(policy, no_field_can_pass_for_another) {
        _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY);
        Identity key = { .key = UUID1 }, member = { .key = "x", .uuid = UUID3, .name = "key:web" };
        const Identity web = requester("key:web");

        add_group(p, "a", "[Group]\nMembers=key:web cid:3\nSources=" UUID1 " key:web\n");
        policy_sort(p);
        cr_expect_eq(policy_check(p, &key, ACTION_OFF, &DOMAIN("cid:3", ""), NULL), VERDICT_DENY);
        cr_expect_eq(policy_check(p, &web, ACTION_OFF, &DOMAIN("key:web", ""), NULL), VERDICT_ALLOW);
        cr_expect_eq(policy_check(p, &web, ACTION_OFF, &DOMAIN("10.0.0.1", ""), NULL), VERDICT_DENY);
        cr_expect_eq(policy_check(p, &member, ACTION_OFF, &DOMAIN("cid:3", ""), NULL), VERDICT_ALLOW,
                "a domain of that name");
}

Test(policy, says_why_in_a_sentence) {
        static const struct {
                const char *requester;
                Action action;
                const char *name;
                const char *group, *text;
        } table[] = {
                { "key:web", ACTION_OFF, "web2", "web", "group web allows off" },
                { "key:db", ACTION_OFF, "db1", "db", "group db does not allow off" },
                { "key:db", ACTION_OFF, "web9", "db", "group db does not allow off" },
                { "key:db", ACTION_STATUS, "web9", "", "web9 is a member of no group of the requester" },
                { "key:web", ACTION_OFF, "db1", "db", "group db does not allow off" },
                { "cid:4", ACTION_OFF, "web1", "", "cid:4 with key:other is a source of no group" },
                { UUID1 " x", ACTION_ON, "no\nsuch\033", "",
                        "no?such? is a member of no group of the requester" },
        };
        _cleanup_(policy_unrefp) Policy *p = example();
        Reason reason = {};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const Identity who = requester(table[i].requester);

                (void) policy_check(p, &who, table[i].action, &DOMAIN(table[i].name, ""), &reason);
                cr_expect_str_eq(reason.group, table[i].group, "row %zu", i);
                cr_expect_str_eq(reason.text, table[i].text, "row %zu", i);
        }
}

Test(policy, every_bit_of_a_network_counts_and_no_bit_behind_it) {
        for (unsigned bits = 0; bits <= 128; bits++) {
                _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY);
                Identity who = requester("2001:db8:1234:5678:9abc:def0:55aa:aa55");
                char network[POLICY_TEXT_SIZE], text[128];

                policy_network_text(AF_INET6, who.address, bits, network);
                (void) snprintf(text, sizeof(text), "[Group]\nMembers=a\nSources=%s\n", network);
                add_group(p, "g", text);
                policy_sort(p);
                for (unsigned bit = 0; bit < 128; bit++) {
                        who.address[bit / 8] ^= (uint8_t) (0x80 >> bit % 8);
                        cr_expect_eq(policy_check(p, &who, ACTION_OFF, &DOMAIN("a", ""), NULL),
                                bit >= bits ? VERDICT_ALLOW : VERDICT_DENY, "%s, bit %u", network, bit);
                        who.address[bit / 8] ^= (uint8_t) (0x80 >> bit % 8);
                }
        }
}

Test(policy, finds_its_way_in_a_thousand_groups_of_fifty) {
        _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY);
        enum { GROUPS = 1000, MEMBERS = 50 };

        for (unsigned g = 0; g < GROUPS; g++) {
                char text[2048], name[16];
                int n = snprintf(text, sizeof(text), "[Group]\nSources=key:k%u key:all\nMembers=", g);

                for (unsigned m = 0; m < MEMBERS; m++)
                        n += snprintf(text + n, sizeof(text) - (size_t) n, "vm%u ", g * MEMBERS + m);
                (void) snprintf(name, sizeof(name), "g%04u", g);
                add_group(p, name, text);
        }
        policy_sort(p);
        for (unsigned i = 0; i < GROUPS * MEMBERS; i += 7) {
                char name[16], key[16], other[16], group[16];
                Identity who, stranger, all = requester("key:all");
                Reason reason = {};

                (void) snprintf(name, sizeof(name), "vm%u", i);
                (void) snprintf(key, sizeof(key), "key:k%u", i / MEMBERS);
                (void) snprintf(other, sizeof(other), "key:k%u", (i / MEMBERS + 1) % GROUPS);
                (void) snprintf(group, sizeof(group), "g%04u", i / MEMBERS);
                who = requester(key);
                stranger = requester(other);
                cr_assert_eq(policy_check(p, &who, ACTION_OFF, &DOMAIN(name, ""), &reason), VERDICT_ALLOW,
                        "%s", name);
                cr_assert_str_eq(reason.group, group);
                cr_assert_eq(policy_check(p, &all, ACTION_OFF, &DOMAIN(name, ""), &reason), VERDICT_ALLOW);
                cr_assert_str_eq(reason.group, group);
                cr_assert_eq(policy_check(p, &stranger, ACTION_OFF, &DOMAIN(name, ""), NULL), VERDICT_DENY,
                        "%s", name);
        }
}
