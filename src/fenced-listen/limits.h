/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a stranger may cost us. A value, so that a test need not wait ten seconds. */

#include "base.h"

enum {
        SOCKETS_MAX = 16, /* passed by systemd */
        ACCEPTS_PER_WAKEUP = 64,
        DATAGRAMS_PER_WAKEUP = 64,
        DRAIN_MAX = 64 * 1024, /* bytes read and thrown away behind an answer */
        READS_PER_WAKEUP = 32, /* of a channel, at most a frame each */
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

        /* Channels, of which there are at most `peers` as well; write_usec is until the guest has taken the answer. */
        unsigned channels_per_process;
        uint64_t frame_usec; /* from its first byte to its last */
        uint64_t unanswered_usec; /* from a request that got no answer to the next one */
        uint64_t repeat_usec; /* after the answer, the same request again was sent before it came */
        uint64_t taken_usec; /* how often a guest that has the next request waiting is looked after */
        uint64_t report_usec; /* from one report about a channel to the next */
} Limits;

#define LIMITS_DEFAULT                                  \
        ((Limits){                                      \
                .peers = 512,                           \
                .silent_per_address = 128,              \
                .packet_usec = 3 * USEC_PER_SEC,        \
                .talk_usec = 10 * USEC_PER_SEC,         \
                .connect_usec = 3 * USEC_PER_SEC,       \
                .write_usec = 10 * USEC_PER_SEC,        \
                .drain_usec = 2 * USEC_PER_SEC,         \
                .pause_usec = 100 * USEC_PER_MSEC,      \
                .channels_per_process = 8,              \
                .frame_usec = USEC_PER_SEC,             \
                .unanswered_usec = 100 * USEC_PER_MSEC, \
                .repeat_usec = USEC_PER_SEC,            \
                .taken_usec = 10 * USEC_PER_MSEC,       \
                .report_usec = 10 * USEC_PER_SEC,       \
        })
