/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The management interface, over a dbus-daemon of the test's own. Who may ask whom through polkit is for tests/lab/explain. */

#include <spawn.h>
#include <sys/wait.h>

#include "bus-fixture.h"
#include "bus-manager.h"
#include "explain.h"

#define VM(last) "00000000-0000-4000-8000-00000000000" last

typedef struct System {
        Fixture *f;
        BusManager *manager;
        char path[64], address[80];
        pid_t daemon;
        sd_bus *client;
} System;

typedef struct Explained {
        bool done;
        int allowed;
        char error[128], group[64], reason[320], name[64], uuid[40];
} Explained;

static void daemon_up(System *s) {
        char address[96];
        char *argv[] = { (char *) "dbus-daemon", (char *) "--session", (char *) "--nofork",
                (char *) "--nopidfile", address, NULL };

        (void) snprintf(address, sizeof(address), "--address=%s", s->address);
        cr_assert_eq(posix_spawnp(&s->daemon, argv[0], NULL, NULL, argv, environ), 0);
}

static void daemon_down(System *s) {
        cr_assert_eq(kill(s->daemon, SIGKILL), 0);
        cr_assert_eq(waitpid(s->daemon, NULL, 0), s->daemon);
        (void) unlink(s->path);
}

static void connect_client(System *s) {
        cr_assert_geq(sd_bus_new(&s->client), 0);
        cr_assert_geq(sd_bus_set_address(s->client, s->address), 0);
        cr_assert_geq(sd_bus_set_bus_client(s->client, true), 0);
        cr_assert_geq(sd_bus_set_watch_bind(s->client, true), 0);
        cr_assert_geq(sd_bus_start(s->client), 0);
        cr_assert_geq(sd_bus_attach_event(s->client, s->f->event, 0), 0);
        loop_until(s->f->event, sd_bus_is_ready(s->client) > 0);
}

static System set_up(void) {
        System s = { .f = fixture() };

        (void) snprintf(s.path, sizeof(s.path), "%s/system", s.f->directory);
        (void) snprintf(s.address, sizeof(s.address), "unix:path=%s", s.path);
        cr_assert_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", s.address, true), 0);
        cr_assert_eq(bus_manager_new(s.f->manager, &s.manager), 0);
        return s;
}

static void tear_down(System *s) {
        bus_manager_free(s->manager);
        sd_bus_flush_close_unref(s->client);
        daemon_down(s);
        fixture_end(s->f);
}

static int on_explained(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Explained *e = userdata;
        const char *group, *reason, *name, *uuid;

        e->done = true;
        if (sd_bus_message_is_method_error(m, NULL)) {
                (void) snprintf(e->error, sizeof(e->error), "%s", sd_bus_message_get_error(m)->name);
                return 0;
        }
        cr_assert_geq(sd_bus_message_read(m, "bssss", &e->allowed, &group, &reason, &name, &uuid), 0);
        (void) snprintf(e->group, sizeof(e->group), "%s", group);
        (void) snprintf(e->reason, sizeof(e->reason), "%s", reason);
        (void) snprintf(e->name, sizeof(e->name), "%s", name);
        (void) snprintf(e->uuid, sizeof(e->uuid), "%s", uuid);
        return 0;
}

static void send_explain(
        System *s, const char *requester, const char *action, const char *target, Explained *e) {
        *e = (Explained){};
        cr_assert_geq(sd_bus_call_method_async(s->client, NULL, MANAGER_NAME, BUS_PATH, MANAGER_INTERFACE,
                              "Explain", on_explained, e, "sss", requester, action, target),
                0);
}

static Explained ask_why(System *s, const char *requester, const char *action, const char *target) {
        Explained e;

        send_explain(s, requester, action, target, &e);
        loop_until(s->f->event, e.done);
        return e;
}

/* Until the name is there. */
static void wait_for_it(System *s) {
        Explained e = { .error = "not yet" };

        for (uint64_t end = loop_now() + LOOP_LIMIT_USEC; e.error[0] && loop_now() < end;)
                e = ask_why(s, "", "monitor", "");
        cr_assert_str_empty(e.error);
}

