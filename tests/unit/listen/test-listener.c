/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fake-executor.h"
#include "listener.h"
#include "names.h"
#include "vectors.h"

/* A listener in a process of its own between a guest (the test) and a fake executor. */
typedef struct Fixture {
        char dir[64];
        FakeExecutor executor;
        struct sockaddr_in address;
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

static void setup_with(Fixture *f, ListenerOptions *o, rlim_t nofile) {
        socklen_t length = sizeof(f->address);
        char path[100];
        int fd, small = 16 * 1024; /* or the kernel would take whole lists at once */

        *f = (Fixture){ .dir = "/tmp/fenced-listen-XXXXXX",
                .address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
        cr_assert_not_null(mkdtemp(f->dir));
        (void) snprintf(path, sizeof(path), "%s/exec.sock", f->dir);
        fake_executor_start(&f->executor, path);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
        cr_assert_eq(bind(fd, (const void *) &f->address, sizeof(f->address)), 0);
        cr_assert_eq(listen(fd, 1024), 0);
        cr_assert_eq(getsockname(fd, (void *) &f->address, &length), 0);
        if (!o->transport)
                o->transport = transport_find("tcp");
        o->fds[0] = fd;
        o->n_fds = 1;
        o->exec_path = path;
        f->listener = fork();
        cr_assert(f->listener >= 0);
        if (f->listener == 0) {
                struct rlimit limit = { nofile, nofile };

                if (nofile > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0)
                        _exit(98);
                serve(o);
        }
        close(fd);
}

static void setup(Fixture *f) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };

        setup_with(f, &o, 0);
}

static void teardown(Fixture *f) {
        (void) kill(f->listener, SIGKILL);
        (void) waitpid(f->listener, NULL, 0);
        fake_executor_stop(&f->executor);
        (void) rmdir(f->dir);
}

static void ask(int fd, const char *target) {
        uint8_t packet[WIRE_PACKET_SIZE];

        fake_packet(target, WIRE_STREAM, NULL, 0, packet);
        guest_send(fd, packet, sizeof(packet));
}

/* Everything up to the guest's last word. */
static void converse(int fd, const char *target) {
        const struct VectorHandshake *v = fake_handshake();

        ask(fd, target);
        guest_send(fd, v->guest_challenge, 64);
        guest_expect(fd, v->host_response, 64);
        guest_expect(fd, v->host_challenge, 64);
        guest_send(fd, v->guest_response, 64);
}

static void expect_success(Fixture *f) {
        int fd = guest_connect(&f->address);

        converse(fd, "vm");
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        close(fd);
}

static void expect_events(Fixture *f, const char *events) {
        for (; *events; events++)
                fake_executor_expect(&f->executor, *events);
}

Test(listener, carries_the_captured_exchange_byte_by_byte_and_ends_it_at_once) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        const struct VectorHandshake *v = fake_handshake();
        const uint8_t *packet = NULL;
        Fixture f;
        int fd;

        o.limits.drain_usec = 3600 * USEC_PER_SEC;
        setup_with(&f, &o, 0);
        for (size_t i = 0; i < ELEMENTSOF(vector_packets); i++)
                if (strcmp(vector_packets[i].name, "exchange-tcp-status #0") == 0)
                        packet = vector_packets[i].packet;
        cr_assert_not_null(packet);
        fd = guest_connect(&f.address);
        guest_send(fd, packet, WIRE_PACKET_SIZE);
        guest_send(fd, v->guest_challenge, 64);
        guest_expect(fd, v->host_response, 64);
        guest_expect(fd, v->host_challenge, 64);
        guest_send(fd, v->guest_response, 64);
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        expect_events(&f, "cOPC");
        fake_executor_expect_nothing(&f.executor);
        teardown(&f);
}

