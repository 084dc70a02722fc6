/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Socket addresses from what users write. */

#include "base.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

enum {
        ADDRESSES_MAX = 16,
        VSOCK_CID_MIN = 2, /* the host; 0 is the hypervisor, 1 this machine itself */
};

typedef union Address {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_vm vsock;
        struct sockaddr_storage storage;
} Address;

socklen_t address_size(const Address *a);

/* "10.0.0.1", "fe80::1%eth0", "host": up to ADDRESSES_MAX addresses with this port, in the resolver's order; returns how
 * many. Names are asked for in a child process that is killed at the deadline, as getaddrinfo(3) knows none. -ENOENT:
 * there is no such name; -ETIMEDOUT; or another negative errno. */
int address_resolve(const char *host, uint16_t port, uint64_t deadline, Address ret[static ADDRESSES_MAX]);

void address_vsock(unsigned cid, unsigned port, Address *ret);
