/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may do what to whom: pure functions over a snapshot read from groups.d/NAME.conf. Default is deny.
 *
 *   [Group]
 *   Members=web1 4dea22b3-1d52-d8f3-2516-782e98ab3fa0          names or UUIDs of domains; required, not empty
 *   Members=metadata:web                                       domains that have this label in their libvirt metadata
 *   Sources=key:default 192.168.122.0/24 cid:3                 any one that matches makes the requester a member's peer;
 *                                                              one whose own domain is proven and a member needs none
 *   Actions=off on reboot status list                          default: all of these
 *
 * And of [Policy] Never= in fence-virt.conf, whose words are those of Members=: nobody may switch these domains off.
 */

#include "action.h"
#include "base.h"
#include "conf.h"
#include "identity.h"

enum { POLICY_GROUPS_MAX = 4096, POLICY_ENTRIES_MAX = 65536 };

typedef struct Policy Policy;

typedef enum PolicyDefault { POLICY_DEFAULT_DENY = 0, POLICY_DEFAULT_ALLOW } PolicyDefault;

typedef enum Verdict { VERDICT_DENY = 0, VERDICT_ALLOW } Verdict;

/* What a domain is known by; "" for what is not known, never NULL. labels: separated by single blanks, as WorkerEvent has
 * them. */
typedef struct PolicyDomain {
        const char *name, *uuid, *labels;
} PolicyDomain;

/* Why, in one sentence for the journal, and by which group ("" when none decided). */
typedef struct Reason {
        char group[64];
        char text[192];
} Reason;

/* Reads every groups.d/NAME.conf; -EBADMSG with file, line and what to do when any is bad: the caller keeps the old
 * policy. A group without Members= is an error, not an open door. A missing directory is a policy without groups.
 * never: words that policy_check_member_word() accepts, NULL for none. */
int policy_load(const char *groups_dir, PolicyDefault policy_default, char *const *never, Policy **ret,
        ConfError *ret_error);

/* Reference counted: a conversation is held against the policy of its beginning, too. */
Policy *policy_ref(Policy *p);
Policy *policy_unref(Policy *p);
DEFINE_CLEANUP(Policy *, policy_unref)

/* -EINVAL, with what would be accepted, for a word that names no domain in Members= or Never=. */
int policy_check_member_word(const char *word, const char **reason);

size_t policy_n_groups(const Policy *p);

/* True when labels count: only then they need to be asked for. */
bool policy_uses_labels(const Policy *p);

/* May the requester do this to this domain? The target is resolved before policy is asked; for one that does not exist
 * pass what the guest wrote, as the name or as the UUID. A member matches by UUID, ignoring case, by a label, exactly,
 * or by the domain's real name, exactly; what reads as a UUID or begins with "metadata:" never counts as a name.
 * Monitor and null touch no domain and are always allowed. A requester without a key and without a proven domain is
 * denied the rest, whatever its address and Default= are. What policy_check_requester() denies is denied with the same
 * reason; then Never= counts, then the groups. ret_reason may be NULL. */
Verdict policy_check(const Policy *p, const Identity *requester, Action action, const PolicyDomain *domain,
        Reason *ret_reason);

/* Before anything is resolved: could this requester be allowed this action on any domain at all? */
Verdict policy_check_requester(
        const Policy *p, const Identity *requester, Action action, Reason *ret_reason);

typedef struct PolicyGroupSet {
        uint64_t bits[POLICY_GROUPS_MAX / 64];
} PolicyGroupSet;

/* What one requester may do one action to, looked up once: a list asks about thousands of domains. Valid as long as the
 * policy; what is in it is for policy.c. */
typedef struct PolicyScope {
        const Policy *policy;
        Action action;
        bool everything; /* but for what Never= names */
        PolicyGroupSet groups;
} PolicyScope;

void policy_scope(const Policy *p, const Identity *requester, Action action, PolicyScope *ret);

/* The same as policy_check(). */
Verdict policy_scope_check(const PolicyScope *s, const PolicyDomain *domain);
