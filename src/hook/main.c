/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libvirt's hook, and `--arm`: starts and stops the units of a domain's channels. As a hook it must never harm the
 * domain: it ends in time, with 0, prints nothing (some phases take what is printed for the domain's XML), and does not
 * call libvirt, which waits for it with the domain locked. */

#include "arm.h"
#include "log.h"
#include "names.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <systemd/sd-journal.h>

/* fence-virt-arm.path waits for this file. It is removed before anything is looked at. */
#define AGAIN_PATH "/run/fence-virt/arm-again"

enum {
        /* One start of a domain is held up by less than 2 s, with what it takes to run programs on a busy host: by prepare
         * and started together when it has a socket of its own, else by started alone. */
        PREPARE_MSEC = 1200,
        STARTED_MSEC = 300,
        ALONE_MSEC = 1500,
        GRACE_MSEC = 50, /* in which is written down what was missed */
        ARM_MSEC = 20000,
};

typedef struct Phase {
        const char *operation, *suboperation;
        ArmFlags what;
        unsigned msec, msec_without_socket;
} Phase;

static const Phase phases[] = {
        { "prepare", "begin", ARM_SOCKETS, PREPARE_MSEC, 0 },
        { "started", "begin", ARM_SOCKETS | ARM_DIALS, STARTED_MSEC, ALONE_MSEC },
        { "reconnect", "begin", ARM_SOCKETS | ARM_DIALS, ALONE_MSEC, ALONE_MSEC },
        { "release", "end", ARM_SOCKETS | ARM_DIALS | ARM_STOP, ALONE_MSEC, ALONE_MSEC },
};

static const Phase *find_phase(const char *operation, const char *suboperation) {
        for (size_t i = 0; i < ELEMENTSOF(phases); i++)
                if (strcmp(phases[i].operation, operation) == 0 &&
                        strcmp(phases[i].suboperation, suboperation) == 0)
                        return &phases[i];
        return NULL;
}

static void on_alarm(int number) {
        _exit(EXIT_SUCCESS);
}

/* The last resort, for whatever blocks for whatever reason. */
static void limit_time(uint64_t until_usec) {
        const struct sigaction action = { .sa_handler = on_alarm };
        uint64_t now = now_usec(), left = now < until_usec ? until_usec - now : 1;
        const struct itimerval timer = {
                .it_value = { .tv_sec = (time_t) (left / USEC_PER_SEC),
                        .tv_usec = (suseconds_t) (left % USEC_PER_SEC) },
        };

        (void) sigaction(SIGALRM, &action, NULL);
        (void) setitimer(ITIMER_REAL, &timer, NULL);
}

/* libvirt reads what a hook prints; what there is to say is for the journal. */
static void send_output_to_journal(void) {
        _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC), journal = -1;
        char stream[64];
        struct stat st;

        journal = sd_journal_stream_fd("fence-virt-hook", LOG_INFO, true);
        (void) signal(SIGPIPE, SIG_IGN); /* a journal that was restarted does not hear it */
        (void) dup2(null, STDOUT_FILENO);
        (void) dup2(journal >= 0 ? journal : null, STDERR_FILENO);
        if (journal >= 0 && fstat(journal, &st) >= 0) {
                (void) snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long) st.st_dev,
                        (unsigned long long) st.st_ino);
                (void) setenv("JOURNAL_STREAM", stream, true); /* what log.c goes by */
        }
}

static void load_conf(HookConf *ret) {
        ConfError error;
        int r = hook_conf_load(CHANNELS_PATH, ret, &error);

        if (r == -EBADMSG)
                log_error("%s:%u: %s; going on without this file", error.path, error.line, error.message);
        else if (r < 0)
                log_error_errno(r, "%s: %m; going on without this file", CHANNELS_PATH);
}

static int carry_out(const char *name, const Phase *phase, const Channels *c, uint64_t deadline_usec) {
        _cleanup_(systemd_freep) Systemd *s = NULL;
        int r;

        r = systemd_connect(SYSTEMD_SOCKET, deadline_usec, &s);
        if (r >= 0 && !(phase->what & ARM_STOP)) {
                r = systemd_is_active(s, SERIAL_SOCKET_UNIT);
                if (r == 0)
                        return 0;
        }
        return r < 0 ? r : arm_channels(s, name, c, phase->what);
}

/* systemd does not answer, but it will: then everything is started that ought to run. */
static void ask_again(const char *name) {
        _cleanup_close_ int fd = open(AGAIN_PATH, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        log_error("Domain %s: its fence channels are not served%s", name,
                fd >= 0 ? " until fence-virt-arm.service has run" : "; start fence-virt-arm.service");
}

static bool concerns(const Phase *phase, const Channels *c) {
        return (c->own_socket && phase->what & ARM_SOCKETS) || (c->n_binds > 0 && phase->what & ARM_DIALS);
}

static void hook(const char *name, const Phase *phase) {
        _cleanup_(hook_conf_done) HookConf conf = {};
        uint64_t start = now_usec(), deadline;
        Channels c = {};

        limit_time(start + (phase->msec + GRACE_MSEC) * USEC_PER_MSEC);
        send_output_to_journal();
        load_conf(&conf);
        if (arm_read(&conf, name, STDIN_FILENO, &c) < 0)
                return;
        if (c.unserved && phase->what & ARM_DIALS && !(phase->what & ARM_STOP))
                log_warning("Domain %s: a channel is not served: %s", name, c.unserved);
        if (!concerns(phase, &c))
                return;
        deadline = start + (c.own_socket ? phase->msec : phase->msec_without_socket) * USEC_PER_MSEC;
        limit_time(deadline + GRACE_MSEC * USEC_PER_MSEC);
        if (carry_out(name, phase, &c, deadline) < 0 && !(phase->what & ARM_STOP))
                ask_again(name);
}

static int arm_all(void) {
        _cleanup_(hook_conf_done) HookConf conf = {};

        if (unlink(AGAIN_PATH) < 0 && errno != ENOENT)
                log_warning_errno(errno, "Cannot remove %s: %m", AGAIN_PATH);
        load_conf(&conf);
        return arm_directory(&conf, LIBVIRT_STATUS_DIR, now_usec() + ARM_MSEC * USEC_PER_MSEC);
}

int main(int argc, char *argv[]) {
        const Phase *phase;

        if (argc == 2 && strcmp(argv[1], "--arm") == 0)
                return arm_all() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (argc < 4) {
                log_error(
                        "This is for libvirt: DOMAIN OPERATION SUBOPERATION EXTRA, with XML as input; or --arm");
                return EXIT_FAILURE;
        }
        phase = find_phase(argv[2], argv[3]);
        if (phase)
                hook(argv[1], phase);
        return EXIT_SUCCESS;
}
