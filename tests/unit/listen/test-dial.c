/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "dial.h"
#include "fake-executor.h"
#include "vectors.h"

enum { PATIENCE_MS = 60000 };

typedef struct Fixture {
        char dir[64], guests[80], path[100]; /* of QEMU's socket, and its directory */
        FakeExecutor executor;
        pid_t listener;
} Fixture;

static void serve(const char *exec_path, const char *path) {
        ListenerOptions o = {
                .transport = transport_find("serial"), .exec_path = exec_path, .limits = LIMITS_DEFAULT
        };
        sd_event *event = NULL;
        Listener *l = NULL;
        Dial *d = NULL;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (sd_event_new(&event) < 0 || listener_new(event, &o, &l) < 0 || dial_new(l, path, &d) < 0)
                _exit(99);
        _exit(sd_event_loop(event) < 0);
}

static void setup(Fixture *f) {
        char exec_path[100];

        *f = (Fixture){ .dir = "/tmp/fenced-dial-XXXXXX" };
        cr_assert_not_null(mkdtemp(f->dir));
        (void) snprintf(exec_path, sizeof(exec_path), "%s/exec.sock", f->dir);
        (void) snprintf(f->guests, sizeof(f->guests), "%s/guests", f->dir);
        (void) snprintf(f->path, sizeof(f->path), "%s/vm.sock", f->guests);
        fake_executor_start(&f->executor, exec_path);
        f->listener = fork();
        cr_assert(f->listener >= 0);
        if (f->listener == 0)
                serve(exec_path, f->path);
}

static void end_listener(Fixture *f) {
        cr_assert_eq(kill(f->listener, SIGKILL), 0);
        cr_assert_eq(waitpid(f->listener, NULL, 0), f->listener);
        f->listener = 0;
}

static void teardown(Fixture *f) {
        if (f->listener > 0)
                end_listener(f);
        fake_executor_stop(&f->executor);
        (void) unlink(f->path);
        (void) rmdir(f->guests);
        (void) rmdir(f->dir);
}

/* As QEMU does: whatever was at the path is gone. */
static int listen_at(const char *path) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        memcpy(sa.sun_path, path, strlen(path));
        (void) unlink(path);
        cr_assert_eq(bind(fd, (const void *) &sa, sizeof(sa)), 0, "%s", strerror(errno));
        cr_assert_eq(listen(fd, 1), 0);
        return fd;
}

static int accept_line(int listener) {
        struct pollfd p = { listener, POLLIN, 0 };
        int fd;

        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "nobody connected");
        fd = accept(listener, NULL, NULL);
        cr_assert(fd >= 0);
        return fd;
}

static void exchange(int fd) {
        guest_send(fd, vector_frames[0].frame, WIRE_SERIAL_SIZE);
        guest_expect(fd, vector_frames[0].reply, vector_frames[0].reply_size);
}

Test(dial, connects_when_directory_and_socket_appear_and_again_after_every_end) {
        Fixture f;
        int listener, fd;

        setup(&f);
        (void) usleep(250 * 1000); /* there is no directory for a while */
        cr_assert_eq(mkdir(f.guests, 0700), 0);
        for (int i = 0; i < 3; i++) {
                listener = listen_at(f.path);
                fd = accept_line(listener);
                exchange(fd);
                close(fd);
                fd = accept_line(listener); /* the same machine, another client was there */
                exchange(fd);
                close(listener);
                close(fd);
        }
        teardown(&f);
}

Test(dial, calls_again_after_a_refusal) {
        uint8_t frame[WIRE_SERIAL_SIZE];
        Fixture f;
        int listener, fd;

        setup(&f);
        cr_assert_eq(mkdir(f.guests, 0700), 0);
        listener = listen_at(f.path);
        fd = accept_line(listener);
        fake_frame("refuse", 1, frame);
        guest_send(fd, frame, sizeof(frame));
        guest_expect_end(fd);
        close(fd);
        fd = accept_line(listener);
        exchange(fd);
        teardown(&f);
}

Test(dial, does_next_to_nothing_while_nobody_is_there) {
        char path[120];
        struct rusage before, after;
        Fixture f;

        setup(&f);
        cr_assert_eq(mkdir(f.guests, 0700), 0);
        cr_assert_eq(getrusage(RUSAGE_CHILDREN, &before), 0);
        (void) snprintf(path, sizeof(path), "%s/other.sock", f.guests);
        for (int i = 0; i < 3; i++) {
                close(listen_at(path)); /* concerns somebody else */
                (void) usleep(1000 * 1000);
        }
        end_listener(&f);
        cr_assert_eq(getrusage(RUSAGE_CHILDREN, &after), 0);
        /* waits are voluntary switches: start-up, a few attempts of growing distance, and the events */
        cr_expect_lt(after.ru_nvcsw - before.ru_nvcsw, 100);
        (void) unlink(path);
        teardown(&f);
}

Test(dial, pauses_longer_and_longer_until_a_connection_lasts) {
        static const struct {
                uint64_t before, lasted, pause;
        } rows[] = { { 0, 0, 100000 }, { 100000, 0, 200000 }, { 200000, 5, 400000 }, { 1600000, 0, 2000000 },
                { 2000000, 0, 2000000 }, { 2000000, 2000000, 2000000 }, { 2000000, 2000001, 100000 } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(dial_pause(rows[i].before, rows[i].lasted), rows[i].pause, "row %zu", i);
}

Test(dial, takes_absolute_paths_of_a_file_that_fit_into_an_address) {
        char path[120] = "/";

        cr_expect(dial_path_is_valid("/a"));
        cr_expect(dial_path_is_valid("/run/a b"));
        cr_expect_not(dial_path_is_valid(""));
        cr_expect_not(dial_path_is_valid("a"));
        cr_expect_not(dial_path_is_valid("a/b"));
        cr_expect_not(dial_path_is_valid("/"));
        cr_expect_not(dial_path_is_valid("/run/"));
        memset(path + 1, 'x', 106);
        cr_expect(dial_path_is_valid(path));
        path[107] = 'x';
        cr_expect_not(dial_path_is_valid(path));
}
