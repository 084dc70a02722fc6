/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-manager.h"
#include "explain.h"
#include "log.h"
#include "names.h"

#include <string.h>

#define PAUSE_MIN_USEC USEC_PER_SEC
#define PAUSE_MAX_USEC (5 * 60 * USEC_PER_SEC)

/* Anybody may send us messages over the system bus. They are read when nothing else is to be done. */
enum { PRIORITY = SD_EVENT_PRIORITY_NORMAL + 10 };

struct BusManager {
        Manager *manager;
        Explains *explains;
        sd_bus *bus; /* NULL between two attempts */
        sd_bus_slot *object, *disconnected, *name;
        sd_event_source *retry;
        uint64_t pause_usec;
        bool complained;
};

static int method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BusManager *b = userdata;

        return explain(b->explains, m, error);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", requester, "s", action, "s", target),
                SD_BUS_RESULT("b", allowed, "s", group, "s", reason, "s", name, "s", uuid), method_explain,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void drop(BusManager *b) {
        explains_clear(b->explains);
        b->name = sd_bus_slot_unref(b->name);
        b->object = sd_bus_slot_unref(b->object);
        b->disconnected = sd_bus_slot_unref(b->disconnected);
        b->bus = sd_bus_close_unref(b->bus);
}

static void try_later(BusManager *b) {
        uint64_t now = manager_now(b->manager);

        drop(b);
        (void) sd_event_source_set_time(b->retry, now + b->pause_usec);
        (void) sd_event_source_set_enabled(b->retry, SD_EVENT_ONESHOT);
        b->pause_usec = 2 * b->pause_usec < PAUSE_MAX_USEC ? 2 * b->pause_usec : PAUSE_MAX_USEC;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        try_later(userdata);
        return 0;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BusManager *b = userdata;

        if (!sd_bus_message_is_method_error(m, NULL)) {
                b->pause_usec = PAUSE_MIN_USEC;
                b->complained = false;
                return 0;
        }
        if (!b->complained)
                log_notice("The system bus does not let us be " MANAGER_NAME
                           " (%s); fencing does not need it.",
                        sd_bus_message_get_error(m)->message);
        b->complained = true;
        try_later(b);
        return 0;
}

/* sd_bus_open_system() would fail when there is no bus yet; this waits for the socket to appear. */
static int connect_bus(BusManager *b) {
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r = sd_bus_new(&b->bus);

        if (r >= 0)
                r = sd_bus_set_address(b->bus, address ? address : "unix:path=/run/dbus/system_bus_socket");
        if (r >= 0)
                r = sd_bus_set_bus_client(b->bus, true);
        if (r >= 0)
                r = sd_bus_set_watch_bind(b->bus, true);
        if (r >= 0)
                r = sd_bus_add_object_vtable(
                        b->bus, &b->object, BUS_PATH, MANAGER_INTERFACE, manager_vtable, b);
        if (r >= 0)
                r = sd_bus_match_signal(b->bus, &b->disconnected, NULL, "/org/freedesktop/DBus/Local",
                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, b);
        if (r >= 0)
                r = sd_bus_start(b->bus);
        if (r >= 0)
                r = sd_bus_request_name_async(b->bus, &b->name, MANAGER_NAME, 0, on_name, b);
        return r < 0 ? r : sd_bus_attach_event(b->bus, b->manager->event, PRIORITY);
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        BusManager *b = userdata;

        if (connect_bus(b) < 0)
                try_later(b);
        return 0;
}

int bus_manager_new(Manager *m, BusManager **ret) {
        _cleanup_(bus_manager_freep) BusManager *b = calloc(1, sizeof(*b));
        if (!b)
                return -ENOMEM;
        b->manager = m;
        b->pause_usec = PAUSE_MIN_USEC;
        int r = explains_new(m, &b->explains);
        if (r >= 0)
                r = sd_event_add_time(m->event, &b->retry, CLOCK_MONOTONIC, 0, USEC_PER_SEC, on_retry, b);
        if (r < 0)
                return r;
        *ret = TAKE(b, NULL);
        return 0;
}

BusManager *bus_manager_free(BusManager *b) {
        if (!b)
                return NULL;
        if (b->explains)
                drop(b);
        explains_free(b->explains);
        sd_event_source_disable_unref(b->retry);
        free(b);
        return NULL;
}
