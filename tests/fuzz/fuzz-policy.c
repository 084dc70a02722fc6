/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of a group file. What is taken lets each of its sources do its actions to each of its members, and nobody
 * else to anything; what is refused says why. */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "policy-data.h"
#include "wire.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

enum { PAIRS_MAX = 16 }; /* of sources and of members that are tried with each other */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_printable(const char *text) {
        return wire_is_printable((const uint8_t *) text, strlen(text));
}

/* Somebody who has what the source asks for, and a key that it does not ask for. */
static Identity requester_of(const char *source) {
        Identity i = { .key = "\001" };
        char address[INET6_ADDRSTRLEN];

        if (strncmp(source, "key:", 4) == 0)
                check((size_t) snprintf(i.key, sizeof(i.key), "%s", source + 4) < sizeof(i.key));
        else if (strncmp(source, "cid:", 4) == 0) {
                i.family = AF_VSOCK;
                i.cid = (uint32_t) strtoul(source + 4, NULL, 10);
                check(i.cid >= 3);
        } else if (strchr(source, '/')) {
                (void) snprintf(address, sizeof(address), "%.*s", (int) strcspn(source, "/"), source);
                i.family = strchr(address, ':') ? AF_INET6 : AF_INET;
                check(inet_pton(i.family, address, i.address) == 1);
        } else {
                check(wire_is_uuid(source));
                memcpy(i.uuid, source, sizeof(i.uuid));
        }
        return i;
}

static void check_pair(const Policy *p, const char *source, const char *member) {
        const Identity who = requester_of(source), nobody = { .key = "\001" };
        bool is_label = strncmp(member, POLICY_METADATA, strlen(POLICY_METADATA)) == 0;
        const PolicyDomain d = { is_label || wire_is_uuid(member) ? "" : member,
                wire_is_uuid(member) ? member : "", is_label ? member + strlen(POLICY_METADATA) : "" },
                           other = { "\002", "", "" };

        check(*member && is_printable(member) && !strpbrk(member, " \t"));
        for (Action a = ACTION_OFF; a < _ACTION_MAX; a++) {
                bool allowed = a == ACTION_MONITOR || p->groups[0].actions & 1U << a;
                PolicyScope scope;

                policy_scope(p, &who, a, &scope);
                check(policy_scope_check(&scope, &d) == (allowed ? VERDICT_ALLOW : VERDICT_DENY));
                check(policy_check(p, &who, a, &d, NULL) == (allowed ? VERDICT_ALLOW : VERDICT_DENY));
                check(policy_check_requester(p, &who, a, NULL) == (allowed ? VERDICT_ALLOW : VERDICT_DENY));
                check(policy_check(p, &who, a, &other, NULL) ==
                        (a == ACTION_MONITOR ? VERDICT_ALLOW : VERDICT_DENY));
                check(policy_check(p, &nobody, a, &d, NULL) ==
                        (a == ACTION_MONITOR ? VERDICT_ALLOW : VERDICT_DENY));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(policy_unrefp) Policy *p = policy_new(POLICY_DEFAULT_ALLOW);
        ConfError e = {};
        int r;

        check(p);
        r = policy_parse_group(p, "fuzz", "fuzz.conf", (const char *) data, size, &e);
        check(r == 0 || r == -EBADMSG);
        if (r < 0) {
                check(e.message[0] && is_printable(e.message));
                return 0;
        }
        policy_sort(p);
        check(p->members.n > 0 && p->groups[0].actions != 0);
        for (size_t s = 0; s < p->sources.n && s < PAIRS_MAX; s++)
                for (size_t m = 0; m < p->members.n && m < PAIRS_MAX; m++)
                        check_pair(p, p->sources.entries[s].text, p->members.entries[m].text);
        return 0;
}
