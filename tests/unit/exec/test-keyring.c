/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "keyring.h"
#include "log.h"
#include "scratch.h"
#include "vectors.h"

static uint8_t bytes[AUTH_KEY_MAX + 1];

static void set_up(void) {
        scratch_set_up();
        scratch_mkdir("keys");
        scratch_mkdir("credentials");
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) (i * 7);
        log_set_max_level(LOG_ERR);
}

TestSuite(keyring, .init = set_up, .fini = scratch_tear_down);

/* 64 bytes that begin with the number. */
static void write_key(const char *name, uint8_t number) {
        uint8_t key[64] = { number, 0xaa };

        scratch_write(name, key, sizeof(key), 0600);
}

static int load(Keyring **ret, ConfError *ret_error) {
        return keyring_load(scratch_path("keys"), scratch_path("credentials"), ret, ret_error);
}

static void make_packet(uint8_t number, uint8_t ret[static WIRE_PACKET_SIZE]) {
        const Request r = { .action = ACTION_OFF, .hash = HASH_SHA512, .target = "web2" };
        uint8_t key[64] = { number, 0xaa };
        _cleanup_(auth_key_freep) AuthKey *k = NULL;

        cr_assert_eq(auth_key_new(key, sizeof(key), &k, NULL), 0);
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, ret), 0);
        cr_assert_eq(auth_sign_packet(k, ret), 0);
}

static const KeyringKey *find(const Keyring *k, uint8_t number) {
        uint8_t packet[WIRE_PACKET_SIZE];

        make_packet(number, packet);
        return keyring_find(k, packet);
}

/* The name of the key of that number in the ring, or NULL; and its file. */
static const char *name_of(const Keyring *k, uint8_t number) {
        const KeyringKey *key = find(k, number);

        return key ? key->name : NULL;
}

static const char *file_of(const Keyring *k, uint8_t number) {
        const KeyringKey *key = find(k, number);

        return key ? key->file : NULL;
}

Test(keyring, finds_each_key_by_what_it_signed_wherever_it_stands) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;

        write_key("keys/web.key", 1);
        write_key("keys/db.key", 2);
        write_key("credentials/fence_xvm.key", 3);
        write_key("credentials/a.key", 4);
        cr_assert_eq(load(&k, &error), 0);
        cr_expect_eq(keyring_size(k), 4);
        cr_expect_str_eq(name_of(k, 1), "web");
        cr_expect_str_eq(name_of(k, 2), "db");
        cr_expect_str_eq(name_of(k, 3), "fence_xvm");
        cr_expect_str_eq(name_of(k, 4), "a");
        cr_expect_null(name_of(k, 5));
}

Test(keyring, finds_the_key_of_the_packets_that_the_real_host_took) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;

        for (size_t i = 0; i < ELEMENTSOF(vector_keys); i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), "keys/%s.key", vector_keys[i].name);
                if (vector_keys[i].size >= AUTH_KEY_MIN)
                        scratch_write(name, vector_keys[i].bytes, vector_keys[i].size, 0600);
        }
        cr_assert_eq(load(&k, &error), 0);
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                const struct VectorPacket *p = vector_packets + i;
                const KeyringKey *key = keyring_find(k, p->packet);

                cr_expect_str_eq(key ? key->name : "none", strcmp(p->key, "key7") == 0 ? "none" : p->key,
                        "%s", p->name);
        }
}

Test(keyring, an_empty_ring_is_valid_and_authenticates_nobody) {
        static const uint8_t zeros[WIRE_CHALLENGE_SIZE] = {};
        _cleanup_(keyring_unrefp) Keyring *k = NULL, *none = NULL;
        ConfError error;

        cr_assert_eq(load(&k, &error), 0);
        cr_assert_eq(keyring_load(scratch_path("nothing"), NULL, &none, &error), 0);
        cr_expect_eq(keyring_size(k), 0);
        cr_expect_eq(keyring_size(none), 0);
        cr_expect_null(name_of(k, 1));
        cr_expect(!keyring_is_host_challenge(k, zeros));
}

