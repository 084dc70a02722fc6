/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>

#include "serial-device.h"

Test(serial_line, knows_the_usual_parameters) {
        static const struct {
                const char *text;
                speed_t speed;
                tcflag_t flags;
        } table[] = {
                { "115200,8N1", B115200, CS8 },
                { "9600,7E2", B9600, CS7 | PARENB | CSTOPB },
                { "300,5o1", B300, CS5 | PARENB | PARODD },
                { "921600,6n2", B921600, CS6 | CSTOPB },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                SerialLine l;

                cr_assert_eq(serial_line_parse(table[i].text, &l), 0, "%s", table[i].text);
                cr_expect_eq(l.speed, table[i].speed, "%s", table[i].text);
                cr_expect_eq(l.flags, table[i].flags, "%s", table[i].text);
        }
}

Test(serial_line, refuses_everything_else_and_leaves_the_result_alone) {
        static const char *const table[] = { "", "115200", "115200,", "115200,8", "115200,8N", "115200,8N1 ",
                "115200,8N11", "115200,9N1", "115200,4N1", "115200,8X1", "115200,8N3", "115200,8N0",
                "115201,8N1", "-9600,8N1", "+9600,8N1", " 9600,8N1", "0,8N1", "115200;8N1", "x,8N1",
                "1152000,8N1", "11520000,8N1" };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                SerialLine l = { .speed = 77 };

                cr_expect_eq(serial_line_parse(table[i], &l), -EINVAL, "%s", table[i]);
                cr_expect_eq(l.speed, 77);
        }
}
