/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "key-file.h"
#include "names.h"

static char top[] = "/tmp/test-key-file-XXXXXX";
static char service[64], system_wide[64], file[64];

static void set_up(void) {
        cr_assert(mkdtemp(top));
        (void) snprintf(service, sizeof(service), "%s/service", top);
        (void) snprintf(system_wide, sizeof(system_wide), "%s/system", top);
        (void) snprintf(file, sizeof(file), "%s/file", top);
        cr_assert_eq(mkdir(service, 0700), 0);
        cr_assert_eq(mkdir(system_wide, 0700), 0);
}

static void tear_down(void) {
        char command[128];

        (void) snprintf(command, sizeof(command), "rm -rf %s", top);
        cr_expect_eq(system(command), 0);
}

TestSuite(key_file, .init = set_up, .fini = tear_down);

/* In place 0, 1 or 2 of the documented order. */
static const char *path_of(int place, char ret[static 128]) {
        const char *const directories[] = { service, system_wide };

        if (place == 2)
                (void) snprintf(ret, 128, "%s", file);
        else
                (void) snprintf(ret, 128, "%s/fence-virt.key", directories[place]);
        return ret;
}

static void put(int place, const void *bytes, size_t size, mode_t mode) {
        char path[128];
        int fd = open(path_of(place, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        cr_assert_geq(fd, 0, "%s", path);
        cr_assert_eq(write(fd, bytes, size), (ssize_t) size);
        (void) close(fd);
}

static const KeyPlaces *places(void) {
        static KeyPlaces p;

        p = (KeyPlaces){ service, system_wide, file };
        return &p;
}

/* Which place is taken, or -1. */
static int found(const KeyPlaces *p) {
        _cleanup_free_ char *path = NULL;
        char expected[128];
        int r = key_file_find(p, &path);

        cr_assert_geq(r, 0);
        if (r == 0) {
                cr_assert_null(path);
                return -1;
        }
        for (r = 0; r < 3 && strcmp(path, path_of(r, expected)) != 0; r++)
                ;
        return r;
}

Test(key_file, the_first_place_that_has_one_is_taken) {
        char path[128];

        for (unsigned there = 0; there < 8; there++) {
                int first = there & 1 ? 0 : there & 2 ? 1 : there & 4 ? 2 : -1;

                for (int i = 0; i < 3; i++)
                        if (there & 1U << i)
                                put(i, "x", 1, 0600);
                        else
                                (void) unlink(path_of(i, path));
                cr_expect_eq(found(places()), first, "those that are there: %u", there);
        }
}

Test(key_file, a_place_that_does_not_exist_is_none) {
        KeyPlaces p = { NULL, "/nonexistent", NULL };

        cr_expect_eq(found(&p), -1);
        p = (KeyPlaces){ "", NULL, file };
        cr_expect_eq(found(&p), -1);
        put(2, "x", 1, 0600);
        cr_expect_eq(found(&p), 2);
}

/* To pass over a file that is bad would be to take another key, perhaps one that is for less. */
Test(key_file, whatever_is_there_is_never_passed_over) {
        char path[128];

        put(1, "0123456789abcdef", 16, 0600);
        put(2, "0123456789abcdef", 16, 0600);
        cr_assert_eq(mkdir(path_of(0, path), 0700), 0);
        cr_expect_eq(found(places()), 0, "a directory");
        cr_assert_eq(rmdir(path), 0);
        cr_assert_eq(symlink("/nonexistent", path), 0);
        cr_expect_eq(found(places()), 0, "a link to nowhere");
        cr_assert_eq(unlink(path), 0);
        put(0, "", 0, 0);
        cr_expect_eq(found(places()), 0, "an empty file that nobody may read");
        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(rmdir(service), 0);
        cr_assert_eq(symlink(file, service), 0);
        cr_expect_eq(found(places()), 0, "something below a file");
}

Test(key_file, the_places_are_the_documented_ones) {
        KeyPlaces p;

        cr_assert_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        p = key_places();
        cr_expect_null(p.service_credentials);
        cr_expect_str_eq(p.system_credentials, "/run/credentials/@system");
        cr_expect_str_eq(p.file, "/etc/cluster/fence_xvm.key");
        cr_assert_eq(setenv("CREDENTIALS_DIRECTORY", "/run/credentials/pacemaker.service", 1), 0);
        p = key_places();
        cr_expect_str_eq(p.service_credentials, "/run/credentials/pacemaker.service");
}

static int load(const char *words, bool there, AuthKey **ret) {
        Options o;

        options_init(&o, program_by_path("fence_virt"));
        o.key_file = file;
        o.has_key_file = there;
        if (strcmp(words, "tcp") == 0)
                o.host = "h";
        else
                o.cid = 3;
        return key_file_load(&o, ret);
}

Test(key_file, only_vsock_goes_without_and_only_when_there_is_none) {
        AuthKey *k = NULL;

        cr_expect_eq(load("tcp", false, &k), -ENOENT);
        cr_expect_eq(load("vsock", true, &k), -ENOENT);
        cr_expect_eq(load("vsock", false, &k), 0);
        cr_expect_null(k);
        put(2, "short", 5, 0600);
        cr_expect_eq(load("vsock", false, &k), -EMSGSIZE);
        cr_expect_null(k);
}

Test(key_file, knows_both_kinds_of_keys_and_refuses_what_is_neither) {
        static const char raw[] = "0123456789abcdef",
                          only[] = "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
        AuthKey *k = NULL;

        put(2, raw, strlen(raw), 0600);
        cr_assert_eq(load("tcp", true, &k), 0);
        cr_expect_not(auth_key_is_fx2_only(k));
        k = auth_key_free(k);
        put(2, only, strlen(only), 0600);
        cr_assert_eq(load("tcp", true, &k), 0);
        cr_expect(auth_key_is_fx2_only(k));
        k = auth_key_free(k);
        put(2, only, strlen(only) - 2, 0600); /* one character of the base64 is missing */
        cr_expect_eq(load("tcp", true, &k), -EBADMSG);
        cr_expect_null(k);
}
