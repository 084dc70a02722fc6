/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "keyring.h"
#include "log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What SetCredential= in fence-virt-exec.service gives when the host has no key of fence_virtd's. */
#define LEGACY_KEY_NAME "fence_xvm"
#define LEGACY_KEY_NONE "none"

struct Keyring {
        unsigned n_ref;
        size_t n;
        KeyringKey keys[2 * KEYRING_MAX];
};

/* What conf_each_file() carries along. */
typedef struct Loading {
        Keyring *ring;
        bool credentials;
        ConfError *error;
} Loading;

static Keyring *keyring_free(Keyring *k) {
        for (size_t i = 0; k && i < k->n; i++)
                auth_key_free(k->keys[i].auth);
        free(k);
        return NULL;
}

DEFINE_CLEANUP(Keyring *, keyring_free)

static size_t length_without_next(const char *s, size_t n) {
        size_t n_next = strlen(KEYRING_NEXT);

        return n > n_next && memcmp(s + n - n_next, KEYRING_NEXT, n_next) == 0 ? n - n_next : n;
}

/* NAME and NAME.next are two keys of one name. A name with a blank is one that no Sources= could say, and one with two
 * endings is a mistake. */
static bool take_name(const char *file, KeyringKey *ret) {
        size_t n_file = strlen(file), n = length_without_next(file, n_file);
        KeyringKey key = {};

        if (n >= sizeof(key.name) || length_without_next(file, n) != n)
                return false;
        memcpy(key.file, file, n_file);
        memcpy(key.name, file, n);
        if (!wire_target_is_valid(key.name) || strchr(key.name, ' '))
                return false;
        *ret = key;
        return true;
}

static void warn(const char *path, unsigned warnings) {
        if (warnings & AUTH_KEY_SHORT)
                log_warning(
                        "%s: the key has fewer than %d bytes; make a better one with: head -c 64 /dev/urandom",
                        path, AUTH_KEY_RECOMMENDED);
        if (warnings & AUTH_KEY_LENGTH_EXTENSION)
                log_warning(
                        "%s: with a key of this length, recorded requests can be extended and sent to hosts that "
                        "run fence_virtd; 64 or 128 bytes are good lengths",
                        path);
}

static bool stands_for_no_key(int fd) {
        char bytes[sizeof(LEGACY_KEY_NONE)];

        return pread(fd, bytes, sizeof(bytes), 0) == (ssize_t) strlen(LEGACY_KEY_NONE) &&
               memcmp(bytes, LEGACY_KEY_NONE, strlen(LEGACY_KEY_NONE)) == 0;
}

/* Opened, owned and of the form that a key has; 1 for a credential that stands for no key. */
static int load_key(const char *path, const char *name, const Loading *l, AuthKey **ret) {
        /* The group's bits of a credential may be the mask of the access list by which systemd lets our user in. */
        mode_t forbidden = l->credentials ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
        _cleanup_close_ int fd = -1;
        unsigned warnings = 0;
        struct stat st;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return conf_refuse(l->error, path, 0, "%s", auth_key_error_hint(errno));
        if (l->credentials && strcmp(name, LEGACY_KEY_NAME) == 0 && stands_for_no_key(fd))
                return 1;
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return conf_refuse(l->error, path, 0,
                        "it belongs to user %u, who can change it; chown it to the user fence-virt or root",
                        (unsigned) st.st_uid);
        r = auth_key_load_fd(fd, forbidden, ret, &warnings);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return conf_refuse(l->error, path, 0, "%s", auth_key_error_hint(r));
        warn(path, warnings);
        return 0;
}

/* The ring is sorted by name, NAME before NAME.next. */
static void insert(Keyring *k, const KeyringKey *key) {
        size_t i = k->n++;

        for (; i > 0; i--) {
                const KeyringKey *before = k->keys + i - 1;
                int order = strcmp(before->name, key->name);

                if (order < 0 || (order == 0 && strcmp(before->file, key->file) < 0))
                        break;
                k->keys[i] = *before;
        }
        k->keys[i] = *key;
}

/* Looks at what is in the ring already: is there room for one more name, and may the two be there together? 1 when it is
 * there. */
