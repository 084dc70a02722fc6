/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All keys, each with a name that policy can speak of. */

#include "auth.h"
#include "base.h"
#include "conf.h"

enum { KEYRING_MAX = 64 };

typedef struct Keyring Keyring;

/* Loads every NAME.key of the key directory and of the credentials directory (NULL: none); a credential named
 * fence_xvm.key whose bytes are "none" counts as absent. NAME is 1..63 printable bytes without blanks. Same bytes under
 * two names are one key (the first name in strcmp order); two keys of one name are an error. A file must be owned by
 * root or by ourselves. Any file that is refused (H9) refuses the whole ring: -EBADMSG with *ret_error saying which file
 * and what to do. Logs a warning for each key that is questionable. An empty ring is valid; it authenticates nobody. */
int keyring_load(const char *keys_dir, const char *credentials_dir, Keyring **ret, ConfError *ret_error);

/* A session keeps the ring it was opened with, whatever a reload brings. unref returns NULL, takes NULL. */
Keyring *keyring_ref(Keyring *k);
Keyring *keyring_unref(Keyring *k);
DEFINE_CLEANUP(Keyring *, keyring_unref)

size_t keyring_size(const Keyring *k);

/* The key that verifies the packet and its name (valid as long as the ring), or NULL when none does. Tries every key,
 * whatever comes of the first. */
const AuthKey *keyring_find(
        const Keyring *k, const uint8_t packet[static WIRE_PACKET_SIZE], const char **ret_name);

/* H1 over all keys: true when any of them made this challenge. */
bool keyring_is_host_challenge(const Keyring *k, const uint8_t challenge[static WIRE_CHALLENGE_SIZE]);
