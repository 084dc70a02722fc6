/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the agent has its key from. */

#include "auth.h"
#include "options.h"

/* The name of the credential (systemd.exec(5), systemd-creds(1)), and where the credentials of the whole system are: those
 * that the hypervisor hands over by SMBIOS are put there by systemd. */
#define KEY_CREDENTIAL         "fence-virt.key"
#define KEY_SYSTEM_CREDENTIALS "/run/credentials/@system"

/* Directories that may hold KEY_CREDENTIAL, and a file, in this order. NULL: there is none. */
typedef struct KeyPlaces {
        const char *service_credentials;
        const char *system_credentials;
        const char *file;
} KeyPlaces;

/* The places of this process; what $CREDENTIALS_DIRECTORY says belongs to the environment. */
KeyPlaces key_places(void);

/* The first file that is there, or that cannot be told not to be: whether it can be read, and is a key, is found out by who
 * uses it, as to pass a bad one over would be to believe another. 1 and a path to be freed, 0 when there is nothing, or
 * -ENOMEM. */
int key_file_find(const KeyPlaces *places, char **ret);

/* Reads the key that the options name; says what is wrong. 0 with *ret NULL when none is there and the transport does
 * without. */
int key_file_load(const Options *o, AuthKey **ret);
