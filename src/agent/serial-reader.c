/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "serial-reader.h"

#include <string.h>

/* What follows the magic when that was but the end of something and the beginning of the real one: "abbabba". */
enum { SECOND_OF_MAGIC = 0x62 };

void serial_reader_start(SerialReader *r, Answer *answer) {
        *r = (SerialReader){ .answer = answer };
}

/* The last five bytes, moved on by one each time, so that nothing in front of a magic can hide it. */
static void feed_frame(SerialReader *r, uint8_t byte) {
        uint8_t reply;

        if (r->n == WIRE_SERIAL_REPLY_SIZE)
                memmove(r->bytes, r->bytes + 1, --r->n);
        r->bytes[r->n++] = byte;
        if (r->n < WIRE_SERIAL_REPLY_SIZE || wire_decode_serial_reply(r->bytes, &reply) < 0 ||
                reply == SECOND_OF_MAGIC)
                return;
        r->n = 0;
        answer_feed(r->answer, &reply);
}

void serial_reader_feed(SerialReader *r, uint8_t byte) {
        if (answer_want(r->answer) == 1) {
                feed_frame(r, byte);
                return;
        }
        if (answer_want(r->answer) != WIRE_RECORD_SIZE)
                return;
        r->bytes[r->n++] = byte;
        if (r->n == WIRE_RECORD_SIZE) {
                r->n = 0;
                answer_feed(r->answer, r->bytes);
        }
}
