/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log.h"
#include "options-table.h"
#include "transport.h"

#include <ctype.h>
#include <getopt.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* The defaults that the metadata names are read from there. */
void options_init(Options *o, const Program *program) {
        *o = (Options){
                .program = program, .family = AF_UNSPEC, .multicast = program_is_multicast(program)
        };

        for (OptionId i = 0; i < _OPTION_MAX; i++)
                if (option_rows[i].standard)
                        (void) option_rows[i].parse(option_rows + i, option_rows[i].standard, o);
        o->has_key_file = o->channel_given = false;
}

unsigned options_parse_arguments(Options *o, int argc, char *argv[]) {
        const Program *p = o->program;
        char letters[2 * (_OPTION_MAX + 1) + 2], *w = letters;
        unsigned mistakes = 0;
        int c;

        *w++ = ':'; /* the messages are ours */
        for (OptionId i = 0; i < _OPTION_MAX; i++)
                if (option_rows[i].letter && option_by_letter(p, option_rows[i].letter)) {
                        *w++ = option_rows[i].letter;
                        if (option_rows[i].argument)
                                *w++ = ':';
                }
        *w = 0;

        optind = 0; /* again, for who parses twice */
        while ((c = getopt(argc, argv, letters)) >= 0) {
                const OptionRow *row = option_by_letter(p, c == '?' && optopt ? optopt : c);

                if (c == ':' || !row) {
                        log_error(c == ':' ? "%s: option requires an argument -- '%c'"
                                           : "%s: invalid option -- '%c'",
                                p->name, optopt);
                        mistakes++;
                } else if (row->parse(row, row->argument ? optarg : NULL, o) < 0)
                        mistakes++;
        }
        for (; optind < argc; optind++) {
                log_error("%s: unexpected argument '%s'", p->name, argv[optind]);
                mistakes++;
        }
        return mistakes;
}

static char *strip(char *s) {
        char *end;

        while (isspace((unsigned char) *s))
                s++;
        end = s + strlen(s);
        while (end > s && isspace((unsigned char) end[-1]))
                *--end = 0;
        return s;
}

/* What Pacemaker and the old cluster managers add, and no agent wants. */
static bool is_for_others(const char *name) {
        static const char *const names[] = { "nodename", "self", "agent" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcasecmp(name, names[i]) == 0)
                        return true;
        return false;
}

static bool parse_line_of_input(Options *o, char *line) {
        char *name = strip(line), *value;
        const OptionRow *row;

        if (!*name || *name == '#')
                return true;
        value = strchr(name, '=');
        if (value) {
                *value++ = 0;
                name = strip(name);
                value = strip(value);
        }
        if (is_for_others(name))
                return true;
        row = option_by_name(o->program, name);
        if (!row) {
                log_error("Parse error: Ignoring unknown option '%s'", name);
                return true;
        }
        if (!value && row->argument)
                value = name + strlen(name);
        return row->parse(row, value, o) >= 0;
}

unsigned options_parse_input(Options *o, char *text) {
        unsigned mistakes = 0;

        for (char *line = text, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = 0;
                if (!parse_line_of_input(o, line))
                        mistakes++;
        }
        return mistakes;
}

static int check_family(const Options *o) {
        bool is_v6 = o->group && strchr(o->group, ':');

        if (!o->group || o->family == AF_UNSPEC || is_v6 == (o->family == AF_INET6))
                return 0;
        log_error("Multicast address %s is not of the family that was asked for", o->group);
        return -EINVAL;
}

unsigned options_check(const Options *o) {
        unsigned mistakes = 0;

        if (o->task == TASK_METADATA)
                return 0;
        if (!o->target && (o->task == TASK_VALIDATE || action_has_target(o->action))) {
                log_error("No domain specified!");
                mistakes++;
        }
        if (check_family(o) < 0)
                mistakes++;
        if (transport_choose(o)->key != KEY_UNUSED && (o->hash == HASH_NONE || o->auth == HASH_NONE)) {
                log_error(
                        "Unsupported hash: none (an answer that is not authenticated proves nothing; use sha256)");
                mistakes++;
        }
        return mistakes;
}
