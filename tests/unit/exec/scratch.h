/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory of one test's own. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base.h"

static char scratch[] = "/tmp/test-exec-XXXXXX";

/* Valid until the fourth call from now. */
static inline const char *scratch_path(const char *name) {
        static char paths[4][512];
        static unsigned next;
        char *path = paths[next++ % ELEMENTSOF(paths)];

        (void) snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
        return path;
}

static inline void scratch_write(const char *name, const void *bytes, size_t size, mode_t mode) {
        int fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        cr_assert_geq(fd, 0, "%s", name);
        cr_assert_eq(write(fd, bytes, size), (ssize_t) size);
        cr_assert_eq(fchmod(fd, mode), 0);
        fd = safe_close(fd);
}

static inline void scratch_write_text(const char *name, const char *text) {
        scratch_write(name, text, strlen(text), 0644);
}

static inline void scratch_mkdir(const char *name) {
        cr_assert_eq(mkdir(scratch_path(name), 0700), 0, "%s", name);
}

static inline void scratch_remove(const char *path) {
        struct dirent **entries;
        int n = scandir(path, &entries, NULL, NULL);

        if (n < 0) {
                cr_expect_eq(unlink(path), 0, "%s", path);
                return;
        }
        for (int i = 0; i < n; i++) {
                char below[512];

                (void) snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
                if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0)
                        scratch_remove(below);
                free(entries[i]);
        }
        free(entries);
        cr_expect_eq(rmdir(path), 0, "%s", path);
}

static inline void scratch_set_up(void) {
        cr_assert(mkdtemp(scratch));
}

static inline void scratch_tear_down(void) {
        scratch_remove(scratch);
}
