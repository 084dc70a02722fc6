/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All keys, each with a name that policy can speak of. Of each name there may be two, NAME.key and NAME.next.key: the
 * second is the key that the guests are being given, so that a key is exchanged without a gap. */

#include "auth.h"
#include "base.h"
#include "conf.h"

#define KEYRING_NEXT ".next"

enum {
        KEYRING_MAX = 64, /* names */
        KEYRING_FILE_SIZE = WIRE_TARGET_MAX + sizeof(KEYRING_NEXT),
};

typedef struct Keyring Keyring;

typedef struct KeyringKey {
        char name[WIRE_TARGET_MAX + 1]; /* the identity of who has it */
        char file[KEYRING_FILE_SIZE]; /* NAME or NAME.next */
        AuthKey *auth;
} KeyringKey;

/* Loads every NAME.key of the key directory and of the credentials directory (NULL: none); a credential named
 * fence_xvm.key whose bytes are "none" counts as absent. NAME is 1..63 printable bytes without blanks. Same bytes under
 * two names are one key (the first name in strcmp order, and NAME before NAME.next); two keys in files of one name are an
 * error, and so are the same bytes once as a raw key and once for FX2 only. A file must be owned by root or by ourselves.
 * Any file that is refused (H9) refuses the whole ring: -EBADMSG with *ret_error saying which file and what to do. Logs a
 * warning for each key that is questionable. An empty ring is valid; it authenticates nobody. */
int keyring_load(const char *keys_dir, const char *credentials_dir, Keyring **ret, ConfError *ret_error);

/* A session keeps the ring it was opened with, whatever a reload brings. unref returns NULL, takes NULL. */
Keyring *keyring_ref(Keyring *k);
Keyring *keyring_unref(Keyring *k);
DEFINE_CLEANUP(Keyring *, keyring_unref)

size_t keyring_size(const Keyring *k); /* keys, not names */

/* The key that verifies the packet, valid as long as the ring, or NULL when none does. Tries every key of the kind that the
 * packet's hash is for, whatever comes of the first. */
const KeyringKey *keyring_find(const Keyring *k, const uint8_t packet[static WIRE_PACKET_SIZE]);

/* The files of the keys by which v1 can be spoken, "db, web.next and 3 more": as many as there is room for. Returns how
 * many there are. */
size_t keyring_v1_files(const Keyring *k, char *buffer, size_t size);

/* H1 over all keys: true when any of them made this challenge. */
bool keyring_is_host_challenge(const Keyring *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]);
