/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exec-bus.h"
#include "local.h"

#define INTERFACE_LOCAL "org.freedesktop.DBus.Local" /* sd-bus itself */

int exec_bus_open(
        sd_event *event, const char *path, sd_bus_message_handler_t handler, void *userdata, sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        r = local_connect(path, &fd);
        if (r < 0)
                return r;
        r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0)
                return r;
        fd = -1; /* the bus closes it */
        r = sd_bus_negotiate_fds(bus, true);
        if (r < 0)
                return r;
        r = sd_bus_set_connected_signal(bus, true);
        if (r < 0)
                return r;
        r = sd_bus_add_filter(bus, NULL, handler, userdata);
        if (r < 0)
                return r;
        r = sd_bus_start(bus);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        *ret = TAKE(bus, NULL);
        return 0;
}

bool exec_bus_is_connected(sd_bus_message *m) {
        return sd_bus_message_is_signal(m, INTERFACE_LOCAL, "Connected") > 0;
}

bool exec_bus_is_lost(sd_bus_message *m) {
        return sd_bus_message_is_signal(m, INTERFACE_LOCAL, "Disconnected") > 0;
}
