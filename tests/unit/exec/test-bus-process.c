/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>

#include "bus-process.h"

Test(bus_process, one_process_gets_so_much_and_others_as_much) {
        _cleanup_(bus_processes_freep) BusProcesses *all = NULL;
        BusProcess *taken[BUS_CONNECTIONS_MAX], *other;

        cr_assert_eq(bus_processes_new(&all), 0);
        for (size_t i = 0; i < BUS_CONNECTIONS_MAX; i++) {
                taken[i] = bus_process_join(all, 7);
                cr_assert_not_null(taken[i]);
                cr_expect_eq(taken[i], taken[0], "its connections share");
        }
        cr_expect_null(bus_process_join(all, 7));
        for (size_t i = 0; i < BUS_CONVERSATIONS_MAX; i++)
                cr_expect(bus_process_open(taken[0]));
        cr_expect(!bus_process_open(taken[1]));

        other = bus_process_join(all, 8);
        cr_assert_not_null(other);
        cr_expect(bus_process_open(other));
        bus_process_close(other, 1);
        bus_process_leave(other);

        bus_process_close(taken[0], 1);
        cr_expect(bus_process_open(taken[1]));
        cr_expect(!bus_process_open(taken[1]));
        bus_process_close(taken[0], BUS_CONVERSATIONS_MAX);
        bus_process_leave(taken[0]);
        taken[0] = bus_process_join(all, 7);
        cr_expect_eq(taken[0], taken[1]);
        bus_process_leave(taken[0]);
        bus_process_leave(taken[1]);
}

Test(bus_process, so_many_processes_find_room) {
        static BusProcess *taken[BUS_PROCESSES_MAX];
        _cleanup_(bus_processes_freep) BusProcesses *all = NULL;

        cr_assert_eq(bus_processes_new(&all), 0);
        for (size_t i = 0; i < BUS_PROCESSES_MAX; i++) {
                taken[i] = bus_process_join(all, (pid_t) (i + 1));
                cr_assert_not_null(taken[i]);
        }
        cr_expect_null(bus_process_join(all, BUS_PROCESSES_MAX + 1));
        for (size_t i = 0; i < BUS_PROCESSES_MAX; i++)
                bus_process_leave(taken[i]);
        taken[0] = bus_process_join(all, BUS_PROCESSES_MAX + 1);
        cr_assert_not_null(taken[0]);
        bus_process_leave(taken[0]);
}

Test(bus_process, answers_that_are_not_read_are_too_many_or_too_large) {
        static const struct {
                size_t size, n_added;
                uint64_t n_queued;
                bool over;
        } table[] = {
                { 5, 0, 0, false },
                { 5, 100000, BUS_UNREAD_MAX, false },
                { 5, 100000, BUS_UNREAD_MAX + 1, true },
                { 5, 1, 1000000, true },
                { 1024 * 1024, 100, 0, false }, /* all were read */
                { 1024 * 1024, 100, 64, false },
                { 1024 * 1024, 100, 65, true },
                { 1024 * 1024, 10, 100, false }, /* the others were errors, which are small */
                { SIZE_MAX, 1, 1, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                BusUnread u = {};

                for (size_t k = 0; k < table[i].n_added; k++)
                        bus_unread_add(&u, table[i].size);
                cr_expect_eq(bus_unread_is_over(&u, table[i].n_queued), table[i].over, "%zu", i);
        }
}

Test(bus_process, large_answers_are_not_forgotten_behind_small_ones) {
        BusUnread u = {};

        for (size_t i = 0; i < 65; i++)
                bus_unread_add(&u, 1024 * 1024);
        for (size_t i = 0; i < BUS_UNREAD_MAX - 65; i++)
                bus_unread_add(&u, 1);
        cr_expect(bus_unread_is_over(&u, BUS_UNREAD_MAX));
        cr_expect(!bus_unread_is_over(&u, BUS_UNREAD_MAX - 65));
}
