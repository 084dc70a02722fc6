/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-fixture.h"

static int capture(const struct iovec *fields, int n, void *userdata) {
        Fixture *f = userdata;
        char *line = f->audit[f->n_audit % ELEMENTSOF(f->audit)];
        size_t used = 0;

        for (int i = 0; i < n; i++)
                used += (size_t) snprintf(line + used, sizeof(f->audit[0]) - used, "%.*s\n",
                        (int) fields[i].iov_len, (const char *) fields[i].iov_base);
        f->n_audit++;
        return 0;
}

bool audited(const Fixture *f, const char *field) {
        return f->n_audit > 0 && strstr(f->audit[(f->n_audit - 1) % ELEMENTSOF(f->audit)], field);
}

void write_file(const char *directory, const char *name, const char *text, mode_t mode) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
        cr_assert_geq(fd, 0, "%s", path);
        cr_assert_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
        close(fd);
}

static const char secret[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

void make_pair(Fixture *f) {
        Address a = { .in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
        socklen_t size = sizeof(a);
        int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        cr_assert_eq(bind(l, &a.sa, sizeof(a)), 0);
        cr_assert_eq(listen(l, 1), 0);
        cr_assert_eq(getsockname(l, &a.sa, &size), 0);
        f->guest = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(connect(f->guest, &a.sa, sizeof(a)), 0);
        f->host = accept4(l, NULL, NULL, SOCK_CLOEXEC);
        cr_assert_geq(f->host, 0);
        close(l);
}

sd_bus *connect_bus(const Fixture *f) {
        Address a = { .un.sun_family = AF_UNIX };
        sd_bus *bus = NULL;

        (void) snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", f->socket);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(connect(fd, &a.sa, sizeof(a.un)), 0);
        cr_assert_geq(sd_bus_new(&bus), 0);
        cr_assert_geq(sd_bus_set_fd(bus, fd, fd), 0);
        cr_assert_geq(sd_bus_negotiate_fds(bus, true), 0);
        cr_assert_geq(sd_bus_start(bus), 0);
        cr_assert_geq(sd_bus_attach_event(bus, f->event, 0), 0);
        loop_until(f->event,
                sd_bus_is_ready(bus) > 0); /* or the first call would wait for a server in this thread */
        return bus;
}

Fixture *fixture(void) {
        static const char group[] = "[Group]\nMembers=vm1 vm2 vm5 slow waiting ambiguous\nSources=key:web\n";
        Fixture *f = calloc(1, sizeof(*f));
        Address a = { .un.sun_family = AF_UNIX };
        char conf[128];

        strcpy(f->directory, "/tmp/test-bus-XXXXXX");
        cr_assert_not_null(mkdtemp(f->directory));
        (void) snprintf(f->conf, sizeof(f->conf), "%s/fence-virt.conf", f->directory);
        (void) snprintf(f->groups, sizeof(f->groups), "%s/groups.d", f->directory);
        (void) snprintf(f->keys, sizeof(f->keys), "%s/keys", f->directory);
        (void) snprintf(f->socket, sizeof(f->socket), "%s/bus", f->directory);
        (void) snprintf(f->acts, sizeof(f->acts), "%s/acts", f->directory);
        cr_assert_eq(mkdir(f->groups, 0700), 0);
        cr_assert_eq(mkdir(f->keys, 0700), 0);
        (void) snprintf(conf, sizeof(conf), "[Libvirt]\nURI=fake:good:%s\n", f->directory);
        write_file(f->directory, "fence-virt.conf", conf, 0600);
        write_file(f->groups, "web.conf", group, 0600);
        write_file(f->keys, "web.key", secret, 0600);
        cr_assert_eq(auth_key_new(secret, strlen(secret), &f->key, NULL), 0);

        f->event = loop_new();
        ManagerPaths paths = { f->conf, "/nonexistent", f->groups, f->keys, NULL, FAKE_WORKER };
        cr_assert_eq(manager_new(f->event, &paths, capture, f, &f->manager), 0);
        ConfError e = {};
        cr_assert_eq(manager_load(f->manager, &e), 0, "%s: %s", e.path, e.message);

        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void) snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", f->socket);
        cr_assert_eq(bind(fd, &a.sa, sizeof(a.un)), 0);
        cr_assert_eq(listen(fd, 5), 0);
        cr_assert_eq(bus_server_new(f->manager, fd, getegid(), &f->server), 0);
        f->bus = connect_bus(f);
        make_pair(f);
        return f;
}

void fixture_end(Fixture *f) {
        char command[96];

        sd_bus_flush_close_unref(f->bus);
        bus_server_free(f->server);
        manager_free(f->manager);
        sd_event_unref(f->event);
        auth_key_free(f->key);
        safe_close(f->guest);
        safe_close(f->host);
        (void) snprintf(command, sizeof(command), "rm -r %s", f->directory);
        cr_assert_eq(system(command), 0);
        free(f);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Call *c = userdata;
        const void *p;
        size_t n;

        c->done = true;
        if (sd_bus_message_is_method_error(m, NULL)) {
                (void) snprintf(c->error, sizeof(c->error), "%s", sd_bus_message_get_error(m)->name);
                return 0;
        }
        const char *signature = sd_bus_message_get_signature(m, true);
        if (strcmp(signature, "t") == 0)
                cr_assert_geq(sd_bus_message_read(m, "t", &c->id), 0);
        else if (strcmp(signature, "ayay") == 0) {
                cr_assert_geq(sd_bus_message_read_array(m, 'y', &p, &n), 0);
                cr_assert_eq(n, 64);
                memcpy(c->first, p, n);
                cr_assert_geq(sd_bus_message_read_array(m, 'y', &p, &n), 0);
                cr_assert_eq(n, 64);
                memcpy(c->second, p, n);
        } else if (strcmp(signature, "ay") == 0) {
                cr_assert_geq(sd_bus_message_read_array(m, 'y', &p, &n), 0);
                c->bytes = malloc(n);
                memcpy(c->bytes, p, n);
                c->size = n;
        }
        return 0;
}

sd_bus_message *new_call(sd_bus *bus, const char *method) {
        sd_bus_message *m = NULL;

        cr_assert_geq(sd_bus_message_new_method_call(bus, &m, NULL, BUS_PATH, BUS_INTERFACE, method), 0);
        return m;
}

void send_call(sd_bus *bus, sd_bus_message *m, Call *c) {
        *c = (Call){};
        cr_assert_geq(sd_bus_call_async(bus, NULL, m, on_reply, c, UINT64_MAX), 0);
        sd_bus_message_unref(m);
}

void open_packet(Fixture *f, sd_bus *bus, const void *packet, size_t size, int fd, Call *c) {
        sd_bus_message *m = new_call(bus, "Open");

        cr_assert_geq(sd_bus_message_append_array(m, 'y', packet, size), 0);
        cr_assert_geq(sd_bus_message_append(m, "ha{sv}", fd, 1, ORIGIN_TRANSPORT, "s", "tcp"), 0);
        send_call(bus, m, c);
        loop_until(f->event, c->done);
}

void make_packet(
        const AuthKey *key, Action action, const char *target, uint8_t packet[static WIRE_PACKET_SIZE]) {
        Request r = { .action = action, .hash = HASH_SHA256 };

        (void) snprintf(r.target, sizeof(r.target), "%s", target);
        cr_assert_eq(random_bytes(r.random, sizeof(r.random)), 0);
        cr_assert_eq(random_bytes(r.seqno, sizeof(r.seqno)), 0);
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, packet), 0);
        cr_assert_eq(auth_sign_packet(key, packet), 0);
}