static int compare_with_ring(const KeyringKey *key, const char *path, const Loading *l) {
        const Keyring *k = l->ring;
        size_t n_names = 0;
        bool known = false;

        for (size_t i = 0; i < k->n; i++) {
                const KeyringKey *other = k->keys + i;
                bool same_bytes = auth_key_same_bytes(other->auth, key->auth);

                if (same_bytes && !auth_key_equal(other->auth, key->auth))
                        return conf_refuse(l->error, path, 0,
                                "its secret is that of the key %s, but only one of the two is for FX2 only; "
                                "make a new one with fence-virt-keygen --fx2",
                                other->file);
                if (strcmp(other->file, key->file) == 0)
                        return same_bytes
                                       ? 1
                                       : conf_refuse(l->error, path, 0,
                                                 "another key already has the name %s; rename one of the two",
                                                 key->file);
                known = known || strcmp(other->name, key->name) == 0;
                n_names += i == 0 || strcmp(other->name, k->keys[i - 1].name) != 0;
        }
        if (!known && n_names >= KEYRING_MAX)
                return conf_refuse(
                        l->error, path, 0, "there are more than %d keys; remove some", KEYRING_MAX);
        return 0;
}

static int add_file(const char *path, const char *file, void *userdata) {
        Loading *l = userdata;
        _cleanup_(auth_key_freep) AuthKey *auth = NULL;
        KeyringKey key;
        int r;

        if (!take_name(file, &key))
                return conf_refuse(l->error, path, 0,
                        "the name of a key is 1 to %d bytes of text without blanks, and " KEYRING_NEXT
                        " once at its end; rename the file",
                        WIRE_TARGET_MAX);
        r = load_key(path, file, l, &auth);
        if (r != 0)
                return r < 0 ? r : 0;
        key.auth = auth;
        r = compare_with_ring(&key, path, l);
        if (r != 0)
                return r < 0 ? r : 0;
        insert(l->ring, &key);
        auth = NULL;
        return 0;
}

static int add_directory(const char *directory, bool credentials, Keyring *k, ConfError *ret_error) {
        Loading l = { .ring = k, .credentials = credentials, .error = ret_error };
        int r = conf_each_file(directory, ".key", add_file, &l);

        if (r >= 0 || r == -EBADMSG || r == -ENOMEM)
                return r;
        errno = -r;
        return conf_refuse(ret_error, directory, 0, "the directory cannot be read: %m");
}

/* Of equal keys the first keeps its name. */
static void remove_duplicates(Keyring *k) {
        size_t n = 0;

        for (size_t i = 0; i < k->n; i++) {
                bool known = false;

                for (size_t j = 0; j < n; j++)
                        known = known || auth_key_equal(k->keys[j].auth, k->keys[i].auth);
                if (known)
                        auth_key_free(k->keys[i].auth);
                else
                        k->keys[n++] = k->keys[i];
        }
        k->n = n;
}

int keyring_load(const char *keys_dir, const char *credentials_dir, Keyring **ret, ConfError *ret_error) {
        _cleanup_(keyring_freep) Keyring *k = calloc(1, sizeof(*k));
        int r;

        if (!k)
                return -ENOMEM;
        k->n_ref = 1;
        r = add_directory(keys_dir, false, k, ret_error);
        if (r >= 0 && credentials_dir)
                r = add_directory(credentials_dir, true, k, ret_error);
        if (r < 0)
                return r;
        remove_duplicates(k);
        *ret = TAKE(k, NULL);
        return 0;
}

Keyring *keyring_ref(Keyring *k) {
        k->n_ref++;
        return k;
}

Keyring *keyring_unref(Keyring *k) {
        if (k && --k->n_ref == 0)
                keyring_free(k);
        return NULL;
}

size_t keyring_size(const Keyring *k) {
        return k->n;
}

const KeyringKey *keyring_find(const Keyring *k, const uint8_t packet[static WIRE_PACKET_SIZE]) {
        const KeyringKey *found = NULL;

        for (size_t i = 0; i < k->n; i++)
                if (auth_verify_packet(k->keys[i].auth, packet) == 0)
                        found = k->keys + i;
        return found;
}

bool keyring_is_host_challenge(const Keyring *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]) {
        bool ours = false;

        for (size_t i = 0; i < k->n; i++)
                ours |= auth_is_host_challenge(k->keys[i].auth, challenge);
        return ours;
}

size_t keyring_v1_files(const Keyring *k, char *buffer, size_t size) {
        enum { ROOM_FOR_REST = sizeof(" and 128 more") };
        size_t used = 0, n_named = 0, n = 0;

        *buffer = '\0';
        for (size_t i = 0; i < k->n; i++) {
                const KeyringKey *key = k->keys + i;
                size_t needed = strlen(key->file) + strlen(", ") + ROOM_FOR_REST;

                if (auth_key_is_fx2_only(key->auth))
                        continue;
                n++;
                if (n_named < n - 1 || used + needed > size)
                        continue;
                used += (size_t) snprintf(
                        buffer + used, size - used, "%s%s", n_named++ ? ", " : "", key->file);
        }
        if (n_named < n)
                (void) snprintf(buffer + used, size - used, " and %zu more", n - n_named);
        return n;
}
