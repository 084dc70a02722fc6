/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exec-bus.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define INTERFACE_LOCAL "org.freedesktop.DBus.Local" /* sd-bus itself */

static int connect_path(const char *path, int *ret) {
        union {
                struct sockaddr sa;
                struct sockaddr_un un;
        } sa = { .un = { .sun_family = AF_UNIX } };
        _cleanup_close_ int fd = -1;

        if (strlen(path) >= sizeof(sa.un.sun_path))
                return -ENAMETOOLONG;
        memcpy(sa.un.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, &sa.sa, sizeof(sa.un)) < 0)
                return -errno;
        *ret = TAKE(fd, -1);
        return 0;
}

int exec_bus_open(
        sd_event *event, const char *path, sd_bus_message_handler_t handler, void *userdata, sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        r = connect_path(path, &fd);
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