void prove(Fixture *f, uint64_t id, const uint8_t challenge[static 64], Call *c) {
        sd_bus_message *m = new_call(f->bus, "Prove");

        cr_assert_geq(sd_bus_message_append(m, "t", id), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', challenge, 64), 0);
        send_call(f->bus, m, c);
        loop_until(f->event, c->done);
}

void commit(Fixture *f, uint64_t id, const uint8_t response[static 64], int fd, Call *c) {
        sd_bus_message *m = new_call(f->bus, "Commit");

        cr_assert_geq(sd_bus_message_append(m, "t", id), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', response, 64), 0);
        cr_assert_geq(sd_bus_message_append(m, "h", fd), 0);
        send_call(f->bus, m, c);
}

const uint8_t guest_challenge[64] = { 0xff, 0xff, 1, 2, 3 };

/* Up to Commit, which is sent but not waited for. */
void ask(Fixture *f, Action action, const char *target, Call *result) {
        uint8_t packet[WIRE_PACKET_SIZE], response[64];
        Call c;

        make_packet(f->key, action, target, packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_assert_str_empty(c.error);
        uint64_t id = c.id;
        prove(f, id, guest_challenge, &c);
        cr_assert_str_empty(c.error);
        cr_assert_eq(auth_respond(f->key, HASH_SHA256, guest_challenge, response), 0);
        cr_assert_arr_eq(c.first, response, 64, "the host proves that it has the key");
        cr_assert_eq(auth_respond(f->key, HASH_SHA256, c.second, response), 0);
        commit(f, id, response, f->host, result);
}

uint8_t request(Fixture *f, Action action, const char *target) {
        Call c;

        ask(f, action, target, &c);
        loop_until(f->event, c.done);
        cr_assert_str_empty(c.error);
        cr_assert_geq(c.size, 1);
        uint8_t reply = c.bytes[0];
        free(c.bytes);
        return reply;
}

unsigned n_acts(const Fixture *f) {
        char line[128];
        unsigned n = 0;
        FILE *file = fopen(f->acts, "re");

        while (file && fgets(line, sizeof(line), file))
                n++;
        if (file)
                (void) fclose(file);
        return n;
}
