/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "wire.h"

#include <string.h>
#include <sys/socket.h>

/* The 176-byte packet */
enum {
        PACKET_ACTION = 0,
        PACKET_HASH = 1,
        PACKET_ADDRLEN = 2,
        PACKET_FLAGS = 3,
        PACKET_TARGET = 4,
        PACKET_ADDRESS = 68,
        PACKET_ADDRESS_SIZE = 28,
        PACKET_PORT = 96,
        PACKET_RANDOM = 98,
        PACKET_SEQNO = 104,
        PACKET_FAMILY = 108,
};

/* The 74-byte frame */
enum {
        FRAME_MAGIC = 0,
        FRAME_ACTION = 4,
        FRAME_FLAGS = 5,
        FRAME_TARGET = 6,
        FRAME_SEQNO = 70,
};

/* A list record */
enum {
        RECORD_NAME = 0,
        RECORD_UUID = 64,
        RECORD_STATE = 128,
};

enum { TARGET_FIELD = WIRE_TARGET_MAX + 1 };

/* Linux's numbers, which are the wire's whatever machine this is compiled for. */
enum { WIRE_AF_INET = 2, WIRE_AF_INET6 = 10 };

static const uint8_t magic[4] = { 0x61, 0x62, 0x62, 0x61 };

static bool all_zero(const uint8_t *p, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (p[i] != 0)
                        return false;
        return true;
}

/* The name field as the only form a guest sends: text, then a NUL, then zeros to the end. */
static int decode_target(
        const uint8_t field[static TARGET_FIELD], Action action, char ret[static TARGET_FIELD]) {
        size_t n = strnlen((const char *) field, TARGET_FIELD);

        if (n > WIRE_TARGET_MAX || !all_zero(field + n, TARGET_FIELD - n))
                return -EBADMSG;
        if (n == 0 && action_has_target(action))
                return -EBADMSG;
        if (!wire_is_printable(field, n))
                return -EBADMSG;
        memcpy(ret, field, TARGET_FIELD);
        return 0;
}

static int decode_callback(const uint8_t packet[static WIRE_PACKET_SIZE], Request *r) {
        const uint8_t *f = packet + PACKET_FAMILY, *port = packet + PACKET_PORT;
        bool little = f[1] == 0 && f[2] == 0 && f[3] == 0 && f[0] != 0;
        bool big = f[0] == 0 && f[1] == 0 && f[2] == 0 && f[3] != 0;
        uint8_t family = little ? f[0] : f[3];
        size_t size;

        if (!little && !big)
                return -EBADMSG;
        if (family != WIRE_AF_INET && family != WIRE_AF_INET6)
                return -EBADMSG;
        size = family == WIRE_AF_INET ? 4 : 16;
        if (packet[PACKET_ADDRLEN] != size)
                return -EBADMSG;
        if (!all_zero(packet + PACKET_ADDRESS + size, PACKET_ADDRESS_SIZE - size))
                return -EBADMSG;
        r->port = little ? (uint16_t) (port[0] | port[1] << 8) : (uint16_t) (port[1] | port[0] << 8);
        if (r->port == 0)
                return -EBADMSG;
        r->family = family == WIRE_AF_INET ? AF_INET : AF_INET6;
        memcpy(r->address, packet + PACKET_ADDRESS, size);
        return 0;
}

static bool hash_is_known(unsigned h) {
        return h < _HASH_MAX || h == HASH_FX2;
}

bool wire_is_unsigned(const uint8_t packet[static WIRE_PACKET_SIZE]) {
        return packet[PACKET_HASH] == HASH_NONE;
}

