/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds a host's answer in what a serial line brings: anything may precede the magic, and a list is not framed. Pure. */

#include "answer.h"

typedef struct SerialReader {
        Answer *answer;
        uint8_t bytes[WIRE_RECORD_SIZE];
        size_t n;
} SerialReader;

/* `answer` was started; it outlives the reader. */
void serial_reader_start(SerialReader *r, Answer *answer);

void serial_reader_feed(SerialReader *r, uint8_t byte);
