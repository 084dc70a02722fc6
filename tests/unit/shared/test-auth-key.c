/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "auth-key.h"
#include "auth.h"

static char directory[] = "/tmp/test-auth-key-XXXXXX";
static int directory_fd = -1;
static const char *const names[] = { "key", "other", "link" };

static void set_up(void) {
        cr_assert(mkdtemp(directory));
        directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cr_assert_geq(directory_fd, 0);
}

static void tear_down(void) {
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                (void) unlinkat(directory_fd, names[i], 0);
        (void) unlinkat(directory_fd, "directory", AT_REMOVEDIR);
        directory_fd = safe_close(directory_fd);
        cr_expect_eq(rmdir(directory), 0, "the test left something behind");
}

TestSuite(auth_key, .init = set_up, .fini = tear_down);

static void write_file(const char *name, size_t size, mode_t mode) {
        uint8_t bytes[AUTH_KEY_MAX + 1];
        int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) i;
        cr_assert_geq(fd, 0);
        cr_assert_eq(write(fd, bytes, size), (ssize_t) size);
        cr_assert_eq(fchmod(fd, mode), 0);
        fd = safe_close(fd);
}

/* On failure neither result may have been written. */
static int load(const char *name, AuthKey **ret, unsigned *ret_warnings) {
        static AuthKey other;
        AuthKey *k = &other;
        unsigned warnings = 0xa5;
        int r = auth_key_load(directory_fd, name, &k, &warnings);

        if (r < 0) {
                cr_expect_eq(k, &other, "%s", name);
                cr_expect_eq(warnings, 0xa5, "%s", name);
        } else {
                *ret = k;
                *ret_warnings = warnings;
        }
        return r;
}

Test(auth_key, takes_16_to_4096_bytes_as_they_are) {
        static const struct {
                size_t size;
                int result;
        } table[] = {
                { 0, -EMSGSIZE },
                { 1, -EMSGSIZE },
                { 15, -EMSGSIZE },
                { 16, 0 },
                { 33, 0 },
                { 4095, 0 },
                { 4096, 0 },
                { 4097, -EMSGSIZE },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(auth_key_freep) AuthKey *k = NULL;
                unsigned warnings;

                write_file("key", table[i].size, 0600);
                cr_assert_eq(load("key", &k, &warnings), table[i].result, "%zu bytes", table[i].size);
                if (table[i].result < 0)
                        continue;
                cr_expect_eq(k->size, table[i].size);
                for (size_t j = 0; j < k->size; j++)
                        cr_assert_eq(k->bytes[j], (uint8_t) j, "%zu bytes", table[i].size);
        }
}

Test(auth_key, the_newline_at_the_end_of_the_file_belongs_to_the_key) {
        _cleanup_(auth_key_freep) AuthKey *with = NULL, *without = NULL;
        uint8_t packet[WIRE_PACKET_SIZE] = { ACTION_LIST, HASH_SHA256 };

        cr_assert_eq(auth_key_new("0123456789abcdef\n", 17, &with, NULL), 0);
        cr_assert_eq(auth_key_new("0123456789abcdef", 16, &without, NULL), 0);
        cr_assert_eq(auth_sign_packet(with, packet), 0);
        cr_expect_eq(auth_verify_packet(with, packet), 0);
        cr_expect_eq(auth_verify_packet(without, packet), -EBADMSG);
}

Test(auth_key, refuses_a_file_that_anybody_but_its_owner_may_touch) {
        static const struct {
                mode_t mode;
                int result;
        } table[] = {
                { 0600, 0 },
                { 0400, 0 },
                { 0700, 0 },
                { 0640, -EPERM },
                { 0620, -EPERM },
                { 0610, -EPERM },
                { 0604, -EPERM },
                { 0602, -EPERM },
                { 0601, -EPERM },
                { 0666, -EPERM },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(auth_key_freep) AuthKey *k = NULL;
                unsigned warnings;

                write_file("key", 64, table[i].mode);
                cr_expect_eq(load("key", &k, &warnings), table[i].result, "mode %04o", table[i].mode);
                cr_assert_eq(unlinkat(directory_fd, "key", 0), 0);
        }
}

