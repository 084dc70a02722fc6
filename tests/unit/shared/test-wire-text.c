/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "wire.h"

/* The encodings of one code point by the definition, for the test alone; 0 for surrogates. */
static size_t encode(uint32_t c, uint8_t ret[static 4]) {
        if (c >= 0xd800 && c <= 0xdfff)
                return 0;
        if (c < 0x80) {
                ret[0] = (uint8_t) c;
                return 1;
        }
        if (c < 0x800) {
                ret[0] = (uint8_t) (0xc0 | c >> 6);
                ret[1] = (uint8_t) (0x80 | (c & 0x3f));
                return 2;
        }
        if (c < 0x10000) {
                ret[0] = (uint8_t) (0xe0 | c >> 12);
                ret[1] = (uint8_t) (0x80 | (c >> 6 & 0x3f));
                ret[2] = (uint8_t) (0x80 | (c & 0x3f));
                return 3;
        }
        ret[0] = (uint8_t) (0xf0 | c >> 18);
        ret[1] = (uint8_t) (0x80 | (c >> 12 & 0x3f));
        ret[2] = (uint8_t) (0x80 | (c >> 6 & 0x3f));
        ret[3] = (uint8_t) (0x80 | (c & 0x3f));
        return 4;
}

Test(wire_text, takes_every_scalar_value_in_its_shortest_form_only_when_it_is_whole) {
        for (uint32_t c = 0; c <= 0x10ffff; c++) {
                uint8_t bytes[4];
                size_t n = encode(c, bytes);

                if (n == 0)
                        continue;
                if (wire_utf8_length(bytes, n) != n)
                        cr_assert(false, "U+%04X is not taken", c);
                for (size_t cut = 1; cut < n; cut++)
                        if (wire_utf8_length(bytes, cut) != 0)
                                cr_assert(false, "U+%04X is taken when cut to %zu bytes", c, cut);
                if (wire_is_printable(bytes, n) != !(c < 0x20 || (c >= 0x7f && c <= 0x9f)))
                        cr_assert(false, "U+%04X is misjudged", c);
        }
}

/* All two-byte strings, and so every overlong form of ASCII: 2^16 of them, of which 30 * 64 are UTF-8. */
Test(wire_text, takes_1920_of_the_two_byte_strings_as_one_character) {
        unsigned n = 0;

        for (unsigned i = 0; i < 0x10000; i++) {
                uint8_t bytes[2] = { (uint8_t) (i >> 8), (uint8_t) i };

                n += wire_utf8_length(bytes, 2) == 2;
        }
        cr_expect_eq(n, 1920);
}

Test(wire_text, refuses_what_is_not_utf8) {
        static const struct {
                const char *bytes, *what;
        } table[] = {
                { "\xc0\xaf", "an overlong slash, two bytes" },
                { "\xe0\x80\xaf", "an overlong slash, three bytes" },
                { "\xf0\x80\x80\xaf", "an overlong slash, four bytes" },
                { "\xc1\xbf", "an overlong DEL" },
                { "\xe0\x9f\xbf", "an overlong U+07FF" },
                { "\xf0\x8f\xbf\xbf", "an overlong U+FFFF" },
                { "\xed\xa0\x80", "the first surrogate" },
                { "\xed\xbf\xbf", "the last surrogate" },
                { "\xf4\x90\x80\x80", "U+110000" },
                { "\xf5\x80\x80\x80", "a lead byte beyond Unicode" },
                { "\xf8\x88\x80\x80\x80", "five bytes" },
                { "\xff", "0xff" },
                { "\x80", "a continuation byte alone" },
                { "\xc3", "a lead byte alone" },
                { "\xc3(", "a lead byte before ASCII" },
                { "vm\xe9", "Latin-1" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect(!wire_target_is_valid(table[i].bytes), "%s is taken", table[i].what);
}

Test(wire_text, takes_names_of_1_to_63_printable_bytes) {
        static const struct {
                const char *name;
                bool valid;
        } table[] = {
                { "a", true },
                { "vm1", true },
                { "web server (old) #2", true },
                { "\xc3\xa9t\xc3\xa9-\xe6\xa9\x9f-\xf0\x9f\x90\x9f", true },
                { "\xc2\xa0", true },
                { "123456789012345678901234567890123456789012345678901234567890123", true },
                { "1234567890123456789012345678901234567890123456789012345678901234", false },
                { "", false },
                { "vm\n", false },
                { "vm\t1", false },
                { "\x1b[2J", false },
                { "vm\x7f", false },
                { "vm\xc2\x80", false },
                { "vm\xc2\x9f", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect_eq(wire_target_is_valid(table[i].name), table[i].valid, "%s", table[i].name);
}

Test(wire_text, replaces_byte_by_byte_what_is_not_printable) {
        static const struct {
                const char *in, *out;
        } table[] = {
                { "", "" },
                { "vm1", "vm1" },
                { "a\nb\tc\rd", "a?b?c?d" },
                { "\x1b[31m", "?[31m" },
                { "caf\xc3\xa9", "caf\xc3\xa9" },
                { "caf\xe9!", "caf?!" },
                { "\xc2\x9b"
                  "31m",
                        "??31m" },
                { "\xe6\xa9", "??" },
                { "\xe6\xa9x\xe6\xa9\x9f", "??x\xe6\xa9\x9f" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char s[64];

                strcpy(s, table[i].in);
                wire_make_printable(s, strlen(s));
                cr_expect_str_eq(s, table[i].out);
                cr_expect(wire_is_printable((const uint8_t *) s, strlen(s)));
        }
}

Test(wire_text, knows_the_canonical_text_of_a_uuid) {
        static const char uuid[] = "4dea22b3-1D52-d8f3-2516-782e98ab3fa0";
        char s[sizeof(uuid) + 1];

        cr_expect(wire_is_uuid(uuid));
        cr_expect(wire_is_uuid("00000000-0000-0000-0000-000000000000"));
        for (size_t i = 0; i < strlen(uuid); i++) {
                memcpy(s, uuid, sizeof(uuid));
                s[i] = s[i] == '-' ? '0' : '-';
                cr_expect(!wire_is_uuid(s), "%s", s);
                s[i] = 'g';
                cr_expect(!wire_is_uuid(s), "%s", s);
                s[i] = '\0';
                cr_expect(!wire_is_uuid(s), "%s", s);
        }
        cr_expect(!wire_is_uuid("4dea22b3-1d52-d8f3-2516-782e98ab3fa00"));
        cr_expect(!wire_is_uuid("4dea22b31d52d8f32516782e98ab3fa0"));
        cr_expect(!wire_is_uuid("{4dea22b3-1d52-d8f3-2516-782e98ab3fa0}"));
}
