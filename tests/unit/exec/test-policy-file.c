/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>

#include "policy-data.h"
#include "scratch.h"

static void set_up(void) {
        scratch_set_up();
        scratch_mkdir("groups.d");
}

TestSuite(policy_file, .init = set_up, .fini = scratch_tear_down);

static int load(Policy **ret, ConfError *ret_error) {
        return policy_load(scratch_path("groups.d"), POLICY_DEFAULT_ALLOW, NULL, ret, ret_error);
}

static int parse(const char *text, ConfError *ret_error) {
        _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY);

        return policy_parse_group(p, "web", "web.conf", text, strlen(text), ret_error);
}

Test(policy_file, every_file_of_the_directory_is_a_group) {
        _cleanup_(policy_unrefp) Policy *p = NULL;
        const Identity web = { .key = "web" }, db = { .key = "db" };
        ConfError error = {};
        Reason reason = {};

        scratch_write_text("groups.d/web.conf", "[Group]\nMembers=web1\nSources=key:web\n");
        scratch_write_text(
                "groups.d/db.conf", "[Group]\nMembers=db1\nMembers=db2\nSources=key:db\nSources=key:x\n");
        scratch_write_text("groups.d/old.conf.bak", "nothing");
        cr_assert_eq(load(&p, &error), 0, "%s", error.message);
        cr_expect_eq(policy_n_groups(p), 2);
        cr_expect_eq(policy_check(p, &web, ACTION_OFF, &(PolicyDomain){ "web1", "", "" }, &reason),
                VERDICT_ALLOW);
        cr_expect_str_eq(reason.group, "web");
        cr_expect_eq(
                policy_check(p, &db, ACTION_OFF, &(PolicyDomain){ "db1", "", "" }, &reason), VERDICT_ALLOW);
        cr_expect_str_eq(reason.group, "db");
        cr_expect_eq(
                policy_check(p, &db, ACTION_OFF, &(PolicyDomain){ "db2", "", "" }, NULL), VERDICT_ALLOW);
        cr_expect_eq(
                policy_check(p, &db, ACTION_OFF, &(PolicyDomain){ "web1", "", "" }, NULL), VERDICT_DENY);
}

Test(policy_file, a_missing_directory_is_a_policy_without_groups) {
        _cleanup_(policy_unrefp) Policy *p = NULL, *none = NULL;
        ConfError error = {};

        cr_assert_eq(load(&p, &error), 0);
        cr_expect_eq(policy_n_groups(p), 0);
        cr_assert_eq(policy_load(scratch_path("nothing"), POLICY_DEFAULT_DENY, NULL, &none, &error), 0);
        cr_expect_eq(policy_n_groups(none), 0);
}

Test(policy_file, one_bad_file_refuses_the_whole_policy_and_is_named) {
        static const struct {
                const char *name, *text;
                unsigned line;
                const char *message;
        } table[] = {
                { "b.conf", "", 0, "no members" },
                { "b.conf", "# nothing yet\n", 0, "no members" },
                { "b.conf", "[Group]\nSources=key:web\n", 0, "no members" },
                { "b.conf", "[Group]\nMembers=a\nSources=bad\n", 3, "\"bad\" is none of" },
                { "escape\033.conf", "[Group]\nMembers=a\n", 0, "rename the file" },
                { "a-name-of-more-than-63-bytes-3456789012345678901234567890123456789.conf",
                        "[Group]\nMembers=a\n", 0, "rename the file" },
        };

        scratch_write_text("groups.d/a.conf", "[Group]\nMembers=web1\n");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Policy *p = NULL;
                ConfError error = {};
                char name[128];

                (void) snprintf(name, sizeof(name), "groups.d/%s", table[i].name);
                scratch_write_text(name, table[i].text);
                cr_expect_eq(load(&p, &error), -EBADMSG, "%s", table[i].text);
                cr_expect_null(p);
                cr_expect_str_eq(error.path, scratch_path(name));
                cr_expect_eq(error.line, table[i].line);
                cr_expect(strstr(error.message, table[i].message), "%s", error.message);
                scratch_remove(scratch_path(name));
        }
}

Test(policy_file, what_is_no_file_or_no_directory_is_refused) {
        Policy *p = NULL;
        ConfError error = {};

        scratch_mkdir("groups.d/a.conf");
        cr_expect_eq(load(&p, &error), -EBADMSG);
        cr_expect_str_eq(error.path, scratch_path("groups.d/a.conf"));
        scratch_remove(scratch_path("groups.d"));
        scratch_write_text("groups.d", "");
        cr_expect_eq(load(&p, &error), -EBADMSG);
        cr_expect_str_eq(error.path, scratch_path("groups.d"));
        cr_expect_str_eq(error.message, "the directory cannot be read: Not a directory");
        cr_expect_null(p);
}

