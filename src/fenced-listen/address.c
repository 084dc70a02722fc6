/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "address.h"

#include <string.h>

void address_from_sockaddr(const SocketAddress *sa, Address *ret, uint16_t *ret_port) {
        Address a = { .family = AF_UNSPEC };
        uint16_t port = 0;

        if (sa->sa.sa_family == AF_INET) {
                a.family = AF_INET;
                memcpy(a.bytes, &sa->in.sin_addr, 4);
                port = ntohs(sa->in.sin_port);
        } else if (sa->sa.sa_family == AF_INET6) {
                if (IN6_IS_ADDR_V4MAPPED(&sa->in6.sin6_addr)) {
                        a.family = AF_INET;
                        memcpy(a.bytes, sa->in6.sin6_addr.s6_addr + 12, 4);
                } else {
                        a.family = AF_INET6;
                        memcpy(a.bytes, &sa->in6.sin6_addr, 16);
                        if (address_is_link_local(&a))
                                a.scope = sa->in6.sin6_scope_id;
                }
                port = ntohs(sa->in6.sin6_port);
        } else if (sa->sa.sa_family == AF_VSOCK) {
                a.family = AF_VSOCK;
                memcpy(a.bytes, &sa->vm.svm_cid, sizeof(sa->vm.svm_cid));
        }
        *ret = a;
        *ret_port = port;
}

int address_of_socket(int fd, Address *ret) {
        SocketAddress sa = {};
        socklen_t length = sizeof(sa);
        uint16_t port;

        if (getsockname(fd, &sa.sa, &length) < 0)
                return -errno;
        address_from_sockaddr(&sa, ret, &port);
        return 0;
}

size_t address_size(const Address *a) {
        return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

bool address_equal(const Address *a, const Address *b) {
        return a->family != AF_UNSPEC && a->family == b->family && a->scope == b->scope &&
               memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool address_is_vsock_host(const Address *a) {
        uint32_t cid;

        memcpy(&cid, a->bytes, sizeof(cid));
        return a->family == AF_VSOCK && cid <= VMADDR_CID_HOST;
}

bool address_is_link_local(const Address *a) {
        return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool address_is_multicast(const Address *a) {
        return (a->family == AF_INET && (a->bytes[0] & 0xf0) == 0xe0) ||
               (a->family == AF_INET6 && a->bytes[0] == 0xff);
}