Test(keyring, recognises_the_challenges_of_all_of_its_keys_and_no_other) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;

        write_key("keys/a.key", 1);
        write_key("keys/b.key", 2);
        write_key("keys/c.key", 3);
        cr_assert_eq(load(&k, &error), 0);
        for (uint8_t number = 1; number <= 4; number++) {
                static const uint8_t random[32] = { 9 };
                uint8_t key[64] = { number, 0xaa }, challenge[WIRE_CHALLENGE_SIZE];
                _cleanup_(auth_key_freep) AuthKey *maker = NULL;

                cr_assert_eq(auth_key_new(key, sizeof(key), &maker, NULL), 0);
                auth_host_challenge(maker, random, challenge);
                cr_expect_eq(keyring_is_host_challenge(k, challenge), number <= 3, "key %u", number);
                challenge[63] ^= 1;
                cr_expect(!keyring_is_host_challenge(k, challenge));
        }
}

Test(keyring, the_same_bytes_are_one_key_with_the_first_of_its_names) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;

        write_key("keys/b.key", 1);
        write_key("keys/c.key", 1);
        write_key("keys/d.key", 2);
        write_key("credentials/a.key", 1);
        write_key("credentials/d.key", 2);
        cr_assert_eq(load(&k, &error), 0);
        cr_expect_eq(keyring_size(k), 2);
        cr_expect_str_eq(name_of(k, 1), "a");
        cr_expect_str_eq(name_of(k, 2), "d");
}

Test(keyring, two_keys_of_one_name_are_refused) {
        Keyring *k = NULL;
        ConfError error = {};

        write_key("keys/web.key", 1);
        write_key("credentials/web.key", 2);
        cr_expect_eq(load(&k, &error), -EBADMSG);
        cr_expect_str_eq(error.path, scratch_path("credentials/web.key"));
        cr_expect_str_eq(error.message, "another key already has the name web; rename one of the two");
        cr_expect_null(k);
}

Test(keyring, of_other_credentials_and_files_nothing_is_read) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;

        scratch_write_text("credentials/token", "short");
        scratch_write_text("credentials/tls.pem", "short");
        scratch_write_text("keys/README", "short");
        scratch_write_text("keys/web.key~", "short");
        scratch_write_text("keys/.hidden.key", "short");
        write_key("keys/web.key", 1);
        cr_assert_eq(load(&k, &error), 0);
        cr_expect_eq(keyring_size(k), 1);
}

Test(keyring, the_legacy_credential_may_stand_for_no_key_and_nothing_else_may) {
        static const struct {
                const char *name;
                const char *text;
                int result;
        } table[] = {
                { "credentials/fence_xvm.key", "none", 0 },
                { "credentials/fence_xvm.key", "none\n", -EBADMSG },
                { "credentials/fence_xvm.key", "non", -EBADMSG },
                { "credentials/fence_xvm.key", "", -EBADMSG },
                { "credentials/web.key", "none", -EBADMSG },
                { "keys/fence_xvm.key", "none", -EBADMSG },
                { "keys/fence_xvm.key", "", -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_(keyring_unrefp) Keyring *k = NULL;
                ConfError error;

                scratch_write(table[i].name, table[i].text, strlen(table[i].text), 0600);
                cr_expect_eq(load(&k, &error), table[i].result, "%s: %s", table[i].name, table[i].text);
                if (k)
                        cr_expect_eq(keyring_size(k), 0);
                scratch_remove(scratch_path(table[i].name));
        }
}

Test(keyring, one_bad_file_refuses_the_whole_ring_and_is_named) {
        static const struct {
                const char *name;
                size_t size;
                mode_t mode;
                const char *message;
        } table[] = {
                { "keys/x.key", 15, 0600, "16 to 4096 bytes" },
                { "keys/x.key", 4097, 0600, "16 to 4096 bytes" },
                { "keys/x.key", 64, 0640, "chmod 0600" },
                { "keys/x.key", 64, 0604, "chmod 0600" },
                { "keys/x.key", 64, 0610, "chmod 0600" },
                { "credentials/x.key", 15, 0400, "16 to 4096 bytes" },
                { "credentials/x.key", 64, 0460, "chmod 0600" },
                { "credentials/x.key", 64, 0404, "chmod 0600" },
                { "keys/with blank.key", 64, 0600, "rename the file" },
                { "keys/escape\033.key", 64, 0600, "rename the file" },
                { "keys/latin\xe9.key", 64, 0600, "rename the file" },
                { "keys/web.next.next.key", 64, 0600, "rename the file" },
                { "keys/name-of-64-bytes-78901234567890123456789012345678901234567890123.key", 64, 0600,
                        "rename the file" },
        };

        write_key("keys/good.key", 1);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Keyring *k = NULL;
                ConfError error = {};

                scratch_write(table[i].name, bytes, table[i].size, table[i].mode);
                cr_expect_eq(load(&k, &error), -EBADMSG, "%s", table[i].name);
                cr_expect_null(k);
                cr_expect(strstr(error.message, table[i].message), "%s: %s", table[i].name, error.message);
                cr_expect_str_eq(error.path, scratch_path(table[i].name));
                scratch_remove(scratch_path(table[i].name));
        }
}