Test(bus_manager, explains_what_would_become_of_a_request) {
        static const struct {
                const char *requester, *action, *target;
                bool allowed;
                const char *group, *reason, *name, *uuid;
        } table[] = {
                { "key:web", "off", "vm1", true, "web", "group web allows off", "vm1", VM("1") },
                { "key:web", "off", VM("1"), true, "web", "group web allows off", "vm1", VM("1") },
                { "key:web", "off", "vm3", false, "", "vm3 is a member of no group of the requester", "vm3",
                        VM("3") },
                { "key:web", "off", "nosuch", false, "", "nosuch is a member of no group of the requester",
                        "", "" },
                { "key:web", "off", "ambiguous", true, "web",
                        "several domains fit this target, or it runs in two places", "", "" },
                { "key:web", "list", "", true, "web", "group web allows list to its members", "", "" },
                { "key:web", "list", "vm1", true, "web", "group web allows list", "vm1", VM("1") },
                { "key:web", "monitor", "", true, "", "monitor touches no domain", "", "" },
                { "key:no 10.0.0.1", "off", "vm1", false, "", "10.0.0.1 with key:no is a source of no group",
                        "", "" },
                { "cid:3", "off", "vm1", false, "",
                        "neither a key nor a proven domain vouches for the requester", "", "" },
                { VM("2"), "off", "vm1", true, "web", "group web allows off", "vm1",
                        VM("1") }, /* a member by its name */
                { VM("3"), "off", "vm1", false, "", "vm3 is a source of no group", "", "" },
                { VM("f"), "off", "vm1", false, "", VM("f") " is a source of no group", "", "" },
        };
        System s = set_up();

        daemon_up(&s);
        connect_client(&s);
        wait_for_it(&s);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Explained e = ask_why(&s, table[i].requester, table[i].action, table[i].target);

                cr_expect_str_empty(e.error, "row %zu", i);
                cr_expect_eq(e.allowed, table[i].allowed, "row %zu", i);
                cr_expect_str_eq(e.group, table[i].group, "row %zu", i);
                cr_expect_str_eq(e.reason, table[i].reason, "row %zu", i);
                cr_expect_str_eq(e.name, table[i].name, "row %zu", i);
                cr_expect_str_eq(e.uuid, table[i].uuid, "row %zu", i);
        }
        cr_expect_eq(n_acts(s.f), 0);
        cr_expect_eq(s.f->n_audit, 0);
        cr_expect_null(memory_find(&s.f->manager->memory, "vm1"));
        tear_down(&s);
}

Test(bus_manager, refuses_what_no_request_could_be) {
        static const char *const bad[][3] = {
                { "web", "off", "vm1" },
                { "key:web", "explode", "vm1" },
                { "key:web", "off", "" },
                { "key:web", "monitor", "vm1" },
                { "key:web", "off", "vm1\n" },
                { "key:web", "off", "0123456789012345678901234567890123456789012345678901234567890123" },
        };
        System s = set_up();

        daemon_up(&s);
        connect_client(&s);
        wait_for_it(&s);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                Explained e = ask_why(&s, bad[i][0], bad[i][1], bad[i][2]);

                cr_expect_str_eq(e.error, SD_BUS_ERROR_INVALID_ARGS, "row %zu", i);
        }
        tear_down(&s);
}

Test(bus_manager, is_bounded_and_fencing_goes_on_beside_it) {
        Explained e[EXPLAINS_MAX], more;
        System s = set_up();

        write_file(s.f->groups, "web.conf", "[Group]\nMembers=hang vm1\nSources=key:web\n", 0600);
        cr_assert_eq(manager_load(s.f->manager, &(ConfError){}), 0);
        daemon_up(&s);
        connect_client(&s);
        wait_for_it(&s);
        for (size_t i = 0; i < ELEMENTSOF(e); i++) {
                send_explain(&s, "key:web", "off", "hang", &e[i]);
                (void) ask_why(&s, "", "monitor", ""); /* it has passed the question who asks */
        }
        more = ask_why(&s, "", "monitor", "");
        cr_expect_str_eq(more.error, BUS_ERROR_BUSY);
        cr_expect_eq(request(s.f, ACTION_OFF, "vm1"), REPLY_SUCCESS);
        tear_down(&s);
}

Test(bus_manager, comes_with_the_bus_and_comes_back_with_it) {
        System s = set_up();

        cr_expect_eq(request(s.f, ACTION_OFF, "vm1"), REPLY_SUCCESS, "there is no bus");
        daemon_up(&s);
        connect_client(&s);
        wait_for_it(&s);

        sd_bus_flush_close_unref(s.client);
        daemon_down(&s);
        cr_expect_eq(request(s.f, ACTION_OFF, "vm2"), REPLY_SUCCESS, "the bus is gone");
        daemon_up(&s);
        connect_client(&s);
        wait_for_it(&s);

        cr_assert_eq(kill(s.daemon, SIGSTOP), 0);
        cr_expect_eq(request(s.f, ACTION_REBOOT, "vm1"), REPLY_SUCCESS, "the bus is stopped");
        cr_assert_eq(kill(s.daemon, SIGCONT), 0);
        wait_for_it(&s);
        tear_down(&s);
}
