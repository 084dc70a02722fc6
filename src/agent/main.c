/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ask.h"
#include "config.h"
#include "discover.h"
#include "io.h"
#include "key-file.h"
#include "log.h"
#include "options.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_OFF = 2, EXIT_DENIED = 3, EXIT_SILENT = 255, INPUT_MAX = 64 * 1024 };

static char *read_input(void) {
        _cleanup_free_ char *text = malloc(INPUT_MAX + 1);
        size_t n;

        if (!text)
                return NULL;
        n = fread(text, 1, INPUT_MAX + 1, stdin);
        if (n > INPUT_MAX || ferror(stdin) || memchr(text, 0, n)) {
                log_error("Standard input cannot be read, or is not a list of parameters");
                return NULL;
        }
        text[n] = 0;
        return TAKE(text, NULL);
}

static void print_records(const Answer *a) {
        for (size_t i = 0; i < a->n_records; i++)
                printf("%-32s %s %s\n", a->records[i].name, a->records[i].uuid,
                        a->records[i].state == 1 ? "on" : "off");
}

/* What is printed, and the exit status. */
static int report(const Answer *a) {
        if (a->reason[0])
                log_error("%s", a->reason);
        switch (a->verdict) {
        case VERDICT_SUCCESS:
                print_records(a);
                if (a->action == ACTION_STATUS)
                        puts("Status: ON");
                return EXIT_SUCCESS;
        case VERDICT_OFF:
                puts("Status: OFF");
                return EXIT_OFF;
        case VERDICT_DENIED:
                log_error("Permission denied");
                return EXIT_DENIED;
        case VERDICT_SILENT:
                log_error("Unknown response (-1)");
                return EXIT_SILENT;
        case VERDICT_FAILED:
        case _VERDICT_MAX:
                break;
        }
        log_error("Operation failed");
        return EXIT_FAILURE;
}

/* The key may come later, when the device is configured before the guests are; one that was named must be there, and one
 * that is there must be good. */
static int validate(const Options *o) {
        _cleanup_(auth_key_freep) AuthKey *key = NULL;
        int r = 0;

        if (transport_choose(o)->key != KEY_UNUSED)
                r = key_file_load(o, &key);
        return r < 0 && o->has_key_file ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void wait_delay(const Options *o) {
        /* -w is for clusters in which both halves ask at the same moment: one of them is to be late */
        if (action_changes_power(o->action))
                (void) io_poll(NULL, 0, now_usec() + o->delay_sec * USEC_PER_SEC);
}

/* The VM channel is what remains when this machine has no other way, and few have that one. */
static void say_what_is_missing(void) {
        char text[256] = "";
        size_t n = 0;

        for (size_t i = 0; i < discover_n_ways && n < sizeof(text); i++)
                n += (size_t) snprintf(
                        text + n, sizeof(text) - n, "%s%s", i > 0 ? ", " : "", discover_ways[i].missing);
        log_error("Found no way to the host: %s", text);
}

static int ask(const Options *o, const AuthKey *key, uint64_t deadline) {
        const Transport *t = transport_choose(o);
        Question q = { .options = o, .key = key, .action = o->action, .deadline = deadline };
        _cleanup_(answer_done) Answer answer = {};

        log_debug("Asking by %s: %s %s, for up to %u s", t->name, action_to_string(o->action),
                o->target ? o->target : "", o->timeout_sec);
        ask_host(t, &q, &answer);
        if (answer.verdict == VERDICT_SILENT && !transport_is_chosen(o))
                say_what_is_missing();
        return report(&answer);
}

static int run_ask(Options *o) {
        _cleanup_(auth_key_freep) AuthKey *key = NULL;
        bool chosen = transport_is_chosen(o);
        uint64_t deadline;

        /* what cannot succeed says so at once, and not after the delay */
        if (chosen && transport_choose(o)->key != KEY_UNUSED && key_file_load(o, &key) < 0)
                return EXIT_FAILURE;
        wait_delay(o);
        deadline = now_usec() + o->timeout_sec * USEC_PER_SEC;
        if (!chosen && discover(discover_ways, discover_n_ways, o, deadline) &&
                transport_choose(o)->key != KEY_UNUSED &&
                (options_check(o) > 0 || key_file_load(o, &key) < 0))
                return EXIT_FAILURE;
        return ask(o, key, deadline);
}

/* The path is the caller's, and is used until the end. */
static int find_key(Options *o, char **ret) {
        const KeyPlaces places = key_places();
        int r;

        if (o->has_key_file)
                return 0;
        r = key_file_find(&places, ret);
        if (r < 0)
                return log_error_errno(r, "Cannot look for a key: %m");
        if (r > 0) {
                o->key_file = *ret;
                o->has_key_file = true;
        }
        return 0;
}

static int run(Options *o) {
        _cleanup_free_ char *key_file = NULL;

        if (o->task != TASK_METADATA && find_key(o, &key_file) < 0)
                return EXIT_FAILURE;
        switch (o->task) {
        case TASK_METADATA:
                options_print_metadata(o->program, stdout);
                return EXIT_SUCCESS;
        case TASK_VALIDATE:
                return validate(o);
        case TASK_ASK:
                break;
        }
        return run_ask(o);
}

/* Whoever reads it may not be there any more. */
static int finish(int status) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        log_error_errno(errno, "Cannot write to standard output: %m");
        return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}

int main(int argc, char *argv[]) {
        const Program *program = program_by_path(argc > 0 ? argv[0] : "");
        bool from_input = argc <= 1;
        _cleanup_free_ char *input = NULL;
        unsigned mistakes;
        Options o;

        (void) signal(SIGPIPE, SIG_IGN);
        options_init(&o, program);
        if (from_input) {
                input = read_input();
                if (!input)
                        return EXIT_FAILURE;
                mistakes = options_parse_input(&o, input);
        } else
                mistakes = options_parse_arguments(&o, argc, argv);
        if (o.debug > 0)
                log_set_max_level(LOG_DEBUG);
        if (o.help) {
                options_print_usage(program, stdout);
                return finish(EXIT_SUCCESS);
        }
        if (o.version) {
                printf("%s " PROJECT_VERSION "\n", program_name(program));
                return finish(EXIT_SUCCESS);
        }
        mistakes += options_check(&o);
        if (mistakes > 0) {
                if (o.task != TASK_VALIDATE)
                        (from_input ? options_print_input_usage : options_print_usage)(program, stderr);
                return EXIT_FAILURE;
        }
        return finish(run(&o));
}