Test(policy_file, what_means_nothing_is_an_error_that_says_what_would) {
        static const struct {
                const char *line;
                const char *message;
        } table[] = {
                { "Members=", "say something" },
                { "Sources=", "say something" },
                { "Actions=", "say something" },
                { "Members=web1, web2", "separate members by blanks" },
                { "Sources=web1", "\"web1\" is none of key:NAME, an address" },
                { "Sources=key:web1 web1", "\"web1\" is none of key:NAME, an address" },
                { "Sources=key:a,key:b", NULL }, /* a key may be named so */
                { "Sources=key:", "needs the name of a key" },
                { "Sources=key:3456789012345678901234567890123456789012345678901234567890123456",
                        "1 to 63 bytes" },
                { "Sources=Key:web", "is none of" },
                { "Sources=cid:", "from 3 to 4294967294" },
                { "Sources=cid:2", "from 3 to 4294967294" },
                { "Sources=cid:0x3", "from 3 to 4294967294" },
                { "Sources=cid:-3", "from 3 to 4294967294" },
                { "Sources=cid:4294967295", "from 3 to 4294967294" },
                { "Sources=cid:18446744073709551619", "from 3 to 4294967294" },
                { "Sources=cid:4294967294", NULL },
                { "Sources=4dea22b3-1d52-d8f3-2516-782e98ab3fa0", NULL },
                { "Sources=4dea22b3-1d52-d8f3-2516-782e98ab3fa", "is none of" },
                { "Sources=192.168.122.11", NULL },
                { "Sources=192.168.122.11/32", NULL },
                { "Sources=0.0.0.0/0", NULL },
                { "Sources=192.168.122", "is none of" },
                { "Sources=192.168.122.256", "is none of" },
                { "Sources=192.168.122.0/", "is none of" },
                { "Sources=192.168.122.0/33", "is none of" },
                { "Sources=192.168.122.0/2 4", "has bits behind the prefix; did you mean 192.0.0.0/2?" },
                { "Sources=192.168.122.0/+24", "is none of" },
                { "Sources=192.168.122.0/0024", "is none of" },
                { "Sources=192.168.122.0/255.255.255.0", "is none of" },
                { "Sources=192.168.122.1/24", "did you mean 192.168.122.0/24?" },
                { "Sources=192.168.122.1/0", "did you mean 0.0.0.0/0?" },
                { "Sources=2001:db8::/32", NULL },
                { "Sources=2001:db8::1/32", "did you mean 2001:db8::/32?" },
                { "Sources=::/0", NULL },
                { "Sources=::1/128", NULL },
                { "Sources=::1/129", "is none of" },
                { "Sources=fe80::1%virbr0", "is none of" },
                { "Sources=::ffff:10.0.0.1", "is an IPv4 address in IPv6" },
                { "Sources=::ffff:0:0/96", "is an IPv4 address in IPv6" },
                { "Sources=1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", "is none of" },
                { "Actions=off fence", "\"fence\" is none of: off reboot on status list" },
                { "Actions=monitor", "\"monitor\" is none of: off reboot on status list" },
                { "Actions=null", "\"null\" is none of: off reboot on status list" },
                { "Actions=Off", "\"Off\" is none of" },
                { "Actions=off,on", "\"off,on\" is none of" },
                { "Actions=off off", NULL },
                { "Actions=off\nActions=on", "given twice" },
                { "Member=web1", "unknown key Member=" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                ConfError error = {};
                char text[256];
                int r;

                (void) snprintf(text, sizeof(text), "[Group]\nMembers=a\n%s\n", table[i].line);
                r = parse(text, &error);
                cr_expect_eq(r, table[i].message ? -EBADMSG : 0, "%s: %s", table[i].line, error.message);
                if (!table[i].message)
                        continue;
                cr_expect(strstr(error.message, table[i].message), "%s: %s", table[i].line, error.message);
                cr_expect_eq(error.line, strstr(table[i].line, "=on") ? 4 : 3);
        }
}

Test(policy_file, a_word_too_long_for_a_message_is_shown_in_part) {
        ConfError error = {};
        char text[1024] = "[Group]\nMembers=a\nSources=";

        memset(text + strlen(text), 'x', 700);
        cr_expect_eq(parse(text, &error), -EBADMSG);
        cr_expect_eq(error.line, 3);
        cr_expect(strstr(error.message, "is none of key:NAME"), "%s", error.message);
}

Test(policy_file, without_actions_a_group_has_all_of_them) {
        static const struct {
                const char *line;
                unsigned actions;
        } table[] = {
                { "", 1U << ACTION_OFF | 1U << ACTION_REBOOT | 1U << ACTION_ON | 1U << ACTION_STATUS |
                                1U << ACTION_LIST },
                { "Actions=off", 1U << ACTION_OFF },
                { "Actions=list\ton \\\n status",
                        1U << ACTION_ON | 1U << ACTION_STATUS | 1U << ACTION_LIST },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY);
                ConfError error = {};
                char text[128];

                (void) snprintf(text, sizeof(text), "[Group]\nMembers=a\n%s\n", table[i].line);
                cr_assert_eq(policy_parse_group(p, "g", "g.conf", text, strlen(text), &error), 0);
                cr_expect_eq(p->groups[0].actions, table[i].actions);
        }
}

