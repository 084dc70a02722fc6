/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "replay.h"

static int new_replay(Replay **ret) {
        ReplayRing *ring;

        cr_assert_eq(replay_ring_new(&ring), 0);
        return replay_new(ring, ret);
}

static bool is_fresh(Replay *r, uint32_t number) {
        uint8_t packet[WIRE_PACKET_SIZE] = { 1, 2, 0, 0, 'v', 'm' };

        memcpy(packet + 98, &number, sizeof(number));
        return replay_is_fresh(r, packet);
}

Test(replay, a_packet_is_fresh_once) {
        _cleanup_(replay_freep) Replay *r = NULL;

        cr_assert_eq(new_replay(&r), 0);
        cr_expect_eq(replay_size(r), 0);
        cr_expect(is_fresh(r, 1));
        cr_expect(!is_fresh(r, 1));
        cr_expect(is_fresh(r, 2));
        cr_expect(!is_fresh(r, 1));
        cr_expect(!is_fresh(r, 2));
        cr_expect_eq(replay_size(r), 2);
}

Test(replay, packets_that_differ_in_any_bit_are_different) {
        _cleanup_(replay_freep) Replay *r = NULL;
        uint8_t packet[WIRE_PACKET_SIZE] = { 1, 2, 3 };

        cr_assert_eq(new_replay(&r), 0);
        cr_assert(replay_is_fresh(r, packet));
        for (size_t bit = 0; bit < WIRE_PACKET_SIZE * 8; bit++) {
                packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
                cr_expect(replay_is_fresh(r, packet), "bit %zu", bit);
                packet[bit / 8] ^= (uint8_t) (1U << bit % 8);
        }
        cr_expect(!replay_is_fresh(r, packet));
}

Test(replay, remembers_exactly_the_last_65536_and_forgets_the_oldest) {
        _cleanup_(replay_freep) Replay *r = NULL;

        cr_assert_eq(new_replay(&r), 0);
        for (uint32_t i = 0; i < REPLAY_MAX; i++)
                if (!is_fresh(r, i) || is_fresh(r, i))
                        cr_assert(false, "packet %u", i);
        for (uint32_t i = 0; i < REPLAY_MAX; i++)
                if (is_fresh(r, i))
                        cr_assert(false, "packet %u is forgotten", i);
        cr_expect_eq(replay_size(r), REPLAY_MAX);

        /* three in, three out, and nothing else */
        for (uint32_t i = 0; i < 3; i++)
                cr_expect(is_fresh(r, REPLAY_MAX + i));
        cr_expect_eq(replay_size(r), REPLAY_MAX);
        for (uint32_t i = 3; i < REPLAY_MAX + 3; i++)
                if (is_fresh(r, i))
                        cr_assert(false, "packet %u is forgotten", i);
        cr_expect(is_fresh(r, 0), "the oldest was forgotten");
        cr_expect(is_fresh(r, 1));
        cr_expect(is_fresh(r, 2));
}

Test(replay, goes_on_for_several_times_its_size) {
        _cleanup_(replay_freep) Replay *r = NULL;

        cr_assert_eq(new_replay(&r), 0);
        for (uint32_t i = 0; i < 3 * REPLAY_MAX + 7; i++)
                if (!is_fresh(r, i) || is_fresh(r, i) || (i >= 1000 && is_fresh(r, i - 1000)))
                        cr_assert(false, "packet %u", i);
        cr_expect_eq(replay_size(r), REPLAY_MAX);
}

Test(replay, free_takes_null_and_an_unused_cache) {
        Replay *r = NULL;

        cr_expect_null(replay_free(NULL));
        cr_assert_eq(new_replay(&r), 0);
        cr_expect_null(replay_free(r));
}
