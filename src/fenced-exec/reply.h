/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every byte of an answer, for the guest. Starts from zeroed memory: nothing of ours leaks into padding. */

#include "base.h"
#include "wire.h"

typedef enum ReplyFraming {
        REPLY_STREAM, /* one byte; a list is 253, records, the zero record, 0 */
        REPLY_SERIAL, /* each reply byte behind the magic */
        _REPLY_FRAMING_MAX,
} ReplyFraming;

/* A reply byte other than REPLY_LIST (-EINVAL). The caller frees *ret. */
int reply_status(ReplyFraming framing, Reply reply, uint8_t **ret, size_t *ret_size);

/* A complete list, sorted by the caller. Records that cannot be put on the wire (no name and no UUID) are an error,
 * -EINVAL: they would read as its end. The caller frees *ret. */
int reply_list(ReplyFraming framing, const Record *records, size_t n, uint8_t **ret, size_t *ret_size);