/* A FIFO would make open() wait for a writer. */
Test(auth_key, takes_regular_files_only_and_does_not_wait_for_others, .timeout = 10) {
        _cleanup_(auth_key_freep) AuthKey *k = NULL;
        unsigned warnings;

        cr_expect_eq(load("key", &k, &warnings), -ENOENT);
        cr_assert_eq(mkdirat(directory_fd, "directory", 0700), 0);
        cr_expect_eq(load("directory", &k, &warnings), -EISDIR);
        cr_assert_eq(mkfifoat(directory_fd, "other", 0600), 0);
        cr_expect_eq(load("other", &k, &warnings), -EINVAL);
        cr_expect_eq(load("/dev/null", &k, &warnings), -EINVAL);
        cr_expect_eq(load("/dev/zero", &k, &warnings), -EINVAL);
}

Test(auth_key, judges_what_a_link_leads_to) {
        _cleanup_(auth_key_freep) AuthKey *k = NULL;
        unsigned warnings;

        cr_assert_eq(symlinkat("key", directory_fd, "link"), 0);
        cr_expect_eq(load("link", &k, &warnings), -ENOENT);
        write_file("key", 64, 0644);
        cr_expect_eq(load("link", &k, &warnings), -EPERM);
        write_file("key", 64, 0600);
        cr_expect_eq(load("link", &k, &warnings), 0);
}

Test(auth_key, warns_of_short_keys_and_of_lengths_that_fool_old_hosts) {
        static const struct {
                size_t size;
                unsigned warnings;
        } table[] = {
                { 16, AUTH_KEY_SHORT | AUTH_KEY_LENGTH_EXTENSION },
                { 31, AUTH_KEY_SHORT | AUTH_KEY_LENGTH_EXTENSION },
                { 32, AUTH_KEY_LENGTH_EXTENSION },
                { 55, AUTH_KEY_LENGTH_EXTENSION },
                { 56, 0 },
                { 64, 0 },
                { 79, 0 },
                { 80, AUTH_KEY_LENGTH_EXTENSION },
                { 119, AUTH_KEY_LENGTH_EXTENSION },
                { 128, 0 },
                { 4096, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                static const uint8_t bytes[AUTH_KEY_MAX] = {};
                _cleanup_(auth_key_freep) AuthKey *k = NULL;
                unsigned warnings;

                cr_assert_eq(auth_key_new(bytes, table[i].size, &k, &warnings), 0);
                cr_expect_eq(warnings, table[i].warnings, "%zu bytes: %u", table[i].size, warnings);
        }
}

Test(auth_key, keys_of_another_size_are_refused_without_a_trace) {
        static const size_t sizes[] = { 0, 15, 4097, SIZE_MAX };
        static const uint8_t bytes[AUTH_KEY_MAX + 1] = {};

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                AuthKey *k = NULL;
                unsigned warnings = 77;

                cr_expect_eq(auth_key_new(bytes, sizes[i], &k, &warnings), -EINVAL);
                cr_expect_null(k);
                cr_expect_eq(warnings, 77);
        }
        cr_expect_null(auth_key_free(NULL));
}

Test(auth_key, every_error_of_loading_comes_with_what_to_do) {
        static const int errors[] = { ENOENT, EACCES, EISDIR, EINVAL, EPERM, EBADMSG, EMSGSIZE };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                const char *hint = auth_key_error_hint(-errors[i]);

                cr_expect_str_eq(hint, auth_key_error_hint(errors[i]));
                cr_expect_str_neq(hint, auth_key_error_hint(-EIO), "%s", strerror(errors[i]));
        }
        cr_expect(strlen(auth_key_error_hint(-EIO)) > 0);
}

