/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-executor.h"
#include "names.h"
#include "vectors.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

enum { PATIENCE_MS = 60000, SESSIONS_MAX = 4096, FRAME_NUMBER = 70 };

/* In the child */
typedef struct Session {
        char target[WIRE_TARGET_MAX + 1];
        size_t size; /* of the request */
        bool keyless;
        uint8_t frame[WIRE_SERIAL_SIZE];
} Session;

typedef struct Executor {
        sd_event *event;
        int events;
        sd_bus_message *slow; /* Open of slow-open */
        Session slow_session;
} Executor;

typedef struct Client {
        Executor *executor;
        sd_bus *bus;
        unsigned n_sessions;
        Session sessions[SESSIONS_MAX];
} Client;

static void must(bool ok, const char *what) {
        if (ok)
                return;
        fprintf(stderr, "fake executor: %s: %s\n", what, strerror(errno));
        _exit(EXIT_FAILURE);
}

static void event(Executor *e, char c) {
        must(write(e->events, &c, 1) == 1, "event");
}

const struct VectorHandshake *fake_handshake(void) {
        for (size_t i = 0; i < ELEMENTSOF(vector_handshakes); i++)
                if (strcmp(vector_handshakes[i].name, "exchange-tcp-status") == 0)
                        return vector_handshakes + i;
        abort();
}

static int read_evidence(sd_bus_message *m) {
        struct stat st;
        int fd;

        must(sd_bus_message_read(m, "h", &fd) >= 0, "evidence");
        must(fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode), "evidence is a socket");
        return 0;
}

static int open_session(Client *c, sd_bus_message *m, const Session *session) {
        unsigned id = c->n_sessions++;

        must(id < SESSIONS_MAX, "sessions");
        c->sessions[id] = *session;
        return sd_bus_reply_method_return(m, "t", (uint64_t) id + 1);
}

static Session read_request(sd_bus_message *m) {
        Session s = {};
        const uint8_t *bytes;
        const void *array;

        must(sd_bus_message_read_array(m, 'y', &array, &s.size) >= 0, "request");
        bytes = array;
        must(s.size == WIRE_PACKET_SIZE || s.size == WIRE_SERIAL_SIZE, "size of the request");
        s.keyless = s.size == WIRE_SERIAL_SIZE || wire_is_unsigned(bytes);
        if (s.size == WIRE_SERIAL_SIZE)
                memcpy(s.frame, bytes, s.size);
        memcpy(s.target, bytes + (s.size == WIRE_SERIAL_SIZE ? 6 : 4), sizeof(s.target));
        return s;
}

static int method_open(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Client *c = userdata;
        Executor *e = c->executor;
        Session session = read_request(m);
        const char *target = session.target;

        read_evidence(m);
        event(e, FAKE_OPEN);
        if (e->slow && strcmp(target, "slow-open") != 0) {
                must(open_session(c, e->slow, &e->slow_session) >= 0, "reply");
                e->slow = sd_bus_message_unref(e->slow);
        }
        if (strcmp(target, "refuse") == 0)
                return sd_bus_error_set(error, BUS_ERROR_REFUSED, "no");
        if (strcmp(target, "duplicate") == 0)
                return sd_bus_error_set(error, BUS_ERROR_DUPLICATE, "again");
        if (strcmp(target, "mute-open") == 0)
                return 1;
        if (strcmp(target, "slow-open") == 0) {
                e->slow = sd_bus_message_ref(m);
                e->slow_session = session;
                return 1;
        }
        return open_session(c, m, &session);
}

static const Session *read_session(Client *c, sd_bus_message *m, sd_bus_error *error) {
        uint64_t id;

        must(sd_bus_message_read(m, "t", &id) >= 0, "session");
        if (id == 0 || id > c->n_sessions) {
                (void) sd_bus_error_set(error, "org.fencevirt1.Error.Unknown", "no such session");
                return NULL;
        }
        return c->sessions + id - 1;
}

static void read_bytes(Client *c, sd_bus_message *m, const uint8_t *wanted, size_t size) {
        const void *bytes;
        size_t n;

        must(sd_bus_message_read_array(m, 'y', &bytes, &n) >= 0, "bytes");
        if (n != size || (n > 0 && memcmp(bytes, wanted, n) != 0))
                event(c->executor, FAKE_WRONG);
}

