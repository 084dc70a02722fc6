/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "identity.h"

/* Every field that the kernel says nothing about. */
static const Identity before = {
        .transport = "tcp",
        .key = "default",
        .uuid = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
        .name = "web1",
        .cid = 77,
        .source = "before",
};

static void expect_rest_untouched(const Identity *i) {
        cr_expect_str_eq(i->transport, before.transport);
        cr_expect_str_eq(i->key, before.key);
        cr_expect_str_eq(i->uuid, before.uuid);
        cr_expect_str_eq(i->name, before.name);
}

typedef union Address {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_vm vm;
        struct sockaddr_storage storage;
} Address;

/* Connects `source` over loopback to `to`, whose port is filled in, and asks who the accepted socket's peer is. */
static void ask(Address listen_on, Address source, Address to, Identity *ret) {
        int listener = socket(listen_on.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
        int peer = socket(source.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(listen_on);

        cr_assert(listener >= 0 && peer >= 0);
        cr_assert_eq(bind(listener, &listen_on.sa, size), 0);
        cr_assert_eq(listen(listener, 1), 0);
        cr_assert_eq(getsockname(listener, &listen_on.sa, &size), 0);
        to.in.sin_port = listen_on.in.sin_port; /* where that of IPv6 is, too */
        cr_assert_eq(bind(peer, &source.sa, sizeof(source)), 0);
        cr_assert_eq(connect(peer, &to.sa, sizeof(to)), 0);
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        cr_assert_geq(fd, 0);
        *ret = before;
        cr_expect_eq(identity_from_peer(fd, ret), 0);
        fd = safe_close(fd);
        peer = safe_close(peer);
        listener = safe_close(listener);
}

Test(identity, the_kernel_names_a_peer_and_an_ipv4_peer_of_an_ipv6_socket_is_an_ipv4_peer) {
        const Address any = { .in = { .sin_family = AF_INET } },
                      any6 = { .in6 = { .sin6_family = AF_INET6 } };
        const Address source = { .in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f020304) } };
        const Address to = { .in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
        const Address *const listen_on[] = { &any, &any6 };

        for (size_t k = 0; k < ELEMENTSOF(listen_on); k++) {
                Identity i;

                ask(*listen_on[k], source, to, &i);
                cr_expect_eq(i.family, AF_INET);
                cr_expect_str_eq(i.source, "127.2.3.4");
                cr_expect_arr_eq(i.address, ((uint8_t[16]){ 127, 2, 3, 4 }), 16);
                expect_rest_untouched(&i);
        }
}

Test(identity, the_kernel_names_an_ipv6_peer) {
        const Address loopback = { .in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT } };
        Identity i;

        ask(loopback, loopback, loopback, &i);
        cr_expect_eq(i.family, AF_INET6);
        cr_expect_str_eq(i.source, "::1");
        cr_expect_arr_eq(i.address, loopback.in6.sin6_addr.s6_addr, 16);
        expect_rest_untouched(&i);
}

static void expect_refused(int fd, int error, const char *what) {
        Identity i = before;

        cr_expect_eq(identity_from_peer(fd, &i), error, "%s", what);
        cr_expect_eq(memcmp(&i, &before, sizeof(i)), 0, "%s: written to", what);
}

Test(identity, what_is_no_connected_stream_of_a_known_family_has_no_identity) {
        const Address loopback = {
                .in = { AF_INET, htons(9), { htonl(INADDR_LOOPBACK) }, {} },
        };
        int pair[2], datagram_pair[2], fd;

        expect_refused(-1, -EBADF, "no descriptor");
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        expect_refused(fd, -EPROTOTYPE, "no socket");
        fd = safe_close(fd);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        expect_refused(fd, -ENOTCONN, "not connected");
        fd = safe_close(fd);
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(connect(fd, &loopback.sa, sizeof(loopback)), 0);
        expect_refused(fd, -EPROTOTYPE, "a connected datagram socket");
        fd = safe_close(fd);
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        expect_refused(pair[0], -EAFNOSUPPORT, "AF_UNIX");
        cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, datagram_pair), 0);
        expect_refused(datagram_pair[0], -EPROTOTYPE, "AF_UNIX of another type");
        for (size_t i = 0; i < 2; i++) {
                pair[i] = safe_close(pair[i]);
                datagram_pair[i] = safe_close(datagram_pair[i]);
        }
}

