/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An address as a value. IPv4-mapped IPv6 is IPv4: a guest is one source, whichever socket it came in by. */

#include "base.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

typedef struct Address {
        int family; /* AF_INET, AF_INET6, AF_VSOCK, AF_UNIX; AF_UNSPEC for anything else, which equals nothing */
        uint8_t bytes
                [16]; /* network order, the first 4 for AF_INET; host order, a CID or a pid; the rest zero */
        uint32_t scope; /* interface of an IPv6 link-local address, else 0 */
} Address;

/* What the kernel takes and gives; a union, since compilers reason about pointers to different structs. */
typedef union SocketAddress {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_vm vm;
} SocketAddress;

/* *ret_port is in host order; both are written always (AF_UNSPEC and 0 for what is neither IP nor vsock). */
void address_from_sockaddr(const SocketAddress *sa, Address *ret, uint16_t *ret_port);

/* The address a socket is bound to. */
int address_of_socket(int fd, Address *ret);

/* 4, 16, or 0. */
size_t address_size(const Address *a);

/* Family, bytes and scope. */
bool address_equal(const Address *a, const Address *b);

/* True for the hypervisor's, the local and the host's CID: no guest. */
bool address_is_vsock_host(const Address *a);

bool address_is_link_local(const Address *a); /* fe80::/10 */
bool address_is_multicast(const Address *a);
