/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A frame from a guest, or the five bytes of a host. What is decoded is the only frame of its meaning. */

#include <string.h>

#include "wire.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_reply(const uint8_t bytes[static WIRE_SERIAL_REPLY_SIZE]) {
        uint8_t code, back[WIRE_SERIAL_REPLY_SIZE];

        if (wire_decode_serial_reply(bytes, &code) < 0)
                return;
        wire_encode_serial_reply((Reply) code, back);
        check(memcmp(bytes, back, sizeof(back)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        uint8_t back[WIRE_SERIAL_SIZE];
        Request r;

        if (size == WIRE_SERIAL_REPLY_SIZE)
                fuzz_reply(data);
        if (size != WIRE_SERIAL_SIZE || wire_decode_serial(data, &r) < 0)
                return 0;
        check((unsigned) r.action < _ACTION_MAX && r.hash == HASH_NONE && r.port == 0);
        check(wire_target_is_valid(r.target) || (!r.target[0] && !action_has_target(r.action)));
        check(wire_encode_serial(&r, back) == 0);
        check(memcmp(data, back, sizeof(back)) == 0);
        return 0;
}
