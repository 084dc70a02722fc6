/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limits.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

/* Power of two. Whoever chooses addresses that share a chain makes us look at LIMITS_REQUESTERS_MAX entries, no more. */
enum { CHAINS = 4096 };

struct LimitRequester {
        unsigned class;
        char key[sizeof(((Identity *) NULL)->key)];
        char source[sizeof(((Identity *) NULL)->source)];
        Bucket buckets[_LIMIT_KIND_MAX];
        unsigned in_flight[_LIMIT_KIND_MAX];
        LIST_ENTRY(LimitRequester) chain;
        TAILQ_ENTRY(LimitRequester) by_use;
};

struct Limits {
        LimitRequester requesters[LIMITS_REQUESTERS_MAX]; /* memory is touched as it is needed */
        size_t n;
        LIST_HEAD(LimitChain, LimitRequester) chains[CHAINS];
        TAILQ_HEAD(LimitQueue, LimitRequester) by_use; /* the last is who was heard of longest ago */
        Bucket classes[LIMITS_CLASSES_MAX][_LIMIT_KIND_MAX];
};

int limits_new(Limits **ret) {
        Limits *l = calloc(1, sizeof(*l));

        if (!l)
                return -ENOMEM;
        TAILQ_INIT(&l->by_use);
        *ret = l;
        return 0;
}

Limits *limits_free(Limits *l) {
        free(l);
        return NULL;
}

/* FNV-1a */
static uint32_t hash(uint32_t h, const char *s) {
        for (; *s; s++)
                h = (h ^ (uint8_t) *s) * 16777619U;
        return h;
}

static struct LimitChain *chain_of(Limits *l, const char *key, const char *source) {
        return &l->chains[hash(hash(2166136261U, key) * 31, source) % CHAINS];
}

static LimitRequester *find(Limits *l, const Identity *who, unsigned class) {
        LimitRequester *r;

        LIST_FOREACH(r, chain_of(l, who->key, who->source), chain)
                if (r->class == class && strcmp(r->source, who->source) == 0 &&
                        strcmp(r->key, who->key) == 0)
                        return r;
        return NULL;
}

static bool is_idle(const LimitRequester *r) {
        return r->in_flight[LIMIT_QUESTION] == 0 && r->in_flight[LIMIT_ACTION] == 0;
}

/* A place for one more. NULL when all have something in flight. */
static LimitRequester *make_room(Limits *l) {
        LimitRequester *r;

        if (l->n < LIMITS_REQUESTERS_MAX)
                return &l->requesters[l->n++];
        TAILQ_FOREACH_REVERSE(r, &l->by_use, LimitQueue, by_use)
                if (is_idle(r)) {
                        TAILQ_REMOVE(&l->by_use, r, by_use);
                        LIST_REMOVE(r, chain);
                        return r;
                }
        return NULL;
}

static LimitRequester *get(Limits *l, const Identity *who, unsigned class) {
        LimitRequester *r = find(l, who, class);

        if (r)
                TAILQ_REMOVE(&l->by_use, r, by_use);
        else {
                r = make_room(l);
                if (!r)
                        return NULL;
                *r = (LimitRequester){ .class = class };
                memcpy(r->key, who->key, sizeof(r->key));
                memcpy(r->source, who->source, sizeof(r->source));
                LIST_INSERT_HEAD(chain_of(l, r->key, r->source), r, chain);
        }
        TAILQ_INSERT_HEAD(&l->by_use, r, by_use);
        return r;
}

/* The requester's own limits first: what is over them costs the others of its class nothing. */
const char *limits_admit(Limits *l, const LimitSettings *s, const Identity *requester, unsigned class,
        Action action, uint64_t now_usec, LimitHold *ret_hold) {
        static const char *const too_often[_LIMIT_KIND_MAX] = {
                [LIMIT_QUESTION] = "the requester asks more often than QuestionsPerSec= allows",
                [LIMIT_ACTION] = "the requester acts more often than ActionsPerSec= allows",
        };
        LimitKind kind = action_changes_power(action) ? LIMIT_ACTION : LIMIT_QUESTION;
        LimitRequester *r = get(l, requester, class);

        if (!r || (s->in_flight > 0 && r->in_flight[kind] >= s->in_flight))
                return "the requester has more requests in flight than InFlight= allows";
        if (!bucket_take(&r->buckets[kind], s->requester[kind], now_usec))
                return too_often[kind];
        if (class >= LIMITS_CLASSES_MAX || !bucket_take(&l->classes[class][kind], s->listener, now_usec))
                return "more requests come by this kind of listener than ListenerPerSec= allows";
        r->in_flight[kind]++;
        *ret_hold = (LimitHold){ .requester = r, .kind = kind };
        return NULL;
}

void limits_release(LimitHold *hold) {
        if (hold->requester)
                hold->requester->in_flight[hold->kind]--;
        *hold = (LimitHold){};
}

size_t limits_n_requesters(const Limits *l) {
        return l->n;
}
