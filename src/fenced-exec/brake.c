/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "brake.h"

#include <string.h>

typedef struct Begun {
        uint64_t usec;
        char key[sizeof(((Identity *) NULL)->key)];
        char who[sizeof(((Identity *) NULL)->source)];
} Begun;

struct Brake {
        Begun ring[BRAKE_MAX]; /* memory is touched as it is needed */
        size_t next, n;
        uint64_t told_usec[_BRAKE_VERDICT_MAX]; /* 0: never */
};

int brake_new(Brake **ret) {
        Brake *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        *ret = b;
        return 0;
}

Brake *brake_free(Brake *b) {
        free(b);
        return NULL;
}

static const char *who(const Identity *requester) {
        return requester->uuid[0] ? requester->uuid : requester->source;
}

/* Newest first; what is older than a minute ends it. */
static BrakeSettings count(const Brake *b, const Identity *requester, uint64_t now_usec) {
        BrakeSettings n = {};

        for (size_t i = 1; i <= b->n; i++) {
                const Begun *e = &b->ring[(b->next + BRAKE_MAX - i) % BRAKE_MAX];

                if (e->usec + BRAKE_USEC <= now_usec)
                        break;
                bool same_key = strcmp(e->key, requester->key) == 0;
                n.host++;
                n.key += same_key && e->key[0];
                n.requester += same_key && strcmp(e->who, who(requester)) == 0;
        }
        return n;
}

static bool is_over(unsigned n, unsigned limit) {
        return limit > 0 && n >= limit;
}

BrakeVerdict brake_ask(Brake *b, const BrakeSettings *s, const Identity *requester, uint64_t now_usec) {
        BrakeSettings n = count(b, requester, now_usec);

        if (is_over(n.requester, s->requester))
                return BRAKE_HELD_REQUESTER;
        if (is_over(n.key, s->key))
                return BRAKE_HELD_KEY;
        if (is_over(n.host, s->host))
                return BRAKE_HELD_HOST;

        Begun *e = &b->ring[b->next];
        *e = (Begun){ .usec = now_usec };
        memcpy(e->key, requester->key, sizeof(e->key));
        memcpy(e->who, who(requester), strlen(who(requester)));
        b->next = (b->next + 1) % BRAKE_MAX;
        if (b->n < BRAKE_MAX)
                b->n++;
        return BRAKE_FREE;
}

bool brake_is_news(Brake *b, BrakeVerdict verdict, uint64_t now_usec) {
        uint64_t *told = &b->told_usec[verdict];

        if (*told != 0 && *told + BRAKE_USEC > now_usec)
                return false;
        *told = now_usec;
        return true;
}

const char *brake_reason(BrakeVerdict verdict) {
        static const char *const reasons[_BRAKE_VERDICT_MAX] = {
                [BRAKE_HELD_REQUESTER] =
                        "the requester has fenced as often within a minute as FencesPerMinuteRequester= allows",
                [BRAKE_HELD_KEY] =
                        "holders of this key have fenced as often within a minute as FencesPerMinuteKey= allows",
                [BRAKE_HELD_HOST] =
                        "this host has fenced as often within a minute as FencesPerMinuteHost= allows",
        };

        return reasons[verdict];
}
