/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between the multicast listener, which has no network, and fenced-callback, which connects for it. SOCK_SEQPACKET, one
 * connection per call: the listener sends a CallbackRequest, fenced-callback answers with a CallbackAnswer, to which the
 * socket is attached (SCM_RIGHTS) when error is 0, and closes. Both ends from one build; the receiver still validates
 * every field. */

#include "base.h"

typedef struct CallbackRequest {
        uint16_t family; /* AF_INET or AF_INET6 */
        uint16_t port; /* host order */
        uint32_t ifindex; /* the scope of an IPv6 link-local address, else 0 */
        uint8_t address[16]; /* network order, the first 4 for AF_INET, the rest zero */
} CallbackRequest;

typedef struct CallbackAnswer {
        int32_t error; /* 0: a non-blocking TCP socket that is connected, or is being connected, is attached. Else an errno:
                          EPERM for what is never called, EBUSY for too many calls, or why the guest is not reached */
} CallbackAnswer;
