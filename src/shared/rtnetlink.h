/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Questions to the kernel by rtnetlink(7), on a socket that systemd has passed (ListenNetlink=route): it belongs to the
 * host's network, wherever the process that has it lives. The kernel answers at once; none of these wait. */

#include "base.h"

#include <linux/rtnetlink.h>

enum { RTNETLINK_BUFFER_SIZE = 32 * 1024 }; /* what the kernel fills at most per message of a dump */

/* True for an rtnetlink socket that is bound to these groups (RTMGRP_*), and no other. */
bool rtnetlink_is_socket(int fd, uint32_t groups);

/* Sends a question, behind what an earlier one, perhaps of a process that is dead, has left to read. 0 or a negative errno. */
int rtnetlink_ask(int fd, const struct nlmsghdr *question);

/* One message of the kernel's, of nobody else's; buffer: RTNETLINK_BUFFER_SIZE. 0 or a negative errno. */
int rtnetlink_receive(int fd, void *buffer, size_t *ret_size);

/* What an NLMSG_ERROR says: a negative errno, always. */
int rtnetlink_error(const struct nlmsghdr *h);

/* The type of the route to an address (4 bytes for AF_INET, 16 for AF_INET6; ifindex: the scope of a link-local one, else 0):
 * RTN_LOCAL for one of our own, RTN_UNICAST for another machine. -ENETUNREACH and the like when there is none. */
int rtnetlink_route_type(int fd, int family, const uint8_t *address, uint32_t ifindex, unsigned *ret_type);
