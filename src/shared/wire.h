/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The wire protocol of fence_virt, byte by byte: offsets and bytes outside, types inside, no I/O. Decoders accept the
 * canonical form only (exact size, terminated printable UTF-8 names, zero where zero belongs); everything else is
 * -EBADMSG, and *ret is untouched. Encoders start from zeroed memory. */

#include "action.h"
#include "base.h"

enum {
        WIRE_PORT = 1229,
        WIRE_PACKET_SIZE = 176, /* request over multicast, tcp and vsock */
        WIRE_MAC_OFFSET = 112, /* what precedes it is signed, followed by 64 zero bytes */
        WIRE_MAC_SIZE = 64, /* digests are left-aligned and zero padded to this */
        WIRE_CHALLENGE_SIZE = 64,
        WIRE_SERIAL_SIZE = 74, /* request frame over serial, channel and vmchannel */
        WIRE_SERIAL_REPLY_SIZE = 5,
        WIRE_RECORD_SIZE = 130, /* one domain of a list */
        WIRE_TARGET_MAX = 63, /* bytes of a name without its NUL */
        WIRE_UUID_SIZE = 36,
};

/* The reply byte, which is the agent's exit status as well; 253 announces a list. */
typedef enum Reply {
        REPLY_SUCCESS = 0,
        REPLY_FAILURE = 1,
        REPLY_OFF = 2,
        REPLY_DENIED = 3,
        REPLY_LIST = 253,
} Reply;

typedef enum HashType {
        HASH_NONE = 0,
        HASH_SHA1 = 1,
        HASH_SHA256 = 2,
        HASH_SHA512 = 3,
        _HASH_MAX, /* of those that have a name and can be asked for */
        HASH_FX2 = 0x10, /* the MAC of a key that is for FX2 only (docs/fx2.md) */
} HashType;

typedef enum WireKind {
        WIRE_STREAM, /* tcp, vsock: no call-back, all address fields zero */
        WIRE_MULTICAST, /* the packet says where to call back */
        WIRE_UNSIGNED, /* as WIRE_STREAM, without hash, random bytes and MAC: only where the hypervisor vouches (vsock) */
        _WIRE_KIND_MAX,
} WireKind;

enum {
        WIRE_FLAG_UUID = 0x01, /* "the target is a UUID"; hosts decide by the text alone */
        WIRE_FLAG_FX2 = 0x80, /* "I speak FX2"; fence_virtd ignores it */
};

typedef struct Request {
        Action action;
        HashType hash;
        uint8_t flags;
        char target[WIRE_TARGET_MAX + 1]; /* "" for list, monitor and null without a name */
        uint8_t random[6];
        uint8_t seqno[4]; /* opaque: equal for all retransmissions of one run */
        int family; /* call-back: AF_INET or AF_INET6; AF_UNSPEC for WIRE_STREAM */
        uint8_t address[16]; /* network order, first 4 bytes for AF_INET */
        uint16_t port; /* host order, never 0 for WIRE_MULTICAST */
} Request;

typedef struct Record {
        char name[WIRE_TARGET_MAX + 1];
        char uuid[WIRE_UUID_SIZE + 1];
        uint8_t state; /* virDomainState; agents print "on" for 1 (running) only */
} Record;

/* Accepts hash types SHA-1, SHA-256, SHA-512 and FX2 (which has the flag of the same name), for WIRE_UNSIGNED none (and not that
 * flag), and known flags only. Multicast: the byte order of the guest is taken from the family field. The MAC is not looked
 * at. 0 or -EBADMSG. */
int wire_decode_packet(const uint8_t packet[static WIRE_PACKET_SIZE], WireKind kind, Request *ret);

/* Little-endian, MAC left zero. -EINVAL for a request that could not be decoded again. */
int wire_encode_packet(const Request *r, WireKind kind, uint8_t ret[static WIRE_PACKET_SIZE]);

/* True for a packet whose hash type is "none"; nothing else of it is looked at. */
bool wire_is_unsigned(const uint8_t packet[static WIRE_PACKET_SIZE]);

/* The 74-byte frame carries action, flags, target and seqno; the other fields of *ret are zero. 0 or -EBADMSG. */
int wire_decode_serial(const uint8_t frame[static WIRE_SERIAL_SIZE], Request *ret);
int wire_encode_serial(const Request *r, uint8_t ret[static WIRE_SERIAL_SIZE]);

/* Magic and reply byte. */
void wire_encode_serial_reply(Reply reply, uint8_t ret[static WIRE_SERIAL_REPLY_SIZE]);
int wire_decode_serial_reply(const uint8_t bytes[static WIRE_SERIAL_REPLY_SIZE], uint8_t *ret);

/* -EINVAL for a record that would read as the end of the list (no name and no UUID). */
int wire_encode_record(const Record *r, uint8_t ret[static WIRE_RECORD_SIZE]);

/* 1: a record, written to *ret. 0: the all-zero end of the list. -EBADMSG: neither. Tolerates what 4.12 leaves
 * uninitialised (bytes 63, 127 and 129) and names cut at 63 bytes; what is not printable in a name becomes '?'. */
int wire_decode_record(const uint8_t bytes[static WIRE_RECORD_SIZE], Record *ret);

/* H3: true when the bytes could be the beginning of a packet, which a host must never sign as a challenge. */
bool wire_looks_like_packet(const uint8_t challenge[static WIRE_CHALLENGE_SIZE]);

/* The number of bytes of the UTF-8 sequence that n > 0 bytes begin with: shortest form of a scalar value only, 0 for
 * anything else. */
size_t wire_utf8_length(const uint8_t *p, size_t n);

/* True for n bytes of valid UTF-8 without control characters (C0, DEL, C1); n may be 0. */
bool wire_is_printable(const uint8_t *p, size_t n);

/* Replaces every byte that belongs to no printable character by '?'. */
void wire_make_printable(char *s, size_t n);

/* True for 1..63 bytes of valid UTF-8 without control characters. */
bool wire_target_is_valid(const char *s);

/* True for the canonical 36-character text of a UUID, either case. */
bool wire_is_uuid(const char *s);

/* "none", "sha1", "sha256", "sha512", or NULL. Static storage. */
const char *hash_type_to_string(HashType h);
int hash_type_from_string(const char *s, HashType *ret);
