/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The executor as listeners see it: its bus, over a socket, with a worker that does as it is told. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "auth.h"
#include "bus-session.h"
#include "conversation.h"
#include "loop.h"
#include "names.h"

typedef union Address {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_un un;
} Address;

typedef struct Fixture {
        char directory[32], conf[64], groups[64], keys[64], socket[64], acts[64];
        sd_event *event;
        Manager *manager;
        BusServer *server;
        sd_bus *bus; /* the listener's end */
        AuthKey *key;
        char audit[16][2048]; /* one record per line of FIELD=value, joined by '\n' */
        size_t n_audit;
        int listen_fd;
        int guest, host; /* both ends of a loopback connection */
} Fixture;

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

static bool audited(const Fixture *f, const char *field) {
        return f->n_audit > 0 && strstr(f->audit[(f->n_audit - 1) % ELEMENTSOF(f->audit)], field);
}

static void write_file(const char *directory, const char *name, const char *text, mode_t mode) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
        cr_assert_geq(fd, 0, "%s", path);
        cr_assert_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
        close(fd);
}

static const char secret[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void make_pair(Fixture *f) {
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

static sd_bus *connect_bus(const Fixture *f) {
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

static Fixture *fixture(void) {
        static const char group[] = "[Group]\nMembers=vm1 vm2 vm5 slow waiting\nSources=key:web\n";
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
        cr_assert_eq(bus_server_new(f->manager, fd, geteuid(), &f->server), 0);
        f->bus = connect_bus(f);
        make_pair(f);
        return f;
}

static void fixture_end(Fixture *f) {
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

/* --- calls ----------------------------------------------------------------------------------------------------- */

typedef struct Call {
        bool done;
        sd_bus_message *reply;
        char error[128];
        uint64_t id;
        uint8_t first[64], second[64];
        uint8_t *bytes;
        size_t size;
} Call;

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

static sd_bus_message *new_call(sd_bus *bus, const char *method) {
        sd_bus_message *m = NULL;

        cr_assert_geq(sd_bus_message_new_method_call(bus, &m, NULL, BUS_PATH, BUS_INTERFACE, method), 0);
        return m;
}

static void send_call(sd_bus *bus, sd_bus_message *m, Call *c) {
        *c = (Call){};
        cr_assert_geq(sd_bus_call_async(bus, NULL, m, on_reply, c, UINT64_MAX), 0);
        sd_bus_message_unref(m);
}

static void open_packet(Fixture *f, sd_bus *bus, const void *packet, size_t size, int fd, Call *c) {
        sd_bus_message *m = new_call(bus, "Open");

        cr_assert_geq(sd_bus_message_append_array(m, 'y', packet, size), 0);
        cr_assert_geq(sd_bus_message_append(m, "ha{sv}", fd, 1, ORIGIN_TRANSPORT, "s", "tcp"), 0);
        send_call(bus, m, c);
        loop_until(f->event, c->done);
}

static void make_packet(
        const AuthKey *key, Action action, const char *target, uint8_t packet[static WIRE_PACKET_SIZE]) {
        Request r = { .action = action, .hash = HASH_SHA256 };

        (void) snprintf(r.target, sizeof(r.target), "%s", target);
        cr_assert_eq(random_bytes(r.random, sizeof(r.random)), 0);
        cr_assert_eq(random_bytes(r.seqno, sizeof(r.seqno)), 0);
        cr_assert_eq(wire_encode_packet(&r, WIRE_STREAM, packet), 0);
        cr_assert_eq(auth_sign_packet(key, packet), 0);
}

static void prove(Fixture *f, uint64_t id, const uint8_t challenge[static 64], Call *c) {
        sd_bus_message *m = new_call(f->bus, "Prove");

        cr_assert_geq(sd_bus_message_append(m, "t", id), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', challenge, 64), 0);
        send_call(f->bus, m, c);
        loop_until(f->event, c->done);
}

static void commit(Fixture *f, uint64_t id, const uint8_t response[static 64], int fd, Call *c) {
        sd_bus_message *m = new_call(f->bus, "Commit");

        cr_assert_geq(sd_bus_message_append(m, "t", id), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', response, 64), 0);
        cr_assert_geq(sd_bus_message_append(m, "h", fd), 0);
        send_call(f->bus, m, c);
}

static const uint8_t guest_challenge[64] = { 0xff, 0xff, 1, 2, 3 };

/* Up to Commit, which is sent but not waited for. */
static void ask(Fixture *f, Action action, const char *target, Call *result) {
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

static uint8_t request(Fixture *f, Action action, const char *target) {
        Call c;

        ask(f, action, target, &c);
        loop_until(f->event, c.done);
        cr_assert_str_empty(c.error);
        cr_assert_geq(c.size, 1);
        uint8_t reply = c.bytes[0];
        free(c.bytes);
        return reply;
}

static unsigned n_acts(const Fixture *f) {
        char line[128];
        unsigned n = 0;
        FILE *file = fopen(f->acts, "re");

        while (file && fgets(line, sizeof(line), file))
                n++;
        if (file)
                (void) fclose(file);
        return n;
}

/* --- tests ----------------------------------------------------------------------------------------------------- */

Test(bus, every_action_is_answered_and_audited) {
        Fixture *f = fixture();
        static const struct {
                Action action;
                const char *target;
                uint8_t reply;
                const char *field;
        } table[] = {
                { ACTION_STATUS, "vm1", REPLY_SUCCESS, "FENCE_RESULT=status-on\n" },
                { ACTION_STATUS, "vm5", REPLY_OFF, "FENCE_RESULT=status-off\n" },
                { ACTION_OFF, "vm1", REPLY_SUCCESS, "FENCE_RESULT=off-proven\n" },
                { ACTION_REBOOT, "vm2", REPLY_SUCCESS, "FENCE_RESULT=rebooted\n" },
                { ACTION_ON, "vm5", REPLY_SUCCESS, "FENCE_RESULT=on\n" },
                { ACTION_MONITOR, "", REPLY_SUCCESS, "FENCE_RESULT=ok\n" },
                { ACTION_LIST, "", REPLY_LIST, "FENCE_RESULT=listed\n" },
                { ACTION_OFF, "vm3", REPLY_DENIED, "FENCE_DECISION=deny\n" }, /* exists, no member */
                { ACTION_OFF, "nosuch", REPLY_DENIED, "FENCE_DECISION=deny\n" }, /* must look the same */
                { ACTION_STATUS, "ambiguous", REPLY_FAILURE, "FENCE_RESULT=ambiguous\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                size_t before = f->n_audit;

                cr_expect_eq(request(f, table[i].action, table[i].target), table[i].reply, "%zu", i);
                cr_expect_eq(f->n_audit, before + 1, "%zu: one record per request", i);
                cr_expect(audited(f, table[i].field), "%zu: %s", i, f->audit[(f->n_audit - 1) % 16]);
                cr_expect(audited(f, "FENCE_KEY=web\n"));
                cr_expect(audited(f, "FENCE_SOURCE=127.0.0.1\n"));
        }
        cr_expect_eq(n_acts(f), 3);
        cr_expect_eq(request(f, ACTION_NULL, ""), REPLY_FAILURE);
        cr_expect_eq(f->n_audit, ELEMENTSOF(table), "null decides nothing");
        fixture_end(f);
}

Test(bus, a_list_shows_what_the_requester_may_list) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_LIST, "", &c);
        loop_until(f->event, c.done);
        /* five members, the end, the final byte */
        cr_assert_eq(c.size, 1 + 6 * WIRE_RECORD_SIZE + 1);
        Record r;
        cr_assert_eq(wire_decode_record(c.bytes + 1, &r), 1);
        cr_expect_str_eq(r.name, "slow");
        free(c.bytes);
        fixture_end(f);
}

Test(bus, a_stranger_gets_nothing_and_one_record) {
        Fixture *f = fixture();
        _cleanup_(auth_key_freep) AuthKey *wrong = NULL;
        uint8_t packet[WIRE_PACKET_SIZE];
        Call c;

        cr_assert_eq(auth_key_new("another key of more than 32 bytes, wrong", 40, &wrong, NULL), 0);
        make_packet(wrong, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect_eq(f->n_audit, 1);
        cr_expect(audited(f, "FENCE_DECISION=refuse\n"));
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

Test(bus, a_packet_is_good_for_one_conversation) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE];
        Call c;

        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_expect_str_empty(c.error);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect(audited(f, "replay"));
        fixture_end(f);
}

Test(bus, another_hosts_challenge_is_not_answered) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE], random[32] = { 1 }, theirs[64];
        Call c;

        auth_host_challenge(f->key, random, theirs);
        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        prove(f, c.id, theirs, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

Test(bus, steps_out_of_order_and_foreign_sessions_lead_nowhere) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE], zero[64] = {};
        Call c;

        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
        uint64_t id = c.id;
        prove(f, id + 1, guest_challenge, &c);
        cr_expect_neq(c.error[0], 0);
        commit(f, id, zero, f->host, &c); /* without Prove */
        loop_until(f->event, c.done);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);

        make_packet(f->key, ACTION_OFF, "vm1", packet);
        sd_bus *other = connect_bus(f);
        open_packet(f, other, packet, sizeof(packet), f->host, &c);
        cr_assert_str_empty(c.error);
        prove(f, c.id, guest_challenge, &c); /* opened by `other` */
        cr_expect_neq(c.error[0], 0);
        sd_bus_flush_close_unref(other);
        loop_until(f->event, f->manager->n_conversations == 0);
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

Test(bus, a_wrong_answer_to_the_challenge_does_nothing) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE], response[64];
        Call c;

        for (size_t bit = 0; bit < 256; bit += 37) {
                make_packet(f->key, ACTION_OFF, "vm1", packet);
                open_packet(f, f->bus, packet, sizeof(packet), f->host, &c);
                uint64_t id = c.id;
                prove(f, id, guest_challenge, &c);
                cr_assert_eq(auth_respond(f->key, HASH_SHA256, c.second, response), 0);
                response[bit / 8] ^= (uint8_t) (1 << bit % 8);
                commit(f, id, response, f->host, &c);
                loop_until(f->event, c.done);
                cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "bit %zu", bit);
        }
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

Test(bus, nonsense_is_refused_before_anything_is_looked_at) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE + 1] = {};
        int pair[2];
        Call c;

        open_packet(f, f->bus, packet, WIRE_PACKET_SIZE + 1, f->host, &c);
        cr_expect_neq(c.error[0], 0, "another size");
        open_packet(f, f->bus, packet, 0, f->host, &c);
        cr_expect_neq(c.error[0], 0, "no bytes");
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        open_packet(f, f->bus, packet, WIRE_PACKET_SIZE, pair[0], &c);
        cr_expect_neq(c.error[0], 0, "a socket of another kind");
        close(pair[0]);
        close(pair[1]);
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        open_packet(f, f->bus, packet, WIRE_PACKET_SIZE, null, &c);
        cr_expect_neq(c.error[0], 0, "no socket");
        close(null);
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

static void touch_go(const Fixture *f) {
        write_file(f->directory, "go", "", 0600);
}

Test(bus, a_guest_that_hangs_up_before_the_start_is_cancelled) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_OFF, "waiting", &c);
        loop_until(f->event, f->manager->conversations && f->manager->conversations->waiter);
        f->guest = safe_close(f->guest);
        loop_until(f->event, f->n_audit == 1);
        cr_expect(audited(f, "FENCE_RESULT=cancelled\n"));
        cr_expect_eq(f->manager->n_conversations, 0);
        touch_go(f);
        f->host = safe_close(f->host);
        make_pair(f);
        cr_expect_eq(request(f, ACTION_OFF, "vm1"), REPLY_SUCCESS);
        cr_expect_eq(n_acts(f), 1, "the cancelled one must not happen later");
        fixture_end(f);
}

