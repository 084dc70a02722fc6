/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "keyring.h"
#include "log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What SetCredential= in fence-virt-exec.service gives when the host has no key of fence_virtd's. */
#define LEGACY_KEY_NAME "fence_xvm"
#define LEGACY_KEY_NONE "none"

typedef struct Entry {
        char name[WIRE_TARGET_MAX + 1];
        AuthKey *key;
} Entry;

struct Keyring {
        unsigned n_ref;
        size_t n;
        Entry entries[KEYRING_MAX];
};

/* What conf_each_file() carries along. */
typedef struct Loading {
        Keyring *ring;
        bool credentials;
        ConfError *error;
} Loading;

static Keyring *keyring_free(Keyring *k) {
        for (size_t i = 0; k && i < k->n; i++)
                auth_key_free(k->entries[i].key);
        free(k);
        return NULL;
}

DEFINE_CLEANUP(Keyring *, keyring_free)

/* A name with a blank is one that no Sources= could say. */
static bool name_is_valid(const char *name) {
        return wire_target_is_valid(name) && !strchr(name, ' ');
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

static int add_file(const char *path, const char *name, void *userdata) {
        Loading *l = userdata;
        Keyring *k = l->ring;
        _cleanup_(auth_key_freep) AuthKey *key = NULL;
        Entry *entry;
        int r;

        if (!name_is_valid(name))
                return conf_refuse(l->error, path, 0,
                        "the name of a key is 1 to %d bytes of text without blanks; rename the file",
                        WIRE_TARGET_MAX);
        r = load_key(path, name, l, &key);
        if (r != 0)
                return r < 0 ? r : 0;
        for (size_t i = 0; i < k->n; i++)
                if (strcmp(k->entries[i].name, name) == 0 && !auth_key_equal(k->entries[i].key, key))
                        return conf_refuse(l->error, path, 0,
                                "another key already has the name %s; rename one of the two", name);
        if (k->n >= KEYRING_MAX)
                return conf_refuse(
                        l->error, path, 0, "there are more than %d keys; remove some", KEYRING_MAX);
        entry = k->entries + k->n++;
        memcpy(entry->name, name, strlen(name) + 1);
        entry->key = TAKE(key, NULL);
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

static int compare_names(const void *a, const void *b) {
        const Entry *x = a, *y = b;

        return strcmp(x->name, y->name);
}

/* Of equal keys the first keeps its name. */
static void remove_duplicates(Keyring *k) {
        size_t n = 0;

        qsort(k->entries, k->n, sizeof(Entry), compare_names);
        for (size_t i = 0; i < k->n; i++) {
                bool known = false;

                for (size_t j = 0; j < n; j++)
                        known = known || auth_key_equal(k->entries[j].key, k->entries[i].key);
                if (known)
                        auth_key_free(k->entries[i].key);
                else
                        k->entries[n++] = k->entries[i];
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

const AuthKey *keyring_find(
        const Keyring *k, const uint8_t packet[static WIRE_PACKET_SIZE], const char **ret_name) {
        const Entry *found = NULL;

        for (size_t i = 0; i < k->n; i++)
                if (auth_verify_packet(k->entries[i].key, packet) == 0)
                        found = k->entries + i;
        if (!found)
                return NULL;
        *ret_name = found->name;
        return found->key;
}

bool keyring_is_host_challenge(const Keyring *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]) {
        bool ours = false;

        for (size_t i = 0; i < k->n; i++)
                ours |= auth_is_host_challenge(k->entries[i].key, challenge);
        return ours;
}
