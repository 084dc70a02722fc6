/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A requester that is described instead of proven: for questions about policy, never for a request. Pure. */

#include "base.h"
#include "identity.h"

/* Words in the language of Sources=, separated by blanks: at most one key:NAME, one address or cid:N, and one UUID (of the
 * requester's own domain, which then counts as proven). None at all is a requester that nothing vouches for. -EINVAL, and
 * *reason says what is wanted. */
int requester_parse(const char *words, Identity *ret, const char **reason);
