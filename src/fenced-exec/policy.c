/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "policy-data.h"
#include "wire.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 40 }; /* bytes of a name in a reason, which has a fixed size */

Policy *policy_new(PolicyDefault policy_default) {
        Policy *p = calloc(1, sizeof(*p));

        if (p) {
                p->n_ref = 1;
                p->policy_default = policy_default;
        }
        return p;
}

static void table_done(PolicyTable *t) {
        for (size_t i = 0; i < t->n; i++)
                free(t->entries[i].text);
        free(t->entries);
}

Policy *policy_ref(Policy *p) {
        p->n_ref++;
        return p;
}

Policy *policy_unref(Policy *p) {
        if (!p || --p->n_ref > 0)
                return NULL;
        table_done(&p->members);
        table_done(&p->sources);
        table_done(&p->never);
        free(p->groups);
        free(p);
        return NULL;
}

size_t policy_n_groups(const Policy *p) {
        return p->n_groups;
}

bool policy_uses_labels(const Policy *p) {
        return p->uses_labels;
}

void policy_network_text(
        int family, const uint8_t address[static 16], unsigned bits, char ret[static POLICY_TEXT_SIZE]) {
        uint8_t network[16] = {};
        char text[INET6_ADDRSTRLEN] = "";

        memcpy(network, address, bits / 8);
        if (bits % 8 != 0)
                network[bits / 8] = (uint8_t) (address[bits / 8] & 0xff << (8 - bits % 8));
        (void) inet_ntop(family, network, text, sizeof(text));
        (void) snprintf(ret, POLICY_TEXT_SIZE, "%s/%u", text, bits);
}

void policy_uuid_text(const char *uuid, char ret[static POLICY_TEXT_SIZE]) {
        for (size_t i = 0; i <= WIRE_UUID_SIZE; i++)
                ret[i] = uuid[i] >= 'A' && uuid[i] <= 'F' ? (char) (uuid[i] - 'A' + 'a') : uuid[i];
}

uint64_t policy_head(const char *text) {
        uint64_t head = 0;
        unsigned n = 0;

        for (; n < sizeof(head) && text[n]; n++)
                head = head << 8 | (uint8_t) text[n];
        return n == 0 ? 0 : head << 8 * (sizeof(head) - n);
}

static int compare_text(const PolicyEntry *e, uint64_t head, const char *text) {
        return e->head != head ? (e->head > head) - (e->head < head) : strcmp(e->text, text);
}

int policy_compare(const void *a, const void *b) {
        const PolicyEntry *x = a, *y = b;
        int c = compare_text(x, y->head, y->text);

        return c != 0 ? c : (x->group > y->group) - (x->group < y->group);
}

static bool has(const PolicyGroupSet *s, size_t group) {
        return s->bits[group / 64] >> (group % 64) & 1;
}

static void add_group(PolicyGroupSet *s, size_t group) {
        s->bits[group / 64] |= (uint64_t) 1 << (group % 64);
}