static int method_prove(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const struct VectorHandshake *v = fake_handshake();
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Client *c = userdata;
        const Session *session;

        event(c->executor, FAKE_PROVE);
        session = read_session(c, m, error);
        if (!session)
                return -EINVAL;
        read_bytes(c, m, v->guest_challenge, 64);
        must(sd_bus_message_new_method_return(m, &reply) >= 0 &&
                        sd_bus_message_append_array(reply, 'y', v->host_response,
                                strcmp(session->target, "short-proof") == 0 ? 63 : 64) >= 0 &&
                        sd_bus_message_append_array(reply, 'y', v->host_challenge, 64) >= 0,
                "reply");
        return sd_bus_send(NULL, reply, NULL) < 0 ? -EIO : 1;
}

static size_t make_reply(const Session *s, uint8_t *ret) {
        if (s->size == WIRE_SERIAL_SIZE)
                for (size_t i = 0; i < ELEMENTSOF(vector_frames); i++)
                        if (memcmp(vector_frames[i].frame, s->frame, WIRE_SERIAL_SIZE) == 0) {
                                memcpy(ret, vector_frames[i].reply, vector_frames[i].reply_size);
                                return vector_frames[i].reply_size;
                        }
        if (strcmp(s->target, "empty-reply") == 0)
                return 0;
        if (s->size == WIRE_SERIAL_SIZE)
                wire_encode_serial_reply(s->frame[FRAME_NUMBER], ret);
        if (strcmp(s->target, "list") == 0)
                return FAKE_LIST_SIZE;
        return s->size == WIRE_SERIAL_SIZE ? WIRE_SERIAL_REPLY_SIZE : 1;
}

static int method_commit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ uint8_t *bytes = NULL;
        Client *c = userdata;
        const Session *session;

        event(c->executor, FAKE_COMMIT);
        session = read_session(c, m, error);
        if (!session)
                return -EINVAL;
        read_bytes(c, m, fake_handshake()->guest_response, session->keyless ? 0 : 64);
        read_evidence(m);
        if (strcmp(session->target, "hang") == 0)
                return 1;
        if (strcmp(session->target, "die") == 0) {
                sd_bus_close(c->bus);
                return 1;
        }
        bytes = calloc(1, FAKE_LIST_SIZE);
        must(bytes, "memory");
        must(sd_bus_message_new_method_return(m, &reply) >= 0 &&
                        sd_bus_message_append_array(reply, 'y', bytes, make_reply(session, bytes)) >= 0,
                "reply");
        return sd_bus_send(NULL, reply, NULL) < 0 ? -EIO : 1;
}

static int method_abort(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Client *c = userdata;

        if (!read_session(c, m, error))
                event(c->executor, FAKE_WRONG);
        event(c->executor, FAKE_ABORT);
        return sd_bus_reply_method_return(m, "");
}

static int method_report(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Client *c = userdata;
        uint8_t reason;

        must(sd_bus_message_read(m, "y", &reason) >= 0, "reason");
        read_evidence(m);
        event(c->executor, FAKE_REPORT);
        event(c->executor, (char) ('0' + reason));
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Open", "ayha{sv}", "t", method_open, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Prove", "tay", "ayay", method_prove, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Commit", "tayh", "ay", method_commit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Abort", "t", "", method_abort, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Report", "yha{sv}", "", method_report, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int on_client(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Executor *e = userdata;
        Client *c = calloc(1, sizeof(*c)); /* lives as long as this process */
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        must(c && client >= 0, "accept");
        c->executor = e;
        must(sd_bus_new(&c->bus) >= 0 && sd_bus_set_fd(c->bus, client, client) >= 0 &&
                        sd_bus_set_server(c->bus, true,
                                SD_ID128_MAKE(00, 11, 22, 33, 44, 55, 66, 77, 88, 99, aa, bb, cc, dd, ee,
                                        ff)) >= 0 &&
                        sd_bus_negotiate_fds(c->bus, true) >= 0 &&
                        sd_bus_add_object_vtable(c->bus, NULL, BUS_PATH, BUS_INTERFACE, vtable, c) >= 0 &&
                        sd_bus_start(c->bus) >= 0 && sd_bus_attach_event(c->bus, e->event, 0) >= 0,
                "bus");
        event(e, FAKE_CONNECTED);
        return 0;
}

static void serve(int listen_fd, int events) {
        Executor e = { .events = events };

        must(sd_event_new(&e.event) >= 0, "event loop");
        must(sd_event_add_io(e.event, NULL, listen_fd, EPOLLIN, on_client, &e) >= 0, "socket");
        must(sd_event_loop(e.event) >= 0, "loop");
}

