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

enum { PATIENCE_MS = 60000 };

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
        o->exec_path = f->executor.path;
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

/* Something came, and is left there. */
static void expect_bytes(int fd) {
        struct pollfd p = { fd, POLLIN, 0 };

        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1);
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
        static const char *const expected[] = { "cO", "O", "OC" };
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                ask(fd, targets[i], (uint8_t) i);
                expect_events(&f, expected[i]);
        }
        expect_success(fd, 7);
        expect_nothing(fd);
        teardown(&f);
}

Test(line, answers_two_nulls_at_once_with_two_replies) {
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        ask(fd, "", 1);
        ask(fd, "", 2);
        expect_reply(fd, 1);
        expect_reply(fd, 2);
        expect_events(&f, "cOCOC");
        teardown(&f);
}

Test(line, swallows_a_request_that_crossed_its_answer) {
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        expect_success(fd, 1);
        ask(fd, "vm", 1);
        expect_success(fd, 2);
        expect_events(&f, "cOCOC");
        fake_executor_expect_nothing(&f.executor);
        teardown(&f);
}

Test(line, forgets_half_a_frame) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        uint8_t frame[WIRE_SERIAL_SIZE];
        Fixture f;
        int fd;

        o.limits.frame_usec = 50 * USEC_PER_MSEC;
        setup_with(&f, &o);
        fd = channel(&f);
        fake_frame("vm", 1, frame);
        guest_send(fd, frame, 72);
        (void) usleep(1000 * 1000);
        expect_success(fd, 2); /* or its first two bytes would make the frame complete */
        expect_events(&f, "cOC");
        teardown(&f);
}

Test(line, finds_a_request_behind_megabytes_of_garbage_and_serves_others_meanwhile) {
        static uint8_t garbage[4 * 1024 * 1024 + WIRE_SERIAL_SIZE];
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        int noisy, quiet;
        Fixture f;
        pid_t pid;

        o.limits.report_usec = 3600 * USEC_PER_SEC;
        setup_with(&f, &o);
        noisy = channel(&f);
        quiet = channel(&f);
        for (size_t i = 0; i < sizeof(garbage); i++)
                garbage[i] = (uint8_t) "abba\x01x"[i % 6];
        fake_frame("vm", 1, garbage + sizeof(garbage) - WIRE_SERIAL_SIZE);
        pid = fork();
        cr_assert(pid >= 0);
        if (pid == 0) {
                guest_send(noisy, garbage, sizeof(garbage));
                _exit(0);
        }
        for (uint8_t i = 0; i < 20; i++)
                expect_success(quiet, i);
        expect_reply(noisy, 1);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        teardown(&f);
}

Test(line, reports_what_is_malformed_but_not_all_of_it) {
        uint8_t frame[WIRE_SERIAL_SIZE];
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        fake_frame("vm", 1, frame);
        frame[5] = 0x80;
        for (int i = 0; i < 10; i++)
                guest_send(fd, frame, sizeof(frame));
        expect_success(fd, 2);
        expect_events(&f, "cR");
        fake_executor_expect(&f.executor, '0' + REFUSED_FORM);
        expect_events(&f, "OC");
        fake_executor_expect_nothing(&f.executor);
        teardown(&f);
}

Test(line, reads_nothing_more_while_its_answer_is_not_taken) {
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        ask(fd, "vm", 1);
        expect_events(&f, "cOC");
        expect_bytes(fd);
        for (uint8_t i = 2; i < 200; i++)
                ask(fd, "vm", i);
        expect_success(channel(&f), 1);
        expect_events(&f, "OC");
        fake_executor_expect_nothing(&f.executor);
        expect_reply(fd, 1);
        expect_reply(fd, 199); /* the others were overtaken */
        teardown(&f);
}

Test(line, ends_when_its_answer_is_never_taken) {
        static const char *const targets[] = { "vm", "list" };
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        Fixture f;

        o.limits.write_usec = 300 * USEC_PER_MSEC;
        setup_with(&f, &o);
        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                struct pollfd p = { channel(&f), POLLRDHUP, 0 };

                ask(p.fd, targets[i], 1);
                cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1);
                expect_success(channel(&f), 2);
        }
        teardown(&f);
}

Test(line, writes_a_long_list_as_fast_as_the_guest_reads) {
        uint8_t byte[4096];
        size_t total = 0;
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        ask(fd, "list", 1);
        expect_events(&f, "cOC");
        expect_success(channel(&f), 2); /* while it does not read */
        while (total < FAKE_LIST_SIZE) {
                ssize_t n = recv(fd, byte, sizeof(byte), 0);

                cr_assert(n > 0);
                total += (size_t) n;
        }
        cr_assert_eq(total, FAKE_LIST_SIZE);
        expect_success(fd, 3);
        teardown(&f);
}

Test(line, stays_when_the_executor_is_lost_and_never_answers_what_was_asked_then) {
        Fixture f;
        int waits, dies;

        setup(&f);
        waits = channel(&f);
        ask(waits, "hang", 1);
        expect_events(&f, "cOC");
        dies = channel(&f);
        ask(dies, "die", 2);
        expect_events(&f, "OC");
        expect_success(waits, 3);
        expect_success(dies, 4);
        expect_events(&f, "cOCOC");
        expect_nothing(waits);
        teardown(&f);
}

Test(line, serves_one_guest_while_another_one_waits) {
        Fixture f;
        int waits, fd;

        setup(&f);
        waits = channel(&f);
        fd = channel(&f);
        ask(waits, "hang", 1);
        expect_events(&f, "cOC");
        for (uint8_t i = 0; i < 5; i++)
                expect_success(fd, i);
        expect_nothing(waits);
        teardown(&f);
}

Test(line, aborts_when_the_guest_hangs_up_while_the_executor_works) {
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        ask(fd, "hang", 1);
        expect_events(&f, "cOC");
        close(fd);
        expect_events(&f, "A");
        expect_success(channel(&f), 2);
        teardown(&f);
}

Test(line, takes_a_reset_for_an_end) {
        Fixture f;
        int fd;

        setup(&f);
        fd = channel(&f);
        ask(fd, "vm", 1);
        expect_bytes(fd);
        close(fd); /* with the answer unread */
        expect_success(channel(&f), 2);
        expect_events(&f, "cOCOC");
        fake_executor_expect_nothing(&f.executor);
        teardown(&f);
}

Test(line, leaves_a_process_only_so_many) {
        int fds[8];
        Fixture f;

        setup(&f);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = channel(&f);
                expect_success(fds[i], 1);
        }
        guest_expect_end(channel(&f));
        close(fds[0]);
        for (bool served = false; !served;) { /* once that was noticed */
                struct pollfd p = { channel(&f), POLLIN, 0 };
                uint8_t byte, frame[WIRE_SERIAL_SIZE];

                fake_frame("vm", 2, frame);
                (void) !send(p.fd, frame, sizeof(frame), MSG_NOSIGNAL);
                served = recv(p.fd, &byte, 1, 0) == 1;
                close(p.fd);
        }
        expect_success(fds[1], 2);
        teardown(&f);
}
