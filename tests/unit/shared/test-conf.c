/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"

typedef struct Example {
        char **words;
        char *text;
        bool flag;
        unsigned number;
} Example;

static const ConfItem items[] = {
        { "Group", "Members", conf_parse_words, offsetof(Example, words), CONF_REPEATABLE },
        { "Group", "Text", conf_parse_string, offsetof(Example, text) },
        { "Group", "Flag", conf_parse_bool, offsetof(Example, flag) },
        { "Other", "Number", conf_parse_unsigned, offsetof(Example, number) },
};

static void example_done(Example *e) {
        e->words = strv_free(e->words);
        free(e->text);
}

static int parse(const char *text, size_t size, Example *e, ConfError *error) {
        /* a copy of exactly this size: a sanitizer sees a read behind it */
        _cleanup_free_ char *copy = malloc(size ? size : 1);

        cr_assert_not_null(copy);
        memcpy(copy, text, size);
        return conf_parse("/etc/x.conf", copy, size, items, ELEMENTSOF(items), e, error);
}

static void expect_words(const Example *e, const char *expected, const char *what) {
        char joined[256] = "";

        for (char **w = e->words; w && *w; w++) {
                strcat(joined, *w);
                strcat(joined, w[1] ? "|" : "");
        }
        cr_expect_str_eq(joined, expected, "%s", what);
}