Test(keyring, a_name_of_63_bytes_is_a_name) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error = {};

        write_key("keys/name-of-63-bytes-7890123456789012345678901234567890123456789012.key", 1);
        cr_assert_eq(load(&k, &error), 0, "%s", error.message);
        cr_expect_eq(strlen(name_of(k, 1)), 63);
        write_key("keys/name-of-63-bytes-7890123456789012345678901234567890123456789012.next.key", 2);
        k = keyring_unref(k);
        cr_assert_eq(load(&k, &error), 0, "%s", error.message);
        cr_expect_eq(strlen(name_of(k, 2)), 63);
        cr_expect_eq(strlen(file_of(k, 2)), 68);
}

/* systemd lets our user in by an access list, whose mask shows in the bits of the group. */
Test(keyring, a_credential_may_show_read_access_of_the_group) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error = {};

        scratch_write("credentials/web.key", bytes, 64, 0440);
        cr_assert_eq(load(&k, &error), 0, "%s", error.message);
        cr_expect_eq(keyring_size(k), 1);
}

Test(keyring, what_is_no_regular_file_is_refused_at_once, .timeout = 10) {
        Keyring *k = NULL;
        ConfError error = {};

        cr_assert_eq(mkfifo(scratch_path("keys/x.key"), 0600), 0);
        cr_expect_eq(load(&k, &error), -EBADMSG);
        cr_expect(strstr(error.message, "not a regular file"), "%s", error.message);
        scratch_remove(scratch_path("keys/x.key"));
        scratch_mkdir("keys/x.key");
        cr_expect_eq(load(&k, &error), -EBADMSG);
        cr_expect(strstr(error.message, "directory"), "%s", error.message);
        scratch_remove(scratch_path("keys/x.key"));
        cr_assert_eq(symlink("nowhere", scratch_path("keys/x.key")), 0);
        cr_expect_eq(load(&k, &error), -EBADMSG);
        cr_expect(strstr(error.message, "does not exist"), "%s", error.message);
}

Test(keyring, a_directory_that_cannot_be_read_is_an_error_that_names_it) {
        Keyring *k = NULL;
        ConfError error = {};

        scratch_write_text("file", "");
        cr_expect_eq(keyring_load(scratch_path("file"), NULL, &k, &error), -EBADMSG);
        cr_expect_str_eq(error.path, scratch_path("file"));
        cr_expect_str_eq(error.message, "the directory cannot be read: Not a directory");
        cr_expect_eq(keyring_load(scratch_path("keys"), scratch_path("file"), &k, &error), -EBADMSG);
}

