/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A packet, behind a byte that says over what it came. Whatever is decoded is the only packet of its meaning, is a
 * prefix that is never signed as a challenge (if its MAC is one of v1), and is authenticated by its own MAC alone, of the
 * kind of key that its hash belongs to. */

#include <string.h>
#include <sys/socket.h>

#include "auth.h"
#include "wire.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static AuthKey *raw_key, *fx2_key;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        static const uint8_t bytes[64] = { 1, 2, 3 };
        static const char file[] = AUTH_KEY_FX2 "\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n";

        check(auth_key_new(bytes, sizeof(bytes), &raw_key, NULL) == 0);
        check(auth_key_new(file, strlen(file), &fx2_key, NULL) == 0);
        return 0;
}

static void check_request(const Request *r, WireKind kind) {
        check((unsigned) r->action < _ACTION_MAX);
        check((r->hash > HASH_NONE && r->hash < _HASH_MAX) ||
                (r->hash == HASH_FX2 && (r->flags & WIRE_FLAG_FX2)));
        check((r->flags & ~(WIRE_FLAG_UUID | WIRE_FLAG_FX2)) == 0);
        check(memchr(r->target, 0, sizeof(r->target)));
        check(wire_target_is_valid(r->target) || (!r->target[0] && !action_has_target(r->action)));
        if (kind == WIRE_STREAM)
                check(r->family == AF_UNSPEC && r->port == 0);
        else
                check((r->family == AF_INET || r->family == AF_INET6) && r->port != 0);
}

static void check_mac(const uint8_t packet[static WIRE_PACKET_SIZE], WireKind kind) {
        bool fx2 = packet[1] == HASH_FX2;
        const AuthKey *key = fx2 ? fx2_key : raw_key;
        uint8_t signed_packet[WIRE_PACKET_SIZE];
        Request r;

        memcpy(signed_packet, packet, sizeof(signed_packet));
        check(auth_sign_packet(fx2 ? raw_key : fx2_key, signed_packet) == -EINVAL);
        check(auth_sign_packet(key, signed_packet) == 0);
        check(auth_verify_packet(key, signed_packet) == 0);
        check(wire_decode_packet(signed_packet, kind, &r) == 0);
        if (memcmp(signed_packet, packet, WIRE_PACKET_SIZE) != 0)
                check(auth_verify_packet(key, packet) == -EBADMSG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        uint8_t packet[WIRE_PACKET_SIZE], back[WIRE_PACKET_SIZE];
        WireKind kind;
        Request r, again;

        if (size != 1 + WIRE_PACKET_SIZE)
                return 0;
        kind = data[0] & 1 ? WIRE_MULTICAST : WIRE_STREAM;
        memcpy(packet, data + 1, sizeof(packet));
        if (wire_decode_packet(packet, kind, &r) < 0)
                return 0;
        check_request(&r, kind);
        check(wire_looks_like_packet(packet) || r.hash == HASH_FX2);
        check(wire_decode_packet(packet, kind == WIRE_STREAM ? WIRE_MULTICAST : WIRE_STREAM, &again) < 0);
        check(wire_encode_packet(&r, kind, back) == 0);
        check(wire_decode_packet(back, kind, &again) == 0);
        check(memcmp(&r, &again, sizeof(r)) == 0);
        if (kind == WIRE_STREAM || packet[108] != 0) /* else the guest is big-endian, and we are not */
                check(memcmp(packet, back, WIRE_MAC_OFFSET) == 0);
        check_mac(packet, kind);
        return 0;
}
