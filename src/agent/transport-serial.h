/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A serial line, which is a tty, a virtio port, or a tcp connection that the hypervisor ends (VM channel). There is no
 * authentication: who is at the other end is the hypervisor's business. */

#include "transport.h"

void device_ask(const Question *q, Answer *ret);
void channel_ask(const Question *q, Answer *ret);

/* One conversation over an open line, which the caller keeps. The host may leave and come back, and is asked again then, by
 * the same frame; and each time it has said nothing for so long. */
void serial_converse(int fd, const Question *q, uint64_t retransmit_usec, Answer *ret);

/* True when a host answers "null" on q->options->device before the deadline; otherwise a tty is left as it was. */
bool device_answers(const Question *q);
