/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "vectors.h"
#include "wire.h"

enum {
        OFF_ACTION,
        OFF_HASH,
        OFF_ADDRLEN,
        OFF_FLAGS,
        OFF_TARGET,
        OFF_ADDRESS = 68,
        OFF_PORT = 96,
        OFF_FAMILY = 108
};

static const Request stream = {
        .action = ACTION_OFF,
        .hash = HASH_SHA256,
        .target = "vm1",
        .random = { 1, 2, 3, 4, 5, 6 },
        .seqno = { 7, 8, 9, 10 },
};

static const Request multicast4 = {
        .action = ACTION_OFF,
        .hash = HASH_SHA256,
        .target = "vm1",
        .family = AF_INET,
        .address = { 10, 77, 0, 66 },
        .port = WIRE_PORT,
};

static const Request multicast6 = {
        .action = ACTION_OFF,
        .hash = HASH_SHA512,
        .target = "vm1",
        .family = AF_INET6,
        .address = { 0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11 },
        .port = 0xfffe,
};

static WireKind kind_of(const struct VectorPacket *v) {
        return v->multicast ? WIRE_MULTICAST : WIRE_STREAM;
}

static bool is_big_endian(const struct VectorPacket *v) {
        return v->multicast && v->packet[OFF_FAMILY] == 0;
}

Test(wire, decodes_every_packet_that_a_real_guest_sent) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                const struct VectorPacket *v = vector_packets + i;
                uint8_t back[WIRE_PACKET_SIZE];
                Request r;

                cr_assert_eq(wire_decode_packet(v->packet, kind_of(v), &r), 0, "%s", v->name);
                cr_expect_eq(r.action, v->packet[OFF_ACTION], "%s", v->name);
                cr_expect_eq(r.hash, v->packet[OFF_HASH], "%s", v->name);
                cr_expect_str_eq(r.target, (const char *) v->packet + OFF_TARGET, "%s", v->name);
                cr_expect_eq(r.family != AF_UNSPEC, v->multicast, "%s", v->name);
                cr_assert_eq(wire_encode_packet(&r, kind_of(v), back), 0, "%s", v->name);
                if (!is_big_endian(v))
                        cr_expect_arr_eq(back, v->packet, WIRE_MAC_OFFSET, "%s", v->name);
        }
}

Test(wire, refuses_every_packet_of_the_other_kind) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                const struct VectorPacket *v = vector_packets + i;
                Request r;

                cr_expect_eq(wire_decode_packet(v->packet, v->multicast ? WIRE_STREAM : WIRE_MULTICAST, &r),
                        -EBADMSG, "%s", v->name);
        }
}

Test(wire, knows_the_flag_and_the_hash_of_fx2) {
        uint8_t packet[WIRE_PACKET_SIZE], again[WIRE_PACKET_SIZE];
        Request r;

        cr_assert_eq(wire_decode_packet(vector_fx2.packet, WIRE_STREAM, &r), 0);
        cr_expect_eq(r.flags, WIRE_FLAG_FX2);
        cr_expect_eq(r.hash, HASH_SHA256);
        memcpy(packet, vector_fx2.packet, sizeof(packet));
        packet[OFF_HASH] = HASH_FX2;
        cr_assert_eq(wire_decode_packet(packet, WIRE_STREAM, &r), 0);
        cr_expect_eq(r.hash, HASH_FX2);
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, again), 0);
        cr_expect_arr_eq(again, packet, WIRE_MAC_OFFSET);
        packet[OFF_FLAGS] = WIRE_FLAG_UUID;
        cr_expect_eq(wire_decode_packet(packet, WIRE_STREAM, &r), -EBADMSG, "the hash without the flag");
        cr_expect_eq(wire_decode_packet(packet, WIRE_UNSIGNED, &r), -EBADMSG);
}

Test(wire, reads_the_callback_in_the_byte_order_of_the_guest) {
        unsigned n_big = 0;

        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++) {
                const struct VectorPacket *v = vector_packets + i;
                const uint8_t *port = v->packet + OFF_PORT;
                Request r;

                if (!v->multicast)
                        continue;
                cr_assert_eq(wire_decode_packet(v->packet, WIRE_MULTICAST, &r), 0, "%s", v->name);
                cr_expect_eq(r.family, v->packet[OFF_ADDRLEN] == 4 ? AF_INET : AF_INET6, "%s", v->name);
                cr_expect_eq(r.port, is_big_endian(v) ? port[0] << 8 | port[1] : port[1] << 8 | port[0],
                        "%s", v->name);
                cr_expect_arr_eq(r.address, v->packet + OFF_ADDRESS, v->packet[OFF_ADDRLEN], "%s", v->name);
                n_big += is_big_endian(v);
        }
        cr_expect_geq(n_big, 3);
}

