/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "hook-conf.h"

static char path[] = "/tmp/test-hook-conf-XXXXXX";

static void set_up(void) {
        int fd = mkstemp(path);

        cr_assert_geq(fd, 0);
        fd = safe_close(fd);
}

static void tear_down(void) {
        cr_expect_eq(unlink(path), 0);
}

TestSuite(hook_conf, .init = set_up, .fini = tear_down);

static int load(const char *text, HookConf *ret, ConfError *ret_error) {
        FILE *f = fopen(path, "we");

        cr_assert_not_null(f);
        cr_assert_geq(fputs(text, f), 0);
        cr_assert_eq(fclose(f), 0);
        return hook_conf_load(path, ret, ret_error);
}

Test(hook_conf, without_a_file_no_directory_is_claimed) {
        HookConf c = {};
        ConfError error;

        cr_assert_eq(hook_conf_load("/nonexistent/channels.conf", &c, &error), 0);
        cr_expect_null(c.bind_directories);
        cr_assert_eq(load("# nothing\n[Channels]\n", &c, &error), 0);
        cr_expect_null(c.bind_directories);
}

Test(hook_conf, directories_add_up_in_normal_form_until_an_empty_one_resets_them) {
        static const struct {
                const char *text;
                const char *want[4];
        } table[] = {
                { "BindDirectory=/run/a\nBindDirectory=/run/b c/", { "/run/a", "/run/b c" } },
                { "BindDirectory=/var/run/a\nBindDirectory=/run/a\nBindDirectory=//run/./a", { "/run/a" } },
                { "BindDirectory=/run/a\nBindDirectory=\nBindDirectory=/run/b", { "/run/b" } },
                { "BindDirectory=/run/a\nBindDirectory=", {} },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(hook_conf_done) HookConf c = {};
                ConfError error = {};
                char text[256];
                size_t n = 0;

                (void) snprintf(text, sizeof(text), "[Channels]\n%s\n", table[i].text);
                cr_assert_eq(load(text, &c, &error), 0, "%s", error.message);
                for (; table[i].want[n]; n++) {
                        cr_assert_not_null(c.bind_directories[n], "row %zu", i);
                        cr_expect_str_eq(c.bind_directories[n], table[i].want[n]);
                }
                cr_expect(!c.bind_directories || !c.bind_directories[n], "row %zu", i);
        }
}

Test(hook_conf, what_is_not_understood_is_refused_with_its_line) {
        static const char *const table[] = { "BindDirectory=run/a", "BindDirectory=/",
                "BindDirectory=/run/../a", "BindDirectories=/run/a", "[Channel]", "nonsense" };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                HookConf c = {};
                ConfError error = {};
                char text[256];

                (void) snprintf(text, sizeof(text), "[Channels]\nBindDirectory=/run/a\n%s\n", table[i]);
                cr_expect_eq(load(text, &c, &error), -EBADMSG, "%s", table[i]);
                cr_expect_eq(error.line, 3, "%s", table[i]);
                cr_expect_null(c.bind_directories);
        }
}

Test(hook_conf, takes_64_directories_and_refuses_the_next) {
        _cleanup_(hook_conf_done) HookConf c = {};
        HookConf none = {};
        ConfError error = {};
        char text[4096] = "[Channels]\n";

        for (unsigned i = 0; i < 64; i++)
                (void) snprintf(
                        text + strlen(text), sizeof(text) - strlen(text), "BindDirectory=/run/%u\n", i);
        cr_assert_eq(load(text, &c, &error), 0, "%s", error.message);
        cr_expect_str_eq(c.bind_directories[63], "/run/63");
        strcat(text, "BindDirectory=/run/64\n");
        cr_expect_eq(load(text, &none, &error), -EBADMSG);
        cr_expect_eq(error.line, 66);
        cr_expect_null(none.bind_directories);
}
