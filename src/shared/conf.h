/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unit-file syntax by table: [Section], Key=value, # and ; comments on lines of their own, trailing backslash joins
 * lines. A file is taken whole or not at all: an unknown section or key, a line that is neither, a control
 * character, bad UTF-8, a line over CONF_LINE_MAX or a parser's refusal is an error with file and line. A key given
 * twice in one file is an error unless its row says CONF_REPEATABLE. (Why not libeconf: HACKING.md, "Dependencies".) */

#include "base.h"

enum {
        CONF_LINE_MAX = 64 * 1024, /* bytes of one logical line, continuation lines joined */
        CONF_FILE_MAX = 4 * 1024 * 1024,
};

/* Where and why a file was refused; `message` is one sentence without a trailing newline. */
typedef struct ConfError {
        char path[256];
        unsigned line; /* 1-based; 0 when it is about the whole file */
        char message[256];
} ConfError;

/* Fills *ret_error, with whatever is not printable replaced by '?', and returns -EBADMSG. */
int conf_refuse(ConfError *ret_error, const char *path, unsigned line, const char *format, ...)
        _printf_(4, 5);

/* Takes the value (leading and trailing blanks removed, never NULL); negative errno refuses it, and *reason may be
 * pointed at a sentence that says what would be accepted: a static one, or one that lives in the target. */
typedef int (*ConfParser)(const char *value, void *target, const char **reason);

typedef enum ConfFlags {
        CONF_REPEATABLE = 1 << 0,
} ConfFlags;

typedef struct ConfItem {
        const char *section;
        const char *key;
        ConfParser parse;
        size_t offset; /* of the target within the userdata */
        ConfFlags flags;
} ConfItem;

/* Parses text in memory; `path` is for messages only. 0, or -EBADMSG with *ret_error filled, or -ENOMEM. Values reach
 * the target as they are read: parse into a fresh object and swap it in on success. */
int conf_parse(const char *path, const char *text, size_t size, const ConfItem *items, size_t n_items,
        void *userdata, ConfError *ret_error);

/* Reads and parses one file; -ENOENT when it does not exist (ret_error untouched). A link that leads nowhere and
 * what is no regular file are errors. */
int conf_parse_file(
        const char *path, const ConfItem *items, size_t n_items, void *userdata, ConfError *ret_error);

/* Calls `each` for everything in a directory whose name ends in suffix (".conf") and does not begin with a dot, in
 * strcmp order; stem is the name without the suffix. What is no regular file is for `each` to refuse, so that
 * nothing is passed over silently. A missing directory is an empty one. Stops at the first negative return and
 * returns it. */
int conf_each_file(const char *directory, const char *suffix,
        int (*each)(const char *path, const char *stem, void *userdata), void *userdata);

/* Ready parsers. Time spans are plain seconds with an optional fraction, or with the suffixes us, ms, s, min. */
int conf_parse_bool(const char *value, void *target /* bool* */, const char **reason);
int conf_parse_string(const char *value, void *target /* char**, replaced */, const char **reason);
int conf_parse_words(const char *value,
        void *target /* char*** NULL-terminated, appended; empty value resets */, const char **reason);
int conf_parse_sec(const char *value, void *target /* uint64_t* in microseconds */, const char **reason);
int conf_parse_unsigned(const char *value, void *target /* unsigned* */, const char **reason);

char **strv_free(char **l);
DEFINE_CLEANUP(char **, strv_free)