/* One bit of one vector: refused without a trace in *ret, or the changed meaning is encoded to exactly these bytes. */
static void check_flipped(const struct VectorPacket *v, size_t bit) {
        uint8_t packet[WIRE_PACKET_SIZE], back[WIRE_PACKET_SIZE];
        Request original, r, untouched;

        memcpy(packet, v->packet, sizeof(packet));
        packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
        memset(&r, 0xa5, sizeof(r));
        memset(&untouched, 0xa5, sizeof(untouched));
        if (wire_decode_packet(packet, kind_of(v), &r) < 0) {
                cr_assert_arr_eq(&r, &untouched, sizeof(r), "%s, bit %zu", v->name, bit);
                cr_assert(bit < WIRE_MAC_OFFSET * 8, "%s: the MAC was looked at, bit %zu", v->name, bit);
                return;
        }
        cr_assert_eq(wire_encode_packet(&r, kind_of(v), back), 0, "%s, bit %zu", v->name, bit);
        if (!is_big_endian(v))
                cr_assert_arr_eq(back, packet, WIRE_MAC_OFFSET, "%s, bit %zu", v->name, bit);
        if (bit < WIRE_MAC_OFFSET * 8 && wire_decode_packet(v->packet, kind_of(v), &original) == 0)
                cr_assert(memcmp(&r, &original, sizeof(r)) != 0, "%s, bit %zu has no meaning", v->name, bit);
}

Test(wire, sees_every_single_bit_that_flips) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++)
                for (size_t bit = 0; bit < WIRE_PACKET_SIZE * 8; bit++)
                        check_flipped(vector_packets + i, bit);
}

typedef struct Change {
        const Request *request;
        size_t offset;
        uint8_t byte;
        const char *what;
} Change;

static const Change changes[] = {
        { &stream, OFF_ACTION, 7, "metadata, which is the agent's own" },
        { &stream, OFF_ACTION, 8, "validate-all" },
        { &stream, OFF_ACTION, 0x99, "an action that is none" },
        { &stream, OFF_HASH, 0, "no hash" },
        { &stream, OFF_HASH, 4, "an unknown hash" },
        { &stream, OFF_HASH, HASH_FX2, "the hash of FX2-only keys without the flag" },
        { &stream, OFF_HASH, HASH_FX2 + 1, "an unknown hash" },
        { &stream, OFF_HASH, 0xff, "an unknown hash" },
        { &stream, OFF_FLAGS, 0x02, "an unknown flag" },
        { &stream, OFF_FLAGS, 0x82, "an unknown flag beside a known one" },
        { &stream, OFF_TARGET, 0, "no target for off, and bytes behind the NUL" },
        { &stream, OFF_TARGET + 1, '\n', "a control character" },
        { &stream, OFF_TARGET + 1, 0x7f, "DEL" },
        { &stream, OFF_TARGET + 1, 0xc0, "bad UTF-8" },
        { &stream, OFF_TARGET + 4, 'x', "a byte behind the NUL" },
        { &stream, OFF_TARGET + 60, 0x80, "where a length extension has its padding" },
        { &stream, OFF_TARGET + 63, 1, "the last byte of the name" },
        { &stream, OFF_ADDRLEN, 4, "a stream with an address length" },
        { &stream, OFF_ADDRESS, 1, "a stream with an address" },
        { &stream, OFF_ADDRESS + 27, 1, "a stream with an address" },
        { &stream, OFF_PORT, 1, "a stream with a port" },
        { &stream, OFF_PORT + 1, 1, "a stream with a port" },
        { &stream, OFF_FAMILY, 2, "a stream with a family" },
        { &stream, OFF_FAMILY + 3, 2, "a stream with a family" },
        { &multicast4, OFF_ADDRLEN, 0, "IPv4 without a length" },
        { &multicast4, OFF_ADDRLEN, 16, "IPv4 of 16 bytes" },
        { &multicast4, OFF_ADDRESS + 4, 1, "a fifth byte of IPv4" },
        { &multicast4, OFF_ADDRESS + 27, 1, "the last byte of the address field" },
        { &multicast4, OFF_FAMILY, 0, "no family" },
        { &multicast4, OFF_FAMILY, 10, "IPv6 of 4 bytes" },
        { &multicast4, OFF_FAMILY, 3, "another family" },
        { &multicast4, OFF_FAMILY + 1, 1, "a family of two bytes" },
        { &multicast4, OFF_FAMILY + 3, 2, "both byte orders at once" },
        { &multicast6, OFF_ADDRLEN, 4, "IPv6 of 4 bytes" },
        { &multicast6, OFF_ADDRESS + 16, 1, "a seventeenth byte of IPv6" },
        { &multicast6, OFF_FAMILY, 2, "IPv4 of 16 bytes" },
};

