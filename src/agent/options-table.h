/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The option table, for options*.c, usage.c and their tests only. */

#include "options.h"

typedef enum OptionId {
        OPTION_DEBUG,
        OPTION_FAMILY,
        OPTION_GROUP,
        OPTION_DEVICE,
        OPTION_LINE,
        OPTION_CHANNEL,
        OPTION_PORT,
        OPTION_RETRANSMIT,
        OPTION_HOST,
        OPTION_CID,
        OPTION_AUTH,
        OPTION_HASH,
        OPTION_KEY,
        OPTION_TARGET,
        OPTION_TARGET_OLD,
        OPTION_UUID,
        OPTION_ACTION,
        OPTION_TIMEOUT,
        OPTION_HELP_OLD,
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_DELAY,
        OPTION_TARGET_OLDEST,
        _OPTION_MAX,
} OptionId;

typedef struct OptionRow OptionRow;

/* Takes a value, or says what is wrong with it and returns -EINVAL. `value` is NULL for an option without argument. */
typedef int (*OptionParser)(const OptionRow *row, const char *value, Options *o);

struct OptionRow {
        char letter; /* 0: standard input only */
        const char *name; /* on standard input; NULL: command line only */
        const char *alias; /* an older name on standard input */
        const char *argument; /* as help shows it; NULL: none */
        const char *type; /* for the metadata */
        const char *standard; /* the default, for the metadata; NULL: none */
        const char *text;
        const char *obsoletes; /* name of the row that this one replaces */
        bool required, deprecated; /* what is deprecated is in the metadata, but not in the help */
        OptionParser parse;
        size_t offset; /* of the value in Options */
        unsigned minimum, maximum; /* of a number */
        const char *noun; /* for "Invalid %s" */
};

extern const OptionRow option_rows[_OPTION_MAX];

struct Program {
        const char *name;
        const OptionId *shown; /* in the order of help and metadata */
        size_t n_shown;
        OptionId also[2]; /* taken, not shown */
        size_t n_also;
        bool multicast;
};

/* The row of a program with this letter, or this name or alias (any case); NULL if it has none. */
const OptionRow *option_by_letter(const Program *p, int letter);
const OptionRow *option_by_name(const Program *p, const char *name);

int parse_action(const OptionRow *row, const char *value, Options *o);
int parse_channel(const OptionRow *row, const char *value, Options *o);
int parse_cid(const OptionRow *row, const char *value, Options *o);
int parse_debug(const OptionRow *row, const char *value, Options *o);
int parse_family(const OptionRow *row, const char *value, Options *o);
int parse_flag(const OptionRow *row, const char *value, Options *o);
int parse_group(const OptionRow *row, const char *value, Options *o);
int parse_hash(const OptionRow *row, const char *value, Options *o);
int parse_key(const OptionRow *row, const char *value, Options *o);
int parse_line(const OptionRow *row, const char *value, Options *o);
int parse_number(const OptionRow *row, const char *value, Options *o);
int parse_string(const OptionRow *row, const char *value, Options *o);
int parse_target(const OptionRow *row, const char *value, Options *o);
