/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "address.h"
#include "io.h"

static uint64_t soon(void) {
        return now_usec() + 60 * USEC_PER_SEC;
}

Test(address, understands_numbers_of_both_families) {
        static const struct {
                const char *text;
                int family;
        } table[] = {
                { "127.0.0.1", AF_INET },
                { "192.0.2.1", AF_INET },
                { "::1", AF_INET6 },
                { "2001:db8::1", AF_INET6 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Address a[ADDRESSES_MAX];
                char text[INET6_ADDRSTRLEN];

                cr_assert_eq(address_resolve(table[i].text, 1229, soon(), a), 1, "%s", table[i].text);
                cr_expect_eq(a->any.sa_family, table[i].family);
                cr_expect_eq(address_size(a), table[i].family == AF_INET ? sizeof(struct sockaddr_in)
                                                                         : sizeof(struct sockaddr_in6));
                cr_expect_eq(table[i].family == AF_INET ? a->v4.sin_port : a->v6.sin6_port, htons(1229));
                cr_assert(inet_ntop(table[i].family,
                        table[i].family == AF_INET ? (void *) &a->v4.sin_addr : (void *) &a->v6.sin6_addr,
                        text, sizeof(text)));
                cr_expect_str_eq(text, table[i].text);
        }
}

Test(address, a_link_local_address_has_an_interface) {
        Address a[ADDRESSES_MAX];

        cr_assert_eq(address_resolve("fe80::1%lo", 1229, soon(), a), 1);
        cr_expect_eq(a->v6.sin6_scope_id, 1);
}

Test(address, finds_names) {
        Address a[ADDRESSES_MAX];
        int n = address_resolve("localhost", 7, soon(), a);

        cr_assert_gt(n, 0);
        for (int i = 0; i < n; i++)
                cr_expect(a[i].any.sa_family == AF_INET || a[i].any.sa_family == AF_INET6);
}

Test(address, a_name_that_is_none_is_an_error) {
        uint64_t deadline = now_usec() + 3 * USEC_PER_SEC; /* where no name server answers, it is that one */
        Address a[ADDRESSES_MAX];

        cr_expect_lt(address_resolve("no such name", 7, deadline, a), 0);
        cr_expect_lt(address_resolve("", 7, deadline, a), 0);
        cr_expect_lt(address_resolve("1.2.3.4.5", 7, deadline, a), 0);
}

Test(address, gives_up_at_the_deadline) {
        Address a[ADDRESSES_MAX];

        cr_expect_eq(address_resolve("localhost", 7, 0, a), -ETIMEDOUT);
}

Test(address, of_vsock_is_cid_and_port) {
        Address a;

        address_vsock(4294967294U, 1229, &a);
        cr_expect_eq(a.vsock.svm_family, AF_VSOCK);
        cr_expect_eq(a.vsock.svm_cid, 4294967294U);
        cr_expect_eq(a.vsock.svm_port, 1229);
        cr_expect_eq(a.vsock.svm_flags, 0);
        cr_expect_eq(address_size(&a), sizeof(struct sockaddr_vm));
        a.any.sa_family = AF_UNSPEC;
        cr_expect_eq(address_size(&a), 0);
}