Test(wire, refuses_what_no_guest_sends) {
        for (size_t i = 0; i < ELEMENTSOF(changes); i++) {
                const Change *c = changes + i;
                WireKind kind = c->request == &stream ? WIRE_STREAM : WIRE_MULTICAST;
                uint8_t packet[WIRE_PACKET_SIZE];
                Request r;

                cr_assert_eq(wire_encode_packet(c->request, kind, packet), 0, "%s", c->what);
                cr_assert_eq(wire_decode_packet(packet, kind, &r), 0, "%s", c->what);
                packet[c->offset] = c->byte;
                cr_expect_eq(wire_decode_packet(packet, kind, &r), -EBADMSG, "%s", c->what);
        }
}

Test(wire, refuses_to_call_back_to_port_zero) {
        uint8_t packet[WIRE_PACKET_SIZE];
        Request r;

        cr_assert_eq(wire_encode_packet(&multicast4, WIRE_MULTICAST, packet), 0);
        packet[OFF_PORT] = packet[OFF_PORT + 1] = 0;
        cr_expect_eq(wire_decode_packet(packet, WIRE_MULTICAST, &r), -EBADMSG);
}

Test(wire, a_target_is_needed_by_the_actions_that_have_one) {
        for (unsigned a = 0; a < _ACTION_MAX; a++) {
                const Request r = { .action = a, .hash = HASH_SHA256 };
                uint8_t packet[WIRE_PACKET_SIZE], frame[WIRE_SERIAL_SIZE];
                int expected = action_has_target(a) ? -EINVAL : 0;

                cr_expect_eq(
                        wire_encode_packet(&r, WIRE_STREAM, packet), expected, "%s", action_to_string(a));
                cr_expect_eq(wire_encode_serial(&r, frame), expected, "%s", action_to_string(a));
        }
}

Test(wire, takes_a_target_of_63_bytes_and_not_of_64) {
        Request r = stream, back;
        uint8_t packet[WIRE_PACKET_SIZE];

        memset(r.target, 'x', WIRE_TARGET_MAX);
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, packet), 0);
        cr_assert_eq(wire_decode_packet(packet, WIRE_STREAM, &back), 0);
        cr_expect_str_eq(back.target, r.target);
        packet[OFF_TARGET + WIRE_TARGET_MAX] = 'x';
        cr_expect_eq(wire_decode_packet(packet, WIRE_STREAM, &back), -EBADMSG);
        r.target[WIRE_TARGET_MAX] = 'x';
        cr_expect_eq(wire_encode_packet(&r, WIRE_STREAM, packet), -EINVAL);
}

Test(wire, does_not_encode_what_it_would_not_decode) {
        static const struct {
                WireKind kind;
                Request request;
        } table[] = {
                { WIRE_STREAM, { .action = _ACTION_MAX, .hash = HASH_SHA256, .target = "vm1" } },
                { WIRE_STREAM,
                        { .action = (Action) (0x100 + ACTION_OFF), .hash = HASH_SHA256, .target = "vm1" } },
                { WIRE_STREAM, { .action = ACTION_OFF, .hash = HASH_NONE, .target = "vm1" } },
                { WIRE_STREAM, { .action = ACTION_OFF, .hash = _HASH_MAX, .target = "vm1" } },
                { WIRE_STREAM, { .action = ACTION_OFF, .hash = (HashType) 0x102, .target = "vm1" } },
                { WIRE_STREAM, { .action = ACTION_OFF, .hash = HASH_SHA256, .target = "vm1\n" } },
                { WIRE_STREAM, { .action = ACTION_OFF, .hash = HASH_FX2, .target = "vm1" } },
                { WIRE_STREAM,
                        { .action = ACTION_OFF, .hash = HASH_SHA256, .target = "vm1", .flags = 0x40 } },
                { WIRE_MULTICAST,
                        { .action = ACTION_OFF, .hash = HASH_SHA256, .target = "vm1", .port = 1229 } },
                { WIRE_MULTICAST, { .action = ACTION_OFF,
                                          .hash = HASH_SHA256,
                                          .target = "vm1",
                                          .family = AF_UNIX,
                                          .port = 1 } },
                { WIRE_MULTICAST,
                        { .action = ACTION_OFF, .hash = HASH_SHA256, .target = "vm1", .family = AF_INET } },
        };
        uint8_t packet[WIRE_PACKET_SIZE], untouched[WIRE_PACKET_SIZE];

        memset(packet, 0xa5, sizeof(packet));
        memset(untouched, 0xa5, sizeof(untouched));
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                cr_expect_eq(
                        wire_encode_packet(&table[i].request, table[i].kind, packet), -EINVAL, "row %zu", i);
                cr_expect_arr_eq(packet, untouched, sizeof(packet), "row %zu", i);
        }
}