void fake_executor_start(FakeExecutor *f, const char *path) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int pipe_fds[2], fd;

        (void) snprintf(f->path, sizeof(f->path), "%s", path);
        memcpy(sa.sun_path, f->path, sizeof(sa.sun_path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert(fd >= 0);
        (void) unlink(path);
        cr_assert_eq(bind(fd, (const void *) &sa, sizeof(sa)), 0, "%s: %s", path, strerror(errno));
        cr_assert_eq(listen(fd, 16), 0);
        cr_assert_eq(pipe(pipe_fds), 0);
        f->pid = fork();
        cr_assert(f->pid >= 0);
        if (f->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(pipe_fds[0]);
                serve(fd, pipe_fds[1]);
                _exit(EXIT_SUCCESS);
        }
        close(fd);
        close(pipe_fds[1]);
        f->events = pipe_fds[0];
}

void fake_executor_stop(FakeExecutor *f) {
        (void) kill(f->pid, SIGKILL);
        (void) waitpid(f->pid, NULL, 0);
        (void) unlink(f->path);
        f->events = safe_close(f->events);
}

char fake_executor_next(FakeExecutor *f) {
        struct pollfd p = { f->events, POLLIN, 0 };
        char c;

        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "no event came");
        cr_assert_eq(read(f->events, &c, 1), 1);
        return c;
}

void fake_executor_expect(FakeExecutor *f, char wanted) {
        char c = fake_executor_next(f);

        cr_assert_eq(c, wanted, "'%c' came instead of '%c'", c, wanted);
}

void fake_executor_expect_nothing(FakeExecutor *f) {
        struct pollfd p = { f->events, POLLIN, 0 };
        char c = '?';

        if (poll(&p, 1, 0) != 0)
                (void) !read(f->events, &c, 1);
        cr_assert_eq(p.revents, 0, "'%c' came", c);
}

void fake_packet(const char *target, WireKind kind, const uint8_t address[4], uint16_t port,
        uint8_t ret[static WIRE_PACKET_SIZE]) {
        Request r = { .action = *target ? ACTION_STATUS : ACTION_LIST, .hash = HASH_SHA256 };

        (void) snprintf(r.target, sizeof(r.target), "%s", target);
        if (kind == WIRE_MULTICAST) {
                r.family = AF_INET;
                memcpy(r.address, address, 4);
                r.port = port;
        }
        cr_assert_eq(wire_encode_packet(&r, kind, ret), 0);
}

void fake_frame(const char *target, uint8_t number, uint8_t ret[static WIRE_SERIAL_SIZE]) {
        Request r = { .action = *target ? ACTION_STATUS : ACTION_NULL, .seqno = { number } };

        (void) snprintf(r.target, sizeof(r.target), "%s", target);
        cr_assert_eq(wire_encode_serial(&r, ret), 0);
}

int guest_connect_local(const char *path) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        cr_assert(fd >= 0);
        cr_assert_lt(strlen(path), sizeof(sa.sun_path));
        memcpy(sa.sun_path, path, strlen(path));
        cr_assert_eq(connect(fd, (const void *) &sa, sizeof(sa)), 0, "%s: %s", path, strerror(errno));
        return fd;
}

int guest_connect(const struct sockaddr_in *to) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        cr_assert(fd >= 0);
        cr_assert_eq(connect(fd, (const void *) to, sizeof(*to)), 0, "%s", strerror(errno));
        return fd;
}

void guest_send(int fd, const void *bytes, size_t n) {
        cr_assert_eq(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t) n, "%s", strerror(errno));
}

static ssize_t guest_read(int fd, void *buffer, size_t size) {
        struct pollfd p = { fd, POLLIN, 0 };

        cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "nothing came");
        return recv(fd, buffer, size, 0);
}

void guest_expect(int fd, const void *bytes, size_t n) {
        uint8_t buffer[1024];
        size_t got = 0;

        cr_assert(n <= sizeof(buffer));
        while (got < n) {
                ssize_t k = guest_read(fd, buffer + got, n - got);

                cr_assert(k > 0, "%s", k == 0 ? "end" : strerror(errno));
                got += (size_t) k;
        }
        cr_assert_eq(memcmp(buffer, bytes, n), 0);
}

void guest_expect_end(int fd) {
        uint8_t byte;
        ssize_t n = guest_read(fd, &byte, 1);

        cr_assert(n == 0 || (n < 0 && errno == ECONNRESET), "%s", n > 0 ? "a byte" : strerror(errno));
}

size_t guest_read_all(int fd) {
        static uint8_t buffer[65536];
        size_t total = 0;
        ssize_t n;

        while ((n = guest_read(fd, buffer, sizeof(buffer))) > 0)
                total += (size_t) n;
        cr_assert_eq(n, 0, "%s", strerror(errno));
        return total;
}
