/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks a host many times, from many clients at once, and says how long it took. See usage(). */

#include "exchange.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum {
        CLIENTS_MAX = 256,
        SECONDS_MAX = 600,
        ARGUMENTS_MAX = 32,
        SAMPLES_MAX = 4 * 1024 * 1024, /* of all clients together */
};

typedef struct Sample {
        uint32_t usec; /* how long */
        uint32_t end_msec; /* when it ended, since the start of the run */
        int32_t result;
} Sample;

typedef struct Run {
        Guest guest;
        char **argv; /* a program to run instead of our own request, or NULL */
        const char *target;
        unsigned clients, count, seconds;
        unsigned addresses; /* the host is asked at, one after the other */
        struct in_addr first;
        int expect;
        size_t per_client; /* capacity */
        uint64_t begin;
        Sample *samples; /* shared: per_client for each client */
        uint32_t *n_samples; /* shared: one for each client */
} Run;

static uint64_t now_usec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

static int usage(void) {
        fputs("load: ask a host for something many times and print one line of JSON.\n"
              "  --transport tcp|multicast   --host ADDRESS   --own ADDRESS (multicast: where to be called back)\n"
              "  --key FILE   --action ACTION   --target NAME\n"
              "  --clients N at once   --count N of each | --seconds N   --expect REPLY that counts as success\n"
              "  --addresses N: the host has N addresses from ADDRESS on; each request goes to the next of them\n"
              "  -- PROGRAM ARGUMENT...   run this instead, the exit status is the reply\n"
              "A % in the target or in an argument stands for the number of the client, from 1; a @ in an argument for the\n"
              "address. Who asks this machine at one of its own addresses asks from there: so are many guests simulated.\n",
                stderr);
        return 2;
}

static void *shared_memory(size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? NULL : p;
}

/* Replaces the first mark, if there is one. */
static void fill_in(char *ret, size_t size, const char *pattern, char mark, const char *text) {
        const char *p = strchr(pattern, mark);

        if (p)
                snprintf(ret, size, "%.*s%s%s", (int) (p - pattern), pattern, text, p + 1);
        else
                snprintf(ret, size, "%s", pattern);
}

/* The exit status, or a negative errno. */
static int run_program(char *const argv[], const posix_spawn_file_actions_t *actions) {
        extern char **environ;
        pid_t pid;
        int status, r;

        r = posix_spawn(&pid, argv[0], actions, NULL, argv, environ);
        if (r != 0)
                return -r;
        if (waitpid(pid, &status, 0) < 0)
                return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static bool more(const Run *run, size_t n) {
        if (n >= run->per_client)
                return false;
        return run->count ? n < run->count : now_usec() - run->begin < run->seconds * USEC_PER_SEC;
}

/* The arguments of a program for the request to this address. */
static void make_argv(const Run *run, const char *number, struct in_addr address,
        char *ret_argv[static ARGUMENTS_MAX + 1]) {
        static char words[ARGUMENTS_MAX][256];
        char half[256], dotted[INET_ADDRSTRLEN];

        inet_ntop(AF_INET, &address, dotted, sizeof(dotted));
        for (unsigned i = 0; run->argv && run->argv[i] && i < ARGUMENTS_MAX; i++) {
                fill_in(half, sizeof(half), run->argv[i], '%', number);
                fill_in(words[i], sizeof(words[i]), half, '@', dotted);
                ret_argv[i] = words[i];
        }
}

static int client(Run *run, unsigned index) {
        char *argv[ARGUMENTS_MAX + 1] = {}, number[12];
        Sample *samples = run->samples + index * run->per_client;
        posix_spawn_file_actions_t actions;

        posix_spawn_file_actions_init(&actions);
        for (int fd = 0; fd <= 2; fd++)
                posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
        snprintf(number, sizeof(number), "%u", index + 1);
        fill_in(run->guest.target, sizeof(run->guest.target), run->target, '%', number);
        if (!run->argv && guest_open(&run->guest) < 0)
                return EXIT_FAILURE;
        while (now_usec() < run->begin)
                (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = 1000000 }, NULL);

        for (size_t n = 0; more(run, n); n++) {
                if (run->guest.kind == WIRE_STREAM)
                        run->guest.host.in.sin_addr.s_addr =
                                htonl(ntohl(run->first.s_addr) + (uint32_t) ((index + n) % run->addresses));
                make_argv(run, number, run->guest.host.in.sin_addr, argv);
                uint64_t start = now_usec();
                int result = run->argv ? run_program(argv, &actions) : guest_ask(&run->guest);
                uint64_t end = now_usec();

                samples[n] =
                        (Sample){ (uint32_t) (end - start), (uint32_t) ((end - run->begin) / 1000), result };
                run->n_samples[index] = (uint32_t) n + 1;
        }
        guest_close(&run->guest);
        return EXIT_SUCCESS;
}

static int compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

        return x < y ? -1 : x > y;
}

