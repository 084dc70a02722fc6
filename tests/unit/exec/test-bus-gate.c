/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "bus-gate.h"
#include "loop.h"

typedef struct Fixture {
        sd_event *event;
        Gate *gate;
        int listener, bus; /* what the listener has, and what sd-bus would read from */
        const char *refused;
        unsigned passed;
} Fixture;

static void on_refused(const char *reason, void *userdata) {
        Fixture *f = userdata;

        f->refused = reason;
        f->gate = gate_free(f->gate);
}

static void on_passed(unsigned n, void *userdata) {
        Fixture *f = userdata;

        f->passed += n;
}

static const GateHandler handler = { .passed = on_passed, .refused = on_refused };

static Fixture set_up(void) {
        Fixture f = { .event = loop_new() };

        return f;
}

static void start(Fixture *f) {
        int pair[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        f->listener = pair[0];
        cr_assert_eq(gate_new(f->event, pair[1], &handler, f, &f->gate, &f->bus), 0);
        close(pair[1]);
}

static void end(Fixture *f) {
        gate_free(f->gate);
        f->listener = safe_close(f->listener);
        f->bus = safe_close(f->bus);
        sd_event_unref(f->event);
}

static void send_fds(int to, const void *bytes, size_t size, size_t n_fds) {
        static const int null[] = { STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, STDIN_FILENO };
        union {
                struct cmsghdr header;
                uint8_t space[CMSG_SPACE(sizeof(null))];
        } control = {};
        struct iovec iov = { .iov_base = (void *) bytes, .iov_len = size };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (n_fds > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                struct cmsghdr *c = CMSG_FIRSTHDR(&m);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
                memcpy(CMSG_DATA(c), null, n_fds * sizeof(int));
        }
        cr_assert_eq(sendmsg(to, &m, MSG_NOSIGNAL), (ssize_t) size);
}

static void say(const Fixture *f, const void *bytes, size_t size) {
        send_fds(f->listener, bytes, size, 0);
}

static void run(Fixture *f) {
        int r;

        do
                r = sd_event_run(f->event, 0);
        while (r > 0);
        cr_assert_eq(r, 0);
}

/* What has arrived; and how many descriptors with it. */
static size_t arrived(const Fixture *f, uint8_t *buffer, size_t size, size_t *ret_fds) {
        uint8_t control[CMSG_SPACE(8 * sizeof(int))];
        struct iovec iov = { .iov_base = buffer, .iov_len = size };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(f->bus, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        *ret_fds = 0;
        for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
                size_t k = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                int fds[8];

                memcpy(fds, CMSG_DATA(c), k * sizeof(int));
                *ret_fds += k;
                while (k > 0)
                        close(fds[--k]);
        }
        return n < 0 ? 0 : (size_t) n;
}

static size_t n_open(void) {
        size_t n = 0;
        DIR *d = opendir("/proc/self/fd");

        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

static const char auth[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
enum { AUTH = sizeof(auth) - 1 };

/* A message of this size in all, of which fields_size bytes are header fields before padding. */
static size_t make_message(uint8_t *p, size_t size, uint32_t fields_size, bool big) {
        uint32_t body = (uint32_t) (size - 16 - (fields_size + 7) / 8 * 8);

        memset(p, 'x', size);
        p[0] = big ? 'B' : 'l';
        p[1] = 1;
        p[2] = 0;
        p[3] = 1;
        for (int i = 0; i < 4; i++) {
                int shift = big ? 24 - 8 * i : 8 * i;

                p[4 + i] = (uint8_t) (body >> shift);
                p[12 + i] = (uint8_t) (fields_size >> shift);
        }
        return size;
}

Test(bus_gate, whole_messages_go_through_however_they_are_cut) {
        static const size_t cuts[] = { 1, 2, 3, 7, 15, 16, 17, 100, 1000, 100000 };
        static uint8_t stream[AUTH + 40 + 4096 + 24], got[sizeof(stream) + 1];
        size_t size = AUTH, n_fds;

        memcpy(stream, auth, AUTH);
        size += make_message(stream + size, 40, 17, false);
        size += make_message(stream + size, 4096, 200, true);
        size += make_message(stream + size, 24, 8, false);
        cr_assert_eq(size, sizeof(stream));
        for (size_t i = 0; i < ELEMENTSOF(cuts); i++) {
                Fixture f = set_up();
                size_t n = 0;

                start(&f);
                for (size_t done = 0; done < size; done += cuts[i]) {
                        size_t rest = size - done;

                        say(&f, stream + done, rest < cuts[i] ? rest : cuts[i]);
                        run(&f);
                        n += arrived(&f, got + n, sizeof(got) - n, &n_fds);
                }
                n += arrived(&f, got + n, sizeof(got) - n, &n_fds);
                cr_expect_null(f.refused);
                cr_expect_eq(n, size, "cut every %zu: %zu", cuts[i], n);
                cr_expect_arr_eq(got, stream, size);
                cr_expect_geq(f.passed, 4U);
                end(&f);
        }
}

Test(bus_gate, half_a_message_stays_outside) {
        Fixture f = set_up();
        uint8_t message[64], got[256];
        size_t n_fds;

        start(&f);
        say(&f, auth, AUTH);
        make_message(message, sizeof(message), 20, false);
        say(&f, message, sizeof(message) - 1);
        run(&f);
        cr_expect_eq(arrived(&f, got, sizeof(got), &n_fds), AUTH);
        cr_expect_eq(arrived(&f, got, sizeof(got), &n_fds), 0);
        say(&f, message, 1);
        run(&f);
        cr_expect_eq(arrived(&f, got, sizeof(got), &n_fds), sizeof(message));
        end(&f);
}

Test(bus_gate, what_is_no_call_is_refused_at_its_header) {
        static const struct {
                const char *what;
                uint8_t header[16];
        } table[] = {
                { "neither endianness", { 'x', 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 8 } },
                { "zeros", {} },
                { "version 2", { 'l', 1, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 8 } },
                { "nothing behind the header", { 'l', 1, 0, 1 } },
                { "a body of 128 MB", { 'l', 1, 0, 1, 0, 0, 0, 8, 1, 0, 0, 0, 8 } },
                { "fields of 128 MB", { 'l', 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 8 } },
                { "a body of 4 GB", { 'l', 1, 0, 1, 255, 255, 255, 255, 1, 0, 0, 0, 8 } },
                { "fields of 4 GB", { 'l', 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255 } },
                { "both of 4 GB", { 'l', 1, 0, 1, 255, 255, 255, 255, 1, 0, 0, 0, 255, 255, 255, 255 } },
                { "one byte too much", { 'l', 1, 0, 1, 0xe9, 0x0f, 0, 0, 1, 0, 0, 0, 8 } },
                { "one byte too much, of padding", { 'l', 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0xf1, 0x0f } },
                { "the other endianness, 16 MB", { 'B', 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 8 } },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Fixture f = set_up();
                uint8_t got[256];
                size_t n_fds;

                start(&f);
                say(&f, auth, AUTH);
                say(&f, table[i].header, sizeof(table[i].header));
                run(&f);
                cr_expect_not_null(f.refused, "%s", table[i].what);
                cr_expect_null(f.gate);
                cr_expect_eq(arrived(&f, got, sizeof(got), &n_fds), AUTH, "%s", table[i].what);
                end(&f);
        }
}

Test(bus_gate, an_authentication_that_does_not_end_is_refused) {
        static const struct {
                const char *text;
                bool begins;
        } table[] = {
                { "AUTH EXTERNAL\r\nBEGIN\r\n", true },
                { "AUTH EXTERNAL\r\nBEGIN \r\n", false },
                { "AUTH EXTERNAL\r\nBEGIN\n", false },
                { "AUTH EXTERNAL\r\n\nBEGIN\r\n", false },
                { "AUTH EXTERNAL\r\n\r\nBEGIN\r\n", true },
                { "BEGIN\r\n", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Fixture f = set_up();
                uint8_t filler[GATE_AUTH_MAX], got[2 * GATE_AUTH_MAX];
                size_t n_fds, size = 1 + strlen(table[i].text);

                start(&f);
                say(&f, "", 1);
                say(&f, table[i].text, size - 1);
                run(&f);
                cr_expect_null(f.refused);
                memset(filler, 'A', sizeof(filler));
                say(&f, filler, GATE_AUTH_MAX - size);
                run(&f);
                cr_expect_not_null(f.refused, "%zu: as a message or as an authentication", i);
                cr_expect_eq(!!strstr(f.refused, "message"), table[i].begins, "%zu: %s", i, f.refused);
                cr_expect_leq(arrived(&f, got, sizeof(got), &n_fds), GATE_AUTH_MAX);
                end(&f);
        }
}

Test(bus_gate, descriptors_go_with_their_message_and_no_more_than_two) {
        size_t before = n_open();

        for (size_t n = 0; n <= 5; n++) {
                Fixture f = set_up();
                uint8_t message[64], got[256];
                size_t n_fds;

                start(&f);
                say(&f, auth, AUTH);
                make_message(message, sizeof(message), 20, false);
                say(&f, message, sizeof(message)); /* one without goes before */
                send_fds(f.listener, message, sizeof(message), n);
                run(&f);
                cr_expect_eq(arrived(&f, got, AUTH, &n_fds), AUTH);
                cr_expect_eq(arrived(&f, got, 64, &n_fds), 64);
                cr_expect_eq(n_fds, 0);
                cr_expect_eq(arrived(&f, got, 64, &n_fds), n > GATE_FDS_MAX ? 0 : 64);
                cr_expect_eq(n_fds, n > GATE_FDS_MAX ? 0 : n, "%zu", n);
                cr_expect_eq(!!f.refused, n > GATE_FDS_MAX, "%zu", n);
                end(&f);
        }
        cr_expect_eq(n_open(), before, "nothing is left open");
}

Test(bus_gate, descriptors_in_parts_of_a_message_add_up_and_in_the_authentication_there_are_none) {
        size_t before = n_open();
        uint8_t message[64];

        make_message(message, sizeof(message), 20, false);
        for (int in_auth = 0; in_auth <= 1; in_auth++) {
                Fixture f = set_up();

                start(&f);
                if (in_auth)
                        send_fds(f.listener, auth, AUTH, 1);
                else {
                        say(&f, auth, AUTH);
                        for (size_t i = 0; i < 3; i++)
                                send_fds(f.listener, message + i * 10, 10, 1);
                }
                run(&f);
                cr_expect_not_null(f.refused);
                end(&f);
        }
        cr_expect_eq(n_open(), before);
}

Test(bus_gate, a_bus_that_does_not_read_stops_the_listener_and_loses_nothing) {
        Fixture f = set_up();
        static uint8_t message[1000], got[1000];
        size_t sent = 0, received = 0, n_fds;

        start(&f);
        say(&f, auth, AUTH);
        run(&f);
        cr_expect_eq(arrived(&f, got, sizeof(got), &n_fds), AUTH);
        make_message(message, sizeof(message), 20, false);
        /* until neither takes any more */
        for (;;) {
                ssize_t n = send(f.listener, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);

                run(&f);
                if (n < 0)
                        break;
                cr_assert_eq(n, (ssize_t) sizeof(message));
                sent++;
                cr_assert_lt(sent, 10000, "something takes all of it");
        }
        while (received < sent) {
                size_t n = arrived(&f, got, sizeof(got), &n_fds);

                run(&f);
                cr_assert_eq(n, sizeof(message), "message %zu of %zu", received, sent);
                cr_assert_arr_eq(got, message, sizeof(message));
                received++;
        }
        cr_expect_null(f.refused);
        end(&f);
}

Test(bus_gate, the_end_comes_after_the_last_whole_message) {
        Fixture f = set_up();
        uint8_t message[64], got[256];
        size_t n_fds;

        start(&f);
        say(&f, auth, AUTH);
        make_message(message, sizeof(message), 20, false);
        say(&f, message, sizeof(message));
        say(&f, message, 30);
        f.listener = safe_close(f.listener);
        run(&f);
        cr_expect_eq(arrived(&f, got, sizeof(got), &n_fds), AUTH + sizeof(message));
        cr_expect_eq(recv(f.bus, got, sizeof(got), MSG_DONTWAIT), 0);
        cr_expect_null(f.refused, "to hang up is nothing odd");
        cr_expect_eq(sd_event_run(f.event, 0), 0, "and nothing goes round");
        end(&f);
}
