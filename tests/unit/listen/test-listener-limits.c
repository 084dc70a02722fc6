/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest may cost the others: seats, descriptors, time, memory. */

#include "listener-fixture.h"

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
