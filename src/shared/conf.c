/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conf.h"
#include "wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Parser {
        const char *path;
        const ConfItem *items;
        size_t n_items;
        void *userdata;
        bool *seen; /* per item: given in this file already */
        ConfError *error;
        unsigned line;
        char *section; /* owned; NULL before the first header */
} Parser;

static int refuse(Parser *p, const char *format, ...) _printf_(2, 3);

static int refuse(Parser *p, const char *format, ...) {
        va_list ap;

        *p->error = (ConfError){ .line = p->line };
        (void) snprintf(p->error->path, sizeof(p->error->path), "%s", p->path);
        va_start(ap, format);
        (void) vsnprintf(p->error->message, sizeof(p->error->message), format, ap);
        va_end(ap);
        return -EBADMSG;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
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

static int parse_section(Parser *p, char *line) {
        size_t n = strlen(line);

        if (n < 3 || line[n - 1] != ']')
                return refuse(p, "a section is a name in brackets on a line of its own");
        line[n - 1] = '\0';
        for (size_t i = 0; i < p->n_items; i++)
                if (strcmp(p->items[i].section, line + 1) == 0) {
                        free(p->section);
                        p->section = strdup(line + 1);
                        return p->section ? 0 : -ENOMEM;
                }
        return refuse(p, "unknown section [%.64s]", line + 1);
}

static int parse_assignment(Parser *p, char *line) {
        char *eq = strchr(line, '='), *key, *value;
        const char *reason = NULL;
        int r;

        if (!eq)
                return refuse(p, "neither a [Section], nor Key=value, nor a comment");
        *eq = '\0';
        key = strip(line);
        value = strip(eq + 1);
        if (!p->section)
                return refuse(p, "%.64s= stands before the first [Section]", key);
        for (size_t i = 0; i < p->n_items; i++) {
                const ConfItem *item = p->items + i;

                if (strcmp(item->section, p->section) != 0 || strcmp(item->key, key) != 0)
                        continue;
                if (p->seen[i] && !(item->flags & CONF_REPEATABLE))
                        return refuse(p, "%s= is given twice", item->key);
                p->seen[i] = true;
                r = item->parse(value, (uint8_t *) p->userdata + item->offset, &reason);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return refuse(p, "%s=%.64s: %s", item->key, value,
                                reason ? reason : "this value is not allowed");
                return 0;
        }
        return refuse(p, "unknown key %.64s= in section [%s]", key, p->section);
}

static int parse_line(Parser *p, char *line) {
        line = strip(line);
        if (*line == '\0' || *line == '#' || *line == ';')
                return 0;
        if (*line == '[')
                return parse_section(p, line);
        return parse_assignment(p, line);
}

/* True for text without NUL, without control characters but blanks and line ends, and in UTF-8. */
static bool check_text(const char *text, size_t size, unsigned *ret_line) {
        unsigned line = 1;
        const char *end = text + size;

        while (text < end) {
                const char *nl = memchr(text, '\n', (size_t) (end - text));
                size_t n = (size_t) ((nl ? nl : end) - text);

                *ret_line = line;
                for (size_t i = 0; i < n;) {
                        size_t k = wire_utf8_length((const uint8_t *) text + i, n - i);

                        if (k == 0 || ((unsigned char) text[i] < 0x20 && !is_blank(text[i])) ||
                                text[i] == 0x7f)
                                return false;
                        i += k;
                }
                text += n + 1;
                line++;
        }
        return true;
}

/* Takes one logical line, continuation lines joined by a blank, into p's buffer; advances *text. */
static int next_line(Parser *p, const char **text, const char *end, char *buffer, unsigned *n_physical) {
        size_t used = 0;

        *n_physical = 0;
        for (;;) {
                const char *nl = memchr(*text, '\n', (size_t) (end - *text));
                size_t n = (size_t) ((nl ? nl : end) - *text);
                const char *line = *text;
                bool more;

                *text = nl ? nl + 1 : end;
                (*n_physical)++;
                if (n > 0 && line[n - 1] == '\r')
                        n--;
                more = n > 0 && line[n - 1] == '\\';
                if (more)
                        n--;
                if (n >= CONF_LINE_MAX - used - 1)
                        return refuse(p, "the line is longer than %d bytes", CONF_LINE_MAX);
                memcpy(buffer + used, line, n);
                used += n;
                buffer[used] = '\0';
                if (!more || *text >= end)
                        return 0;
                buffer[used++] = ' ';
        }
}

static int parse_lines(Parser *p, const char *text, size_t size) {
        _cleanup_free_ char *buffer = malloc(CONF_LINE_MAX);
        const char *end = text + size;
        unsigned n_physical;
        int r;

        if (!buffer)
                return -ENOMEM;
        if (!check_text(text, size, &p->line))
                return refuse(p, "this line is not text in UTF-8");
        p->line = 1;
        while (text < end) {
                r = next_line(p, &text, end, buffer, &n_physical);
                if (r < 0)
                        return r;
                r = parse_line(p, buffer);
                if (r < 0)
                        return r;
                p->line += n_physical;
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
        int r;

        if (!seen)
                return -ENOMEM;
        if (size > CONF_FILE_MAX)
                return refuse(&p, "the file is larger than %d bytes", CONF_FILE_MAX);
        r = parse_lines(&p, text, size);
        free(p.section);
        return r;
}

static int read_file(Parser *p, int fd, char **ret, size_t *ret_size) {
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t n = 0;

        if (fstat(fd, &st) < 0)
                return refuse(p, "cannot be read: %m");
        if (!S_ISREG(st.st_mode))
                return refuse(p, "is not a regular file");
        if (st.st_size > CONF_FILE_MAX)
                return refuse(p, "the file is larger than %d bytes", CONF_FILE_MAX);
        text = malloc((size_t) st.st_size + 1);
        if (!text)
                return -ENOMEM;
        while (n < (size_t) st.st_size) {
                ssize_t k = read(fd, text + n, (size_t) st.st_size - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return refuse(p, "cannot be read: %m");
                if (k == 0)
                        break;
                n += (size_t) k;
        }
        *ret_size = n;
        *ret = TAKE(text, NULL);
        return 0;
}

int conf_parse_file(
        const char *path, const ConfItem *items, size_t n_items, void *userdata, ConfError *ret_error) {
        Parser p = { .path = path, .error = ret_error };
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -1;
        size_t size = 0;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return errno == ENOENT ? -ENOENT : refuse(&p, "cannot be opened: %m");
        r = read_file(&p, fd, &text, &size);
        if (r < 0)
                return r;
        return conf_parse(path, text, size, items, n_items, userdata, ret_error);
}

int conf_each_file(const char *directory, const char *suffix,
        int (*each)(const char *path, const char *stem, void *userdata), void *userdata) {
        struct dirent **entries;
        int n, r = 0;

        n = scandir(directory, &entries, NULL, alphasort);
        if (n < 0)
                return errno == ENOENT ? 0 : -errno;
        for (int i = 0; i < n; i++) {
                size_t length = strlen(entries[i]->d_name), s = strlen(suffix);
                char path[4096], stem[256];

                if (r >= 0 && entries[i]->d_name[0] != '.' && length > s &&
                        strcmp(entries[i]->d_name + length - s, suffix) == 0) {
                        (void) snprintf(stem, sizeof(stem), "%.*s", (int) (length - s), entries[i]->d_name);
                        if ((size_t) snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name) >=
                                sizeof(path))
                                r = -ENAMETOOLONG;
                        else
                                r = each(path, stem, userdata);
                }
                free(entries[i]);
        }
        free(entries);
        return r < 0 ? r : 0;
}
