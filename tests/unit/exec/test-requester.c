/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "requester.h"

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"

Test(requester, is_described_in_the_words_of_sources) {
        static const struct {
                const char *words;
                Identity want; /* source: what is shown */
        } table[] = {
                { "", {} },
                { " \t ", {} },
                { "key:web", { .key = "web" } },
                { "cid:7", { .family = AF_VSOCK, .cid = 7, .source = "cid:7" } },
                { "192.168.122.11", { .family = AF_INET,
                                            .address = { 192, 168, 122, 11 },
                                            .source = "192.168.122.11" } },
                { "::ffff:10.0.0.1",
                        { .family = AF_INET, .address = { 10, 0, 0, 1 }, .source = "10.0.0.1" } },
                { "2001:db8::1", { .family = AF_INET6,
                                         .address = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
                                         .source = "2001:db8::1" } },
                { "4DEA22B3-1D52-D8F3-2516-782E98AB3FA0", { .uuid = UUID, .source = UUID } },
                { "key:web 10.0.0.1", { .key = "web",
                                              .family = AF_INET,
                                              .address = { 10, 0, 0, 1 },
                                              .source = "10.0.0.1" } },
                { "  cid:9\tkey:web  " UUID,
                        { .key = "web", .family = AF_VSOCK, .cid = 9, .uuid = UUID, .source = "cid:9" } },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const Identity *want = &table[i].want;
                const char *reason = NULL;
                Identity got;

                memset(&got, 0xa5, sizeof(got));
                cr_assert_eq(
                        requester_parse(table[i].words, &got, &reason), 0, "%s: %s", table[i].words, reason);
                cr_expect_str_eq(got.key, want->key, "%s", table[i].words);
                cr_expect_str_eq(got.uuid, want->uuid, "%s", table[i].words);
                cr_expect_str_eq(got.source, want->source, "%s", table[i].words);
                cr_expect_eq(got.family, want->family, "%s", table[i].words);
                cr_expect_eq(got.cid, want->cid, "%s", table[i].words);
                cr_expect_arr_eq(got.address, want->address, sizeof(got.address), "%s", table[i].words);
                cr_expect_str_empty(got.name);
                cr_expect_str_empty(got.labels);
        }
}

Test(requester, is_refused_with_a_reason_when_it_could_not_be_one) {
        static const char *const bad[] = { "web", "key:", "key:a key:b", "cid:2", "cid:", "cid:x",
                "cid:4294967295", "cid:3 cid:4", "10.0.0.1 10.0.0.2", "cid:3 10.0.0.1", "10.0.0.0/8",
                "10.0.0", UUID " " UUID, UUID "0", "2001:db8::/64",
                "key:0123456789012345678901234567890123456789012345678901234567890123" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                const char *reason = NULL;
                Identity untouched = { .cid = 4711 };

                cr_expect_eq(requester_parse(bad[i], &untouched, &reason), -EINVAL, "%s", bad[i]);
                cr_expect_not_null(reason, "%s", bad[i]);
                cr_expect_eq(untouched.cid, 4711);
        }
}