/* What is compared later has one form, whatever was written. */
Test(policy_file, texts_are_kept_in_one_form) {
        static const struct {
                const char *word, *text;
        } table[] = {
                { "4DEA22B3-1D52-D8F3-2516-782E98AB3FA0", "4dea22b3-1d52-d8f3-2516-782e98ab3fa0" },
                { "cid:0003", "cid:3" },
                { "10.0.0.1", "10.0.0.1/32" },
                { "10.0.0.0/08", "10.0.0.0/8" },
                { "2001:DB8:0:0::/64", "2001:db8::/64" },
                { "key:Web", "key:Web" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY);
                ConfError error = {};
                char text[128];

                (void) snprintf(text, sizeof(text), "[Group]\nMembers=a\nSources=%s\n", table[i].word);
                cr_assert_eq(policy_parse_group(p, "g", "g.conf", text, strlen(text), &error), 0);
                cr_expect_str_eq(p->sources.entries[0].text, table[i].text);
        }
}

Test(policy_file, takes_4096_groups_and_refuses_the_next) {
        static const char text[] = "[Group]\nMembers=a\n";
        _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY);
        ConfError error = {};

        for (unsigned i = 0; i < POLICY_GROUPS_MAX; i++)
                if (policy_parse_group(p, "g", "g.conf", text, strlen(text), &error) != 0)
                        cr_assert(false, "group %u", i);
        cr_expect_eq(policy_parse_group(p, "g", "g.conf", text, strlen(text), &error), -EBADMSG);
        cr_expect_str_eq(error.message, "there are more than 4096 groups");
        cr_expect_eq(policy_n_groups(p), POLICY_GROUPS_MAX);
}

Test(policy_file, takes_65536_members_and_sources_and_refuses_the_next) {
        _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY);
        _cleanup_free_ char *text = calloc(1, 4 * POLICY_ENTRIES_MAX + 64);
        ConfError error = {};
        size_t n;

        cr_assert_not_null(text);
        n = (size_t) sprintf(text, "[Group]\nSources=cid:3");
        for (unsigned i = 1; i < POLICY_ENTRIES_MAX; i++)
                n += (size_t) sprintf(text + n, "%s", i % 1000 == 1 ? "\nMembers=a" : " a");
        cr_expect_eq(policy_parse_group(p, "g", "g.conf", text, n, &error), 0, "%s", error.message);
        n = (size_t) sprintf(text, "[Group]\nMembers=a");
        cr_expect_eq(policy_parse_group(p, "h", "h.conf", text, n, &error), -EBADMSG);
        cr_expect(strstr(error.message, "more than 65536 members and sources"), "%s", error.message);
        cr_expect_eq(error.line, 2);
}

Test(policy_file, never_takes_what_members_take) {
        static const struct {
                const char *word, *text; /* NULL: refused */
        } table[] = {
                { "web1", "web1" },
                { "4DEA22B3-1D52-D8F3-2516-782E98AB3FA0", "4dea22b3-1d52-d8f3-2516-782e98ab3fa0" },
                { "metadata:pet", "metadata:pet" },
                { "metadata:", NULL },
                { "metadata:0123456789012345678901234567890123456789012345678901234567890123", NULL },
                { "web1,web2", NULL },
                { "metadata:a,b", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_DENY), *loaded = NULL;
                char word[128], text[160], *words[] = { word, NULL };
                const char *reason = NULL;
                ConfError error = {};
                int want = table[i].text ? 0 : -EINVAL;

                (void) snprintf(word, sizeof(word), "%s", table[i].word);
                (void) snprintf(text, sizeof(text), "[Group]\nMembers=%s\n", word);
                cr_expect_eq(policy_check_member_word(word, &reason), want, "%s", word);
                cr_expect_eq(policy_add_never(p, word, &reason), want, "%s", word);
                cr_expect_eq(parse(text, &error), want ? -EBADMSG : 0, "%s", word);
                cr_expect_eq(
                        policy_load(scratch_path("groups.d"), POLICY_DEFAULT_DENY, words, &loaded, &error),
                        want ? -EBADMSG : 0, "%s", word);
                if (table[i].text)
                        cr_expect_str_eq(p->never.entries[0].text, table[i].text);
                else
                        cr_expect_not_null(reason, "%s", word);
        }
}

Test(policy_file, free_takes_null) {
        cr_expect_null(policy_unref(NULL));
}