Test(conf, reads_what_unit_files_look_like) {
        static const struct {
                const char *text, *words, *string;
        } table[] = {
                { "", "", NULL },
                { "\n\n", "", NULL },
                { "[Group]", "", NULL },
                { "[Group]\nMembers=a b\n", "a|b", NULL },
                { "[Group]\nMembers=a b", "a|b", NULL },
                { "  [Group]  \n\t Members \t=  a b \t\n", "a|b", NULL },
                { "[Group]\r\nMembers=a\r\nText=b\r\n", "a", "b" },
                { "# x\n;y\n  # z\n[Group]\n#Members=a\n;Text=b\nMembers=c\n", "c", NULL },
                { "[Group]\nText=a # b ; c\n", "", "a # b ; c" },
                { "[Group]\nText=a=b=\n", "", "a=b=" },
                { "[Group]\nText=[a]\n", "", "[a]" },
                { "[Group]\nText=\n", "", "" },
                { "[Group]\nText=\"a b\"\n", "", "\"a b\"" },
                { "[Group]\nText=caf\xc3\xa9\n", "", "caf\xc3\xa9" },
                { "[Group]\nMembers=a\nMembers=b\nMembers=\nMembers=c\n", "c", NULL },
                { "[Group]\nMembers=a\n[Other]\nNumber=3\n[Group]\nMembers=b\nText=x\n", "a|b", "x" },
                { "[Group]\nMembers=a \\\n b\\\n\tc\n", "a|b|c", NULL },
                { "[Group]\nMembers=a\\\r\nb\r\n", "a|b", NULL },
                { "[Group]\nMembers=a\r", "a", NULL },
                { "[Group]\nMembers=a \\\n# no\\\n  ; nor this\n b\nText=x\n", "a|b", "x" },
                { "[Group]\n# a comment is no longer than its line \\\nMembers=a\n", "a", NULL },
                { "[Group]\nMembers=a \\", "a", NULL },
                { "[Group]\nMembers=a \\\n\nText=x\n", "a", "x" },
                { "[Group]\nMembers=a\\b\n", "a\\b", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(example_done) Example e = {};
                ConfError error = { .line = 77 };

                cr_assert_eq(parse(table[i].text, strlen(table[i].text), &e, &error), 0, "%s: %u: %s",
                        table[i].text, error.line, error.message);
                expect_words(&e, table[i].words, table[i].text);
                cr_assert_eq(e.text != NULL, table[i].string != NULL, "%s", table[i].text);
                if (e.text)
                        cr_expect_str_eq(e.text, table[i].string, "%s", table[i].text);
                cr_expect_eq(error.line, 77, "the error was written without one");
        }
}

static const struct {
        const char *text;
        unsigned line;
        const char *message;
} refused[] = {
        { "[Groups]\n", 1, "unknown section [Groups]; allowed here: [Group] [Other]" },
        { "[group]\n", 1, "unknown section [group]" },
        { "[Group ]\n", 1, "unknown section [Group ]" },
        { "[]\n", 1, "a section is a name in brackets" },
        { "[Group\n", 1, "a section is a name in brackets" },
        { "[Group] # no comment here\n", 1, "a section is a name in brackets" },
        { "[Group]\n\nAlow=all\n", 3,
                "unknown key Alow= in section [Group]; allowed here: Members= Text= Flag=" },
        { "[Group]\nmembers=a\n", 2, "unknown key members=" },
        { "[Group]\nNumber=1\n", 2, "unknown key Number= in section [Group]" },
        { "[Group]\n=a\n", 2, "unknown key = in section [Group]" },
        { "[Group]\nMembers\n", 2, "neither a [Section], nor Key=value, nor a comment" },
        { "[Group]\n!Members=a\n", 2, "unknown key !Members=" },
        { "Members=a\n", 1, "Members= stands before the first section; begin with one of: [Group] [Other]" },
        { "[Group]\nText=a\nText=b\n", 3, "Text= is given twice" },
        { "[Group]\nText=a\n[Other]\n[Group]\nText=a\n", 5, "Text= is given twice" },
        { "[Group]\nFlag=maybe\n", 2, "Flag=maybe: say yes or no" },
        { "[Group]\nMembers=a \\\n b \\\n c\nFlag=\n", 5, "Flag=: say yes or no" },
        { "[Group]\nMembers=a\\\nb\nText=a\n[Nothing]\n", 5, "unknown section [Nothing]" },
        { "[Group]\nMembers=a \\\n[Other]\nNumber=1\n", 4, "unknown key Number= in section [Group]" },
        { "[Group]\nText=a\xff\n", 2, "not text in UTF-8" },
        { "[Group]\n# \xc0\xaf\n", 2, "not text in UTF-8" },
        { "[Group]\nText=\x1b[2J\n", 2, "not text in UTF-8, or has control characters" },
        { "[Group]\nText=a\vb\n", 2, "control characters" },
        { "[Group]\nText=a\rFlag=yes\n", 2, "control characters" },
        { "[Group]\nText=a\r\r\n", 2, "control characters" },
        { "[Group]\nText=a\x7f\n", 2, "control characters" },
        { "[Group]\nText=a\xc2\x9b\n", 2, "control characters" },
        { "\xef\xbb\xbf[Group]\n", 1, "neither a [Section]" },
        { "[Group]\nText=a\n\n# x\xe9", 4, "not text in UTF-8" },
};

Test(conf, refuses_the_whole_file_with_the_line_and_what_would_be_right) {
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                _cleanup_(example_done) Example e = {};
                ConfError error = {};

                cr_assert_eq(parse(refused[i].text, strlen(refused[i].text), &e, &error), -EBADMSG, "%s",
                        refused[i].text);
                cr_expect_str_eq(error.path, "/etc/x.conf");
                cr_expect_eq(error.line, refused[i].line, "%s: line %u", refused[i].text, error.line);
                cr_expect(
                        strstr(error.message, refused[i].message), "%s: %s", refused[i].text, error.message);
        }
}

Test(conf, refuses_a_nul_anywhere) {
        static const char text[] = "# c\n[Group]\nText=a\n";

        for (size_t i = 0; i < strlen(text); i++) {
                _cleanup_(example_done) Example e = {};
                char copy[sizeof(text)];
                ConfError error;

                memcpy(copy, text, sizeof(text));
                copy[i] = '\0';
                cr_expect_eq(parse(copy, strlen(text), &e, &error), -EBADMSG, "at %zu", i);
        }
}

