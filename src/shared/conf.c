/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conf.h"
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct Parser {
        const char *path;
        const ConfItem *items;
        size_t n_items;
        void *userdata;
        bool *seen; /* per item: given in this file already */
        ConfError *error;
        unsigned line;
        const char *section; /* the items' own string; NULL before the first header */
} Parser;

enum { NAME_SHOWN = 48, NAMES_SHOWN = 128 }; /* bytes of messages, which have a fixed size */

int conf_refuse(ConfError *ret_error, const char *path, unsigned line, const char *format, ...) {
        va_list ap;

        ret_error->line = line;
        va_start(ap, format);
        (void) vsnprintf(ret_error->message, sizeof(ret_error->message), format, ap);
        va_end(ap);
        (void) snprintf(ret_error->path, sizeof(ret_error->path), "%s", path);
        /* it quotes the file, and may have cut a character in two */
        wire_make_printable(ret_error->message, strlen(ret_error->message));
        return -EBADMSG;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

/* Cuts blanks off both ends, in place. */
static char *strip(char *s) {
        size_t n;

        while (is_blank(*s))
                s++;
        n = strlen(s);
        while (n > 0 && is_blank(s[n - 1]))
                s[--n] = '\0';
        return s;
}

/* What would have been right: the sections, or the keys of one section. Rows of a section stand together. */
static const char *known_names(const Parser *p, const char *section, char buffer[static NAMES_SHOWN]) {
        const char *last = NULL;
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t i = 0; i < p->n_items && used < NAMES_SHOWN; i++) {
                const ConfItem *item = p->items + i;

                if (section ? strcmp(item->section, section) != 0 : last && strcmp(item->section, last) == 0)
                        continue;
                used += (size_t) snprintf(buffer + used, NAMES_SHOWN - used, "%s%s%s%s", last ? " " : "",
                        section ? "" : "[", section ? item->key : item->section, section ? "=" : "]");
                last = item->section;
        }
        return buffer;
}

static int parse_section(Parser *p, char *line) {
        char names[NAMES_SHOWN];
        size_t n = strlen(line);

        if (n < 3 || line[n - 1] != ']')
                return conf_refuse(
                        p->error, p->path, p->line, "a section is a name in brackets on a line of its own");
        line[n - 1] = '\0';
        for (size_t i = 0; i < p->n_items; i++)
                if (strcmp(p->items[i].section, line + 1) == 0) {
                        p->section = p->items[i].section;
                        return 0;
                }
        return conf_refuse(p->error, p->path, p->line, "unknown section [%.*s]; allowed here: %s",
                NAME_SHOWN, line + 1, known_names(p, NULL, names));
}

static int parse_assignment(Parser *p, char *line) {
        char *eq = strchr(line, '='), *key, *value, names[NAMES_SHOWN];
        const char *reason = NULL;
        int r;

        if (!eq)
                return conf_refuse(
                        p->error, p->path, p->line, "neither a [Section], nor Key=value, nor a comment");
        *eq = '\0';
        key = strip(line);
        value = strip(eq + 1);
        if (!p->section)
                return conf_refuse(p->error, p->path, p->line,
                        "%.*s= stands before the first section; begin with one of: %s", NAME_SHOWN, key,
                        known_names(p, NULL, names));
        for (size_t i = 0; i < p->n_items; i++) {
                const ConfItem *item = p->items + i;

                if (strcmp(item->section, p->section) != 0 || strcmp(item->key, key) != 0)
                        continue;
                if (p->seen[i] && !(item->flags & CONF_REPEATABLE))
                        return conf_refuse(p->error, p->path, p->line,
                                "%s= is given twice; keep one of the two", item->key);
                p->seen[i] = true;
                r = item->parse(value, (uint8_t *) p->userdata + item->offset, &reason);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return conf_refuse(p->error, p->path, p->line, "%s=%.*s: %s", item->key, NAME_SHOWN,
                                value, reason ? reason : "this value is not allowed");
                return 0;
        }
        return conf_refuse(p->error, p->path, p->line, "unknown key %.*s= in section [%s]; allowed here: %s",
                NAME_SHOWN, key, p->section, known_names(p, p->section, names));
}

