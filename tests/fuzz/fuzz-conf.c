/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A configuration file, by a table with every kind of value. It is taken, or refused with a line of the file and a
 * printable sentence; what is taken alone is not changed by a comment before it. */

#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "wire.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Values {
        char **words;
        char *text;
        bool flag;
        uint64_t usec;
        unsigned number;
} Values;

static const ConfItem items[] = {
        { "A", "Words", conf_parse_words, offsetof(Values, words), CONF_REPEATABLE },
        { "A", "Text", conf_parse_string, offsetof(Values, text), 0 },
        { "A", "Flag", conf_parse_bool, offsetof(Values, flag), 0 },
        { "B", "Sec", conf_parse_sec, offsetof(Values, usec), 0 },
        { "B", "Number", conf_parse_unsigned, offsetof(Values, number), 0 },
};

static void values_done(Values *v) {
        v->words = strv_free(v->words);
        free(v->text);
}

static int parse(const char *text, size_t size, Values *v, ConfError *e) {
        int r = conf_parse("fuzz.conf", text, size, items, ELEMENTSOF(items), v, e);

        check(r == 0 || r == -EBADMSG);
        return r;
}

static void check_error(const ConfError *e, const uint8_t *data, size_t size) {
        unsigned lines = 1;

        for (size_t i = 0; i < size; i++)
                lines += data[i] == '\n';
        check(e->line >= 1 && e->line <= lines);
        check(strcmp(e->path, "fuzz.conf") == 0 && e->message[0]);
        check(wire_is_printable((const uint8_t *) e->message, strlen(e->message)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char comment[] = "# what a comment says counts for nothing \\\n";
        _cleanup_(values_done) Values v = {}, again = {};
        _cleanup_free_ char *text = malloc(strlen(comment) + size);
        ConfError e = {}, e_again = {};
        int r;

        check(text);
        memcpy(text, comment, strlen(comment));
        if (size > 0)
                memcpy(text + strlen(comment), data, size);
        r = parse((const char *) data, size, &v, &e);
        check(parse(text, strlen(comment) + size, &again, &e_again) == r);
        if (r < 0) {
                check_error(&e, data, size);
                check(e_again.line == e.line + 1 && strcmp(e_again.message, e.message) == 0);
                return 0;
        }
        check(v.flag == again.flag && v.usec == again.usec && v.number == again.number);
        check(v.number <= 999999999 && v.usec <= 60000000000000000);
        for (char **w = v.words; w && *w; w++)
                check(**w && wire_is_printable((const uint8_t *) *w, strlen(*w)) && !strpbrk(*w, " \t"));
        if (v.text && v.text[0])
                check(!strchr(" \t\r", v.text[0]) && !strchr(" \t\r", v.text[strlen(v.text) - 1]));
        return 0;
}
