/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "origin.h"
#include "names.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
        const char *name;
        int type, family; /* family 0: AF_INET or AF_INET6 */
        Form form;
} transports[] = {
        { "multicast", SOCK_DGRAM, 0, FORM_MULTICAST },
        { "serial", SOCK_STREAM, AF_UNIX, FORM_FRAME },
        { "tcp", SOCK_STREAM, 0, FORM_STREAM },
        { "vsock", SOCK_STREAM, AF_VSOCK, FORM_VSOCK },
};

void origin_clear(Origin *o) {
        o->process.pidfd = safe_close(o->process.pidfd);
}

/* What the listener says about itself; source and interface count for multicast only, where the socket cannot tell. */
typedef struct Claims {
        const char *transport;
        const void *source;
        size_t source_size;
        uint32_t interface;
} Claims;

static int read_claims(sd_bus_message *m, Claims *ret) {
        Claims c = {};
        const char *key;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        break;
                if (strcmp(key, ORIGIN_TRANSPORT) == 0)
                        r = sd_bus_message_read(m, "v", "s", &c.transport);
                else if (strcmp(key, ORIGIN_IFINDEX) == 0)
                        r = sd_bus_message_read(m, "v", "u", &c.interface);
                else if (strcmp(key, ORIGIN_SOURCE) == 0) {
                        r = sd_bus_message_enter_container(m, 'v', "ay");
                        if (r >= 0)
                                r = sd_bus_message_read_array(m, 'y', &c.source, &c.source_size);
                        if (r >= 0)
                                r = sd_bus_message_exit_container(m);
                } else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        if (!c.transport)
                return -EINVAL;
        *ret = c;
        return 0;
}

static int ask_kernel(int fd, const Claims *c, Origin *o) {
        if (o->form == FORM_MULTICAST) {
                o->requester.interface = c->interface;
                return identity_from_address(c->source, c->source_size, &o->requester);
        }
        if (o->form != FORM_FRAME)
                return identity_from_peer(fd, &o->requester);
        int r = peer_process_from_socket(fd, &o->process);
        if (r < 0)
                return r;
        o->requester.family = AF_UNIX;
        (void) snprintf(o->requester.source, sizeof(o->requester.source), "pid:%d", (int) o->process.pid);
        return 0;
}

int origin_read(sd_bus_message *m, int fd, Origin *ret) {
        Claims claims = {};
        int r, type, family;
        socklen_t size = sizeof(type);

        r = read_claims(m, &claims);
        if (r < 0)
                return r;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
                getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0)
                return -EINVAL;
        for (size_t i = 0; i < ELEMENTSOF(transports); i++) {
                bool is_inet = family == AF_INET || family == AF_INET6;

                if (strcmp(transports[i].name, claims.transport) != 0)
                        continue;
                if (type != transports[i].type ||
                        (transports[i].family ? family != transports[i].family : !is_inet))
                        return -EINVAL;
                Origin o = { .form = transports[i].form, .process.pidfd = -1 };
                (void) snprintf(
                        o.requester.transport, sizeof(o.requester.transport), "%s", claims.transport);
                r = ask_kernel(fd, &claims, &o);
                if (r < 0)
                        return r;
                *ret = o;
                return 0;
        }
        return -EINVAL;
}

size_t form_size(Form f) {
        return f == FORM_FRAME ? WIRE_SERIAL_SIZE : WIRE_PACKET_SIZE;
}