Test(bus, a_guest_that_hangs_up_after_the_start_has_its_outcome_audited) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_OFF, "slow", &c);
        loop_until(f->event, f->manager->conversations && f->manager->conversations->waiter &&
                                     waiter_started(f->manager->conversations->waiter));
        f->guest = safe_close(f->guest);
        loop_until(f->event, !f->manager->conversations->commit);
        cr_expect_eq(f->n_audit, 0);
        touch_go(f);
        loop_until(f->event, f->n_audit == 1);
        cr_expect(audited(f, "FENCE_RESULT=off-proven\n"));
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

Test(bus, a_listener_that_dies_takes_its_waiting_requests_with_it) {
        Fixture *f = fixture();
        Call c;

        ask(f, ACTION_OFF, "waiting", &c);
        loop_until(f->event, f->manager->conversations && f->manager->conversations->waiter);
        sd_bus_close(f->bus);
        loop_until(f->event, f->manager->n_conversations == 0);
        cr_expect(audited(f, "FENCE_RESULT=cancelled\n"));
        touch_go(f);
        fixture_end(f);
}

Test(bus, a_bad_reload_changes_nothing) {
        static const char *const bad[] = { "", "[Group]\n", "[Group]\nMembers=\n",
                "[Group]\nMembers=vm1\nNonsense=1\n" };
        Fixture *f = fixture();
        ConfError e;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                write_file(f->groups, "web.conf", bad[i], 0600);
                e = (ConfError){};
                cr_expect_eq(manager_load(f->manager, &e), -EBADMSG, "%s", bad[i]);
                cr_expect_not_null(strstr(e.path, "web.conf"));
                cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_SUCCESS, "%s", bad[i]);
        }
        write_file(f->groups, "web.conf", "[Group]\nMembers=vm2\nSources=key:web\n", 0600);
        cr_assert_eq(manager_load(f->manager, &e), 0);
        cr_expect_eq(request(f, ACTION_STATUS, "vm1"), REPLY_DENIED);
        cr_expect_eq(request(f, ACTION_STATUS, "vm2"), REPLY_SUCCESS);
        fixture_end(f);
}