Test(listener, takes_single_bytes_as_well) {
        const struct VectorHandshake *v = fake_handshake();
        uint8_t packet[WIRE_PACKET_SIZE];
        Fixture f;
        int fd;

        setup(&f);
        fake_packet("vm", WIRE_STREAM, NULL, 0, packet);
        fd = guest_connect(&f.address);
        for (size_t i = 0; i < sizeof(packet); i++)
                guest_send(fd, packet + i, 1);
        for (size_t i = 0; i < 64; i++)
                guest_send(fd, v->guest_challenge + i, 1);
        guest_expect(fd, v->host_response, 64);
        guest_expect(fd, v->host_challenge, 64);
        for (size_t i = 0; i < 64; i++)
                guest_send(fd, v->guest_response + i, 1);
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        teardown(&f);
}

/* The row of vsock, on sockets that this host has for sure. */
Test(listener, does_without_challenges_for_packets_without_hash) {
        Request r = { .action = ACTION_STATUS, .hash = HASH_NONE, .target = "vm" };
        Transport vsock = *transport_find("vsock");
        ListenerOptions o = { .transport = &vsock, .limits = LIMITS_DEFAULT };
        uint8_t packet[WIRE_PACKET_SIZE];
        Fixture f;
        int fd;

        vsock.name = "tcp";
        cr_assert_eq(wire_encode_packet(&r, WIRE_UNSIGNED, packet), 0);
        setup_with(&f, &o, 0);
        fd = guest_connect(&f.address);
        guest_send(fd, packet, sizeof(packet));
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        expect_events(&f, "cOC");
        expect_success(&f);
        expect_events(&f, "OPC");
        teardown(&f);

        setup(&f);
        fd = guest_connect(&f.address);
        guest_send(fd, packet, sizeof(packet));
        guest_expect_end(fd);
        expect_events(&f, "cR");
        fake_executor_expect(&f.executor, '0' + REFUSED_FORM);
        teardown(&f);
}

Test(listener, says_nothing_when_the_executor_refuses) {
        Fixture f;

        setup(&f);
        for (int i = 0; i < 2; i++) {
                int fd = guest_connect(&f.address);

                ask(fd, i == 0 ? "refuse" : "duplicate");
                guest_expect_end(fd);
                close(fd);
        }
        expect_events(&f, "cOO");
        expect_success(&f);
        expect_events(&f, "OPC");
        teardown(&f);
}

Test(listener, reports_what_it_refuses_by_form) {
        const struct linger reset = { 1, 0 };
        uint8_t packet[WIRE_PACKET_SIZE];
        Fixture f;
        int fd;

        setup(&f);
        fake_packet("vm", WIRE_STREAM, NULL, 0, packet);
        packet[64] = 0x80;
        fd = guest_connect(&f.address);
        guest_send(fd, packet, sizeof(packet));
        guest_expect_end(fd);
        close(fd);
        expect_events(&f, "cR");
        fake_executor_expect(&f.executor, '0' + REFUSED_FORM);

        fd = guest_connect(&f.address);
        guest_send(fd, packet, sizeof(packet) - 1);
        close(fd);
        expect_events(&f, "R");
        fake_executor_expect(&f.executor, '0' + REFUSED_SIZE);

        fd = guest_connect(&f.address); /* a port scan is no request */
        cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        close(fd);
        close(guest_connect(&f.address));
        expect_success(&f);
        expect_events(&f, "OPC");
        teardown(&f);
}

Test(listener, aborts_when_the_guest_hangs_up_while_the_executor_works) {
        Fixture f;
        int fd;

        setup(&f);
        fd = guest_connect(&f.address);
        converse(fd, "hang");
        expect_events(&f, "cOPC");
        close(fd);
        expect_events(&f, "A");
        expect_success(&f);
        teardown(&f);
}

Test(listener, aborts_a_session_that_is_opened_after_the_guest_left) {
        Fixture f;
        int fd;

        setup(&f);
        fd = guest_connect(&f.address);
        ask(fd, "slow-open");
        expect_events(&f, "cO");
        close(fd);
        expect_success(&f);
        /* Somewhere among the events of the other request, whose Open let the first one be answered. */
        for (int aborts = 0, commits = 0; aborts + commits < 2;) {
                char c = fake_executor_next(&f.executor);

                cr_assert(strchr("OPCA", c), "'%c'", c);
                aborts += c == FAKE_ABORT;
                commits += c == FAKE_COMMIT;
        }
        teardown(&f);
}

