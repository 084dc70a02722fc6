/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "policy-data.h"
#include "wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 48 }; /* bytes of a word in a message, which has a fixed size */

/* One file while it is read. */
typedef struct Reading {
        Policy *policy;
        uint32_t group;
        unsigned actions;
        bool has_members;
        char reason[192];
} Reading;

static const unsigned all_actions =
        1U << ACTION_OFF | 1U << ACTION_REBOOT | 1U << ACTION_ON | 1U << ACTION_STATUS | 1U << ACTION_LIST;

static int refuse(Reading *r, const char **reason, const char *format, ...) _printf_(3, 4);

static int refuse(Reading *r, const char **reason, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(r->reason, sizeof(r->reason), format, ap);
        va_end(ap);
        *reason = r->reason;
        return -EINVAL;
}

static_assert(POLICY_ENTRIES_MAX == 65536, "a message says so");

static int add_entry(Policy *p, PolicyTable *t, const char *text, uint32_t group, const char **reason) {
        PolicyEntry *entries;

        if (p->members.n + p->sources.n + p->never.n >= POLICY_ENTRIES_MAX) {
                *reason = "all groups and Never= together have more than 65536 members and sources";
                return -E2BIG;
        }
        if (t->n == t->allocated) {
                size_t allocated = t->allocated == 0 ? 64 : 2 * t->allocated;

                entries = reallocarray(t->entries, allocated, sizeof(PolicyEntry));
                if (!entries)
                        return -ENOMEM;
                t->entries = entries;
                t->allocated = allocated;
        }
        t->entries[t->n] = (PolicyEntry){ .text = strdup(text), .head = policy_head(text), .group = group };
        if (!t->entries[t->n].text)
                return -ENOMEM;
        t->n++;
        return 0;
}

static int add(Reading *r, PolicyTable *t, const char *text, const char **reason) {
        return add_entry(r->policy, t, text, r->group, reason);
}

int policy_check_member_word(const char *word, const char **reason) {
        const char *label = word + strlen(POLICY_METADATA);

        if (strchr(word, ','))
                *reason = "separate members by blanks; one with a comma in its name is named by its UUID";
        else if (strncmp(word, POLICY_METADATA, strlen(POLICY_METADATA)) == 0 &&
                 !wire_target_is_valid(label))
                *reason = "metadata: needs a label, 1 to 63 bytes";
        else
                return 0;
        return -EINVAL;
}

/* What names a domain, in Members= and in Never=. */
static int add_member(Policy *p, PolicyTable *t, const char *word, uint32_t group, const char **reason) {
        char uuid[POLICY_TEXT_SIZE];
        int k = policy_check_member_word(word, reason);

        if (k < 0)
                return k;
        if (strncmp(word, POLICY_METADATA, strlen(POLICY_METADATA)) == 0)
                p->uses_labels = true;
        if (!wire_is_uuid(word))
                return add_entry(p, t, word, group, reason);
        policy_uuid_text(word, uuid);
        return add_entry(p, t, uuid, group, reason);
}

int policy_add_never(Policy *p, const char *word, const char **reason) {
        return add_member(p, &p->never, word, 0, reason);
}

static int take_member(Reading *r, const char *word, const char **reason) {
        r->has_members = true;
        return add_member(r->policy, &r->policy->members, word, r->group, reason);
}

static int take_key(Reading *r, const char *word, const char **reason) {
        if (!wire_target_is_valid(word + strlen("key:")))
                return refuse(r, reason, "key: needs the name of a key, 1 to %d bytes", POLICY_NAME_MAX);
        return add(r, &r->policy->sources, word, reason);
}

bool policy_parse_cid(const char *number, uint32_t *ret) {
        size_t digits = strspn(number, "0123456789");
        unsigned long long cid;

        cid = digits > 0 && digits <= 10 && number[digits] == '\0' ? strtoull(number, NULL, 10) : 0;
        if (cid < 3 || cid >= UINT32_MAX)
                return false;
        *ret = (uint32_t) cid;
        return true;
}

