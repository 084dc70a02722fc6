/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Against a child that plays PID 1 on a socket of its own. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include "log.h"
#include "systemd.h"

#define UNIT "fence-virt-vm@x.socket"
#define JOB  "/org/freedesktop/systemd1/job/7"

enum { SOON = 300 * 1000, LATE = 60 * 1000 * 1000 }; /* microseconds */

typedef enum Behaviour {
        DEAF, /* accepts nobody */
        MUTE, /* answers no call */
        DOES, /* every job is done */
        FAILS, /* every job fails */
        NEVER_ENDS, /* no job ends */
        REFUSES, /* knows no unit */
} Behaviour;

static char directory[] = "/tmp/test-systemd-XXXXXX", path[64];
static pid_t child;

static int answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const Behaviour *b = userdata;
        sd_bus *bus = sd_bus_message_get_bus(m);
        const char *unit, *mode;

        if (*b == MUTE)
                return 1;
        if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Get"))
                return sd_bus_reply_method_return(m, "v", "s", *b == DOES ? "active" : "inactive");
        if (!sd_bus_message_is_method_call(m, "org.freedesktop.systemd1.Manager", NULL))
                return 0;
        if (sd_bus_message_read(m, "ss", &unit, &mode) < 0 || strcmp(unit, UNIT) != 0 ||
                strcmp(mode, "replace") != 0)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_INVALID_ARGS, "unexpected");
        if (*b == REFUSES)
                return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.NoSuchUnit", "not loaded");
        if (sd_bus_reply_method_return(m, "o", JOB) < 0 || *b == NEVER_ENDS)
                return 1;
        /* somebody else's job ends first */
        (void) sd_bus_emit_signal(bus, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                "JobRemoved", "uoss", 6U, "/org/freedesktop/systemd1/job/6", "other.service",
                *b == DOES ? "failed" : "done");
        (void) sd_bus_emit_signal(bus, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                "JobRemoved", "uoss", 7U, JOB, UNIT, *b == DOES ? "done" : "failed");
        return 1;
}

static void play(int listener, Behaviour b) {
        sd_bus *bus = NULL;
        int fd = accept(listener, NULL, NULL);

        if (fd < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
                sd_bus_set_server(bus, true,
                        SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10)) < 0 ||
                sd_bus_start(bus) < 0 || sd_bus_add_filter(bus, NULL, answer, &b) < 0)
                _exit(1);
        for (;;) {
                int r = sd_bus_process(bus, NULL);

                if (r < 0)
                        _exit(0);
                if (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0)
                        _exit(1);
        }
}

static void start_fake(Behaviour b) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        const struct sockaddr *address = (const void *) &sa;
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        cr_assert_not_null(mkdtemp(directory));
        (void) snprintf(path, sizeof(path), "%s/private", directory);
        (void) strcpy(sa.sun_path, path);
        cr_assert_eq(bind(listener, address, sizeof(sa)), 0);
        cr_assert_eq(listen(listener, 1), 0);
        child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
                if (b != DEAF)
                        play(listener, b);
                for (;;)
                        (void) pause();
        }
        listener = safe_close(listener);
}

static void set_up(void) {
        log_set_max_level(-1);
}

static void tear_down(void) {
        if (child <= 0)
                return;
        (void) kill(child, SIGKILL);
        cr_expect_eq(waitpid(child, NULL, 0), child);
        cr_expect_eq(unlink(path), 0);
        cr_expect_eq(rmdir(directory), 0);
}

TestSuite(systemd, .init = set_up, .fini = tear_down, .timeout = 120);

static Systemd *connect_to(Behaviour b, uint64_t usec) {
        Systemd *s = NULL;

        start_fake(b);
        cr_assert_eq(systemd_connect(path, now_usec() + usec, &s), 0);
        return s;
}

/* sd-bus waits for 90 s by itself. */
Test(systemd, a_greeting_without_an_answer_ends_at_the_deadline) {
        Systemd *s = NULL;
        uint64_t start = now_usec();

        start_fake(DEAF);
        cr_expect_eq(systemd_connect(path, start + SOON, &s), -ETIMEDOUT);
        cr_expect_geq(now_usec() - start, SOON);
        cr_expect_lt(now_usec() - start, LATE);
        cr_expect_null(s);
}

Test(systemd, calls_without_an_answer_end_at_the_one_deadline) {
        uint64_t start = now_usec();
        _cleanup_(systemd_freep) Systemd *s = connect_to(MUTE, 3 * SOON);

        cr_expect_eq(systemd_is_active(s, UNIT), -ETIMEDOUT);
        cr_expect_geq(now_usec() - start, 3 * SOON);
        cr_expect_eq(systemd_start(s, UNIT, true), -ETIMEDOUT);
        cr_expect_eq(systemd_stop(s, UNIT), -ETIMEDOUT);
        cr_expect_lt(now_usec() - start, LATE);
}

Test(systemd, a_job_that_does_not_end_is_waited_for_up_to_the_deadline) {
        uint64_t start = now_usec();
        _cleanup_(systemd_freep) Systemd *s = connect_to(NEVER_ENDS, 3 * SOON);

        cr_expect_eq(systemd_start(s, UNIT, false), 0);
        cr_expect_eq(systemd_start(s, UNIT, true), -ETIMEDOUT);
        cr_expect_geq(now_usec() - start, 3 * SOON);
        cr_expect_lt(now_usec() - start, LATE);
}

Test(systemd, a_unit_is_started_and_stopped) {
        _cleanup_(systemd_freep) Systemd *s = connect_to(DOES, LATE);

        cr_expect_eq(systemd_is_active(s, UNIT), 1);
        cr_expect_eq(systemd_start(s, UNIT, true), 0);
        cr_expect_eq(systemd_start(s, UNIT, false), 0);
        cr_expect_eq(systemd_stop(s, UNIT), 0);
        cr_expect_eq(systemd_start(s, UNIT, true), 0);
}

Test(systemd, a_job_that_fails_is_a_failure_for_who_waits) {
        _cleanup_(systemd_freep) Systemd *s = connect_to(FAILS, LATE);

        cr_expect_eq(systemd_is_active(s, UNIT), 0);
        cr_expect_eq(systemd_start(s, UNIT, true), -EIO);
        cr_expect_eq(systemd_start(s, UNIT, false), 0);
}

Test(systemd, what_is_not_there_is_stopped_but_cannot_be_started) {
        _cleanup_(systemd_freep) Systemd *s = connect_to(REFUSES, LATE);

        cr_expect_eq(systemd_stop(s, UNIT), 0);
        cr_expect_eq(systemd_start(s, UNIT, true), -ENOENT);
        cr_expect_eq(systemd_start(s, "other.socket", true), -EINVAL);
}

Test(systemd, without_a_socket_nobody_is_waited_for) {
        Systemd *s = NULL;
        uint64_t start = now_usec();

        cr_expect_eq(systemd_connect("/nonexistent/private", start + LATE, &s), -ENOENT);
        cr_expect_lt(now_usec() - start, LATE);
        cr_expect_null(s);
}
