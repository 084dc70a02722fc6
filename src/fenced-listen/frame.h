/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds requests in what a channel brings: a stream in which anything may precede a frame, or follow half of one. Pure: the
 * clock is an argument (CLOCK_MONOTONIC, usec). */

#include "base.h"
#include "wire.h"

typedef struct FrameScanner {
        uint8_t bytes[WIRE_SERIAL_SIZE]; /* the first n may be the beginning of a frame */
        size_t n;
        uint64_t since_usec; /* when that began; valid while n > 0 */
} FrameScanner;

typedef enum FrameFound {
        FRAME_NOTHING = 0, /* that is whole */
        FRAME_REQUEST, /* in canonical form */
        FRAME_MALFORMED, /* began like one and was as long; what may begin another one in it was kept */
} FrameFound;

/* Zeroed is empty. Where the next bytes belong, and how many; never 0. Nothing beyond a frame is asked for. */
uint8_t *frame_room(FrameScanner *s, size_t *ret_size);

/* n bytes, as many as there was room for or fewer, were put there. ret is written for FRAME_REQUEST only. */
FrameFound frame_received(
        FrameScanner *s, size_t n, uint64_t now_usec, uint8_t ret[static WIRE_SERIAL_SIZE]);

/* When what is here stops being the beginning of a frame; UINT64_MAX when there is nothing. */
uint64_t frame_deadline(const FrameScanner *s, uint64_t frame_usec);

/* Forgets it. */
void frame_expire(FrameScanner *s);

/* Two frames, as found: the same action, target and seqno, which is a request sent again. */
bool frame_repeats(const uint8_t a[static WIRE_SERIAL_SIZE], const uint8_t b[static WIRE_SERIAL_SIZE]);

Action frame_action(const uint8_t frame[static WIRE_SERIAL_SIZE]);