static int take_cid(Reading *r, const char *word, const char **reason) {
        char text[POLICY_TEXT_SIZE];
        uint32_t cid;

        if (!policy_parse_cid(word + strlen("cid:"), &cid))
                return refuse(r, reason, "cid: needs a number from 3 to %u; those below are no guests",
                        UINT32_MAX - 1);
        (void) snprintf(text, sizeof(text), "cid:%u", cid);
        return add(r, &r->policy->sources, text, reason);
}

/* Splits "192.168.122.0/24"; false if it is neither an address nor a network. */
static bool parse_network(
        const char *word, int *ret_family, uint8_t ret_address[static 16], unsigned *ret_bits) {
        size_t n = strcspn(word, "/"), digits;
        char address[INET6_ADDRSTRLEN];
        int family = memchr(word, ':', n) ? AF_INET6 : AF_INET;
        unsigned maximum = family == AF_INET ? 32 : 128, bits = maximum;

        if (n >= sizeof(address))
                return false;
        memcpy(address, word, n);
        address[n] = '\0';
        if (inet_pton(family, address, ret_address) != 1)
                return false;
        if (word[n] == '/') {
                digits = strspn(word + n + 1, "0123456789");
                if (digits == 0 || digits > 3 || word[n + 1 + digits] != '\0')
                        return false;
                bits = (unsigned) strtoul(word + n + 1, NULL, 10);
        }
        *ret_family = family;
        *ret_bits = bits;
        return bits <= maximum;
}

static int take_network(Reading *r, const char *word, const char **reason) {
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }; /* ::ffff:0.0.0.0/96 */
        char text[POLICY_TEXT_SIZE], host[POLICY_TEXT_SIZE];
        uint8_t address[16] = {};
        unsigned bits, maximum;
        int family;

        if (!parse_network(word, &family, address, &bits))
                return refuse(r, reason,
                        "\"%.*s\" is none of key:NAME, an address, a network like 10.0.0.0/8, cid:N, a UUID",
                        SHOWN, word);
        if (family == AF_INET6 && memcmp(address, mapped, sizeof(mapped)) == 0)
                return refuse(
                        r, reason, "\"%.*s\" is an IPv4 address in IPv6; write it as 10.0.0.1", SHOWN, word);
        maximum = family == AF_INET ? 32 : 128;
        policy_network_text(family, address, bits, text);
        policy_network_text(family, address, maximum, host);
        if (strncmp(host, text, strcspn(host, "/") + 1) != 0)
                return refuse(r, reason, "\"%.*s\" has bits behind the prefix; did you mean %s?", SHOWN,
                        word, text);
        if (family == AF_INET)
                r->policy->prefix_used[bits] = true;
        else
                r->policy->prefix6_used[bits] = true;
        return add(r, &r->policy->sources, text, reason);
}

static int take_source(Reading *r, const char *word, const char **reason) {
        char uuid[POLICY_TEXT_SIZE];

        if (strncmp(word, "key:", 4) == 0)
                return take_key(r, word, reason);
        if (strncmp(word, "cid:", 4) == 0)
                return take_cid(r, word, reason);
        if (!wire_is_uuid(word))
                return take_network(r, word, reason);
        policy_uuid_text(word, uuid);
        return add(r, &r->policy->sources, uuid, reason);
}

static int take_action(Reading *r, const char *word, const char **reason) {
        Action a;

        if (action_from_string(word, &a) < 0 || !(all_actions & 1U << a))
                return refuse(r, reason, "\"%.*s\" is none of: off reboot on status list", SHOWN, word);
        r->actions |= 1U << a;
        return 0;
}