Test(listener, ends_conversations_of_a_lost_executor_and_connects_anew) {
        Fixture f;
        int waits, dies, stale;

        setup(&f);
        stale = guest_connect(&f.address);
        ask(stale, "vm");
        expect_events(&f, "cO");
        waits = guest_connect(&f.address);
        converse(waits, "hang");
        expect_events(&f, "OPC");
        dies = guest_connect(&f.address);
        converse(dies, "die");
        guest_expect_end(dies);
        guest_expect_end(waits);
        expect_events(&f, "OPC");
        expect_success(&f);
        expect_events(&f, "cOPC");
        /* Its session number exists on the new connection, but is somebody else's. */
        guest_send(stale, fake_handshake()->guest_challenge, 64);
        guest_expect_end(stale);
        fake_executor_expect_nothing(&f.executor);
        teardown(&f);
}

Test(listener, fails_requests_while_there_is_no_executor_and_recovers) {
        Fixture f;
        char path[108];
        int fd;

        setup(&f);
        memcpy(path, f.executor.path, sizeof(path));
        fake_executor_stop(&f.executor);
        fd = guest_connect(&f.address);
        ask(fd, "vm");
        guest_expect_end(fd);
        close(fd);
        fake_executor_start(&f.executor, path);
        expect_success(&f);
        expect_events(&f, "cOPC");
        teardown(&f);
}

Test(listener, passes_on_no_malformed_answer) {
        Fixture f;
        int fd;

        setup(&f);
        fd = guest_connect(&f.address);
        ask(fd, "short-proof");
        guest_send(fd, fake_handshake()->guest_challenge, 64);
        guest_expect_end(fd);
        expect_events(&f, "cOPA");
        fd = guest_connect(&f.address);
        converse(fd, "empty-reply");
        guest_expect_end(fd);
        expect_events(&f, "OPC"); /* that session is over */
        expect_success(&f);
        teardown(&f);
}

Test(listener, reports_only_some_of_a_flood) {
        uint8_t packet[WIRE_PACKET_SIZE];
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        unsigned reports = 0;
        Fixture f;

        o.limits.drain_usec = 10 * USEC_PER_MSEC;
        setup_with(&f, &o, 0);
        expect_success(&f);
        expect_events(&f, "cOPC");
        fake_packet("vm", WIRE_STREAM, NULL, 0, packet);
        packet[0] = 0xff;
        cr_assert_eq(kill(f.executor.pid, SIGSTOP), 0);
        for (int i = 0; i < EXEC_REPORTS_MAX + 20; i++) {
                int fd = guest_connect(&f.address);

                guest_send(fd, packet, sizeof(packet));
                guest_expect_end(fd);
                close(fd);
        }
        cr_assert_eq(kill(f.executor.pid, SIGCONT), 0);
        expect_success(&f);
        for (char c = 0; c != FAKE_OPEN; reports += c == FAKE_REPORT)
                c = fake_executor_next(&f.executor);
        cr_assert_eq(reports, EXEC_REPORTS_MAX);
        teardown(&f);
}

Test(listener, ends_a_guest_though_the_executor_has_a_copy_of_its_socket) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        Fixture f;
        int fd;

        o.limits.talk_usec = 100 * USEC_PER_MSEC;
        setup_with(&f, &o, 0);
        cr_assert_eq(kill(f.executor.pid, SIGSTOP), 0);
        fd = guest_connect(&f.address);
        ask(fd, "vm");
        guest_expect_end(fd);
        teardown(&f);
}