Test(identity, a_vsock_peer_is_its_cid) {
        const Address a = { .vm = { .svm_family = AF_VSOCK, .svm_cid = 4294967294U, .svm_port = 1229 } };
        Identity i = before;

        cr_assert_eq(identity_from_sockaddr(&a.sa, sizeof(a.vm), &i), 0);
        cr_expect_eq(i.family, AF_VSOCK);
        cr_expect_eq(i.cid, 4294967294U);
        cr_expect_str_eq(i.source, "cid:4294967294");
        expect_rest_untouched(&i);
}

Test(identity, an_address_that_is_cut_short_or_of_another_family_is_refused) {
        static const struct {
                sa_family_t family;
                socklen_t size;
                int error;
        } table[] = {
                { AF_INET, 0, -EINVAL },
                { AF_INET, 1, -EINVAL },
                { AF_INET, sizeof(sa_family_t), -EINVAL },
                { AF_INET, sizeof(struct sockaddr_in) - 1, -EINVAL },
                { AF_INET6, sizeof(struct sockaddr_in6) - 1, -EINVAL },
                { AF_VSOCK, sizeof(struct sockaddr_vm) - 1, -EINVAL },
                { AF_UNIX, sizeof(struct sockaddr_un), -EAFNOSUPPORT },
                { AF_UNSPEC, sizeof(struct sockaddr_storage), -EAFNOSUPPORT },
        };

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                Address address = { .sa.sa_family = table[k].family };
                Identity i = before;

                cr_expect_eq(identity_from_sockaddr(&address.sa, table[k].size, &i), table[k].error,
                        "row %zu", k);
                cr_expect_eq(memcmp(&i, &before, sizeof(i)), 0);
        }
}

Test(identity, bytes_of_an_address_become_its_text) {
        static const struct {
                uint8_t bytes[16];
                size_t size;
                int family;
                const char *source;
        } table[] = {
                { { 192, 168, 122, 11 }, 4, AF_INET, "192.168.122.11" },
                { { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 }, 16, AF_INET6, "2001:db8::7" },
                { { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 }, 16, AF_INET, "10.0.0.1" },
        };

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                Identity i = before;

                memset(i.address, 0xa5, sizeof(i.address));
                cr_assert_eq(identity_from_address(table[k].bytes, table[k].size, &i), 0);
                cr_expect_eq(i.family, table[k].family);
                cr_expect_str_eq(i.source, table[k].source);
                if (i.family == AF_INET)
                        cr_expect_arr_eq(
                                i.address + 4, ((uint8_t[12]){}), 12, "nothing is left of what was there");
                expect_rest_untouched(&i);
        }
}

Test(identity, bytes_of_another_number_are_no_address) {
        static const uint8_t bytes[32] = {};

        for (size_t size = 0; size <= sizeof(bytes); size++) {
                Identity i = before;

                if (size == 4 || size == 16)
                        continue;
                cr_expect_eq(identity_from_address(bytes, size, &i), -EINVAL, "%zu bytes", size);
                cr_expect_eq(memcmp(&i, &before, sizeof(i)), 0);
        }
}

Test(identity, addresses_are_the_same_when_family_and_all_bytes_are) {
        static const Identity table[] = {
                { .family = AF_INET, .address = { 10, 0, 0, 1 } },
                { .family = AF_INET, .address = { 10, 0, 0, 2 } },
                { .family = AF_INET6, .address = { 10, 0, 0, 1 } },
                { .family = AF_INET6, .address = { 10, 0, 0, 1, [15] = 1 } },
                { .family = AF_VSOCK, .cid = 3 },
                { .family = AF_VSOCK, .cid = 4 },
                { .family = AF_UNSPEC },
                { .family = AF_UNIX },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (size_t j = 0; j < ELEMENTSOF(table); j++)
                        cr_expect_eq(identity_same_address(table + i, table + j), i == j && i < 6,
                                "%zu and %zu", i, j);
}
