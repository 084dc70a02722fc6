/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asks: what the kernel says about the peer's socket, plus the key that verified. Nothing here is a claim of the
 * listener. */

#include "base.h"
#include "worker-protocol.h"

#include <sys/socket.h>

typedef struct Identity {
        char transport[16]; /* "tcp", "multicast", ...: which listener class brought it */
        int family; /* AF_INET, AF_INET6, AF_VSOCK, AF_UNIX; AF_UNSPEC when not known yet */
        uint8_t address[16]; /* AF_INET (first 4 bytes) and AF_INET6, network order */
        uint32_t
                interface; /* AF_INET6, link-local: which it is on. Multicast: which it came in by, as the listener says. Else 0 */
        uint32_t cid; /* AF_VSOCK */
        char key[64]; /* name of the key that verified; "" for channels without a key */
        char uuid[37]; /* the requester's own domain, when it is known; "" otherwise */
        char name[64]; /* that domain's name; "" as long as uuid is, and when it is longer than 63 bytes */
        char labels
                [WORKER_LABELS_SIZE]; /* of that domain's libvirt metadata; "" when it has none, or policy wants none */
        char source[64]; /* printable: numeric address, "cid:N", or the UUID */
} Identity;

/* Asks the kernel (getpeername(2)) about a connected AF_INET, AF_INET6 or AF_VSOCK stream socket and fills family,
 * address or cid, source, and for a link-local address interface; IPv4-mapped IPv6 becomes AF_INET. The other fields are left alone. -ENOTCONN, -EPROTOTYPE
 * for a socket that is no stream, -EAFNOSUPPORT for another family, -EBADF. */
int identity_from_peer(int fd, Identity *identity);

/* The same for an address at hand; -EINVAL when it is too short for its family. */
int identity_from_sockaddr(const struct sockaddr *address, socklen_t size, Identity *identity);

/* Sets family, address and source from raw bytes (4 or 16); -EINVAL for another size. */
int identity_from_address(const void *bytes, size_t size, Identity *identity);

/* The requester's own domain is proven to be this one. */
void identity_set_domain(Identity *identity, const char *name, const char *uuid, const char *labels);

/* Two unknown addresses are not the same. */
bool identity_same_address(const Identity *a, const Identity *b);