static int parse_line(Parser *p, char *line) {
        line = strip(line);
        if (*line == '\0')
                return 0;
        if (*line == '[')
                return parse_section(p, line);
        return parse_assignment(p, line);
}

/* The length of the character at the beginning of n > 0 bytes of a text, or 0 when none may stand there: a control
 * character, but for blanks and line ends. A lone CR is none: editors show what follows it as another line. */
static size_t text_next(const char *text, size_t n) {
        const uint8_t *c = (const uint8_t *) text;
        size_t length = wire_utf8_length(c, n);

        if (is_blank(*text) || *text == '\n' || (*text == '\r' && (n == 1 || text[1] == '\n')))
                return 1;
        return wire_is_printable(c, length) ? length : 0;
}

/* False when the text has something else than text; *ret_line is where. */
static bool check_text(const char *text, size_t size, unsigned *ret_line) {
        unsigned line = 1;
        size_t n;

        for (size_t i = 0; i < size; i += n) {
                n = text_next(text + i, size - i);
                if (n == 0) {
                        *ret_line = line;
                        return false;
                }
                if (text[i] == '\n')
                        line++;
        }
        return true;
}

static bool is_comment(const char *line, size_t n) {
        size_t i = 0;

        while (i < n && is_blank(line[i]))
                i++;
        return i < n && (line[i] == '#' || line[i] == ';');
}

/* Takes one logical line into the buffer of CONF_LINE_MAX + 1 bytes, advances *text, and returns how many lines it took.
 * As systemd.syntax(7) has it, comments are left out before lines are joined: one that ends in a backslash does not
 * swallow the line below. */
static int next_line(Parser *p, const char **text, const char *end, char *buffer) {
        int n_physical = 0;
        size_t used = 0;
        bool more = true;

        while (more && *text < end) {
                const char *line = *text, *nl = memchr(line, '\n', (size_t) (end - line));
                size_t n = (size_t) ((nl ? nl : end) - line);

                *text = nl ? nl + 1 : end;
                n_physical++;
                if (n > 0 && line[n - 1] == '\r')
                        n--;
                if (is_comment(line, n)) {
                        more = used > 0;
                        continue;
                }
                more = n > 0 && line[n - 1] == '\\';
                if (n > CONF_LINE_MAX - used)
                        return conf_refuse(p->error, p->path, p->line, "the line is longer than %d bytes",
                                CONF_LINE_MAX);
                memcpy(buffer + used, line, n);
                used += n;
                if (more)
                        buffer[used - 1] = ' ';
        }
        buffer[used] = '\0';
        return n_physical;
}

static int parse_lines(Parser *p, const char *text, size_t size) {
        _cleanup_free_ char *buffer = malloc(CONF_LINE_MAX + 1);
        const char *end = text + size;
        int n, r;

        if (!buffer)
                return -ENOMEM;
        if (!check_text(text, size, &p->line))
                return conf_refuse(p->error, p->path, p->line,
                        "this line is not text in UTF-8, or has control characters");
        p->line = 1;
        while (text < end) {
                n = next_line(p, &text, end, buffer);
                if (n < 0)
                        return n;
                r = parse_line(p, buffer);
                if (r < 0)
                        return r;
                p->line += (unsigned) n;
        }
        return 0;
}

int conf_parse(const char *path, const char *text, size_t size, const ConfItem *items, size_t n_items,
        void *userdata, ConfError *ret_error) {
        _cleanup_free_ bool *seen = calloc(n_items ? n_items : 1, sizeof(bool));
        Parser p = {
                .path = path,
                .items = items,
                .n_items = n_items,
                .userdata = userdata,
                .seen = seen,
                .error = ret_error,
        };

        if (!seen)
                return -ENOMEM;
        if (size > CONF_FILE_MAX)
                return conf_refuse(ret_error, path, 0, "the file is larger than %d bytes", CONF_FILE_MAX);
        return parse_lines(&p, text, size);
}
