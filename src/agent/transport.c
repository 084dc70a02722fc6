/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transport.h"
#include "transport-multicast.h"
#include "transport-serial.h"
#include "transport-stream.h"

#include <string.h>

static bool has_host(const Options *o) {
        return o->host;
}

static bool has_cid(const Options *o) {
        return o->cid != 0;
}

static bool has_device(const Options *o) {
        return o->device;
}

static bool is_multicast(const Options *o) {
        return o->multicast;
}

static bool has_channel(const Options *o) {
        return o->channel_given;
}

static bool always(const Options *o) {
        return true;
}

/* The first that was chosen. */
static const Transport transports[] = {
        { "tcp", KEY_REQUIRED, has_host, tcp_ask },
        { "vsock", KEY_UNLESS_ABSENT, has_cid, vsock_ask },
        { "serial device", KEY_UNUSED, has_device, device_ask },
        { "VM channel", KEY_UNUSED, has_channel, channel_ask },
        { "multicast", KEY_REQUIRED, is_multicast, multicast_ask },
        { "VM channel", KEY_UNUSED, always, channel_ask },
};

const Transport *transport_choose(const Options *o) {
        const Transport *t = transports;

        while (!t->chosen(o))
                t++;
        return t;
}

bool transport_is_chosen(const Options *o) {
        return transport_choose(o)->chosen != always;
}

int question_request(const Question *q, Request *ret) {
        const Options *o = q->options;
        Request r = { .action = q->action, .hash = o->hash, .flags = o->use_uuid ? WIRE_FLAG_UUID : 0 };
        int k;

        if (q->key)
                r.flags |= WIRE_FLAG_FX2;
        if (q->key && auth_key_is_fx2_only(q->key))
                r.hash = HASH_FX2;
        if (o->target)
                memcpy(r.target, o->target, strnlen(o->target, WIRE_TARGET_MAX));
        k = random_bytes(r.seqno, sizeof(r.seqno));
        if (k < 0)
                return k;
        *ret = r;
        return 0;
}

int question_packet(
        const Question *q, const Request *r, WireKind kind, uint8_t ret[static WIRE_PACKET_SIZE]) {
        uint8_t packet[WIRE_PACKET_SIZE];
        Request fresh = *r;
        int k;

        if (kind == WIRE_UNSIGNED)
                fresh.hash = HASH_NONE;
        else {
                k = random_bytes(fresh.random, sizeof(fresh.random));
                if (k < 0)
                        return k;
        }
        k = wire_encode_packet(&fresh, kind, packet);
        if (k < 0)
                return k;
        if (kind != WIRE_UNSIGNED) {
                k = auth_sign_packet(q->key, packet);
                if (k < 0)
                        return k;
        }
        memcpy(ret, packet, sizeof(packet));
        return 0;
}
