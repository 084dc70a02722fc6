/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "listener-fixture.h"

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

void setup_with(Fixture *f, ListenerOptions *o, rlim_t nofile) {
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

void setup(Fixture *f) {
        ListenerOptions o = { .limits = LIMITS_DEFAULT };

        setup_with(f, &o, 0);
}

void teardown(Fixture *f) {
        (void) kill(f->listener, SIGKILL);
        (void) waitpid(f->listener, NULL, 0);
        fake_executor_stop(&f->executor);
        (void) rmdir(f->dir);
}

void ask(int fd, const char *target) {
        uint8_t packet[WIRE_PACKET_SIZE];

        fake_packet(target, WIRE_STREAM, NULL, 0, packet);
        guest_send(fd, packet, sizeof(packet));
}

/* Everything up to the guest's last word. */
void converse(int fd, const char *target) {
        const struct VectorHandshake *v = fake_handshake();

        ask(fd, target);
        guest_send(fd, v->guest_challenge, 64);
        guest_expect(fd, v->host_response, 64);
        guest_expect(fd, v->host_challenge, 64);
        guest_send(fd, v->guest_response, 64);
}

void expect_success(Fixture *f) {
        int fd = guest_connect(&f->address);

        converse(fd, "vm");
        guest_expect(fd, "", 1);
        guest_expect_end(fd);
        close(fd);
}

void expect_events(Fixture *f, const char *events) {
        for (; *events; events++)
                fake_executor_expect(&f->executor, *events);
}
