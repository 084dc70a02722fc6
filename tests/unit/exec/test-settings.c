/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "scratch.h"
#include "settings.h"

static void set_up(void) {
        scratch_set_up();
        scratch_mkdir("d");
}

TestSuite(settings, .init = set_up, .fini = scratch_tear_down);

static int load(Settings **ret, ConfError *ret_error) {
        return settings_load(scratch_path("fence-virt.conf"), scratch_path("d"), ret, ret_error);
}

/* The settings of one file; fails the test when it is refused. */
static Settings *load_text(const char *text) {
        Settings *s = NULL;
        ConfError error = {};

        scratch_write_text("fence-virt.conf", text);
        cr_assert_eq(load(&s, &error), 0, "%s: %s", text, error.message);
        return s;
}

static void expect_defaults(const Settings *s) {
        cr_expect_str_eq(s->uris[0], "qemu:///system");
        cr_expect_null(s->uris[1]);
        cr_expect_eq(s->policy_default, POLICY_DEFAULT_DENY);
        cr_expect_eq(s->minimum_hash, HASH_SHA256);
        cr_expect_eq(s->multicast_challenge, HASH_SHA256);
        cr_expect(s->multicast_local_only);
        cr_expect(!s->tcp_local_only);
        cr_expect(!s->status_unknown_is_off);
        cr_expect_eq(s->operation_timeout_usec, 28 * USEC_PER_SEC);
        cr_expect_eq(s->connect_timeout_usec, 900 * USEC_PER_MSEC);
        cr_expect_eq(s->workers_max, 16);
        cr_expect_eq(s->limits.requester[LIMIT_QUESTION].per_second, 50);
        cr_expect_eq(s->limits.requester[LIMIT_QUESTION].burst, 200);
        cr_expect_eq(s->limits.requester[LIMIT_ACTION].per_second, 20);
        cr_expect_eq(s->limits.requester[LIMIT_ACTION].burst, 100);
        cr_expect_eq(s->limits.listener.per_second, 5000);
        cr_expect_eq(s->limits.listener.burst, 10000);
        cr_expect_eq(s->limits.in_flight, 64);
        cr_expect_eq(s->brake.requester, 120);
        cr_expect_eq(s->brake.key, 300);
        cr_expect_eq(s->brake.host, 600);
}

Test(settings, without_a_file_everything_is_the_default) {
        _cleanup_(settings_freep) Settings *s = NULL, *none = NULL, *empty = NULL;
        ConfError error;

        cr_assert_eq(load(&s, &error), 0);
        expect_defaults(s);
        cr_assert_eq(settings_load(scratch_path("no"), scratch_path("nothing"), &none, &error), 0);
        expect_defaults(none);
        empty = load_text("");
        expect_defaults(empty);
}

Test(settings, every_key_is_read) {
        _cleanup_(settings_freep) Settings *s = load_text(
                "[Libvirt]\nURI=qemu:///system\nURI=lxc:///\n[Policy]\nDefault=allow\n"
                "[Authentication]\nMinimumHash=sha512\nMulticastChallenge=sha1\n"
                "[Multicast]\nLocalGuestsOnly=no\n[Tcp]\nLocalGuestsOnly=yes\n[Compatibility]\nUnknownIsOff=yes\n"
                "[Executor]\nOperationTimeoutSec=2min\nConnectTimeoutSec=0.25\nWorkersMax=64\n");

        cr_expect_str_eq(s->uris[0], "qemu:///system");
        cr_expect_str_eq(s->uris[1], "lxc:///");
        cr_expect_null(s->uris[2]);
        cr_expect_eq(s->policy_default, POLICY_DEFAULT_ALLOW);
        cr_expect_eq(s->minimum_hash, HASH_SHA512);
        cr_expect_eq(s->multicast_challenge, HASH_SHA1);
        cr_expect(!s->multicast_local_only);
        cr_expect(s->tcp_local_only);
        cr_expect(s->status_unknown_is_off);
        cr_expect_eq(s->operation_timeout_usec, 120 * USEC_PER_SEC);
        cr_expect_eq(s->connect_timeout_usec, 250 * USEC_PER_MSEC);
        cr_expect_eq(s->workers_max, 64);
}

