/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conf.h"

#include <string.h>
#include <strings.h>

int conf_parse_bool(const char *value, void *target, const char **reason) {
        static const struct {
                const char *text;
                bool value;
        } words[] = {
                { "yes", true },
                { "true", true },
                { "on", true },
                { "1", true },
                { "no", false },
                { "false", false },
                { "off", false },
                { "0", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(value, words[i].text) == 0) {
                        *(bool *) target = words[i].value;
                        return 0;
                }
        *reason = "say yes or no";
        return -EINVAL;
}

int conf_parse_string(const char *value, void *target, const char **reason) {
        char **s = target, *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(*s);
        *s = copy;
        return 0;
}

char **strv_free(char **l) {
        for (char **i = l; i && *i; i++)
                free(*i);
        free(l);
        return NULL;
}

int conf_parse_words(const char *value, void *target, const char **reason) {
        char ***words = target, **l;
        _cleanup_free_ char *copy = strdup(value);
        char *word, *save = NULL;
        size_t n = 0;

        if (!copy)
                return -ENOMEM;
        if (*value == '\0') {
                *words = strv_free(*words);
                return 0;
        }
        while (*words && (*words)[n])
                n++;
        for (word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
                l = reallocarray(*words, n + 2, sizeof(char *));
                if (!l)
                        return -ENOMEM;
                *words = l;
                l[n] = strdup(word);
                l[n + 1] = NULL;
                if (!l[n])
                        return -ENOMEM;
                n++;
        }
        return 0;
}

int conf_parse_sec(const char *value, void *target, const char **reason) {
        static const struct {
                const char *suffix;
                uint64_t usec;
        } units[] = {
                { "", USEC_PER_SEC },
                { "s", USEC_PER_SEC },
                { "ms", USEC_PER_MSEC },
                { "us", 1 },
                { "min", 60 * USEC_PER_SEC },
        };
        size_t whole = strspn(value, "0123456789"), fraction = 0;
        uint64_t n = 0, scale = 1;
        const char *unit;

        *reason = "say a number of seconds, as in 5, 0.5, 500ms or 2min";
        if (whole == 0 || whole > 9)
                return -EINVAL;
        if (value[whole] == '.')
                fraction = 1 + strspn(value + whole + 1, "0123456789");
        if (fraction == 1 || fraction > 7)
                return -EINVAL;
        /* in integers: strtod() reads what the user's language has for a point */
        for (size_t i = 0; i < whole + fraction; i++) {
                if (value[i] == '.')
                        continue;
                n = n * 10 + (uint64_t) (value[i] - '0');
                if (i > whole)
                        scale *= 10;
        }
        unit = value + whole + fraction;
        unit += strspn(unit, " \t");
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strcmp(unit, units[i].suffix) == 0) {
                        /* at most 15 digits times 6e7: below 2^64 only in two steps */
                        *(uint64_t *) target = n / scale * units[i].usec + n % scale * units[i].usec / scale;
                        return 0;
                }
        return -EINVAL;
}

int conf_parse_unsigned(const char *value, void *target, const char **reason) {
        size_t digits = strspn(value, "0123456789");

        if (digits == 0 || digits > 9 || value[digits] != '\0') {
                *reason = "say a number";
                return -EINVAL;
        }
        *(unsigned *) target = (unsigned) strtoul(value, NULL, 10);
        return 0;
}
