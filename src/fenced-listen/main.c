/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dial.h"
#include "listener.h"
#include "log.h"
#include "names.h"

#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

enum {
        IDLE_DEFAULT = 30, /* seconds */
        IDLE_MAX = 24 * 60 * 60,
        DESCRIPTORS_SPARE = 64, /* sockets that were passed, event loop, bus, reports */
};

static int parse_idle(const char *s, uint64_t *ret_usec) {
        char *end;
        unsigned long n;

        errno = 0;
        n = strtoul(s, &end, 10);
        if (*s < '0' || *s > '9' || *end != '\0' || errno != 0 || n > IDLE_MAX) {
                log_error("--idle=%s: not a number of seconds up to %d", s, IDLE_MAX);
                return -EINVAL;
        }
        *ret_usec = n * USEC_PER_SEC;
        return 0;
}

typedef struct Arguments {
        ListenerOptions listener;
        const char *connect; /* NULL: sockets come from systemd */
        bool idle_given;
        uint64_t idle_usec;
} Arguments;

static int add_pattern(InterfaceFilter *filter, const char *pattern) {
        if (*pattern == '\0' || filter->n_patterns >= INTERFACE_PATTERNS_MAX) {
                log_error("--interface= is empty, or more than %d of them", INTERFACE_PATTERNS_MAX);
                return -EINVAL;
        }
        filter->patterns[filter->n_patterns++] = pattern;
        return 0;
}

/* All options together; one that would be ignored is a misunderstanding. */
static int settle_options(Arguments *a) {
        ListenerOptions *o = &a->listener;
        const Transport *t = o->transport;

        if (!t) {
                log_error("--transport= is missing");
                return -EINVAL;
        }
        if (a->connect && !t->dials) {
                log_error("--connect= is not for %s", t->name);
                return -EINVAL;
        }
        if (a->idle_given && (!t->idles || a->connect)) {
                log_error("--idle= is not for %s, which stays", a->connect ? "--connect=" : t->name);
                return -EINVAL;
        }
        if (o->filter.n_patterns > 0 && !t->joins) {
                log_error("--interface= is not for %s", t->name);
                return -EINVAL;
        }
        if (o->filter.local && !t->has_local) {
                log_error("--allow-local is not for %s", t->name);
                return -EINVAL;
        }
        o->idle_usec = t->idles && !a->connect ? a->idle_usec : 0;
        return 0;
}

static int set_transport(ListenerOptions *o, const char *name) {
        o->transport = transport_find(name);
        if (o->transport)
                return 0;
        log_error("--transport=%s: unknown", name);
        return -EINVAL;
}

static int set_connect(Arguments *a, const char *path) {
        a->connect = path;
        if (dial_path_is_valid(path))
                return 0;
        log_error("--connect=%s: not the absolute path of a socket", path);
        return -EINVAL;
}

static int parse_argv(int argc, char *argv[], Arguments *a) {
        static const struct option options[] = {
                { "transport", required_argument, NULL, 't' },
                { "interface", required_argument, NULL, 'i' },
                { "allow-local", no_argument, NULL, 'l' },
                { "idle", required_argument, NULL, 'w' },
                { "connect", required_argument, NULL, 'c' },
                {},
        };
        ListenerOptions *o = &a->listener;
        int c, r = 0;

        while (r >= 0 && (c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 't':
                        r = set_transport(o, optarg);
                        break;
                case 'i':
                        r = add_pattern(&o->filter, optarg);
                        break;
                case 'l':
                        o->filter.local = true;
                        break;
                case 'w':
                        a->idle_given = true;
                        r = parse_idle(optarg, &a->idle_usec);
                        break;
                case 'c':
                        r = set_connect(a, optarg);
                        break;
                default:
                        r = -EINVAL; /* getopt has said why */
                }
        if (r >= 0 && optind < argc) {
                log_error("%s: not an option", argv[optind]);
                r = -EINVAL;
        }
        return r < 0 ? r : settle_options(a);
}

static int make_event(sd_event **ret) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        sigset_t signals;
        int r;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGINT);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;
        r = sd_event_default(&event);
        if (r < 0)
                return r;
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r < 0)
                return r;
        r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        if (r < 0)
                return r;
        r = sd_event_set_watchdog(event, true);
        if (r < 0)
                return r;
        *ret = TAKE(event, NULL);
        return 0;
}

/* A conversation has a socket, and a copy of it in a message that the executor has not taken yet. Without descriptors not
 * even requests that are in could go on, so there are rather fewer of them. */
static int fit_descriptors(Limits *limits) {
        rlim_t needed = 2 * limits->peers + DESCRIPTORS_SPARE;
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return log_error_errno(errno, "Cannot read the limit of descriptors: %m");
        if (limit.rlim_cur >= needed)
                return 0;
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                return log_error_errno(errno, "Cannot raise the limit of descriptors: %m");
        if (limit.rlim_cur >= needed)
                return 0;
        if (limit.rlim_cur < 2 * DESCRIPTORS_SPARE)
                return log_error_errno(EMFILE, "LimitNOFILE= is below %d", 2 * DESCRIPTORS_SPARE);
        limits->peers = (unsigned) (limit.rlim_cur - DESCRIPTORS_SPARE) / 2;
        log_warning("LimitNOFILE= allows %u conversations only", limits->peers);
        return 0;
}

static int run(int argc, char *argv[]) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(listener_freep) Listener *listener = NULL;
        _cleanup_(dial_freep) Dial *dial = NULL;
        Arguments arguments = { .listener = { .netlink = { -1, -1 },
                                        .exec_path = EXEC_SOCKET_PATH,
                                        .callback_path = CALLBACK_SOCKET_PATH,
                                        .limits = LIMITS_DEFAULT },
                .idle_usec = IDLE_DEFAULT * USEC_PER_SEC };
        ListenerOptions *o = &arguments.listener;
        int r;

        r = parse_argv(argc, argv, &arguments);
        if (r < 0)
                return r;
        r = fit_descriptors(&o->limits);
        if (r >= 0 && !arguments.connect)
                r = transport_take_sockets(o->transport, &o->netlink, o->fds, &o->n_fds);
        if (r < 0)
                return r;
        r = make_event(&event);
        if (r < 0)
                return log_error_errno(r, "Cannot make an event loop: %m");
        r = listener_new(event, o, &listener);
        if (r >= 0 && arguments.connect)
                r = dial_new(listener, arguments.connect, &dial);
        if (r < 0)
                return log_error_errno(r, "Cannot serve: %m");
        (void) sd_notify(false, "READY=1");
        r = sd_event_loop(event);
        (void) sd_notify(false, "STOPPING=1");
        if (r < 0)
                return log_error_errno(r, "Event loop failed: %m");
        return 0;
}

int main(int argc, char *argv[]) {
        return run(argc, argv) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