Test(settings, the_minimum_hash_can_be_fx2) {
        _cleanup_(settings_freep) Settings *s = load_text("[Authentication]\nMinimumHash=fx2\n");

        cr_expect_eq(s->minimum_hash, HASH_FX2);
        cr_expect_eq(s->multicast_challenge, HASH_SHA256);
}

Test(settings, every_limit_is_read) {
        static const struct {
                const char *key;
                size_t offset;
                unsigned minimum, maximum;
        } table[] = {
                { "QuestionsPerSec", offsetof(Settings, limits.requester[LIMIT_QUESTION].per_second), 0,
                        1000000 },
                { "QuestionsBurst", offsetof(Settings, limits.requester[LIMIT_QUESTION].burst), 1, 1000000 },
                { "ActionsPerSec", offsetof(Settings, limits.requester[LIMIT_ACTION].per_second), 0,
                        1000000 },
                { "ActionsBurst", offsetof(Settings, limits.requester[LIMIT_ACTION].burst), 1, 1000000 },
                { "ListenerPerSec", offsetof(Settings, limits.listener.per_second), 0, 1000000 },
                { "ListenerBurst", offsetof(Settings, limits.listener.burst), 1, 1000000 },
                { "InFlight", offsetof(Settings, limits.in_flight), 0, 4096 },
                { "FencesPerMinuteRequester", offsetof(Settings, brake.requester), 0, 10000 },
                { "FencesPerMinuteKey", offsetof(Settings, brake.key), 0, 10000 },
                { "FencesPerMinuteHost", offsetof(Settings, brake.host), 0, 10000 },
        };
        char text[128];

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                unsigned values[] = { table[i].minimum, 7, table[i].maximum };

                for (size_t k = 0; k < ELEMENTSOF(values); k++) {
                        _cleanup_(settings_freep) Settings *s = NULL;

                        (void) snprintf(text, sizeof(text), "[Limits]\n%s=%u\n", table[i].key, values[k]);
                        s = load_text(text);
                        cr_expect_eq(*(unsigned *) ((char *) s + table[i].offset), values[k], "%s", text);
                }
                Settings *none = NULL;
                ConfError error;

                (void) snprintf(text, sizeof(text), "[Limits]\n%s=%u\n", table[i].key, table[i].maximum + 1);
                scratch_write_text("fence-virt.conf", text);
                cr_expect_eq(load(&none, &error), -EBADMSG, "%s", text);
                (void) snprintf(
                        text, sizeof(text), "[Limits]\n%s=%d\n", table[i].key, (int) table[i].minimum - 1);
                scratch_write_text("fence-virt.conf", text);
                cr_expect_eq(load(&none, &error), -EBADMSG, "%s", text);
        }
}

