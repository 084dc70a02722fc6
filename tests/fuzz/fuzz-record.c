/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A record of a list. What is decoded may be printed, and is encoded and decoded to itself; only zeros are the end. */

#include <string.h>

#include "wire.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint8_t end[WIRE_RECORD_SIZE] = {};
        uint8_t back[WIRE_RECORD_SIZE];
        Record r, again;
        int k;

        if (size != WIRE_RECORD_SIZE)
                return 0;
        k = wire_decode_record(data, &r);
        check((k == 0) == (memcmp(data, end, sizeof(end)) == 0));
        if (k <= 0)
                return 0;
        check(memchr(r.name, 0, sizeof(r.name)) && memchr(r.uuid, 0, sizeof(r.uuid)));
        check(r.name[0] || r.uuid[0]);
        check(wire_is_printable((const uint8_t *) r.name, strlen(r.name)));
        check(wire_is_printable((const uint8_t *) r.uuid, strlen(r.uuid)));
        check(wire_encode_record(&r, back) == 0);
        check(wire_decode_record(back, &again) == 1);
        check(memcmp(&r, &again, sizeof(r)) == 0);
        return 0;
}
