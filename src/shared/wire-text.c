/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "wire.h"

#include <string.h>

/* Decodes one UTF-8 sequence; the number of its bytes, or 0 if it is not the shortest form of a scalar value. */
static size_t utf8_next(const uint8_t *p, size_t n, uint32_t *ret) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t length = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
        uint32_t c;

        if (length == 0 || length > n || p[0] > 0xf4)
                return 0;
        c = length == 1 ? p[0] : p[0] & (0x7fU >> length);
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        *ret = c;
        return length;
}

size_t wire_utf8_length(const uint8_t *p, size_t n) {
        uint32_t c;

        return utf8_next(p, n, &c);
}

/* As utf8_next(), but 0 for a control character as well: C0, DEL, and C1, which some terminals obey. */
static size_t printable_next(const uint8_t *p, size_t n) {
        uint32_t c;
        size_t length = utf8_next(p, n, &c);

        if (length == 0 || c < 0x20 || (c >= 0x7f && c <= 0x9f))
                return 0;
        return length;
}

bool wire_is_printable(const uint8_t *p, size_t n) {
        while (n > 0) {
                size_t length = printable_next(p, n);

                if (length == 0)
                        return false;
                p += length;
                n -= length;
        }
        return true;
}

void wire_make_printable(char *s, size_t n) {
        for (size_t i = 0; i < n;) {
                size_t length = printable_next((const uint8_t *) s + i, n - i);

                if (length == 0)
                        s[i++] = '?';
                i += length;
        }
}

bool wire_target_is_valid(const char *s) {
        size_t n = strnlen(s, WIRE_TARGET_MAX + 1);

        return n > 0 && n <= WIRE_TARGET_MAX && wire_is_printable((const uint8_t *) s, n);
}

bool wire_is_uuid(const char *s) {
        for (size_t i = 0; i < WIRE_UUID_SIZE; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;
                bool hex = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f') ||
                           (s[i] >= 'A' && s[i] <= 'F');

                if (dash ? s[i] != '-' : !hex) /* a NUL is neither, so this never reads past the end */
                        return false;
        }
        return s[WIRE_UUID_SIZE] == '\0';
}