/* Percentiles are over all requests, failed ones included: a failure that took ten seconds is no fast answer. */
static int report(const Run *run) {
        _cleanup_free_ uint32_t *sorted = calloc(SAMPLES_MAX, sizeof(uint32_t));
        static unsigned per_second[SECONDS_MAX + 16];
        unsigned n = 0, failed = 0, last_msec = 0;
        int odd = 0;

        if (!sorted)
                return EXIT_FAILURE;
        for (unsigned c = 0; c < run->clients; c++)
                for (unsigned i = 0; i < run->n_samples[c]; i++) {
                        const Sample *s = run->samples + c * run->per_client + i;

                        sorted[n++] = s->usec;
                        if (s->result != run->expect) {
                                failed++;
                                odd = s->result;
                        } else if (s->end_msec / 1000 < ELEMENTSOF(per_second))
                                per_second[s->end_msec / 1000]++;
                        if (s->end_msec > last_msec)
                                last_msec = s->end_msec;
                }
        if (n == 0)
                return EXIT_FAILURE;
        qsort(sorted, n, sizeof(*sorted), compare);
        printf("{\"n\": %u, \"failed\": %u, \"last_failure\": %d, \"seconds\": %.3f, \"rate\": %.1f, \"p50_us\": %" PRIu32
               ", \"p99_us\": %" PRIu32 ", \"max_us\": %" PRIu32 ", \"per_second\": [",
                n, failed, odd, last_msec / 1000.0, last_msec ? (n - failed) * 1000.0 / last_msec : 0.0,
                sorted[n / 2], sorted[n - 1 - n / 100], sorted[n - 1]);
        for (unsigned i = 0; i < last_msec / 1000; i++)
                printf("%s%u", i ? ", " : "", per_second[i]);
        puts("]}");
        return EXIT_SUCCESS;
}

static int parse(int argc, char *argv[], Run *run, const char **ret_key) {
        static const struct option options[] = {
                { "transport", required_argument, NULL, 't' },
                { "host", required_argument, NULL, 'h' },
                { "own", required_argument, NULL, 'o' },
                { "key", required_argument, NULL, 'k' },
                { "action", required_argument, NULL, 'a' },
                { "target", required_argument, NULL, 'n' },
                { "clients", required_argument, NULL, 'c' },
                { "count", required_argument, NULL, 'x' },
                { "seconds", required_argument, NULL, 's' },
                { "expect", required_argument, NULL, 'e' },
                { "addresses", required_argument, NULL, 'd' },
                {},
        };
        bool ok = true;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 't':
                        run->guest.kind = strcmp(optarg, "multicast") == 0 ? WIRE_MULTICAST : WIRE_STREAM;
                        break;
                case 'h':
                        ok &= inet_pton(AF_INET, optarg, &run->first) == 1;
                        run->guest.host.in.sin_addr = run->first;
                        break;
                case 'o':
                        ok &= inet_pton(AF_INET, optarg, &run->guest.own) == 1;
                        break;
                case 'k':
                        *ret_key = optarg;
                        break;
                case 'a':
                        ok &= action_from_string(optarg, &run->guest.action) == 0;
                        break;
                case 'n':
                        run->target = optarg;
                        break;
                case 'c':
                        run->clients = (unsigned) atoi(optarg);
                        break;
                case 'x':
                        run->count = (unsigned) atoi(optarg);
                        break;
                case 's':
                        run->seconds = (unsigned) atoi(optarg);
                        break;
                case 'e':
                        run->expect = atoi(optarg);
                        break;
                case 'd':
                        run->addresses = (unsigned) atoi(optarg);
                        break;
                default:
                        return -EINVAL;
                }
        if (optind < argc)
                run->argv = argv + optind;
        ok &= run->addresses >= 1 && run->clients >= 1 && run->clients <= CLIENTS_MAX &&
              run->seconds <= SECONDS_MAX;
        return ok && (run->count || run->seconds) && (run->argv || *ret_key) ? 0 : -EINVAL;
}

int main(int argc, char *argv[]) {
        Run run = { .clients = 1,
                .addresses = 1,
                .target = "",
                .guest = { .action = ACTION_STATUS,
                        .host.in = { .sin_family = AF_INET, .sin_port = htons(WIRE_PORT) },
                        .listen_fd = -1 } };
        _cleanup_(auth_key_freep) AuthKey *key = NULL;
        const char *path = NULL;
        unsigned warnings;
        int failed = 0, status;

        if (parse(argc, argv, &run, &path) < 0)
                return usage();
        if (path && auth_key_load(AT_FDCWD, path, &key, &warnings) < 0) {
                fprintf(stderr, "load: cannot read the key %s\n", path);
                return EXIT_FAILURE;
        }
        run.guest.key = key;
        run.per_client = run.count ? run.count : SAMPLES_MAX / run.clients;
        run.samples = shared_memory(run.per_client * run.clients * sizeof(Sample));
        run.n_samples = shared_memory(run.clients * sizeof(uint32_t));
        if (!run.samples || !run.n_samples || run.per_client * run.clients > SAMPLES_MAX)
                return EXIT_FAILURE;

        run.begin = now_usec() + 50 * USEC_PER_MSEC; /* all clients begin together */
        for (unsigned i = 0; i < run.clients; i++) {
                pid_t pid = fork();

                if (pid < 0)
                        return EXIT_FAILURE;
                if (pid == 0)
                        _exit(client(&run, i));
        }
        while (wait(&status) > 0)
                failed |= status;
        return failed ? EXIT_FAILURE : report(&run);
}