Test(listener, serves_everybody_who_came_before_the_connection_was_ready) {
        const struct VectorHandshake *v = fake_handshake();
        int fds[20];
        Fixture f;

        setup(&f);
        cr_assert_eq(kill(f.executor.pid, SIGSTOP), 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = guest_connect(&f.address);
                ask(fds[i], "vm");
                guest_send(fds[i], v->guest_challenge, 64);
        }
        cr_assert_eq(kill(f.executor.pid, SIGCONT), 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                guest_expect(fds[i], v->host_response, 64);
                guest_expect(fds[i], v->host_challenge, 64);
                guest_send(fds[i], v->guest_response, 64);
                guest_expect(fds[i], "", 1);
        }
        teardown(&f);
}

Test(listener, serves_a_good_guest_between_silent_ones) {
        Fixture f;

        setup(&f);
        for (int i = 0; i < 200; i++)
                (void) guest_connect(&f.address);
        expect_success(&f);
        expect_events(&f, "cOPC");
        teardown(&f);
}

Test(listener, lets_the_oldest_silent_guest_make_room) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        int first, second;
        Fixture f;

        o.limits.silent_per_address = 2;
        o.limits.packet_usec = o.limits.talk_usec = 3600 * USEC_PER_SEC;
        setup_with(&f, &o, 0);
        first = guest_connect(&f.address);
        second = guest_connect(&f.address);
        (void) guest_connect(&f.address);
        guest_expect_end(first);
        (void) guest_connect(&f.address);
        guest_expect_end(second);
        expect_success(&f);
        teardown(&f);
}

static unsigned count_descriptors(pid_t pid) {
        char path[64];
        unsigned n = 0;
        DIR *d;

        (void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid);
        d = opendir(path);
        cr_assert_not_null(d);
        while (readdir(d))
                n++;
        (void) closedir(d);
        return n - 2; /* . and .. */
}

Test(listener, survives_running_out_of_descriptors) {
        enum { DESCRIPTORS = 24 };
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        int silent[64];
        Fixture f;

        o.limits.packet_usec = o.limits.talk_usec = 3600 * USEC_PER_SEC;
        setup_with(&f, &o, DESCRIPTORS);
        for (size_t i = 0; i < ELEMENTSOF(silent); i++)
                silent[i] = guest_connect(&f.address);
        while (count_descriptors(f.listener) < DESCRIPTORS)
                (void) usleep(1000);
        for (size_t i = 0; i < ELEMENTSOF(silent); i++)
                close(silent[i]);
        /* It takes a while to close them all; who asks meanwhile may be sent away. */
        for (char byte = 'x'; byte != 0;) {
                int fd = guest_connect(&f.address);

                ask(fd, "vm");
                (void) send(fd, fake_handshake()->guest_challenge, 64, MSG_NOSIGNAL);
                (void) send(fd, fake_handshake()->guest_response, 64, MSG_NOSIGNAL);
                for (size_t i = 0; i < 129; i++)
                        if (recv(fd, &byte, 1, 0) != 1) {
                                byte = 'x';
                                break;
                        }
                close(fd);
        }
        teardown(&f);
}

Test(listener, ends_a_trickler_at_its_deadline) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        uint8_t packet[WIRE_PACKET_SIZE];
        Fixture f;
        int fd;

        o.limits.packet_usec = 300 * USEC_PER_MSEC;
        setup_with(&f, &o, 0);
        fake_packet("vm", WIRE_STREAM, NULL, 0, packet);
        fd = guest_connect(&f.address);
        /* A byte in 50 ms would take nine seconds; each one arrives in time for a deadline per read. */
        for (size_t i = 0; i < sizeof(packet) - 1 && send(fd, packet + i, 1, MSG_NOSIGNAL) == 1; i++)
                (void) usleep(50 * 1000);
        guest_expect_end(fd);
        expect_events(&f, "cR");
        fake_executor_expect(&f.executor, '0' + REFUSED_SIZE);
        teardown(&f);
}

Test(listener, ends_a_guest_that_stops_talking_and_one_whose_executor_does_not_answer) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        Fixture f;
        int fd;

        o.limits.talk_usec = 300 * USEC_PER_MSEC;
        setup_with(&f, &o, 0);
        fd = guest_connect(&f.address);
        ask(fd, "vm");
        expect_events(&f, "cO");
        guest_expect_end(fd);
        expect_events(&f, "A");
        fd = guest_connect(&f.address);
        ask(fd, "mute-open");
        guest_expect_end(fd);
        expect_events(&f, "O");
        teardown(&f);
}

