/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "address.h"

static Address address(const char *text, uint32_t scope) {
        SocketAddress sa = { .sa.sa_family = AF_INET };
        uint16_t port;
        Address a;

        if (inet_pton(AF_INET, text, &sa.in.sin_addr) != 1) {
                sa.sa.sa_family = AF_INET6;
                cr_assert_eq(inet_pton(AF_INET6, text, &sa.in6.sin6_addr), 1, "%s", text);
                sa.in6.sin6_scope_id = scope;
        }
        address_from_sockaddr(&sa, &a, &port);
        return a;
}

Test(address, is_what_the_kernel_said) {
        SocketAddress v4 = { .in = { .sin_family = AF_INET, .sin_port = htons(1229) } }, v6 = {
                .in6 = { .sin6_family = AF_INET6, .sin6_port = htons(1230), .sin6_scope_id = 7 }
        };
        static const uint8_t zero[12];
        uint16_t port;
        Address a;

        cr_assert_eq(inet_pton(AF_INET, "192.0.2.1", &v4.in.sin_addr), 1);
        cr_assert_eq(inet_pton(AF_INET6, "fe80::1", &v6.in6.sin6_addr), 1);
        address_from_sockaddr(&v4, &a, &port);
        cr_expect_eq(a.family, AF_INET);
        cr_expect_eq(a.scope, 0);
        cr_expect_eq(port, 1229);
        cr_expect_arr_eq(a.bytes, &v4.in.sin_addr, 4);
        cr_expect_arr_eq(a.bytes + 4, zero, sizeof(zero));
        address_from_sockaddr(&v6, &a, &port);
        cr_expect_eq(a.family, AF_INET6);
        cr_expect_eq(a.scope, 7);
        cr_expect_eq(port, 1230);
        cr_expect_arr_eq(a.bytes, &v6.in6.sin6_addr, 16);
}

Test(address, is_ipv4_when_it_is_mapped_into_ipv6) {
        Address plain = address("192.0.2.1", 0), mapped = address("::ffff:192.0.2.1", 0);

        cr_expect(address_equal(&plain, &mapped));
        cr_expect_eq(address_size(&mapped), 4);
}

Test(address, has_an_interface_only_when_it_is_link_local) {
        Address a = address("fe80::1", 7), b = address("fe80::1", 8);

        cr_expect(address_is_link_local(&a));
        cr_expect(!address_equal(&a, &b));
        a = address("2001:db8::1", 7);
        b = address("2001:db8::1", 8);
        cr_expect(!address_is_link_local(&a));
        cr_expect(address_equal(&a, &b));
}

Test(address, equals_nothing_when_it_is_none) {
        SocketAddress sa = { .sa.sa_family = AF_UNIX };
        uint16_t port = 1;
        Address a;

        address_from_sockaddr(&sa, &a, &port);
        cr_expect_eq(port, 0);
        cr_expect(!address_equal(&a, &a));
        cr_expect_eq(address_size(&a), 0);
}

Test(address, knows_groups) {
        static const struct {
                const char *text;
                bool multicast;
        } rows[] = { { "223.255.255.255", false }, { "224.0.0.0", true }, { "225.0.0.12", true },
                { "239.255.255.255", true }, { "240.0.0.0", false }, { "ff05::3:1", true },
                { "fe80::1", false }, { "::ffff:225.0.0.12", true } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Address a = address(rows[i].text, 0);

                cr_expect_eq(address_is_multicast(&a), rows[i].multicast, "%s", rows[i].text);
        }
}

Test(address, of_vsock_is_the_cid) {
        static const struct {
                uint32_t cid;
                bool host;
        } rows[] = { { VMADDR_CID_HYPERVISOR, true }, { VMADDR_CID_LOCAL, true }, { VMADDR_CID_HOST, true },
                { 3, false }, { 0x01000000, false }, { VMADDR_CID_ANY, false } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                SocketAddress sa = {
                        .vm = { .svm_family = AF_VSOCK, .svm_cid = rows[i].cid, .svm_port = 1023 }
                };
                Address a, b;
                uint16_t port;

                address_from_sockaddr(&sa, &a, &port);
                cr_expect_eq(address_is_vsock_host(&a), rows[i].host, "%u", rows[i].cid);
                sa.vm.svm_port++;
                address_from_sockaddr(&sa, &b, &port);
                cr_expect(address_equal(&a, &b));
                sa.vm.svm_cid ^= 0x100;
                address_from_sockaddr(&sa, &b, &port);
                cr_expect_not(address_equal(&a, &b));
        }
}

Test(address, of_an_ip_host_is_no_vsock_host) {
        const Address a = { .family = AF_INET };

        cr_expect_not(address_is_vsock_host(&a));
}
