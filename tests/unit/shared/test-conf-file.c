/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "conf.h"

static char directory[] = "/tmp/test-conf-file-XXXXXX";

static const char *in_directory(const char *name) {
        static char path[256];

        (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
        return path;
}

static void write_file(const char *name, const char *text) {
        int fd = open(in_directory(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        cr_assert_geq(fd, 0);
        cr_assert_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
        fd = safe_close(fd);
}

static void set_up(void) {
        cr_assert(mkdtemp(directory));
}

/* Everything that a test makes here has one of these names. */
static void tear_down(void) {
        static const char *const names[] = { "10-a.conf", "9-b.conf", "B.conf", "a.conf", "z.conf", ".conf",
                ".hidden.conf", "a.conf~", "aconf", "a.config", "a.conf.bak", "fifo", "link" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                (void) unlink(in_directory(names[i]));
        (void) rmdir(in_directory("directory.conf"));
        cr_expect_eq(rmdir(directory), 0, "the test left something behind");
}

TestSuite(conf_file, .init = set_up, .fini = tear_down);

typedef struct Example {
        unsigned number;
} Example;

static const ConfItem items[] = {
        { "Other", "Number", conf_parse_unsigned, offsetof(Example, number) },
};

static int parse(const char *name, Example *e, ConfError *error) {
        return conf_parse_file(in_directory(name), items, ELEMENTSOF(items), e, error);
}

Test(conf_file, reads_a_file_and_names_it_in_errors) {
        ConfError error = {};
        Example e = {};

        write_file("a.conf", "[Other]\nNumber=3\n");
        cr_expect_eq(parse("a.conf", &e, &error), 0);
        cr_expect_eq(e.number, 3);
        write_file("a.conf", "[Other]\nNumber=x\n");
        cr_expect_eq(parse("a.conf", &e, &error), -EBADMSG);
        cr_expect_str_eq(error.path, in_directory("a.conf"));
        cr_expect_eq(error.line, 2);
        write_file("a.conf", "");
        cr_expect_eq(parse("a.conf", &e, &error), 0);
}

Test(conf_file, a_file_that_does_not_exist_is_no_refusal) {
        ConfError error = { .line = 77 };
        Example e = {};

        cr_expect_eq(parse("a.conf", &e, &error), -ENOENT);
        cr_expect_eq(parse("nothing/a.conf", &e, &error), -ENOENT);
        cr_expect_eq(error.line, 77);
}

/* A FIFO would make open() wait for a writer. */
Test(conf_file, what_is_no_regular_file_is_refused_at_once, .timeout = 10) {
        ConfError error = {};
        Example e = {};

        cr_assert_eq(mkfifo(in_directory("fifo"), 0600), 0);
        cr_expect_eq(parse("fifo", &e, &error), -EBADMSG);
        cr_expect_str_eq(error.message, "is not a regular file");
        cr_assert_eq(mkdir(in_directory("directory.conf"), 0700), 0);
        cr_expect_eq(parse("directory.conf", &e, &error), -EBADMSG);
        cr_expect_str_eq(error.message, "is not a regular file");
        cr_assert_eq(symlink("nowhere", in_directory("link")), 0);
        cr_expect_eq(parse("link", &e, &error), -EBADMSG);
        cr_expect_str_eq(error.message, "cannot be opened: No such file or directory");
        cr_expect_eq(error.line, 0);
}

Test(conf_file, a_link_to_a_file_is_that_file) {
        ConfError error = {};
        Example e = {};

        write_file("a.conf", "[Other]\nNumber=3\n");
        cr_assert_eq(symlink("a.conf", in_directory("link")), 0);
        cr_expect_eq(parse("link", &e, &error), 0);
        cr_expect_eq(e.number, 3);
}

Test(conf_file, a_file_over_the_maximum_is_not_read) {
        ConfError error = {};
        Example e = {};

        write_file("a.conf", "");
        cr_assert_eq(truncate(in_directory("a.conf"), (off_t) 1 << 40), 0);
        cr_expect_eq(parse("a.conf", &e, &error), -EBADMSG);
        cr_expect(strstr(error.message, "larger than 4194304 bytes"), "%s", error.message);
}

typedef struct Seen {
        char text[512];
        const char *stop_at;
} Seen;

static int see(const char *path, const char *stem, void *userdata) {
        Seen *s = userdata;
        char name[64];

        (void) snprintf(name, sizeof(name), "%s.conf", stem);
        cr_expect_str_eq(path, in_directory(name));
        strcat(s->text, stem);
        strcat(s->text, " ");
        return s->stop_at && strcmp(stem, s->stop_at) == 0 ? -EBADMSG : 77;
}

Test(conf_file, each_file_is_seen_in_the_order_of_bytes_and_nothing_else_is) {
        static const char *const names[] = { "z.conf", "a.conf", "B.conf", "9-b.conf", "10-a.conf",
                ".hidden.conf", ".conf", "a.conf~", "aconf", "a.config", "a.conf.bak" };
        Seen s = {};

        (void) setlocale(LC_ALL, "");
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                write_file(names[i], "");
        cr_expect_eq(conf_each_file(directory, ".conf", see, &s), 0);
        cr_expect_str_eq(s.text, "10-a 9-b B a z ");
        s = (Seen){ .stop_at = "B" };
        cr_expect_eq(conf_each_file(directory, ".conf", see, &s), -EBADMSG);
        cr_expect_str_eq(s.text, "10-a 9-b B ");
}

Test(conf_file, what_is_no_file_is_seen_too_so_that_it_can_be_refused) {
        Seen s = {};

        cr_assert_eq(mkdir(in_directory("directory.conf"), 0700), 0);
        cr_assert_eq(symlink("nowhere", in_directory("a.conf")), 0);
        cr_expect_eq(conf_each_file(directory, ".conf", see, &s), 0);
        cr_expect_str_eq(s.text, "a directory ");
}

Test(conf_file, a_missing_directory_is_an_empty_one_and_a_file_is_none) {
        Seen s = {};

        cr_expect_eq(conf_each_file(in_directory("nothing"), ".conf", see, &s), 0);
        cr_expect_str_eq(s.text, "");
        write_file("a.conf", "");
        cr_expect_eq(conf_each_file(in_directory("a.conf"), ".conf", see, &s), -ENOTDIR);
}