/* The first entry that is not below the text. */
static size_t find(const PolicyTable *t, const char *text) {
        const uint64_t head = policy_head(text);
        size_t low = 0, high = t->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (compare_text(t->entries + middle, head, text) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* Called with each entry of one text; true ends the search. */
typedef bool (*EntryFunc)(const PolicyEntry *e, void *userdata);

static bool each_entry(const PolicyTable *t, const char *text, EntryFunc func, void *userdata) {
        size_t i = find(t, text);

        if (i == t->n || strcmp(t->entries[i].text, text) != 0)
                return false;
        do
                if (func(&t->entries[i], userdata))
                        return true;
        while (++i < t->n && t->entries[i].again);
        return false;
}

static bool each_label(
        const Policy *p, const PolicyTable *t, const char *labels, EntryFunc func, void *userdata) {
        char text[POLICY_TEXT_SIZE];

        for (size_t n; p->uses_labels && *labels; labels += n + (labels[n] == ' ')) {
                n = strcspn(labels, " ");
                if (n == 0 || n > POLICY_NAME_MAX)
                        return false;
                (void) snprintf(text, sizeof(text), POLICY_METADATA "%.*s", (int) n, labels);
                if (each_entry(t, text, func, userdata))
                        return true;
        }
        return false;
}

/* A domain by its UUID, its labels, and its real name unless that reads as one of these: whoever names domains could take
 * another's. */
static bool each_entry_of_domain(
        const Policy *p, const PolicyTable *t, const PolicyDomain *d, EntryFunc func, void *userdata) {
        char text[POLICY_TEXT_SIZE];

        if (t->n == 0)
                return false;
        if (*d->name && !wire_is_uuid(d->name) &&
                strncmp(d->name, POLICY_METADATA, strlen(POLICY_METADATA)) != 0 &&
                each_entry(t, d->name, func, userdata))
                return true;
        if (wire_is_uuid(d->uuid)) {
                policy_uuid_text(d->uuid, text);
                if (each_entry(t, text, func, userdata))
                        return true;
        }
        return each_label(p, t, d->labels, func, userdata);
}

static bool take_group(const PolicyEntry *e, void *userdata) {
        add_group(userdata, e->group);
        return false;
}

static void add_groups(PolicyGroupSet *s, const PolicyTable *t, const char *text) {
        (void) each_entry(t, text, take_group, s);
}

static bool found_one(const PolicyEntry *e, void *userdata) {
        return true;
}

static bool is_protected(const Policy *p, Action action, const PolicyDomain *d) {
        return (action == ACTION_OFF || action == ACTION_REBOOT) &&
               each_entry_of_domain(p, &p->never, d, found_one, NULL);
}

static void add_groups_of_address(PolicyGroupSet *s, const Policy *p, const Identity *i) {
        const bool *used = i->family == AF_INET ? p->prefix_used : p->prefix6_used;
        unsigned n = i->family == AF_INET ? 32 : 128;
        char text[POLICY_TEXT_SIZE];

        for (unsigned bits = 0; bits <= n; bits++)
                if (used[bits]) {
                        policy_network_text(i->family, i->address, bits, text);
                        add_groups(s, &p->sources, text);
                }
}

static void add_groups_of_requester(PolicyGroupSet *s, const Policy *p, const Identity *i) {
        char text[POLICY_TEXT_SIZE];

        if (*i->key) {
                (void) snprintf(text, sizeof(text), "key:%s", i->key);
                add_groups(s, &p->sources, text);
        }
        if (wire_is_uuid(i->uuid)) {
                policy_uuid_text(i->uuid, text);
                add_groups(s, &p->sources, text);
                (void) each_entry_of_domain(
                        p, &p->members, &(PolicyDomain){ i->name, i->uuid, i->labels }, take_group, s);
        }
        if (i->family == AF_VSOCK) {
                (void) snprintf(text, sizeof(text), "cid:%u", i->cid);
                add_groups(s, &p->sources, text);
        }
        if (i->family == AF_INET || i->family == AF_INET6)
                add_groups_of_address(s, p, i);
}

static Verdict decide(Verdict verdict, Reason *ret_reason, const char *group, const char *format, ...)
        _printf_(4, 5);

static Verdict decide(Verdict verdict, Reason *ret_reason, const char *group, const char *format, ...) {
        va_list ap;

        if (!ret_reason)
                return verdict;
        (void) snprintf(ret_reason->group, sizeof(ret_reason->group), "%s", group);
        va_start(ap, format);
        (void) vsnprintf(ret_reason->text, sizeof(ret_reason->text), format, ap);
        va_end(ap);
        wire_make_printable(
                ret_reason->text, strlen(ret_reason->text)); /* a name may have been cut in two */
        return verdict;
}

/* What no group is needed for; false when the groups decide. */
static bool decide_without_groups(
        const Policy *p, const Identity *i, Action action, Reason *ret_reason, Verdict *ret) {
        if (action == ACTION_MONITOR || action == ACTION_NULL)
                *ret = decide(
                        VERDICT_ALLOW, ret_reason, "", "%s touches no domain", action_to_string(action));
        else if (!action_has_target(action) && action != ACTION_LIST)
                *ret = decide(VERDICT_DENY, ret_reason, "", "this is no action");
        else if (!*i->key && !*i->uuid)
                *ret = decide(VERDICT_DENY, ret_reason, "",
                        "neither a key nor a proven domain vouches for the requester");
        else if (p->n_groups > 0)
                return false;
        else if (p->policy_default == POLICY_DEFAULT_ALLOW)
                *ret = decide(VERDICT_ALLOW, ret_reason, "", "there are no groups, and Default= is allow");
        else
                *ret = decide(VERDICT_DENY, ret_reason, "", "there are no groups, and Default= is deny");
        return true;
}

static Verdict deny_stranger(const Identity *i, Reason *ret_reason) {
        return decide(VERDICT_DENY, ret_reason, "", "%.*s%s%.*s is a source of no group", SHOWN,
                *i->source ? i->source : "the requester", *i->key ? " with key:" : "", SHOWN, i->key);
}

/* The verdict before anything is known of the target, and the groups that the requester is a source of. */
static Verdict check_requester(const Policy *p, const Identity *requester, Action action,
        PolicyGroupSet *ret_sources, Reason *ret_reason) {
        const char *without_action = NULL;
        Verdict verdict;

        *ret_sources = (PolicyGroupSet){};
        if (decide_without_groups(p, requester, action, ret_reason, &verdict))
                return verdict;
        add_groups_of_requester(ret_sources, p, requester);
        for (size_t g = 0; g < p->n_groups; g++) {
                if (!has(ret_sources, g))
                        continue;
                if (p->groups[g].actions & 1U << action)
                        return decide(VERDICT_ALLOW, ret_reason, p->groups[g].name,
                                "group %s allows %s to its members", p->groups[g].name,
                                action_to_string(action));
                without_action = p->groups[g].name;
        }
        if (!without_action)
                return deny_stranger(requester, ret_reason);
        return decide(VERDICT_DENY, ret_reason, without_action, "group %s does not allow %s", without_action,
                action_to_string(action));
}

Verdict policy_check_requester(
        const Policy *p, const Identity *requester, Action action, Reason *ret_reason) {
        PolicyGroupSet sources;

        return check_requester(p, requester, action, &sources, ret_reason);
}

static const char *shown(const PolicyDomain *d) {
        return *d->name ? d->name : d->uuid;
}

Verdict policy_check(const Policy *p, const Identity *requester, Action action, const PolicyDomain *domain,
        Reason *ret_reason) {
        PolicyGroupSet sources, targets = {};
        const char *without_action = NULL;
        Verdict verdict = check_requester(p, requester, action, &sources, ret_reason);

        if (verdict != VERDICT_ALLOW)
                return verdict;
        if (is_protected(p, action, domain))
                return decide(
                        VERDICT_DENY, ret_reason, "", "%.*s is protected by Never=", SHOWN, shown(domain));
        if (p->n_groups == 0 || action == ACTION_MONITOR || action == ACTION_NULL)
                return verdict;
        (void) each_entry_of_domain(p, &p->members, domain, take_group, &targets);
        for (size_t g = 0; g < p->n_groups; g++) {
                if (!has(&sources, g) || !has(&targets, g))
                        continue;
                if (p->groups[g].actions & 1U << action)
                        return decide(VERDICT_ALLOW, ret_reason, p->groups[g].name, "group %s allows %s",
                                p->groups[g].name, action_to_string(action));
                without_action = p->groups[g].name;
        }
        if (without_action)
                return decide(VERDICT_DENY, ret_reason, without_action, "group %s does not allow %s",
                        without_action, action_to_string(action));
        return decide(VERDICT_DENY, ret_reason, "", "%.*s is a member of no group of the requester", SHOWN,
                shown(domain));
}

void policy_scope(const Policy *p, const Identity *requester, Action action, PolicyScope *ret) {
        PolicyGroupSet sources;
        Verdict verdict = check_requester(p, requester, action, &sources, NULL);

        *ret = (PolicyScope){ .policy = p, .action = action };
        if (verdict != VERDICT_ALLOW)
                return;
        ret->everything = p->n_groups == 0 || action == ACTION_MONITOR || action == ACTION_NULL;
        for (size_t g = 0; g < p->n_groups; g++)
                if (has(&sources, g) && p->groups[g].actions & 1U << action)
                        add_group(&ret->groups, g);
}

static bool is_in_scope(const PolicyEntry *e, void *userdata) {
        return has(userdata, e->group);
}

Verdict policy_scope_check(const PolicyScope *s, const PolicyDomain *domain) {
        const Policy *p = s->policy;

        if (is_protected(p, s->action, domain))
                return VERDICT_DENY;
        return s->everything ||
                               each_entry_of_domain(p, &p->members, domain, is_in_scope, (void *) &s->groups)
                       ? VERDICT_ALLOW
                       : VERDICT_DENY;
}
