/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What would become of a request, and by which rule? Asked over the system bus, answered from the policy that runs and from
 * what the hypervisors say now. Nothing is changed, remembered or audited. */

#include "base.h"
#include "manager.h"

#include <systemd/sd-bus.h>

enum { EXPLAINS_MAX = 16 }; /* at once; see also AUTHORIZATIONS_MAX */

/* For everything: a person may have to type a password. */
#define EXPLAIN_USEC (2 * 60 * USEC_PER_SEC)

typedef struct Explains Explains;

int explains_new(Manager *m, Explains **ret);

/* Those under way are given up without an answer. */
void explains_clear(Explains *x);
Explains *explains_free(Explains *x);
DEFINE_CLEANUP(Explains *, explains_free)

/* One at a time looks a domain up, so that a hypervisor that hangs has all but one of its workers for fencing.
 *
 * A call "sss": requester, action, target. Replies "bssss" (allowed, group, reason, name, UUID), sooner or later: 1, or
 * negative with *error filled. */
int explain(Explains *x, sd_bus_message *call, sd_bus_error *error);
