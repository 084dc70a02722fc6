/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the agent is asked to do. One table (options.c) drives the command line, standard input, both helps and the
 * metadata; an option is a row there, and a place in the list of each program that shows it. */

#include "action.h"
#include "base.h"
#include "wire.h"

#include <stdio.h>

typedef enum Task {
        TASK_ASK, /* a host, for options.action */
        TASK_METADATA,
        TASK_VALIDATE,
} Task;

typedef struct Program Program;

/* Strings point into argv, into the text given to options_parse_input(), or are static. */
typedef struct Options {
        const Program *program;
        bool help, version;
        unsigned debug;
        Task task;
        Action action;
        const char *target; /* NULL when none was given */
        bool use_uuid;
        unsigned timeout_sec, delay_sec;
        unsigned retransmit_tenths;
        unsigned port;
        HashType hash; /* of the packet */
        HashType auth; /* of the challenges */
        const char *key_file;
        bool has_key_file; /* it was named, or found: it has to be there */
        int family; /* AF_UNSPEC: that of the group */
        const char *group; /* NULL: the family's default */
        const char *host; /* tcp, NULL when none was given */
        unsigned cid; /* vsock, 0 when none was given */
        const char *device; /* serial, NULL when none was given */
        const char *line_parameters;
        const char *channel_address;
        bool channel_given;
        bool multicast; /* also where the program's name does not say so */
} Options;

/* The name that `path` ends in decides: fence_xvm, or else fence_virt. Static storage. */
const Program *program_by_path(const char *path);
const char *program_name(const Program *p);
bool program_is_multicast(const Program *p);

/* Every default. */
void options_init(Options *o, const Program *program);

/* Both say every mistake on standard error, by log_error(), and return how many there were. argv[0] is not looked at. */
unsigned options_parse_arguments(Options *o, int argc, char *argv[]);

/* "name=value" lines; `text` is changed. Unknown names are said but are no mistake, as Pacemaker gives what it likes. */
unsigned options_parse_input(Options *o, char *text);

/* What only the whole can tell: a domain where one is needed. Says and counts mistakes. */
unsigned options_check(const Options *o);

/* The help of -h, and its second half, which explains standard input. */
void options_print_usage(const Program *p, FILE *f);
void options_print_input_usage(const Program *p, FILE *f);

void options_print_metadata(const Program *p, FILE *f);