int wire_decode_packet(const uint8_t packet[static WIRE_PACKET_SIZE], WireKind kind, Request *ret) {
        Request r = { .family = AF_UNSPEC };
        bool fx2;
        int k;

        if (packet[PACKET_ACTION] >= _ACTION_MAX)
                return -EBADMSG;
        if (!hash_is_known(packet[PACKET_HASH]) || wire_is_unsigned(packet) != (kind == WIRE_UNSIGNED))
                return -EBADMSG;
        if (kind == WIRE_UNSIGNED &&
                (!all_zero(packet + PACKET_RANDOM, 6) || !all_zero(packet + WIRE_MAC_OFFSET, WIRE_MAC_SIZE)))
                return -EBADMSG;
        if (packet[PACKET_FLAGS] & ~(WIRE_FLAG_UUID | WIRE_FLAG_FX2))
                return -EBADMSG;
        fx2 = packet[PACKET_FLAGS] & WIRE_FLAG_FX2;
        if ((packet[PACKET_HASH] == HASH_FX2 && !fx2) || (kind == WIRE_UNSIGNED && fx2))
                return -EBADMSG;
        r.action = (Action) packet[PACKET_ACTION];
        r.hash = (HashType) packet[PACKET_HASH];
        r.flags = packet[PACKET_FLAGS];
        k = decode_target(packet + PACKET_TARGET, r.action, r.target);
        if (k < 0)
                return k;
        memcpy(r.random, packet + PACKET_RANDOM, sizeof(r.random));
        memcpy(r.seqno, packet + PACKET_SEQNO, sizeof(r.seqno));
        if (kind == WIRE_MULTICAST) {
                k = decode_callback(packet, &r);
                if (k < 0)
                        return k;
        } else if (packet[PACKET_ADDRLEN] != 0 || !all_zero(packet + PACKET_ADDRESS, PACKET_ADDRESS_SIZE) ||
                   !all_zero(packet + PACKET_PORT, 2) || !all_zero(packet + PACKET_FAMILY, 4))
                return -EBADMSG;
        *ret = r;
        return 0;
}

int wire_encode_packet(const Request *r, WireKind kind, uint8_t ret[static WIRE_PACKET_SIZE]) {
        uint8_t packet[WIRE_PACKET_SIZE] = {};
        Request back;

        packet[PACKET_ACTION] = (uint8_t) r->action;
        packet[PACKET_HASH] = (uint8_t) r->hash;
        packet[PACKET_FLAGS] = r->flags;
        memcpy(packet + PACKET_TARGET, r->target, strnlen(r->target, sizeof(r->target)));
        memcpy(packet + PACKET_RANDOM, r->random, sizeof(r->random));
        memcpy(packet + PACKET_SEQNO, r->seqno, sizeof(r->seqno));
        if (kind == WIRE_MULTICAST) {
                size_t size = r->family == AF_INET ? 4 : 16;

                if (r->family != AF_INET && r->family != AF_INET6)
                        return -EINVAL;
                packet[PACKET_ADDRLEN] = (uint8_t) size;
                memcpy(packet + PACKET_ADDRESS, r->address, size);
                packet[PACKET_PORT] = (uint8_t) r->port;
                packet[PACKET_PORT + 1] = (uint8_t) (r->port >> 8);
                packet[PACKET_FAMILY] = r->family == AF_INET ? WIRE_AF_INET : WIRE_AF_INET6;
        }
        if ((unsigned) r->action >= _ACTION_MAX || !hash_is_known(r->hash) ||
                wire_decode_packet(packet, kind, &back) < 0)
                return -EINVAL;
        memcpy(ret, packet, sizeof(packet));
        return 0;
}

int wire_decode_serial(const uint8_t frame[static WIRE_SERIAL_SIZE], Request *ret) {
        Request r = { .family = AF_UNSPEC };
        int k;

        if (memcmp(frame + FRAME_MAGIC, magic, sizeof(magic)) != 0)
                return -EBADMSG;
        if (frame[FRAME_ACTION] >= _ACTION_MAX || (frame[FRAME_FLAGS] & ~WIRE_FLAG_UUID))
                return -EBADMSG;
        r.action = (Action) frame[FRAME_ACTION];
        r.flags = frame[FRAME_FLAGS];
        k = decode_target(frame + FRAME_TARGET, r.action, r.target);
        if (k < 0)
                return k;
        memcpy(r.seqno, frame + FRAME_SEQNO, sizeof(r.seqno));
        *ret = r;
        return 0;
}

int wire_encode_serial(const Request *r, uint8_t ret[static WIRE_SERIAL_SIZE]) {
        uint8_t frame[WIRE_SERIAL_SIZE] = {};
        Request back;

        memcpy(frame + FRAME_MAGIC, magic, sizeof(magic));
        frame[FRAME_ACTION] = (uint8_t) r->action;
        frame[FRAME_FLAGS] = r->flags;
        memcpy(frame + FRAME_TARGET, r->target, strnlen(r->target, sizeof(r->target)));
        memcpy(frame + FRAME_SEQNO, r->seqno, sizeof(r->seqno));
        if ((unsigned) r->action >= _ACTION_MAX || wire_decode_serial(frame, &back) < 0)
                return -EINVAL;
        memcpy(ret, frame, sizeof(frame));
        return 0;
}