Test(bus, a_report_of_a_listener_is_audited_and_nothing_more) {
        Fixture *f = fixture();
        Call c;

        for (int reason = 0; reason <= _REFUSED_BY_FORM_MAX; reason++) {
                sd_bus_message *m = new_call(f->bus, "Report");
                bool valid = reason >= REFUSED_SIZE && reason < _REFUSED_BY_FORM_MAX;
                size_t before = f->n_audit;

                cr_assert_geq(sd_bus_message_append(
                                      m, "yha{sv}", reason, f->host, 1, ORIGIN_TRANSPORT, "s", "tcp"),
                        0);
                send_call(f->bus, m, &c);
                loop_until(f->event, c.done);
                cr_expect_eq(c.error[0] == 0, valid, "%d", reason);
                cr_expect_eq(f->n_audit, before + valid);
        }
        fixture_end(f);
}

/* --- channels: who asks is known from the socket ---------------------------------------------------------------- */

/* Both ends of a connection to a unix socket of this name. */
static void make_channel(const Fixture *f, const char *name, int *ret_guest, int *ret_host) {
        Address a = { .un.sun_family = AF_UNIX };
        int l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s/%s", f->directory, name);
        cr_assert_eq(bind(l, &a.sa, sizeof(a.un)), 0);
        cr_assert_eq(listen(l, 1), 0);
        *ret_guest = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(connect(*ret_guest, &a.sa, sizeof(a.un)), 0);
        *ret_host = accept4(l, NULL, NULL, SOCK_CLOEXEC);
        cr_assert_geq(*ret_host, 0);
        close(l);
}

