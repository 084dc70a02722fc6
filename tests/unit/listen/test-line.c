/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fake-executor.h"
#include "listener.h"
#include "names.h"
#include "vectors.h"

/* A listener for channels in a process of its own, between guests (the test) and a fake executor. */
typedef struct Fixture {
        char dir[64], path[100];
        FakeExecutor executor;
        pid_t listener;
} Fixture;

static void serve(ListenerOptions *o) {
        sd_event *event = NULL;
        Listener *l = NULL;
        int r;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (sd_event_new(&event) < 0 || listener_new(event, o, &l) < 0)
                _exit(99);
        r = sd_event_loop(event);
        listener_free(l);
        sd_event_unref(event);
        _exit(r);
}

static void setup_with(Fixture *f, ListenerOptions *o) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        char exec_path[100];
        int fd;

        *f = (Fixture){ .dir = "/tmp/fenced-line-XXXXXX" };
        cr_assert_not_null(mkdtemp(f->dir));
        (void) snprintf(exec_path, sizeof(exec_path), "%s/exec.sock", f->dir);
        (void) snprintf(f->path, sizeof(f->path), "%s/serial.sock", f->dir);
        fake_executor_start(&f->executor, exec_path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        memcpy(sa.sun_path, f->path, strlen(f->path));
        cr_assert_eq(bind(fd, (const void *) &sa, sizeof(sa)), 0);
        cr_assert_eq(listen(fd, 1024), 0);
        o->transport = transport_find("serial");
        o->fds[0] = fd;
        o->n_fds = 1;
        o->exec_path = exec_path;
        f->listener = fork();
        cr_assert(f->listener >= 0);
        if (f->listener == 0)
                serve(o);
        close(fd);
}

static void setup(Fixture *f) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };

        setup_with(f, &o);
}

static void teardown(Fixture *f) {
        (void) kill(f->listener, SIGKILL);
        (void) waitpid(f->listener, NULL, 0);
        fake_executor_stop(&f->executor);
        (void) unlink(f->path);
        (void) rmdir(f->dir);
}

static int channel(Fixture *f) {
        return guest_connect_local(f->path);
}

static void ask(int fd, const char *target, uint8_t number) {
        uint8_t frame[WIRE_SERIAL_SIZE];

        fake_frame(target, number, frame);
        guest_send(fd, frame, sizeof(frame));
}

static void expect_reply(int fd, uint8_t number) {
        uint8_t reply[WIRE_SERIAL_REPLY_SIZE];

        wire_encode_serial_reply(number, reply);
        guest_expect(fd, reply, sizeof(reply));
}

static void expect_success(int fd, uint8_t number) {
        ask(fd, "vm", number);
        expect_reply(fd, number);
}

static void expect_nothing(int fd) {
        cr_assert_eq(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
        cr_assert_eq(errno, EAGAIN);
}

static void expect_events(Fixture *f, const char *events) {
        for (; *events; events++)
                fake_executor_expect(&f->executor, *events);
}

Test(line, carries_every_captured_exchange_byte_by_byte_on_one_connection) {
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        for (size_t i = 0; i < ELEMENTSOF(vector_frames); i++) {
                guest_send(fd, vector_frames[i].frame, WIRE_SERIAL_SIZE);
                guest_expect(fd, vector_frames[i].reply, vector_frames[i].reply_size);
                expect_events(&f, i == 0 ? "cOC" : "OC");
        }
        fake_executor_expect_nothing(&f.executor);
        teardown(&f);
}

Test(line, swallows_a_request_that_is_sent_again_while_it_is_served) {
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        ask(fd, "hang", 1);
        expect_events(&f, "cOC");
        ask(fd, "hang", 1);
        ask(fd, "hang", 1);
        ask(fd, "vm", 2);
        expect_reply(fd, 2);
        expect_events(&f, "AOC");
        teardown(&f);
}

Test(line, gives_up_a_request_for_the_next_one_and_never_answers_it) {
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        ask(fd, "slow-open", 1);
        expect_events(&f, "cO");
        ask(fd, "vm", 2);
        expect_success(channel(&f), 3); /* makes the executor answer the first Open */
        expect_reply(fd, 2);
        expect_nothing(fd);
        teardown(&f);
}

Test(line, says_nothing_when_the_executor_refuses_and_stays) {
        static const char *const targets[] = { "refuse", "duplicate", "empty-reply" };
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        for (size_t i = 0; i < ELEMENTSOF(targets); i++)
                ask(fd, targets[i], (uint8_t) i);
        expect_success(fd, 7);
        expect_nothing(fd);
        teardown(&f);
}
