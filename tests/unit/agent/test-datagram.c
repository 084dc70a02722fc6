/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "datagram.h"
#include "host.h"

static Address address(const char *text) {
        Address a = {};

        if (strchr(text, ':')) {
                a.v6.sin6_family = AF_INET6;
                cr_assert_eq(inet_pton(AF_INET6, text, &a.v6.sin6_addr), 1);
        } else {
                a.v4.sin_family = AF_INET;
                cr_assert_eq(inet_pton(AF_INET, text, &a.v4.sin_addr), 1);
        }
        return a;
}

Test(datagram, names_only_addresses_that_a_host_can_call) {
        static const struct {
                const char *text;
                int family;
                bool usable;
        } table[] = {
                { "10.0.0.1", AF_INET, true },
                { "127.0.0.1", AF_INET, true },
                { "0.0.0.0", AF_INET, false },
                { "10.0.0.1", AF_INET6, false },
                { "2001:db8::1", AF_INET6, true },
                { "fd00::1", AF_INET6, true },
                { "2001:db8::1", AF_INET, false },
                { "::1", AF_INET6, false },
                { "::", AF_INET6, false },
                { "fe80::1", AF_INET6, false },
                { "fe9f::1", AF_INET6, false },
                { "fea0::1", AF_INET6, false },
                { "febf::1", AF_INET6, false },
                { "fec0::1", AF_INET6, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Address a = address(table[i].text);

                cr_expect_eq(datagram_source_is_usable(&a, table[i].family), table[i].usable, "%s",
                        table[i].text);
        }
}

/* To a unicast address of this machine instead of the group: what is said, and from where, is the same. */
Test(datagram, comes_from_the_address_that_it_names_and_is_signed_afresh) {
        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1);
        Address here = { .v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
        Address source = address("127.0.0.3"), from[2] = {};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        uint8_t packets[2][WIRE_PACKET_SIZE];
        socklen_t size = sizeof(here.v4);
        Request request, r[2];
        Sent sent = {};
        Options o;
        Question q;

        cr_assert_eq(bind(fd, &here.any, size), 0);
        cr_assert_eq(getsockname(fd, &here.any, &size), 0);
        fake_question(&q, &o, k, ACTION_OFF);
        o.port = 4711;
        cr_assert_eq(question_request(&q, &request), 0);
        for (size_t i = 0; i < 2; i++) {
                size = sizeof(from[i]);
                cr_assert_eq(datagram_send(&q, &request, &here, &source, 1, &sent), 0);
                cr_assert_eq(recvfrom(fd, packets[i], WIRE_PACKET_SIZE, MSG_TRUNC, &from[i].any, &size),
                        WIRE_PACKET_SIZE);
                cr_expect_eq(from[i].v4.sin_addr.s_addr, source.v4.sin_addr.s_addr);
                cr_assert_eq(wire_decode_packet(packets[i], WIRE_MULTICAST, r + i), 0);
                cr_expect_eq(auth_verify_packet(k, packets[i]), 0);
                cr_assert_eq(sent.n, i + 1);
                cr_expect_arr_eq(sent.packets[i], packets[i], WIRE_PACKET_SIZE);
                cr_expect_eq(r[i].action, ACTION_OFF);
                cr_expect_str_eq(r[i].target, "vm1");
                cr_expect_eq(r[i].family, AF_INET);
                cr_expect_arr_eq(r[i].address, &source.v4.sin_addr, 4);
                cr_expect_eq(r[i].port, 4711);
        }
        cr_expect_arr_eq(r[0].seqno, r[1].seqno, sizeof(r[0].seqno), "one run, one number");
        cr_expect_arr_neq(r[0].random, r[1].random, sizeof(r[0].random));
        (void) close(fd);
}

Test(datagram, two_runs_have_two_numbers) {
        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1);
        Request a, b;
        Options o;
        Question q;

        fake_question(&q, &o, k, ACTION_OFF);
        cr_assert_eq(question_request(&q, &a), 0);
        cr_assert_eq(question_request(&q, &b), 0);
        cr_expect_arr_neq(a.seqno, b.seqno, sizeof(a.seqno));
}

Test(datagram, says_that_it_speaks_fx2_and_by_its_kind_of_key_what_else) {
        _cleanup_(auth_key_freep) AuthKey *raw = fake_key(1), *only = fake_fx2_key(1);
        const struct {
                const AuthKey *key;
                HashType asked, hash;
                bool use_uuid;
                uint8_t flags;
        } table[] = {
                { raw, HASH_SHA256, HASH_SHA256, false, WIRE_FLAG_FX2 },
                { raw, HASH_SHA512, HASH_SHA512, true, WIRE_FLAG_FX2 | WIRE_FLAG_UUID },
                { only, HASH_SHA1, HASH_FX2, false, WIRE_FLAG_FX2 },
                { only, HASH_SHA512, HASH_FX2, true, WIRE_FLAG_FX2 | WIRE_FLAG_UUID },
                { NULL, HASH_SHA256, HASH_SHA256, true, WIRE_FLAG_UUID },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                uint8_t packet[WIRE_PACKET_SIZE];
                Request r;
                Options o;
                Question q;

                fake_question(&q, &o, table[i].key, ACTION_OFF);
                o.hash = table[i].asked;
                o.use_uuid = table[i].use_uuid;
                cr_assert_eq(question_request(&q, &r), 0);
                cr_expect_eq(r.flags, table[i].flags, "row %zu", i);
                cr_expect_eq(r.hash, table[i].hash, "row %zu", i);
                cr_assert_eq(question_packet(&q, &r, table[i].key ? WIRE_STREAM : WIRE_UNSIGNED, packet), 0);
                if (table[i].key)
                        cr_expect_eq(auth_verify_packet(table[i].key, packet), 0);
        }
}

Test(datagram, finds_the_loopback_address_of_this_machine) {
        unsigned ifindexes[SOURCES_MAX];
        Address sources[SOURCES_MAX];
        int n = datagram_sources(AF_INET, sources, ifindexes), found = 0;

        cr_assert_gt(n, 0);
        for (int i = 0; i < n; i++) {
                cr_expect_gt(ifindexes[i], 0);
                found += sources[i].v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
        }
        cr_expect_eq(found, 1);
}
