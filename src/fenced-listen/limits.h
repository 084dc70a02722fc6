/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a stranger may cost us. A value, so that a test need not wait ten seconds. */

#include "base.h"

enum {
        SOCKETS_MAX = 16, /* passed by systemd */
        ACCEPTS_PER_WAKEUP = 64,
        DATAGRAMS_PER_WAKEUP = 64,
        DRAIN_MAX = 64 * 1024, /* bytes read and thrown away behind an answer */
        REPLY_MAX = 4 * 1024 * 1024, /* one answer; a list of 32000 domains */
        REPLIES_MAX =
                64 * 1024 * 1024, /* all that are not read yet; over it the oldest ones are not waited for */
};

typedef struct Limits {
        unsigned peers; /* conversations at once */
        unsigned silent_per_address; /* of these, per address, without a complete packet */
        uint64_t packet_usec; /* from accept to the last byte of the packet */
        uint64_t talk_usec; /* from accept, or from the datagram, to the guest's last word */
        uint64_t connect_usec; /* the call-back's connect */
        uint64_t write_usec; /* from the executor's answer to its last byte */
        uint64_t drain_usec; /* from there until the guest closes; for a report as well */
        uint64_t pause_usec; /* no accept() after it ran out of something */
} Limits;

#define LIMITS_DEFAULT                             \
        ((Limits){                                 \
                .peers = 512,                      \
                .silent_per_address = 128,         \
                .packet_usec = 3 * USEC_PER_SEC,   \
                .talk_usec = 10 * USEC_PER_SEC,    \
                .connect_usec = 3 * USEC_PER_SEC,  \
                .write_usec = 10 * USEC_PER_SEC,   \
                .drain_usec = 2 * USEC_PER_SEC,    \
                .pause_usec = 100 * USEC_PER_MSEC, \
        })