Test(auth_key, an_open_file_may_have_the_bits_that_the_caller_allows) {
        static const struct {
                mode_t mode, forbidden;
                int result;
        } table[] = {
                { 0440, S_IRWXG | S_IRWXO, -EPERM },
                { 0440, S_IWGRP | S_IRWXO, 0 },
                { 0460, S_IWGRP | S_IRWXO, -EPERM },
                { 0444, S_IWGRP | S_IRWXO, -EPERM },
                { 0400, S_IRWXG | S_IRWXO, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(auth_key_freep) AuthKey *k = NULL;
                _cleanup_close_ int fd = -1;
                unsigned warnings;

                write_file("key", 64, table[i].mode);
                fd = openat(directory_fd, "key", O_RDONLY | O_CLOEXEC);
                cr_assert_geq(fd, 0);
                cr_expect_eq(auth_key_load_fd(fd, table[i].forbidden, &k, &warnings), table[i].result,
                        "row %zu", i);
                cr_expect_eq(k != NULL, table[i].result == 0);
                cr_assert_eq(unlinkat(directory_fd, "key", 0), 0);
        }
}

Test(auth_key, keys_are_equal_when_all_their_bytes_are) {
        uint8_t bytes[65] = { 1, 2, 3 };
        _cleanup_(auth_key_freep) AuthKey *k = NULL, *same = NULL, *longer = NULL;

        cr_assert_eq(auth_key_new(bytes, 64, &k, NULL), 0);
        cr_assert_eq(auth_key_new(bytes, 64, &same, NULL), 0);
        cr_assert_eq(auth_key_new(bytes, 65, &longer, NULL), 0);
        cr_expect(auth_key_equal(k, same));
        cr_expect(!auth_key_equal(k, longer));
        for (size_t bit = 0; bit < 64 * 8; bit++) {
                _cleanup_(auth_key_freep) AuthKey *other = NULL;

                bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_assert_eq(auth_key_new(bytes, 64, &other, NULL), 0);
                cr_expect(!auth_key_equal(k, other), "bit %zu", bit);
                bytes[bit / 8] ^= (uint8_t) (1U << bit % 8);
        }
}

#define BASE64_32 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

Test(auth_key, a_file_that_begins_like_one_for_fx2_is_one_or_nothing) {
        static const struct {
                const char *file;
                size_t size; /* of the key; 0: refused */
        } table[] = {
                { "FENCE-FX2-KEY\n" BASE64_32 "\n", 32 },
                { "FENCE-FX2-KEY\n" BASE64_32, 32 },
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA\n0ODxAREhMUFRYXGBkaGxwdHh8=\n\n", 32 },
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n", 33 },
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==\n", 34 },
                { "FENCE-FX2-KEY", 0 },
                { "FENCE-FX2-KEY\n\n\n", 0 },
                { "FENCE-FX2-KEY-2\n" BASE64_32 "\n", 0 },
                { "FENCE-FX2-KEY " BASE64_32 "\n", 0 },
                { "FENCE-FX2-KEY\r\n" BASE64_32 "\r\n", 0 },
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n", 0 }, /* 31 bytes */
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n", 0 }, /* no padding */
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n", 0 }, /* bits left over */
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=AAAA\n", 0 },
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g====\n", 0 },
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gA===\n", 0 },
                { "FENCE-FX2-KEY\n AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0 },
                { "FENCE-FX2-KEY\n# " BASE64_32 "\n", 0 },
                { "FENCE-FX2-KEY\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd-_8=\n", 0 },
        };
        uint8_t expected[34];

        for (size_t i = 0; i < sizeof(expected); i++)
                expected[i] = (uint8_t) i;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(auth_key_freep) AuthKey *k = NULL;
                unsigned warnings = UINT_MAX;
                int r = auth_key_new(table[i].file, strlen(table[i].file), &k, &warnings);

                if (table[i].size == 0) {
                        cr_expect(r == -EBADMSG || (r == -EINVAL && strlen(table[i].file) < AUTH_KEY_MIN),
                                "row %zu", i);
                        cr_expect_null(k);
                        continue;
                }
                cr_assert_eq(r, 0, "row %zu", i);
                cr_expect(auth_key_is_fx2_only(k));
                cr_expect_eq(warnings, 0);
                cr_expect_eq(k->size, table[i].size, "row %zu", i);
                cr_expect_arr_eq(k->bytes, expected, table[i].size, "row %zu", i);
        }
}

Test(auth_key, only_a_whole_first_line_makes_a_key_one_for_fx2) {
        static const char file[] = "FENCE-FX2-KE\n" BASE64_32 "\n";
        _cleanup_(auth_key_freep) AuthKey *k = NULL;

        cr_assert_eq(auth_key_new(file, strlen(file), &k, NULL), 0);
        cr_expect(!auth_key_is_fx2_only(k));
        cr_expect_eq(k->size, strlen(file));
}

Test(auth_key, the_same_bytes_as_two_kinds_of_key_are_two_keys) {
        static const char file[] = "FENCE-FX2-KEY\n" BASE64_32 "\n";
        _cleanup_(auth_key_freep) AuthKey *raw = NULL, *only = NULL;
        uint8_t bytes[32];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) i;
        cr_assert_eq(auth_key_new(bytes, sizeof(bytes), &raw, NULL), 0);
        cr_assert_eq(auth_key_new(file, strlen(file), &only, NULL), 0);
        cr_expect(auth_key_same_bytes(raw, only));
        cr_expect(!auth_key_equal(raw, only));
}