void wire_encode_serial_reply(Reply reply, uint8_t ret[static WIRE_SERIAL_REPLY_SIZE]) {
        memcpy(ret, magic, sizeof(magic));
        ret[sizeof(magic)] = (uint8_t) reply;
}

int wire_decode_serial_reply(const uint8_t bytes[static WIRE_SERIAL_REPLY_SIZE], uint8_t *ret) {
        if (memcmp(bytes, magic, sizeof(magic)) != 0)
                return -EBADMSG;
        *ret = bytes[sizeof(magic)];
        return 0;
}

int wire_encode_record(const Record *r, uint8_t ret[static WIRE_RECORD_SIZE]) {
        size_t name = strnlen(r->name, WIRE_TARGET_MAX), uuid = strnlen(r->uuid, WIRE_UUID_SIZE);

        if (name == 0 && uuid == 0)
                return -EINVAL;
        memset(ret, 0, WIRE_RECORD_SIZE);
        memcpy(ret + RECORD_NAME, r->name, name);
        memcpy(ret + RECORD_UUID, r->uuid, uuid);
        ret[RECORD_STATE] = r->state;
        return 0;
}

/* The length of a name of n bytes without the character that a cut at WIRE_TARGET_MAX left incomplete. */
static size_t without_half_character(const uint8_t *name, size_t n) {
        size_t lead = n;

        if (n < WIRE_TARGET_MAX)
                return n;
        while (lead > 0 && n - lead < 3 && (name[lead - 1] & 0xc0) == 0x80)
                lead--;
        if (lead == 0 || name[lead - 1] < 0xc2 || name[lead - 1] > 0xf4 ||
                wire_utf8_length(name + lead - 1, n - lead + 1) != 0)
                return n;
        return lead - 1;
}

int wire_decode_record(const uint8_t bytes[static WIRE_RECORD_SIZE], Record *ret) {
        const uint8_t *name = bytes + RECORD_NAME, *uuid = bytes + RECORD_UUID;
        size_t n_name = strnlen((const char *) name, WIRE_TARGET_MAX);
        size_t n_uuid = strnlen((const char *) uuid, WIRE_TARGET_MAX);
        Record r = { .state = bytes[RECORD_STATE] };

        /* The last byte of either field and of the record may be anything: 4.12 sends what its stack held. */
        if (!all_zero(name + n_name, WIRE_TARGET_MAX - n_name) ||
                !all_zero(uuid + n_uuid, WIRE_TARGET_MAX - n_uuid))
                return -EBADMSG;
        if (n_name == 0 && n_uuid == 0)
                return all_zero(bytes, WIRE_RECORD_SIZE) ? 0 : -EBADMSG;
        if (n_uuid > WIRE_UUID_SIZE || !wire_is_printable(uuid, n_uuid))
                return -EBADMSG;
        n_name = without_half_character(name, n_name);
        memcpy(r.name, name, n_name);
        memcpy(r.uuid, uuid, n_uuid);
        wire_make_printable(r.name, n_name); /* these end on a terminal */
        *ret = r;
        return 1;
}

bool wire_looks_like_packet(const uint8_t challenge[static WIRE_CHALLENGE_SIZE]) {
        uint8_t addrlen = challenge[PACKET_ADDRLEN];

        return challenge[PACKET_ACTION] <= 8 && challenge[PACKET_HASH] >= HASH_SHA1 &&
               challenge[PACKET_HASH] <= HASH_SHA512 && (addrlen == 0 || addrlen == 4 || addrlen == 16) &&
               (challenge[PACKET_FLAGS] & ~(WIRE_FLAG_UUID | WIRE_FLAG_FX2)) == 0;
}

static const char *const hash_names[_HASH_MAX] = {
        [HASH_NONE] = "none",
        [HASH_SHA1] = "sha1",
        [HASH_SHA256] = "sha256",
        [HASH_SHA512] = "sha512",
};

const char *hash_type_to_string(HashType h) {
        return (unsigned) h < _HASH_MAX ? hash_names[h] : NULL;
}

int hash_type_from_string(const char *s, HashType *ret) {
        for (unsigned i = 0; i < _HASH_MAX; i++)
                if (strcmp(s, hash_names[i]) == 0) {
                        *ret = (HashType) i;
                        return 0;
                }
        return -EINVAL;
}
