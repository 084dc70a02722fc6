/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "requester.h"
#include "policy-data.h"
#include "wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static int refuse(const char **reason, const char *why) {
        *reason = why;
        return -EINVAL;
}

static int take_key(const char *name, Identity *i, const char **reason) {
        if (*i->key || !wire_target_is_valid(name))
                return refuse(reason, "say key:NAME once, with a name of 1 to 63 bytes");
        (void) snprintf(i->key, sizeof(i->key), "%s", name);
        return 0;
}

static int take_cid(const char *number, Identity *i, const char **reason) {
        if (i->family != AF_UNSPEC || !policy_parse_cid(number, &i->cid))
                return refuse(reason, "say one cid:N, or one address; guests have 3 and above");
        i->family = AF_VSOCK;
        (void) snprintf(i->source, sizeof(i->source), "cid:%u", i->cid);
        return 0;
}

static int take_uuid(const char *word, Identity *i, const char **reason) {
        char text[POLICY_TEXT_SIZE];

        if (*i->uuid)
                return refuse(reason, "say one UUID, of the requester's own domain");
        policy_uuid_text(word, text);
        memcpy(i->uuid, text, sizeof(i->uuid));
        return 0;
}

static int take_address(const char *word, Identity *i, const char **reason) {
        uint8_t address[16];
        bool is_v4 = inet_pton(AF_INET, word, address) == 1;

        if (i->family != AF_UNSPEC || (!is_v4 && inet_pton(AF_INET6, word, address) != 1))
                return refuse(reason,
                        "say key:NAME, one address or cid:N, and the UUID of the requester's domain");
        return identity_from_address(address, is_v4 ? 4 : 16, i);
}

int requester_parse(const char *words, Identity *ret, const char **reason) {
        _cleanup_free_ char *copy = strdup(words);
        Identity i = {};
        char *save = NULL;

        if (!copy)
                return -ENOMEM;
        for (char *word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
                int r = strncmp(word, "key:", 4) == 0   ? take_key(word + 4, &i, reason)
                        : strncmp(word, "cid:", 4) == 0 ? take_cid(word + 4, &i, reason)
                        : wire_is_uuid(word)            ? take_uuid(word, &i, reason)
                                                        : take_address(word, &i, reason);
                if (r < 0)
                        return r;
        }
        if (!*i.source)
                (void) snprintf(i.source, sizeof(i.source), "%s", i.uuid);
        *ret = i;
        return 0;
}
