/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "datagram.h"
#include "vectors.h"

static Address address(const char *text) {
        Address a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

        cr_assert_eq(inet_pton(a.family, text, a.bytes), 1);
        return a;
}

/* A good one that this packet came by. */
static Datagram datagram(const uint8_t packet[static WIRE_PACKET_SIZE]) {
        Datagram d = { .size = WIRE_PACKET_SIZE, .ifindex = 3 };
        Request r;

        cr_assert_eq(wire_decode_packet(packet, WIRE_MULTICAST, &r), 0);
        memcpy(d.bytes, packet, sizeof(d.bytes));
        d.source.family = r.family;
        memcpy(d.source.bytes, r.address, sizeof(r.address));
        d.destination = address(r.family == AF_INET ? "225.0.0.12" : "ff05::3:1");
        return d;
}

static Datagram made(const char *source, uint16_t port) {
        Address a = address(source);
        Request r = { .action = ACTION_STATUS,
                .hash = HASH_SHA256,
                .target = "vm",
                .family = a.family,
                .port = port };
        uint8_t packet[WIRE_PACKET_SIZE];

        memcpy(r.address, a.bytes, sizeof(r.address));
        cr_assert_eq(wire_encode_packet(&r, WIRE_MULTICAST, packet), 0);
        return datagram(packet);
}

Test(datagram, of_every_captured_exchange_is_good) {
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++)
                if (vector_packets[i].multicast) {
                        Datagram d;
                        Request r;
                        uint16_t port = 0;

                        if (wire_decode_packet(vector_packets[i].packet, WIRE_MULTICAST, &r) < 0)
                                continue; /* a flag that 4.12 ignores, say */
                        d = datagram(vector_packets[i].packet);
                        cr_expect_eq(datagram_check(&d, &d.destination, true, &port), 0, "%s",
                                vector_packets[i].name);
                        cr_expect_eq(port, r.port);
                        n++;
                }
        cr_expect_gt(n, 10);
}

Test(datagram, is_refused_for_its_size_whatever_its_bytes) {
        static const size_t sizes[] = { 0, 1, 74, 175, 177, 65507 };

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                Datagram d = made("192.0.2.1", 1229);
                uint16_t port = 7;

                d.size = sizes[i];
                cr_expect_eq(datagram_check(&d, &d.destination, true, &port), REFUSED_SIZE);
                cr_expect_eq(port, 7);
        }
}

Test(datagram, is_refused_when_it_was_not_sent_to_the_group) {
        static const char *const destinations[] = { "192.0.2.9", "225.0.0.13", "ff05::3:1" };
        Address group = address("225.0.0.12");

        for (size_t i = 0; i < ELEMENTSOF(destinations); i++) {
                Datagram d = made("192.0.2.1", 1229);
                uint16_t port;

                d.destination = address(destinations[i]);
                cr_expect_eq(datagram_check(&d, &group, true, &port), REFUSED_NOT_TO_GROUP);
        }
}

Test(datagram, is_refused_when_the_kernel_did_not_say_where_it_was_sent_to) {
        Datagram d = made("192.0.2.1", 1229);
        Address group = d.destination;
        uint16_t port;

        d.destination = (Address){};
        cr_expect_eq(datagram_check(&d, &group, true, &port), REFUSED_NOT_TO_GROUP);
}

Test(datagram, is_refused_on_an_interface_that_is_not_served) {
        Datagram d = made("192.0.2.1", 1229);
        uint16_t port;

        cr_expect_eq(datagram_check(&d, &d.destination, false, &port), REFUSED_INTERFACE);
}

Test(datagram, is_refused_when_it_is_not_canonical) {
        Datagram d = made("192.0.2.1", 1229);
        uint16_t port;

        d.bytes[67] = 'x';
        cr_expect_eq(datagram_check(&d, &d.destination, true, &port), REFUSED_FORM);
}

Test(datagram, is_refused_when_it_names_another_address_than_it_came_from) {
        static const struct {
                const char *packet, *source;
        } rows[] = {
                { "192.0.2.1", "192.0.2.2" },
                { "127.0.0.1", "192.0.2.1" },
                { "192.0.2.1", "2001:db8::1" },
                { "2001:db8::1", "2001:db8::2" },
                { "2001:db8::1", "192.0.2.1" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Datagram d = made(rows[i].packet, 1229);
                uint16_t port;

                d.source = address(rows[i].source);
                cr_expect_eq(datagram_check(&d, &d.destination, true, &port), REFUSED_CALLBACK_ADDRESS,
                        "row %zu", i);
        }
}

Test(datagram, of_a_link_local_guest_is_good_whatever_its_interface) {
        Datagram d = made("fe80::1", 1229);
        uint16_t port;

        d.source.scope = 3;
        cr_expect_eq(datagram_check(&d, &d.destination, true, &port), 0);
}

Test(datagram, is_refused_for_a_port_of_the_system) {
        static const struct {
                uint16_t port;
                RefusedByForm reason;
        } rows[] = { { 1, REFUSED_CALLBACK_PORT }, { 22, REFUSED_CALLBACK_PORT },
                { 1023, REFUSED_CALLBACK_PORT }, { 1024, 0 }, { 1229, 0 }, { 65535, 0 } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Datagram d = made("192.0.2.1", rows[i].port);
                uint16_t port;

                cr_expect_eq(
                        datagram_check(&d, &d.destination, true, &port), rows[i].reason, "%u", rows[i].port);
        }
}

Test(datagram, is_answered_to_other_machines_only_unless_told_otherwise) {
        static const unsigned never[] = { RTN_UNSPEC, RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST,
                RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_THROW };

        for (int local = 0; local < 2; local++) {
                cr_expect_eq(datagram_check_route(RTN_UNICAST, local), 0);
                for (size_t i = 0; i < ELEMENTSOF(never); i++)
                        cr_expect_eq(datagram_check_route(never[i], local), REFUSED_CALLBACK_ADDRESS);
        }
        cr_expect_eq(datagram_check_route(RTN_LOCAL, false), REFUSED_CALLBACK_ADDRESS);
        cr_expect_eq(datagram_check_route(RTN_LOCAL, true), 0);
}
