/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a policy is made of; for policy.c, policy-file.c, their tests and fuzzer only.
 *
 * Sorted tables of (text, group): who is a member of which group, who is a source of which, and whom Never= names (without
 * groups). All texts are in one canonical form, so that looking up is comparing: a UUID in lower case, "metadata:LABEL", a
 * domain's name as it is (never one that reads as one of these two), "key:NAME", "cid:N", "192.168.122.0/24". An address is
 * looked up once per prefix length in use. */

#include "policy.h"

#include <netinet/in.h>

#define POLICY_METADATA "metadata:"

enum { POLICY_NAME_MAX = 63 }; /* bytes of the name of a group or a key, and of a label */

/* Room for any text but a member's name. */
enum { POLICY_TEXT_SIZE = sizeof(POLICY_METADATA) + POLICY_NAME_MAX };

typedef struct PolicyEntry {
        char *text;
        uint64_t
                head; /* its first bytes, policy_head(): mostly enough to compare, and nothing to fetch from elsewhere */
        uint32_t group;
        bool again; /* the same text as that of the entry before; set by policy_sort() */
} PolicyEntry;

typedef struct PolicyTable {
        PolicyEntry *entries;
        size_t n, allocated;
} PolicyTable;

typedef struct PolicyGroup {
        char name[POLICY_NAME_MAX + 1];
        unsigned actions; /* 1 << Action */
} PolicyGroup;

struct Policy {
        unsigned n_ref;
        PolicyDefault policy_default;
        PolicyGroup *groups;
        size_t n_groups;
        PolicyTable members, sources, never;
        bool uses_labels;
        bool prefix_used[32 + 1], prefix6_used[128 + 1];
};

/* "192.168.122.0/24": the network of that many bits that the address is in. */
void policy_network_text(
        int family, const uint8_t address[static 16], unsigned bits, char ret[static POLICY_TEXT_SIZE]);

/* The text of a UUID in lower case. */
void policy_uuid_text(const char *uuid, char ret[static POLICY_TEXT_SIZE]);

/* False for what is no CID of a guest in decimal digits. */
bool policy_parse_cid(const char *number, uint32_t *ret);

/* The first 8 bytes of a text as a number that is in the order of texts. */
uint64_t policy_head(const char *text);

/* Orders by text, then group. */
int policy_compare(const void *a, const void *b);

Policy *policy_new(PolicyDefault policy_default);

/* Adds a word of Never=; -EINVAL with a reason, -ENOMEM. After the last, policy_sort(). */
int policy_add_never(Policy *p, const char *word, const char **reason);

/* Adds the group of a file's text; `path` is for messages. 0, -EBADMSG, -ENOMEM; after the last, policy_sort(). */
int policy_parse_group(
        Policy *p, const char *name, const char *path, const char *text, size_t size, ConfError *ret_error);
void policy_sort(Policy *p);
