/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reply.h"

#include <string.h>

/* Sizes of one framed reply byte. */
static const size_t byte_sizes[_REPLY_FRAMING_MAX] = {
        [REPLY_STREAM] = 1,
        [REPLY_SERIAL] = WIRE_SERIAL_REPLY_SIZE,
};

static void put_byte(ReplyFraming framing, Reply reply, uint8_t *p) {
        if (framing == REPLY_SERIAL)
                wire_encode_serial_reply(reply, p);
        else
                *p = (uint8_t) reply;
}

int reply_status(ReplyFraming framing, Reply reply, uint8_t **ret, size_t *ret_size) {
        uint8_t *bytes;

        if ((unsigned) framing >= _REPLY_FRAMING_MAX || (unsigned) reply > REPLY_DENIED)
                return -EINVAL;
        bytes = calloc(1, byte_sizes[framing]);
        if (!bytes)
                return -ENOMEM;
        put_byte(framing, reply, bytes);
        *ret = bytes;
        *ret_size = byte_sizes[framing];
        return 0;
}

int reply_list(ReplyFraming framing, const Record *records, size_t n, uint8_t **ret, size_t *ret_size) {
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t byte_size, size;

        if ((unsigned) framing >= _REPLY_FRAMING_MAX || n > SIZE_MAX / WIRE_RECORD_SIZE - 2)
                return -EINVAL;
        byte_size = byte_sizes[framing];
        size = byte_size + (n + 1) * WIRE_RECORD_SIZE + byte_size;
        bytes = calloc(1, size); /* the zero record that ends the list is there already */
        if (!bytes)
                return -ENOMEM;
        put_byte(framing, REPLY_LIST, bytes);
        for (size_t i = 0; i < n; i++) {
                int r = wire_encode_record(records + i, bytes + byte_size + i * WIRE_RECORD_SIZE);

                if (r < 0)
                        return r;
        }
        put_byte(framing, REPLY_SUCCESS, bytes + size - byte_size);
        *ret = TAKE(bytes, NULL);
        *ret_size = size;
        return 0;
}