Test(settings, what_is_at_the_limit_is_allowed) {
        static const struct {
                const char *text;
                uint64_t operation, connect;
                unsigned workers;
        } table[] = {
                { "OperationTimeoutSec=1\nConnectTimeoutSec=100ms\nWorkersMax=2", USEC_PER_SEC,
                        100 * USEC_PER_MSEC, 2 },
                { "OperationTimeoutSec=10min\nConnectTimeoutSec=1min\nWorkersMax=64", 600 * USEC_PER_SEC,
                        60 * USEC_PER_SEC, 64 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                char text[256];

                (void) snprintf(text, sizeof(text), "[Executor]\n%s\n", table[i].text);
                s = load_text(text);
                cr_expect_eq(s->operation_timeout_usec, table[i].operation);
                cr_expect_eq(s->connect_timeout_usec, table[i].connect);
                cr_expect_eq(s->workers_max, table[i].workers);
        }
}

Test(settings, what_is_out_of_range_is_refused_with_what_would_do) {
        static const struct {
                const char *text;
                const char *message;
        } table[] = {
                { "[Policy]\nDefault=", "say deny or allow" },
                { "[Policy]\nDefault=Allow", "say deny or allow" },
                { "[Policy]\nDefault=yes", "say deny or allow" },
                { "[Authentication]\nMinimumHash=none", "say sha1, sha256, sha512 or fx2" },
                { "[Authentication]\nMinimumHash=", "say sha1, sha256, sha512 or fx2" },
                { "[Authentication]\nMinimumHash=FX2", "say sha1, sha256, sha512 or fx2" },
                { "[Authentication]\nMulticastChallenge=fx2", "say sha1, sha256 or sha512" },
                { "[Authentication]\nMulticastChallenge=none", "say sha1, sha256 or sha512" },
                { "[Authentication]\nMulticastChallenge=md5", "say sha1, sha256 or sha512" },
                { "[Compatibility]\nUnknownIsOff=maybe", "say yes or no" },
                { "[Executor]\nOperationTimeoutSec=0.999999", "say 1s to 10min" },
                { "[Executor]\nOperationTimeoutSec=600.000001", "say 1s to 10min" },
                { "[Executor]\nOperationTimeoutSec=soon", "say a number of seconds" },
                { "[Executor]\nConnectTimeoutSec=99ms", "say 100ms to 1min" },
                { "[Executor]\nConnectTimeoutSec=61", "say 100ms to 1min" },
                { "[Executor]\nConnectTimeoutSec=0", "say 100ms to 1min" },
                { "[Executor]\nWorkersMax=1", "say a number from 2 to 64" },
                { "[Executor]\nWorkersMax=65", "say a number from 2 to 64" },
                { "[Executor]\nWorkersMax=many", "say a number from 2 to 64" },
                { "[Libvirt]\nURI=qemu:///system lxc:///", "a URI has no blanks" },
                { "[Libvirt]\nUri=qemu:///system", "unknown key" },
                { "[Executor]\nWorkersMax=3\nWorkersMax=4", "given twice" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Settings *s = NULL;
                ConfError error = {};

                scratch_write_text("fence-virt.conf", table[i].text);
                cr_expect_eq(load(&s, &error), -EBADMSG, "%s", table[i].text);
                cr_expect_null(s);
                cr_expect(strstr(error.message, table[i].message), "%s: %s", table[i].text, error.message);
                cr_expect_str_eq(error.path, scratch_path("fence-virt.conf"));
                cr_expect_eq(error.line, strstr(table[i].text, "=4") ? 3 : 2);
        }
}

Test(settings, drop_ins_are_read_in_order_and_later_values_win) {
        _cleanup_(settings_freep) Settings *s = NULL;

        scratch_write_text("d/20-b.conf", "[Executor]\nWorkersMax=20\n");
        scratch_write_text("d/10-a.conf",
                "[Executor]\nWorkersMax=10\nConnectTimeoutSec=2\n[Authentication]\nMinimumHash=sha512\n");
        scratch_write_text("d/30-c.conf~", "no configuration");
        s = load_text("[Executor]\nWorkersMax=5\nOperationTimeoutSec=5\n[Policy]\nDefault=allow\n");
        cr_expect_eq(s->workers_max, 20);
        cr_expect_eq(s->connect_timeout_usec, 2 * USEC_PER_SEC);
        cr_expect_eq(s->operation_timeout_usec, 5 * USEC_PER_SEC);
        cr_expect_eq(s->minimum_hash, HASH_SHA512);
        cr_expect_eq(s->policy_default, POLICY_DEFAULT_ALLOW);
}

Test(settings, a_bad_drop_in_is_refused_and_named) {
        Settings *s = NULL;
        ConfError error = {};

        scratch_write_text("fence-virt.conf", "[Executor]\nWorkersMax=5\n");
        scratch_write_text("d/a.conf", "[Executor]\n\nWorkersMax=0\n");
        cr_expect_eq(load(&s, &error), -EBADMSG);
        cr_expect_str_eq(error.path, scratch_path("d/a.conf"));
        cr_expect_eq(error.line, 3);
        scratch_remove(scratch_path("d/a.conf"));
        scratch_mkdir("d/a.conf");
        cr_expect_eq(load(&s, &error), -EBADMSG);
        cr_expect_str_eq(error.path, scratch_path("d/a.conf"));
        scratch_remove(scratch_path("d"));
        scratch_write_text("d", "");
        cr_expect_eq(load(&s, &error), -EBADMSG);
        cr_expect_str_eq(error.message, "the directory cannot be read: Not a directory");
        cr_expect_null(s);
}

Test(settings, uris_add_up_over_files_until_an_empty_one_resets_them) {
        static const struct {
                const char *file, *dropin;
                const char *uris[4];
        } table[] = {
                { "URI=a:///\nURI=b:///", "URI=c:///", { "a:///", "b:///", "c:///" } },
                { "URI=a:///\nURI=b:///", "URI=\nURI=c:///", { "c:///" } },
                { "URI=a:///\nURI=\nURI=b:///", "", { "b:///" } },
                { "URI=a:///", "URI=", { "qemu:///system" } },
                { "URI=a:///\nURI=b:///\nURI=a:///", "URI=b:///", { "a:///", "b:///" } },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                char file[256], dropin[256];
                size_t n = 0;

                (void) snprintf(dropin, sizeof(dropin), "[Libvirt]\n%s\n", table[i].dropin);
                (void) snprintf(file, sizeof(file), "[Libvirt]\n%s\n", table[i].file);
                scratch_write_text("d/a.conf", dropin);
                s = load_text(file);
                for (; table[i].uris[n]; n++) {
                        cr_assert_not_null(s->uris[n], "row %zu", i);
                        cr_expect_str_eq(s->uris[n], table[i].uris[n], "row %zu", i);
                }
                cr_expect_null(s->uris[n], "row %zu", i);
        }
}

Test(settings, never_adds_up_and_is_checked_word_by_word) {
        _cleanup_(settings_freep) Settings *s = load_text("[Policy]\nNever=a  metadata:x\nNever=b\n"),
                                           *none = load_text(""), *refused = NULL;
        static const char *const want[] = { "a", "metadata:x", "b" };
        ConfError error = {};

        for (size_t i = 0; i < ELEMENTSOF(want); i++)
                cr_expect_str_eq(s->never[i], want[i]);
        cr_expect_null(s->never[3]);
        cr_expect_null(none->never);
        scratch_write_text("fence-virt.conf", "[Policy]\nNever=a\nNever=b a,b\n");
        cr_expect_eq(load(&refused, &error), -EBADMSG);
        cr_expect_eq(error.line, 3);
        cr_expect(strstr(error.message, "separate members by blanks"), "%s", error.message);
}

Test(settings, takes_16_uris_and_refuses_the_next) {
        _cleanup_(settings_freep) Settings *s = NULL;
        Settings *too_many = NULL;
        ConfError error = {};
        char text[2048] = "[Libvirt]\n";

        for (unsigned i = 0; i < 16; i++) {
                size_t n = strlen(text);

                (void) snprintf(text + n, sizeof(text) - n, "URI=qemu+ssh://host%u/system\n", i);
        }
        s = load_text(text);
        cr_expect_str_eq(s->uris[15], "qemu+ssh://host15/system");
        strcat(text, "URI=one:///more\n");
        scratch_write_text("fence-virt.conf", text);
        cr_expect_eq(load(&too_many, &error), -EBADMSG);
        cr_expect_eq(error.line, 18);
        cr_expect(strstr(error.message, "there are 16 URIs already"), "%s", error.message);
}

Test(settings, free_takes_null) {
        cr_expect_null(settings_free(NULL));
}
