/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "authorize.h"
#include "log.h"

struct Authorization {
        sd_bus_message *call;
        sd_bus_slot *slot; /* the question that is out */
        const char *action;
        size_t *n_waiting;
        bool waits; /* and is counted there */
        AuthorizationDone done;
        void *userdata;
};

enum { POLKIT_ALLOW_INTERACTION = 1 };

Authorization *authorization_free(Authorization *a) {
        if (!a)
                return NULL;
        if (a->waits)
                --*a->n_waiting;
        sd_bus_slot_unref(a->slot);
        sd_bus_message_unref(a->call);
        free(a);
        return NULL;
}

static int finish(Authorization *a, bool allowed) {
        a->done(allowed, a->userdata);
        authorization_free(a);
        return 0;
}

static int on_polkit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        int allowed = 0, challenge, r;

        if (sd_bus_message_is_method_error(m, NULL)) {
                log_debug("polkit: %s", sd_bus_message_get_error(m)->message);
                return finish(userdata, false);
        }
        r = sd_bus_message_enter_container(m, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(m, "bb", &allowed, &challenge);
        return finish(userdata, r >= 0 && allowed);
}

static int ask_polkit(Authorization *a) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        sd_bus *bus = sd_bus_message_get_bus(a->call);
        uint32_t flags = sd_bus_message_get_allow_interactive_authorization(a->call) > 0
                                 ? POLKIT_ALLOW_INTERACTION
                                 : 0;
        int r;

        if (*a->n_waiting >= AUTHORIZATIONS_MAX)
                return -EBUSY;
        a->slot = sd_bus_slot_unref(a->slot);
        r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.PolicyKit1",
                "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                        sd_bus_message_get_sender(a->call), a->action, 0, flags, "");
        if (r >= 0)
                r = sd_bus_call_async(bus, &a->slot, m, on_polkit, a, UINT64_MAX);
        if (r < 0)
                return r;
        a->waits = true;
        ++*a->n_waiting;
        return 0;
}

static int on_uid(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Authorization *a = userdata;
        uint32_t uid;

        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "u", &uid) < 0)
                return finish(a, false); /* it has left the bus */
        if (uid == 0 || uid == geteuid())
                return finish(a, true);
        return ask_polkit(a) < 0 ? finish(a, false) : 0;
}

int authorization_new(sd_bus_message *call, const char *action, size_t *n_waiting, AuthorizationDone done,
        void *userdata, Authorization **ret) {
        _cleanup_(authorization_freep) Authorization *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        a->call = sd_bus_message_ref(call);
        a->action = action;
        a->n_waiting = n_waiting;
        a->done = done;
        a->userdata = userdata;
        int r = sd_bus_call_method_async(sd_bus_message_get_bus(call), &a->slot, "org.freedesktop.DBus",
                "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixUser", on_uid, a, "s",
                sd_bus_message_get_sender(call));
        if (r < 0)
                return r;
        *ret = TAKE(a, NULL);
        return 0;
}