Test(wire, encodes_from_zeroed_memory_and_leaves_the_mac_zero) {
        static const uint8_t zeros[WIRE_MAC_SIZE] = {};
        uint8_t packet[WIRE_PACKET_SIZE];

        memset(packet, 0xa5, sizeof(packet));
        cr_assert_eq(wire_encode_packet(&multicast6, WIRE_MULTICAST, packet), 0);
        cr_expect_arr_eq(packet + WIRE_MAC_OFFSET, zeros, WIRE_MAC_SIZE);
        cr_expect_arr_eq(packet + OFF_TARGET + 3, zeros, 61);
        cr_expect_arr_eq(packet + OFF_ADDRESS + 16, zeros, 12);
}

/* H3: the host would otherwise sign, as a challenge, the beginning of a packet. */
Test(wire, every_packet_looks_like_a_packet_and_no_captured_challenge_does) {
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++)
                cr_expect(wire_looks_like_packet(vector_packets[i].packet), "%s", vector_packets[i].name);
        for (size_t i = 0; i < ELEMENTSOF(vector_handshakes); i++) {
                cr_expect(!wire_looks_like_packet(vector_handshakes[i].guest_challenge));
                cr_expect(!wire_looks_like_packet(vector_handshakes[i].host_challenge));
        }
}

Test(wire, looks_like_a_packet_by_the_first_four_bytes_exactly) {
        uint64_t n = 0;

        for (uint32_t i = 0; i < 1U << 24; i++) {
                static uint8_t challenge[WIRE_CHALLENGE_SIZE];

                challenge[0] = (uint8_t) i;
                challenge[1] = (uint8_t) (i >> 8);
                challenge[2] = (uint8_t) (i >> 16);
                n += wire_looks_like_packet(challenge);
        }
        cr_expect_eq(n, 9 * 3 * 3, "%lu", (unsigned long) n);
        n = 0;
        for (unsigned flags = 0; flags < 256; flags++) {
                const uint8_t challenge[WIRE_CHALLENGE_SIZE] = { 1, 2, 4, (uint8_t) flags };

                n += wire_looks_like_packet(challenge);
        }
        cr_expect_eq(n, 4);
}

Test(wire, hash_types_have_the_names_of_the_options) {
        static const char *const names[] = { "none", "sha1", "sha256", "sha512" };
        static const char *const bad[] = { "", "SHA256", "sha-256", "sha256 ", "md5", "sha2" };
        HashType h;

        cr_assert_eq(ELEMENTSOF(names), (size_t) _HASH_MAX);
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                cr_expect_str_eq(hash_type_to_string(i), names[i]);
                cr_assert_eq(hash_type_from_string(names[i], &h), 0);
                cr_expect_eq(h, i);
        }
        h = HASH_SHA512;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                cr_expect_eq(hash_type_from_string(bad[i], &h), -EINVAL, "'%s'", bad[i]);
        cr_expect_eq(h, HASH_SHA512);
        cr_expect_null(hash_type_to_string(_HASH_MAX));
        cr_expect_null(hash_type_to_string((HashType) -1));
}

Test(wire, an_unsigned_packet_is_one_only_where_the_hypervisor_vouches) {
        Request r = { .action = ACTION_OFF, .hash = HASH_NONE, .target = "vm1", .seqno = { 1, 2, 3, 4 } },
                back;
        uint8_t packet[WIRE_PACKET_SIZE];

        cr_assert_eq(wire_encode_packet(&r, WIRE_UNSIGNED, packet), 0);
        cr_expect(wire_is_unsigned(packet));
        cr_assert_eq(wire_decode_packet(packet, WIRE_UNSIGNED, &back), 0);
        cr_expect_str_eq(back.target, "vm1");
        cr_expect_eq(wire_decode_packet(packet, WIRE_STREAM, &back), -EBADMSG);
        cr_expect_eq(wire_decode_packet(packet, WIRE_MULTICAST, &back), -EBADMSG);

        /* nothing signed where nothing is verified: random bytes and MAC are zero */
        for (size_t i = 98; i < WIRE_PACKET_SIZE; i++) {
                if (i >= 104 && i < 108)
                        continue; /* seqno */
                packet[i] ^= 1;
                cr_expect_eq(wire_decode_packet(packet, WIRE_UNSIGNED, &back), -EBADMSG, "byte %zu", i);
                packet[i] ^= 1;
        }
        r.flags = WIRE_FLAG_FX2;
        cr_expect_eq(wire_encode_packet(&r, WIRE_UNSIGNED, packet), -EINVAL, "FX2 without a key");
        r.flags = 0;
        r.hash = HASH_SHA256;
        cr_expect_eq(wire_encode_packet(&r, WIRE_UNSIGNED, packet), -EINVAL);
}