static int take_words(const char *value, Reading *r, const char **reason,
        int (*take)(Reading *r, const char *word, const char **reason)) {
        _cleanup_free_ char *copy = strdup(value);
        char *save = NULL;
        int k;

        if (!copy)
                return -ENOMEM;
        if (*value == '\0')
                return refuse(r, reason, "say something, or leave the line out");
        for (char *word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
                k = take(r, word, reason);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int parse_members(const char *value, void *target, const char **reason) {
        return take_words(value, target, reason, take_member);
}

static int parse_sources(const char *value, void *target, const char **reason) {
        return take_words(value, target, reason, take_source);
}

static int parse_actions(const char *value, void *target, const char **reason) {
        return take_words(value, target, reason, take_action);
}

static const ConfItem items[] = {
        { "Group", "Members", parse_members, 0, CONF_REPEATABLE },
        { "Group", "Sources", parse_sources, 0, CONF_REPEATABLE },
        { "Group", "Actions", parse_actions, 0, 0 },
};

static int begin_group(Policy *p, const char *name, const char *path, Reading *ret, ConfError *ret_error) {
        PolicyGroup *groups;

        if (!wire_target_is_valid(name))
                return conf_refuse(ret_error, path, 0,
                        "the name of a group is 1 to %d bytes of text; rename the file", POLICY_NAME_MAX);
        if (p->n_groups >= POLICY_GROUPS_MAX)
                return conf_refuse(ret_error, path, 0, "there are more than %d groups", POLICY_GROUPS_MAX);
        groups = reallocarray(p->groups, p->n_groups + 1, sizeof(PolicyGroup));
        if (!groups)
                return -ENOMEM;
        p->groups = groups;
        groups[p->n_groups] = (PolicyGroup){};
        memcpy(groups[p->n_groups].name, name, strlen(name));
        *ret = (Reading){ .policy = p, .group = (uint32_t) p->n_groups++ };
        return 0;
}

static int end_group(const Reading *r, const char *path, ConfError *ret_error) {
        if (!r->has_members)
                return conf_refuse(ret_error, path, 0,
                        "the group has no members; name them in [Group] Members=, or remove the file");
        r->policy->groups[r->group].actions = r->actions ? r->actions : all_actions;
        return 0;
}

int policy_parse_group(
        Policy *p, const char *name, const char *path, const char *text, size_t size, ConfError *ret_error) {
        Reading r;
        int k = begin_group(p, name, path, &r, ret_error);

        if (k >= 0)
                k = conf_parse(path, text, size, items, ELEMENTSOF(items), &r, ret_error);
        return k < 0 ? k : end_group(&r, path, ret_error);
}

/* What conf_each_file() carries along. */
typedef struct Loading {
        Policy *policy;
        ConfError *error;
} Loading;

static int load_group(const char *path, const char *name, void *userdata) {
        Loading *l = userdata;
        Reading r;
        int k = begin_group(l->policy, name, path, &r, l->error);

        if (k >= 0)
                k = conf_parse_file(path, items, ELEMENTSOF(items), &r, l->error);
        if (k == -ENOENT)
                return conf_refuse(l->error, path, 0, "went away while it was read");
        return k < 0 ? k : end_group(&r, path, l->error);
}

static void sort(PolicyTable *t) {
        if (t->n > 0)
                qsort(t->entries, t->n, sizeof(PolicyEntry), policy_compare);
        for (size_t i = 1; i < t->n; i++)
                t->entries[i].again = strcmp(t->entries[i].text, t->entries[i - 1].text) == 0;
}

void policy_sort(Policy *p) {
        sort(&p->members);
        sort(&p->sources);
        sort(&p->never);
}

static int load_never(Policy *p, char *const *never, const char *path, ConfError *ret_error) {
        const char *reason = NULL;

        for (; never && *never; never++) {
                int r = policy_add_never(p, *never, &reason);

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return conf_refuse(ret_error, path, 0, "[Policy] Never=: %s", reason);
        }
        return 0;
}

int policy_load(const char *groups_dir, PolicyDefault policy_default, char *const *never, Policy **ret,
        ConfError *ret_error) {
        _cleanup_(policy_unrefp) Policy *p = policy_new(policy_default);
        Loading l = { .policy = p, .error = ret_error };
        int r;

        if (!p)
                return -ENOMEM;
        r = conf_each_file(groups_dir, ".conf", load_group, &l);
        if (r == -EBADMSG || r == -ENOMEM)
                return r;
        if (r < 0) {
                errno = -r;
                return conf_refuse(ret_error, groups_dir, 0, "the directory cannot be read: %m");
        }
        r = load_never(p, never, groups_dir, ret_error);
        if (r < 0)
                return r;
        policy_sort(p);
        *ret = TAKE(p, NULL);
        return 0;
}