/* Only root can give a file away; for anybody else what can be shown is that the own file is taken. */
Test(keyring, a_file_of_another_user_is_refused_and_the_own_is_not) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error = {};

        write_key("keys/x.key", 1);
        if (geteuid() == 0) {
                cr_assert_eq(chown(scratch_path("keys/x.key"), 12345, (gid_t) -1), 0);
                cr_expect_eq(load(&k, &error), -EBADMSG);
                cr_expect_str_eq(error.message,
                        "it belongs to user 12345, who can change it; chown it to the user fence-virt or root");
                cr_expect_str_eq(error.path, scratch_path("keys/x.key"));
                cr_assert_eq(chmod(scratch, 0755), 0);
                cr_assert_eq(chmod(scratch_path("keys"), 0755), 0);
                cr_assert_eq(chmod(scratch_path("credentials"), 0755), 0);
                cr_assert_eq(seteuid(12345), 0);
        }
        cr_expect_eq(load(&k, &error), 0, "%s", error.message);
        if (getuid() == 0)
                cr_assert_eq(seteuid(0), 0);
}

Test(keyring, takes_64_keys_and_refuses_the_next) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error = {};
        Keyring *too_many = NULL;

        for (unsigned i = 0; i < KEYRING_MAX; i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), "keys/%02u.key", i);
                write_key(name, (uint8_t) i);
        }
        cr_assert_eq(load(&k, &error), 0);
        cr_expect_eq(keyring_size(k), KEYRING_MAX);
        cr_expect_str_eq(name_of(k, 63), "63");
        write_key("credentials/one-more.key", 200);
        cr_expect_eq(load(&too_many, &error), -EBADMSG);
        cr_expect_str_eq(error.message, "there are more than 64 keys; remove some");
        cr_expect_str_eq(error.path, scratch_path("credentials/one-more.key"));
}

Test(keyring, a_name_and_its_next_are_one_identity_and_two_keys) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;

        write_key("keys/web.key", 1);
        write_key("keys/web.next.key", 2);
        write_key("keys/web-b.key", 3); /* between the two by its bytes */
        write_key("credentials/db.next.key", 4);
        cr_assert_eq(load(&k, &error), 0);
        cr_expect_eq(keyring_size(k), 4);
        cr_expect_str_eq(name_of(k, 1), "web");
        cr_expect_str_eq(file_of(k, 1), "web");
        cr_expect_str_eq(name_of(k, 2), "web");
        cr_expect_str_eq(file_of(k, 2), "web.next");
        cr_expect_str_eq(file_of(k, 3), "web-b");
        cr_expect_str_eq(name_of(k, 4), "db", "also when there is no other any more");
        cr_expect_str_eq(file_of(k, 4), "db.next");
}

Test(keyring, a_next_key_with_the_same_bytes_is_the_key) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;

        write_key("keys/web.next.key", 1);
        write_key("credentials/web.key", 1);
        write_key("credentials/web.next.key", 1);
        cr_assert_eq(load(&k, &error), 0);
        cr_expect_eq(keyring_size(k), 1);
        cr_expect_str_eq(file_of(k, 1), "web");
}

Test(keyring, two_next_keys_of_one_name_are_refused) {
        Keyring *k = NULL;
        ConfError error = {};

        write_key("keys/web.next.key", 1);
        write_key("credentials/web.next.key", 2);
        cr_expect_eq(load(&k, &error), -EBADMSG);
        cr_expect_str_eq(error.message, "another key already has the name web.next; rename one of the two");
}

/* What a key file for FX2 only holds: a secret of 48 times this letter. */
static void fx2_text(char letter, char ret[static 128]) {
        static const char *const base64[] = { ['a'] = "YWFh", ['b'] = "YmJi" };

        strcpy(ret, AUTH_KEY_FX2 "\n");
        for (int i = 0; i < 16; i++)
                strcat(ret, base64[(uint8_t) letter]);
}

static void write_fx2_key(const char *name, char letter) {
        char text[128];

        fx2_text(letter, text);
        scratch_write(name, text, strlen(text), 0600);
}