Test(listener, does_not_end_a_guest_while_the_executor_works) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        int waits, fd;
        Fixture f;

        o.limits.talk_usec = 300 * USEC_PER_MSEC;
        setup_with(&f, &o, 0);
        waits = guest_connect(&f.address);
        converse(waits, "hang");
        expect_events(&f, "cOPC");
        fd = guest_connect(&f.address); /* its deadline is later than that of the other was */
        ask(fd, "vm");
        expect_events(&f, "O");
        guest_expect_end(fd);
        expect_events(&f, "A");
        fake_executor_expect_nothing(&f.executor);
        cr_assert_eq(recv(waits, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
        cr_assert_eq(errno, EAGAIN);
        teardown(&f);
}

Test(listener, writes_a_long_list_as_fast_as_the_guest_reads) {
        Fixture f;
        int fd;

        setup(&f);
        fd = guest_connect(&f.address);
        converse(fd, "list");
        expect_events(&f, "cOPC");
        expect_success(&f); /* while it does not read */
        cr_assert_eq(guest_read_all(fd), FAKE_LIST_SIZE);
        teardown(&f);
}

/* It ends when the last peer is gone. */
static void expect_exit(Fixture *f) {
        int status = -1;

        cr_assert_eq(waitpid(f->listener, &status, 0), f->listener);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
        fake_executor_stop(&f->executor);
        (void) rmdir(f->dir);
}

Test(listener, ends_a_guest_that_does_not_read_its_list) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT, .idle_usec = 100 * USEC_PER_MSEC };
        int fd, small = 4096;
        Fixture f;

        o.limits.write_usec = 300 * USEC_PER_MSEC;
        setup_with(&f, &o, 0);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
        cr_assert_eq(connect(fd, (const void *) &f.address, sizeof(f.address)), 0);
        converse(fd, "list");
        expect_events(&f, "cOPC");
        expect_success(&f);
        expect_exit(&f);
        cr_assert_lt(guest_read_all(fd), FAKE_LIST_SIZE);
}

Test(listener, answers_bytes_that_nobody_asked_for_with_no_reset) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };
        uint8_t rubbish[1000] = {};
        Fixture f;
        int fd;

        o.limits.drain_usec = 3600 * USEC_PER_SEC;
        setup_with(&f, &o, 0);
        fd = guest_connect(&f.address);
        converse(fd, "vm");
        guest_send(fd, rubbish, sizeof(rubbish));
        expect_events(&f, "cOPC");
        cr_assert_eq(guest_read_all(fd), 1);
        for (int i = 0; i < 3; i++) { /* a reset would fail the next one */
                guest_send(fd, rubbish, sizeof(rubbish));
                expect_success(&f);
        }
        teardown(&f);
}

Test(listener, does_not_read_what_nobody_asked_for_for_ever) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT, .idle_usec = 100 * USEC_PER_MSEC };
        static const uint8_t rubbish[DRAIN_MAX];
        Fixture f;
        int fd;

        o.limits.drain_usec = 3600 * USEC_PER_SEC;
        setup_with(&f, &o, 0);
        fd = guest_connect(&f.address);
        converse(fd, "vm");
        guest_expect(fd, "", 1);
        while (send(fd, rubbish, sizeof(rubbish), MSG_NOSIGNAL) >= 0)
                ;
        expect_exit(&f);
}

Test(listener, ends_when_idle_but_not_before) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT, .idle_usec = 300 * USEC_PER_MSEC };
        int status, waits;
        Fixture f;

        setup_with(&f, &o, 0);
        waits = guest_connect(&f.address);
        converse(waits, "hang");
        expect_events(&f, "cOPC");
        (void) usleep(900 * 1000);
        cr_assert_eq(waitpid(f.listener, &status, WNOHANG), 0);
        close(waits);
        expect_exit(&f);
}