static void open_frame(Fixture *f, Action action, const char *target, int fd, Call *c) {
        Request r = { .action = action };
        uint8_t frame[WIRE_SERIAL_SIZE];
        sd_bus_message *m = new_call(f->bus, "Open");

        (void) snprintf(r.target, sizeof(r.target), "%s", target);
        cr_assert_eq(random_bytes(r.seqno, sizeof(r.seqno)), 0);
        cr_assert_eq(wire_encode_serial(&r, frame), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', frame, sizeof(frame)), 0);
        cr_assert_geq(sd_bus_message_append(m, "ha{sv}", fd, 1, ORIGIN_TRANSPORT, "s", "serial"), 0);
        send_call(f->bus, m, c);
        loop_until(f->event, c->done);
}

static void commit_nothing(Fixture *f, uint64_t id, int fd, Call *c) {
        sd_bus_message *m = new_call(f->bus, "Commit");

        cr_assert_geq(sd_bus_message_append(m, "t", id), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', NULL, 0), 0);
        cr_assert_geq(sd_bus_message_append(m, "h", fd), 0);
        send_call(f->bus, m, c);
}

Test(channel, a_domain_that_is_known_by_its_socket_needs_no_key) {
        static const struct {
                Action action;
                const char *target;
                uint8_t reply;
        } table[] = {
                { ACTION_STATUS, "vm2", REPLY_SUCCESS },
                { ACTION_OFF, "vm2", REPLY_SUCCESS },
                { ACTION_OFF, "vm1", REPLY_SUCCESS }, /* itself */
                { ACTION_OFF, "vm3", REPLY_DENIED },
                { ACTION_MONITOR, "", REPLY_SUCCESS },
        };
        Fixture *f = fixture();
        int guest, host;
        Call c;

        make_channel(f, "vm1.sock", &guest, &host);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                static const uint8_t magic[] = { 'a', 'b', 'b', 'a' };

                open_frame(f, table[i].action, table[i].target, host, &c);
                cr_assert_str_empty(c.error);
                commit_nothing(f, c.id, host, &c);
                loop_until(f->event, c.done);
                cr_assert_str_empty(c.error);
                cr_assert_eq(c.size, WIRE_SERIAL_REPLY_SIZE);
                cr_expect_arr_eq(c.bytes, magic, 4);
                cr_expect_eq(c.bytes[4], table[i].reply, "%zu: %u", i, c.bytes[4]);
                cr_expect(audited(f, "FENCE_SOURCE_UUID=00000000-0000-4000-8000-000000000001\n"));
                free(c.bytes);
        }
        cr_expect_eq(n_acts(f), 2);
        close(guest);
        close(host);
        fixture_end(f);
}

Test(channel, a_process_that_is_no_domain_gets_nothing) {
        Fixture *f = fixture();
        int guest, host;
        Call c;

        make_channel(f, "stranger.sock", &guest, &host);
        open_frame(f, ACTION_OFF, "vm1", host, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect(audited(f, "FENCE_REASON=it is no domain of ours\n"));
        cr_expect_eq(f->manager->n_conversations, 0);
        close(guest);
        close(host);
        fixture_end(f);
}

Test(channel, a_session_is_good_for_the_connection_that_opened_it) {
        Fixture *f = fixture();
        int guest, host, other_guest, other_host;
        uint8_t zero[64] = {};
        Call c;

        make_channel(f, "vm1.sock", &guest, &host);
        make_channel(f, "vm2.sock", &other_guest, &other_host);
        open_frame(f, ACTION_OFF, "vm2", host, &c);
        cr_assert_str_empty(c.error);
        commit_nothing(f, c.id, other_host, &c);
        loop_until(f->event, c.done);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "another connection");

        open_frame(f, ACTION_OFF, "vm2", host, &c);
        prove(f, c.id, zero, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "there is nothing to prove");
        open_frame(f, ACTION_OFF, "vm2", host, &c);
        commit(f, c.id, zero, host, &c);
        loop_until(f->event, c.done);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "there is no response");
        cr_expect_eq(n_acts(f), 0);
        close(guest);
        close(host);
        close(other_guest);
        close(other_host);
        fixture_end(f);
}

Test(channel, a_tcp_connection_is_no_channel_and_a_channel_no_tcp_connection) {
        Fixture *f = fixture();
        uint8_t packet[WIRE_PACKET_SIZE];
        int guest, host;
        Call c;

        open_frame(f, ACTION_OFF, "vm2", f->host, &c);
        cr_expect_neq(c.error[0], 0);
        make_channel(f, "vm1.sock", &guest, &host);
        make_packet(f->key, ACTION_OFF, "vm1", packet);
        open_packet(f, f->bus, packet, sizeof(packet), host, &c);
        cr_expect_neq(c.error[0], 0);
        cr_expect_eq(f->manager->n_conversations, 0);
        close(guest);
        close(host);
        fixture_end(f);
}