static const char *file_of_fx2(const Keyring *k, char letter) {
        const Request r = {
                .action = ACTION_OFF, .hash = HASH_FX2, .flags = WIRE_FLAG_FX2, .target = "web2"
        };
        _cleanup_(auth_key_freep) AuthKey *key = NULL;
        uint8_t packet[WIRE_PACKET_SIZE];
        char text[128];

        fx2_text(letter, text);
        cr_assert_eq(auth_key_new(text, strlen(text), &key, NULL), 0);
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, packet), 0);
        cr_assert_eq(auth_sign_packet(key, packet), 0);
        const KeyringKey *found = keyring_find(k, packet);
        return found ? found->file : NULL;
}

Test(keyring, keys_of_both_kinds_stand_side_by_side_also_under_one_name) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;

        write_key("keys/web.key", 1);
        write_fx2_key("keys/web.next.key", 'a');
        write_fx2_key("keys/db.key", 'b');
        write_key("keys/db.next.key", 2);
        cr_assert_eq(load(&k, &error), 0, "%s", error.message);
        cr_expect_str_eq(file_of(k, 1), "web");
        cr_expect_str_eq(file_of(k, 2), "db.next");
        cr_expect_str_eq(file_of_fx2(k, 'a'), "web.next");
        cr_expect_str_eq(file_of_fx2(k, 'b'), "db");
}

Test(keyring, a_secret_that_is_for_fx2_only_is_nowhere_a_raw_key) {
        static const char *const names[][2] = {
                { "keys/web.key", "keys/web.next.key" }, /* the raw one, the other */
                { "keys/web.next.key", "keys/web.key" },
                { "keys/a.key", "keys/b.key" },
                { "keys/b.key", "keys/a.key" },
                { "credentials/a.key", "keys/b.key" },
                { "keys/web.key", "credentials/web.key" },
        };
        char secret[48];

        memset(secret, 'a', sizeof(secret));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                Keyring *k = NULL;
                ConfError error = {};

                scratch_write(names[i][0], secret, sizeof(secret), 0600);
                write_fx2_key(names[i][1], 'a');
                cr_expect_eq(load(&k, &error), -EBADMSG, "%s %s", names[i][0], names[i][1]);
                cr_expect(strstr(error.message, "only one of the two is for FX2 only"), "%s", error.message);
                cr_expect_null(k);
                scratch_remove(scratch_path(names[i][0]));
                scratch_remove(scratch_path(names[i][1]));
        }
}

Test(keyring, a_file_for_fx2_only_that_is_damaged_refuses_the_ring) {
        static const char *const texts[] = { AUTH_KEY_FX2 "\n\n\n\n", AUTH_KEY_FX2 "\nYWFh",
                AUTH_KEY_FX2 " YWFh",
                AUTH_KEY_FX2 "\n?WFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh" };

        write_key("keys/good.key", 1);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                Keyring *k = NULL;
                ConfError error = {};

                scratch_write("keys/x.key", texts[i], strlen(texts[i]), 0600);
                cr_expect_eq(load(&k, &error), -EBADMSG, "%s", texts[i]);
                cr_expect(strstr(error.message, "fence-virt-keygen --fx2"), "%s", error.message);
                cr_expect_str_eq(error.path, scratch_path("keys/x.key"));
                cr_expect_null(k);
        }
}

Test(keyring, takes_64_names_with_two_keys_each_and_no_other_name) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error = {};
        Keyring *too_many = NULL;

        for (unsigned i = 0; i < 2 * KEYRING_MAX; i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), "keys/%02u%s.key", i % KEYRING_MAX,
                        i < KEYRING_MAX ? "" : KEYRING_NEXT);
                write_key(name, (uint8_t) i);
        }
        cr_assert_eq(load(&k, &error), 0, "%s", error.message);
        cr_expect_eq(keyring_size(k), 2 * KEYRING_MAX);
        for (unsigned i = 0; i < 2 * KEYRING_MAX; i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), "%02u", i % KEYRING_MAX);
                cr_expect_str_eq(name_of(k, (uint8_t) i), name);
        }
        write_key("keys/another.next.key", 200);
        cr_expect_eq(load(&too_many, &error), -EBADMSG);
        cr_expect_str_eq(error.message, "there are more than 64 keys; remove some");
}

