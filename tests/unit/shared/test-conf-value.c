/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "conf.h"

Test(conf_value, a_boolean_is_one_of_eight_words_in_any_case) {
        static const struct {
                const char *text;
                int result;
                bool value;
        } table[] = {
                { "yes", 0, true },
                { "TRUE", 0, true },
                { "On", 0, true },
                { "1", 0, true },
                { "no", 0, false },
                { "False", 0, false },
                { "off", 0, false },
                { "0", 0, false },
                { "", -EINVAL, false },
                { "2", -EINVAL, false },
                { "y", -EINVAL, false },
                { "yess", -EINVAL, false },
                { "yes no", -EINVAL, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (unsigned before = 0; before < 2; before++) {
                        const char *reason = NULL;
                        bool b = before;

                        cr_assert_eq(conf_parse_bool(table[i].text, &b, &reason), table[i].result, "'%s'",
                                table[i].text);
                        cr_expect_eq(
                                b, table[i].result == 0 ? table[i].value : before, "'%s'", table[i].text);
                        cr_expect_eq(reason != NULL, table[i].result < 0, "'%s'", table[i].text);
                }
}

Test(conf_value, a_time_is_seconds_or_has_its_unit) {
        static const struct {
                const char *text;
                int result;
                uint64_t usec;
        } table[] = {
                { "0", 0, 0 },
                { "5", 0, 5000000 },
                { "5s", 0, 5000000 },
                { "5 s", 0, 5000000 },
                { "0.5", 0, 500000 },
                { "1.000001", 0, 1000001 },
                { "0.1", 0, 100000 },
                { "0.29s", 0, 290000 },
                { "007", 0, 7000000 },
                { "500ms", 0, 500000 },
                { "1.5ms", 0, 1500 },
                { "250us", 0, 250 },
                { "2min", 0, 120000000 },
                { "0.5min", 0, 30000000 },
                { "999999999.999999min", 0, UINT64_C(59999999999999940) },
                { "", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "+1", -EINVAL, 0 },
                { " 1", -EINVAL, 0 },
                { ".5", -EINVAL, 0 },
                { "5.", -EINVAL, 0 },
                { "1.0000001", -EINVAL, 0 },
                { "1,5", -EINVAL, 0 },
                { "1.5.5", -EINVAL, 0 },
                { "1e3", -EINVAL, 0 },
                { "0x10", -EINVAL, 0 },
                { "inf", -EINVAL, 0 },
                { "5 S", -EINVAL, 0 },
                { "5h", -EINVAL, 0 },
                { "5s 3ms", -EINVAL, 0 },
                { "9999999999", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *reason = NULL;
                uint64_t usec = 77;

                cr_assert_eq(conf_parse_sec(table[i].text, &usec, &reason), table[i].result, "'%s'",
                        table[i].text);
                cr_expect_eq(usec, table[i].result == 0 ? table[i].usec : 77, "'%s' is %lu", table[i].text,
                        (unsigned long) usec);
                cr_expect(table[i].result == 0 || reason, "'%s'", table[i].text);
        }
}

Test(conf_value, a_number_has_one_to_nine_digits_and_nothing_else) {
        static const struct {
                const char *text;
                int result;
                unsigned value;
        } table[] = {
                { "0", 0, 0 },
                { "16", 0, 16 },
                { "010", 0, 10 },
                { "999999999", 0, 999999999 },
                { "", -EINVAL, 0 },
                { "1000000000", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "+1", -EINVAL, 0 },
                { "1 ", -EINVAL, 0 },
                { "0x1", -EINVAL, 0 },
                { "1.0", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *reason = NULL;
                unsigned n = 77;

                cr_assert_eq(conf_parse_unsigned(table[i].text, &n, &reason), table[i].result, "'%s'",
                        table[i].text);
                cr_expect_eq(n, table[i].result == 0 ? table[i].value : 77, "'%s'", table[i].text);
                cr_expect_eq(reason != NULL, table[i].result < 0, "'%s'", table[i].text);
        }
}

Test(conf_value, a_string_replaces_the_one_before) {
        _cleanup_free_ char *s = NULL;
        const char *reason = NULL;

        cr_assert_eq(conf_parse_string("first", &s, &reason), 0);
        cr_expect_str_eq(s, "first");
        cr_assert_eq(conf_parse_string("the second one", &s, &reason), 0);
        cr_expect_str_eq(s, "the second one");
        cr_assert_eq(conf_parse_string("", &s, &reason), 0);
        cr_expect_str_eq(s, "");
}

Test(conf_value, words_are_appended_and_an_empty_value_resets_them) {
        static const struct {
                const char *value;
                const char *expected[6];
        } table[] = {
                { "a", { "a" } },
                { "b c", { "a", "b", "c" } },
                { "d \t  e", { "a", "b", "c", "d", "e" } },
                { "", {} },
                { "", {} },
                { "x", { "x" } },
        };
        _cleanup_(strv_freep) char **words = NULL;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *reason = NULL;
                size_t n = 0;

                cr_assert_eq(conf_parse_words(table[i].value, &words, &reason), 0);
                for (; table[i].expected[n]; n++)
                        cr_expect_str_eq(words[n], table[i].expected[n], "row %zu", i);
                cr_expect(n == 0 ? !words : !words[n], "row %zu", i);
        }
        cr_expect_null(strv_free(NULL));
}
