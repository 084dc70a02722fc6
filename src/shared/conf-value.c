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
                double usec;
        } units[] = {
                { "", 1e6 },
                { "s", 1e6 },
                { "ms", 1e3 },
                { "us", 1 },
                { "min", 60e6 },
        };
        size_t digits = strspn(value, "0123456789"), fraction = 0;
        char *end;
        double d;

        *reason = "say a number of seconds, as in 5, 0.5, 500ms or 2min";
        if (digits == 0 || digits > 9)
                return -EINVAL;
        if (value[digits] == '.')
                fraction = 1 + strspn(value + digits + 1, "0123456789");
        if (fraction == 1 || fraction > 7)
                return -EINVAL;
        d = strtod(value, &end); /* never in another notation: what it reads was checked above */
        if (end != value + digits + fraction)
                return -EINVAL;
        while (*end == ' ')
                end++;
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strcmp(end, units[i].suffix) == 0) {
                        *(uint64_t *) target = (uint64_t) (d * units[i].usec);
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
