/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "log.h"

/* What the function under test writes to stderr, which is a file in memory for a moment. */
typedef struct Capture {
        int saved, file;
        char text[8192];
} Capture;

static void capture_start(Capture *c) {
        c->file = memfd_create("stderr", MFD_CLOEXEC);
        c->saved = dup(STDERR_FILENO);
        cr_assert(c->file >= 0 && c->saved >= 0);
        cr_assert_eq(dup2(c->file, STDERR_FILENO), STDERR_FILENO);
        (void) unsetenv("JOURNAL_STREAM");
}

static const char *capture_end(Capture *c) {
        ssize_t n = pread(c->file, c->text, sizeof(c->text) - 1, 0);

        cr_assert_eq(dup2(c->saved, STDERR_FILENO), STDERR_FILENO);
        c->saved = safe_close(c->saved);
        c->file = safe_close(c->file);
        cr_assert_geq(n, 0);
        c->text[n] = '\0';
        return c->text;
}

/* As systemd sets it for a service whose stderr is the journal; an offset of 1 is that of another file. */
static void set_journal_stream(unsigned offset) {
        char value[64];
        struct stat st;

        cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
        (void) snprintf(value, sizeof(value), "%lu:%lu", (unsigned long) st.st_dev,
                (unsigned long) st.st_ino + offset);
        cr_assert_eq(setenv("JOURNAL_STREAM", value, 1), 0);
}

Test(log, writes_one_line_without_a_prefix_when_stderr_is_no_journal) {
        Capture c;

        capture_start(&c);
        log_error("Cannot %s %d VMs", "count", 3);
        log_notice("Done");
        cr_expect_str_eq(capture_end(&c), "Cannot count 3 VMs\nDone\n");
}

Test(log, writes_the_level_when_stderr_is_the_journal) {
        Capture c;

        capture_start(&c);
        set_journal_stream(0);
        log_error("a");
        log_warning("b");
        log_notice("c");
        log_info("d");
        cr_expect_str_eq(capture_end(&c), "<3>a\n<4>b\n<5>c\n<6>d\n");
}

Test(log, does_not_believe_a_journal_stream_that_is_of_another_file_or_no_number) {
        static const char *const values[] = { "", "1", "1:", ":", "x:y", "0:0" };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                Capture c;

                capture_start(&c);
                cr_assert_eq(setenv("JOURNAL_STREAM", values[i], 1), 0);
                log_info("a");
                set_journal_stream(1);
                log_info("b");
                cr_expect_str_eq(capture_end(&c), "a\nb\n", "'%s'", values[i]);
        }
}

Test(log, drops_what_is_above_the_maximum_level) {
        Capture c;

        capture_start(&c);
        log_debug("not by default");
        log_set_max_level(LOG_DEBUG);
        log_debug("but now");
        log_set_max_level(LOG_WARNING);
        log_info("not any more");
        log_warning("this still");
        log_set_max_level(LOG_INFO);
        cr_expect_str_eq(capture_end(&c), "but now\nthis still\n");
}

Test(log, nobody_can_forge_a_line_or_move_the_cursor) {
        Capture c;

        capture_start(&c);
        set_journal_stream(0);
        log_info("name is '%s'", "vm1\n<3>all is lost\r\x1b[2J\x7f\xc2\x9b.\xff");
        log_info("%s", "caf\xc3\xa9");
        cr_expect_str_eq(capture_end(&c), "<6>name is 'vm1?<3>all is lost??[2J???.?'\n<6>caf\xc3\xa9\n");
}

Test(log, a_line_that_is_too_long_is_cut_and_still_a_line) {
        const char *text;
        char long_text[5000];
        Capture c;

        memset(long_text, 'x', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = '\0';
        capture_start(&c);
        log_info("%s", long_text);
        log_info("next");
        text = capture_end(&c);
        cr_expect_eq(strspn(text, "x"), 2046, "%zu", strspn(text, "x"));
        cr_expect_str_eq(text + strspn(text, "x"), "\nnext\n");
}

Test(log, errno_is_in_the_message_and_afterwards_as_it_was) {
        Capture c;

        capture_start(&c);
        errno = ENOENT;
        cr_expect_eq(log_error_errno(-EACCES, "a: %m"), -EACCES);
        cr_expect_eq(errno, ENOENT);
        cr_expect_eq(log_warning_errno(EACCES, "b: %m"), -EACCES);
        log_info("c: %m");
        cr_expect_eq(errno, ENOENT);
        cr_expect_eq(log_full_errno(LOG_DEBUG, -EIO, "dropped"), -EIO);
        cr_expect_str_eq(capture_end(&c),
                "a: Permission denied\nb: Permission denied\nc: No such file or directory\n");
}
