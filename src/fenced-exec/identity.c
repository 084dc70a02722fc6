/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "identity.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

typedef union Address {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_vm vm;
        struct sockaddr_storage storage;
} Address;

/* An IPv4 peer of an IPv6 socket is an IPv4 peer: policy speaks of it as 192.168.122.11. */
static int set_address(Identity *identity, int family, const uint8_t *bytes) {
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }; /* ::ffff:0.0.0.0/96 */
        uint8_t address[sizeof(identity->address)] = {};
        char source[INET6_ADDRSTRLEN];

        memcpy(address, bytes, family == AF_INET ? 4 : 16);
        if (family == AF_INET6 && memcmp(address, mapped, sizeof(mapped)) == 0) {
                memmove(address, address + 12, 4);
                memset(address + 4, 0, 12);
                family = AF_INET;
        }
        if (!inet_ntop(family, address, source, sizeof(source)))
                return -errno;
        identity->family = family;
        memcpy(identity->address, address, sizeof(address));
        (void) snprintf(identity->source, sizeof(identity->source), "%s", source);
        return 0;
}

int identity_from_address(const void *bytes, size_t size, Identity *identity) {
        if (size != 4 && size != 16)
                return -EINVAL;
        return set_address(identity, size == 4 ? AF_INET : AF_INET6, bytes);
}

/* Copies, because what the caller has need not be aligned for its family. */
int identity_from_sockaddr(const struct sockaddr *address, socklen_t size, Identity *identity) {
        Address a = {};

        if (size < sizeof(address->sa_family))
                return -EINVAL;
        memcpy(&a, address, size < sizeof(a) ? size : sizeof(a));
        switch (a.sa.sa_family) {
        case AF_INET:
                if (size < sizeof(a.in))
                        return -EINVAL;
                return set_address(identity, AF_INET, (const uint8_t *) &a.in.sin_addr);
        case AF_INET6:
                if (size < sizeof(a.in6))
                        return -EINVAL;
                if (a.in6.sin6_scope_id != 0)
                        identity->interface = a.in6.sin6_scope_id;
                return set_address(identity, AF_INET6, a.in6.sin6_addr.s6_addr);
        case AF_VSOCK:
                if (size < sizeof(a.vm))
                        return -EINVAL;
                identity->family = AF_VSOCK;
                identity->cid = a.vm.svm_cid;
                (void) snprintf(identity->source, sizeof(identity->source), "cid:%u", identity->cid);
                return 0;
        default:
                return -EAFNOSUPPORT;
        }
}

int identity_from_peer(int fd, Identity *identity) {
        Address peer = {};
        socklen_t size = sizeof(peer), size_type = sizeof(int);
        int type = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size_type) < 0)
                return errno == ENOTSOCK ? -EPROTOTYPE : -errno;
        if (type != SOCK_STREAM)
                return -EPROTOTYPE;
        if (getpeername(fd, &peer.sa, &size) < 0)
                return -errno;
        return identity_from_sockaddr(&peer.sa, size, identity);
}

void identity_set_domain(Identity *identity, const char *name, const char *uuid, const char *labels) {
        bool is_short = strlen(name) < sizeof(identity->name);

        (void) snprintf(identity->uuid, sizeof(identity->uuid), "%s", uuid);
        (void) snprintf(identity->name, sizeof(identity->name), "%s", is_short ? name : "");
        (void) snprintf(identity->labels, sizeof(identity->labels), "%s", labels);
}

bool identity_same_address(const Identity *a, const Identity *b) {
        if (a->family != b->family)
                return false;
        switch (a->family) {
        case AF_INET:
                return memcmp(a->address, b->address, 4) == 0;
        case AF_INET6:
                return memcmp(a->address, b->address, 16) == 0;
        case AF_VSOCK:
                return a->cid == b->cid;
        default:
                return false;
        }
}