Test(keyring, names_the_keys_that_allow_v1_as_far_as_there_is_room) {
        _cleanup_(keyring_unrefp) Keyring *empty = NULL, *one = NULL, *k = NULL;
        char text[64], little[sizeof("db, mail") + sizeof(" and 128 more") + 2];
        ConfError error;

        cr_assert_eq(load(&empty, &error), 0);
        cr_expect_eq(keyring_v1_files(empty, text, sizeof(text)), 0);
        cr_expect_str_empty(text);
        write_fx2_key("keys/fx2.key", 'a');
        write_key("keys/web.next.key", 1);
        cr_assert_eq(load(&one, &error), 0);
        cr_expect_eq(keyring_v1_files(one, text, sizeof(text)), 1);
        cr_expect_str_eq(text, "web.next");
        write_key("keys/db.key", 2);
        write_key("keys/mail.key", 3);
        write_key("keys/x.key", 4);
        cr_assert_eq(load(&k, &error), 0);
        cr_expect_eq(keyring_v1_files(k, text, sizeof(text)), 4);
        cr_expect_str_eq(text, "db, mail, web.next, x");
        cr_expect_eq(keyring_v1_files(k, little, sizeof(little)), 4);
        cr_expect_str_eq(little, "db, mail and 2 more");
}

Test(keyring, a_session_keeps_its_ring_after_a_reload) {
        _cleanup_(keyring_unrefp) Keyring *k = NULL, *of_session = NULL;
        ConfError error;

        write_key("keys/web.key", 1);
        cr_assert_eq(load(&k, &error), 0);
        of_session = keyring_ref(k);
        k = keyring_unref(k);
        cr_expect_null(k);
        cr_expect_str_eq(name_of(of_session, 1), "web");
        cr_expect_null(keyring_unref(NULL));
}

/* Runs a load with stderr in a file and returns what was written. */
static const char *warnings_of_load(void) {
        static char text[2048];
        int saved = dup(STDERR_FILENO), fd = open(scratch_path("log"), O_RDWR | O_CREAT | O_TRUNC, 0600);
        _cleanup_(keyring_unrefp) Keyring *k = NULL;
        ConfError error;
        ssize_t n;

        cr_assert(saved >= 0 && fd >= 0);
        cr_assert_geq(dup2(fd, STDERR_FILENO), 0);
        log_set_max_level(LOG_WARNING);
        cr_expect_eq(load(&k, &error), 0);
        cr_assert_geq(dup2(saved, STDERR_FILENO), 0);
        n = pread(fd, text, sizeof(text) - 1, 0);
        cr_assert_geq(n, 0);
        text[n] = '\0';
        saved = safe_close(saved);
        fd = safe_close(fd);
        return text;
}

Test(keyring, a_questionable_key_is_taken_with_a_warning_that_names_it) {
        static const struct {
                size_t size;
                bool is_short, extendable;
        } table[] = {
                { 16, true, true },
                { 32, false, true },
                { 64, false, false },
                { 128, false, false },
                { 4096, false, false },
                { 8 + 64, false, false },
                { 20 + 64, false, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *text;

                scratch_write("keys/x.key", bytes, table[i].size, 0600);
                text = warnings_of_load();
                cr_expect_eq(!!strstr(text, "fewer than 32 bytes"), table[i].is_short, "%zu", table[i].size);
                cr_expect_eq(!!strstr(text, "can be extended"), table[i].extendable, "%zu", table[i].size);
                if (table[i].is_short || table[i].extendable)
                        cr_expect(strstr(text, "keys/x.key: "));
        }
}