/* libeconf 0.5 reads what follows 8190 bytes as another line. */
Test(conf, a_long_line_is_one_line_or_an_error) {
        static const size_t sizes[] = { 200, 8190, 8191, 8192, CONF_LINE_MAX - 1, CONF_LINE_MAX };
        static char text[2 * CONF_LINE_MAX];

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_(example_done) Example e = {};
                ConfError error;
                size_t n = (size_t) sprintf(text, "[Group]\nText=");

                memset(text + n, 'x', sizes[i] - strlen("Text="));
                strcpy(text + n + sizes[i] - strlen("Text="), "\nFlag=yes\n");
                cr_assert_eq(parse(text, strlen(text), &e, &error), 0, "%zu: %s", sizes[i], error.message);
                cr_expect_eq(strlen(e.text), sizes[i] - strlen("Text="));
                cr_expect(e.flag);
        }
}

Test(conf, a_line_over_the_maximum_is_refused_also_when_it_was_joined) {
        static char text[2 * CONF_LINE_MAX];

        for (unsigned joined = 0; joined < 2; joined++) {
                _cleanup_(example_done) Example e = {};
                ConfError error;
                size_t n = (size_t) sprintf(text, "[Group]\nText=");

                memset(text + n, 'x', CONF_LINE_MAX + 1 - strlen("Text="));
                text[n + CONF_LINE_MAX + 1 - strlen("Text=")] = '\0';
                if (joined)
                        memcpy(text + n + 100, "\\\n", 2);
                strcat(text, joined ? "xx\nFlag=yes\n" : "\nFlag=yes\n");
                cr_expect_eq(parse(text, strlen(text), &e, &error), -EBADMSG, "joined: %u", joined);
                cr_expect(strstr(error.message, "longer than 65536 bytes"), "%s", error.message);
                cr_expect_eq(error.line, 2);
                cr_expect(!e.flag);
        }
}

Test(conf, a_comment_may_be_longer_than_any_line) {
        _cleanup_(example_done) Example e = {};
        static char text[2 * CONF_LINE_MAX + 64];
        ConfError error;

        memset(text, '#', 2 * CONF_LINE_MAX);
        strcpy(text + 2 * CONF_LINE_MAX, "\n[Group]\nFlag=yes\n");
        cr_assert_eq(parse(text, strlen(text), &e, &error), 0, "%s", error.message);
        cr_expect(e.flag);
}

Test(conf, a_file_over_the_maximum_is_refused) {
        static char text[CONF_FILE_MAX + 1];
        Example e = {};
        ConfError error;

        memset(text, '\n', sizeof(text));
        cr_expect_eq(parse(text, CONF_FILE_MAX, &e, &error), 0);
        cr_expect_eq(parse(text, CONF_FILE_MAX + 1, &e, &error), -EBADMSG);
        cr_expect_eq(error.line, 0);
}

/* What is quoted from the file can be long, and is cut: also in the middle of a character. */
Test(conf, messages_are_printable_and_say_what_is_allowed_whatever_is_quoted) {
        for (size_t shift = 0; shift < 4; shift++) {
                char text[512] = "[Group]\n";
                Example e = {};
                ConfError error;

                memset(text + strlen(text), 'x', shift);
                for (unsigned i = 0; i < 50; i++)
                        strcat(text, "\xf0\x9f\x90\x9f");
                strcat(text, "=1\n");
                cr_expect_eq(parse(text, strlen(text), &e, &error), -EBADMSG);
                cr_expect_eq(strchr(error.message, '?') != NULL, shift != 0, "%s", error.message);
                cr_expect(strstr(error.message, "Members= Text= Flag="), "%s", error.message);
        }
}

static int parse_nothing(const char *value, void *target, const char **reason) {
        return strcmp(value, "memory") == 0 ? -ENOMEM : -ERANGE;
}

Test(conf, a_refusal_without_a_reason_is_still_a_sentence_and_no_memory_is_no_refusal) {
        static const ConfItem row[] = { { "A", "B", parse_nothing } };
        ConfError error = {};
        char target;

        cr_expect_eq(conf_parse("x", "[A]\nB=1\n", 8, row, 1, &target, &error), -EBADMSG);
        cr_expect_str_eq(error.message, "B=1: this value is not allowed");
        cr_expect_eq(conf_parse("x", "[A]\nB=memory\n", 13, row, 1, &target, &error), -ENOMEM);
}
