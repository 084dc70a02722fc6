/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest writes to a channel, cut into pieces (the first byte says how): the same frames are found as by looking at all
 * of it at once. */

#include <string.h>

#include "frame.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first frame from *offset on, which is moved behind it; NULL when there is none. */
static const uint8_t *next_frame(const uint8_t *data, size_t size, size_t *offset) {
        for (; *offset + WIRE_SERIAL_SIZE <= size; ++*offset) {
                const uint8_t *frame = data + *offset;
                Request r;

                if (wire_decode_serial(frame, &r) >= 0) {
                        *offset += WIRE_SERIAL_SIZE;
                        return frame;
                }
        }
        return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t piece, offset = 0;
        FrameScanner s = {};

        if (size == 0)
                return 0;
        piece = 1 + data[0] % WIRE_SERIAL_SIZE;
        data++;
        size--;
        for (size_t fed = 0; fed < size;) {
                uint8_t found[WIRE_SERIAL_SIZE];
                size_t n;
                uint8_t *room = frame_room(&s, &n);

                check(n > 0 && n <= WIRE_SERIAL_SIZE);
                n = n < piece ? n : piece;
                n = n < size - fed ? n : size - fed;
                memcpy(room, data + fed, n);
                fed += n;
                if (frame_received(&s, n, fed, found) == FRAME_REQUEST) {
                        const uint8_t *wanted = next_frame(data, size, &offset);

                        check(wanted && memcmp(found, wanted, sizeof(found)) == 0);
                        check(frame_repeats(found, found));
                }
                check(s.n < sizeof(s.bytes));
        }
        check(!next_frame(data, size, &offset));
        return 0;
}
