/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What one requester, and all of one class of listeners together, may ask for: token buckets and a number in flight. Questions
 * and actions are counted apart, so that a loop of questions never starves an off. Pure.
 *
 * A requester is a key and an address, by one class of listeners: the address of a datagram can be forged, by other holders
 * of the key, and that shall not count where it cannot. On channels, where there is no key, it is the process at the other end. Ask after
 * the key was verified: then only its holders can make us remember or forget anybody. */

#include "action.h"
#include "base.h"
#include "bucket.h"
#include "identity.h"

enum {
        LIMITS_REQUESTERS_MAX =
                4096, /* who was heard of longest ago is forgotten, and begins with full buckets */
        LIMITS_CLASSES_MAX = 4,
        LIMITS_IN_FLIGHT_MAX = 4096, /* the most that may be configured */
};

typedef enum LimitKind {
        LIMIT_QUESTION, /* status, list, monitor, null */
        LIMIT_ACTION, /* off, on, reboot */
        _LIMIT_KIND_MAX,
} LimitKind;

typedef struct LimitSettings {
        Rate requester[_LIMIT_KIND_MAX];
        Rate listener; /* each kind has a bucket of this size */
        unsigned in_flight; /* of one requester and kind; 0: no limit */
} LimitSettings;

#define LIMIT_SETTINGS_DEFAULT                                                                 \
        ((LimitSettings){                                                                      \
                .requester = { [LIMIT_QUESTION] = { 50, 200 }, [LIMIT_ACTION] = { 20, 100 } }, \
                .listener = { 5000, 10000 },                                                   \
                .in_flight = 64,                                                               \
        })

typedef struct Limits Limits;
typedef struct LimitRequester LimitRequester;

/* One request in flight. Zero is none. */
typedef struct LimitHold {
        LimitRequester *requester;
        LimitKind kind;
} LimitHold;

int limits_new(Limits **ret);
Limits *limits_free(Limits *l);
DEFINE_CLEANUP(Limits *, limits_free)

/* NULL: admitted, and *ret_hold is to be given back with limits_release(). Otherwise a static sentence for the audit. Of the requester
 * its key and its source count. class is below LIMITS_CLASSES_MAX. */
const char *limits_admit(Limits *l, const LimitSettings *s, const Identity *requester, unsigned class,
        Action action, uint64_t now_usec, LimitHold *ret_hold);

/* The request has ended. Takes none. */
void limits_release(LimitHold *hold);

size_t limits_n_requesters(const Limits *l);
