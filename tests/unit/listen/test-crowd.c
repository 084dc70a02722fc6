/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>

#include "crowd.h"

static const Limits limits = { .peers = 6, .silent_per_address = 2 };

static Address number(uint8_t n) {
        return (Address){ .family = AF_INET, .bytes = { 192, 0, 2, n } };
}

typedef struct Guest {
        uint8_t address;
        Standing standing;
} Guest;

/* "-": let in; "!": sent away; a digit: this seat has to leave. */
static char ask(const Guest *guests, size_t n, uint8_t address, bool silent) {
        Seat seats[10] = {}, *victim = NULL;
        Address from = number(address);
        Crowd c;

        crowd_init(&c);
        for (size_t i = 0; i < n; i++) {
                seats[i].address = number(guests[i].address);
                seats[i].standing = guests[i].standing;
                crowd_enter(&c, seats + i);
        }
        if (!crowd_admits(&c, &limits, &from, silent, &victim))
                return '!';
        return victim ? (char) ('0' + (victim - seats)) : '-';
}

Test(crowd, lets_everybody_in_below_the_limits) {
        static const Guest guests[] = { { 1, STANDING_SILENT }, { 1, STANDING_ASKED },
                { 1, STANDING_SERVED }, { 1, STANDING_SERVED }, { 2, STANDING_SILENT } };

        cr_expect_eq(ask(NULL, 0, 1, true), '-');
        cr_expect_eq(ask(guests, ELEMENTSOF(guests), 1, true), '-');
        cr_expect_eq(ask(guests, ELEMENTSOF(guests), 3, false), '-');
}

Test(crowd, lets_the_oldest_silent_one_of_an_address_make_room_for_another) {
        static const Guest guests[] = { { 2, STANDING_SILENT }, { 1, STANDING_SERVED },
                { 1, STANDING_SILENT }, { 1, STANDING_SILENT } };

        cr_expect_eq(ask(guests, ELEMENTSOF(guests), 1, true), '2');
        cr_expect_eq(ask(guests, ELEMENTSOF(guests), 2, true), '-');
        cr_expect_eq(ask(guests, ELEMENTSOF(guests), 1, false), '-');
}

Test(crowd, when_full_lets_those_make_room_that_lose_least) {
        static const struct {
                Guest guests[6];
                char answer;
        } rows[] = {
                { { { 1, STANDING_SERVED }, { 2, STANDING_UNREAD }, { 3, STANDING_ASKED },
                          { 4, STANDING_SILENT }, { 5, STANDING_SILENT }, { 6, STANDING_LEAVING } },
                        '5' },
                { { { 1, STANDING_SERVED }, { 2, STANDING_UNREAD }, { 3, STANDING_ASKED },
                          { 4, STANDING_SILENT }, { 5, STANDING_SILENT }, { 6, STANDING_SERVED } },
                        '3' },
                { { { 1, STANDING_SERVED }, { 2, STANDING_UNREAD }, { 3, STANDING_ASKED },
                          { 4, STANDING_ASKED }, { 5, STANDING_SERVED }, { 6, STANDING_SERVED } },
                        '2' },
                { { { 1, STANDING_SERVED }, { 2, STANDING_UNREAD }, { 3, STANDING_UNREAD },
                          { 4, STANDING_SERVED }, { 5, STANDING_SERVED }, { 6, STANDING_SERVED } },
                        '1' },
                { { { 1, STANDING_SERVED }, { 2, STANDING_SERVED }, { 3, STANDING_SERVED },
                          { 4, STANDING_SERVED }, { 5, STANDING_SERVED }, { 6, STANDING_SERVED } },
                        '!' },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                cr_expect_eq(ask(rows[i].guests, 6, 9, true), rows[i].answer, "row %zu", i);
                cr_expect_eq(ask(rows[i].guests, 6, 9, false), rows[i].answer, "row %zu", i);
        }
}

Test(crowd, counts_who_leaves) {
        Seat seats[2] = {};
        Crowd c;

        crowd_init(&c);
        crowd_enter(&c, seats);
        crowd_enter(&c, seats + 1);
        cr_expect_eq(crowd_oldest(&c, STANDING_LEAVING), seats);
        cr_expect_null(crowd_oldest(&c, STANDING_SILENT));
        crowd_leave(&c, seats);
        cr_expect_eq(c.n, 1);
        cr_expect_eq(crowd_oldest(&c, STANDING_LEAVING), seats + 1);
        crowd_leave(&c, seats + 1);
        cr_expect_eq(c.n, 0);
}

Test(crowd, counts_the_seats_of_an_address) {
        Seat seats[3] = { { .address = number(1) }, { .address = number(2), .standing = STANDING_SERVED },
                { .address = number(1), .standing = STANDING_UNREAD } };
        Address one = number(1), two = number(2), nobody = number(3);
        Crowd c;

        crowd_init(&c);
        for (size_t i = 0; i < ELEMENTSOF(seats); i++)
                crowd_enter(&c, seats + i);
        cr_expect_eq(crowd_count(&c, &one), 2);
        cr_expect_eq(crowd_count(&c, &two), 1);
        cr_expect_eq(crowd_count(&c, &nobody), 0);
}
