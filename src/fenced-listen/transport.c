/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transport.h"
#include "address.h"
#include "log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

static const Phase stream_flow[] = { PHASE_PACKET, PHASE_OPEN, PHASE_CHALLENGE, PHASE_PROVE, PHASE_ANSWER,
        PHASE_RESPONSE, PHASE_COMMIT, PHASE_REPLY, PHASE_DRAIN, PHASE_END };

static const Phase unsigned_stream_flow[] = { PHASE_PACKET, PHASE_OPEN, PHASE_COMMIT, PHASE_REPLY,
        PHASE_DRAIN, PHASE_END };

static const Phase callback_flow[] = { PHASE_OPEN, PHASE_CONNECT, PHASE_CHALLENGE, PHASE_PROVE, PHASE_ANSWER,
        PHASE_RESPONSE, PHASE_COMMIT, PHASE_REPLY, PHASE_DRAIN, PHASE_END };

static bool is_tcp_listener(int fd) {
        return sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) > 0;
}

static bool is_multicast_datagram(int fd) {
        Address address;

        return sd_is_socket_inet(fd, AF_UNSPEC, SOCK_DGRAM, -1, 0) > 0 &&
               address_of_socket(fd, &address) >= 0 && address_is_multicast(&address);
}

static bool is_unix_listener(int fd) {
        return sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0;
}

static bool is_vsock_listener(int fd) {
        return sd_is_socket(fd, AF_VSOCK, SOCK_STREAM, 1) > 0;
}

static const Transport transports[] = {
        { .name = "tcp",
                .type = SOCK_STREAM,
                .kind = WIRE_STREAM,
                .flow = stream_flow,
                .idles = true,
                .socket = "listening TCP socket (ListenStream=PORT)",
                .check = is_tcp_listener },
        { .name = "multicast",
                .type = SOCK_DGRAM,
                .kind = WIRE_MULTICAST,
                .flow = callback_flow,
                .joins = true,
                .has_local = true,
                .socket = "datagram socket bound to a multicast group (ListenDatagram=GROUP:PORT)",
                .check = is_multicast_datagram },
        { .name = "serial",
                .type = SOCK_STREAM,
                .idles = true,
                .dials = true,
                .socket = "listening unix socket (ListenStream=/PATH)",
                .check = is_unix_listener },
        { .name = "vsock",
                .type = SOCK_STREAM,
                .kind = WIRE_STREAM,
                .flow = stream_flow,
                .unsigned_flow = unsigned_stream_flow,
                .idles = true,
                .has_local = true,
                .socket = "listening vsock socket (ListenStream=vsock::PORT)",
                .check = is_vsock_listener },
};

const Transport *transport_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(transports); i++)
                if (strcmp(transports[i].name, name) == 0)
                        return transports + i;
        return NULL;
}

bool transport_owns(const Transport *t, const char *fd_name) {
        const char *instance = strchr(fd_name, '@');
        size_t n = strlen(t->name);

        if (strcmp(fd_name, t->name) == 0)
                return true;
        return instance && strncmp(instance + 1, t->name, n) == 0 &&
               strcmp(instance + 1 + n, ".socket") == 0;
}

static int take(const Transport *t, int fd, const char *name) {
        int flags;

        if (!transport_owns(t, name)) {
                log_error(
                        "Socket %d is named \"%s\": for this transport, set FileDescriptorName=%s in its unit",
                        fd, name, t->name);
                return -EPROTOTYPE;
        }
        if (!t->check(fd)) {
                log_error("Socket %d (%s) is no %s", fd, name, t->socket);
                return -EPROTOTYPE;
        }
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return log_error_errno(errno, "Cannot make socket %d non-blocking: %m", fd);
        return 0;
}

static void free_names(char ***names) {
        for (char **n = *names; n && *n; n++)
                free(*n);
        free(*names);
}

int transport_take_sockets(
        const Transport *t, NetlinkSockets *netlink, int ret_fds[static SOCKETS_MAX], size_t *ret_n) {
        _cleanup_(free_names) char **names = NULL;
        size_t taken = 0;
        int n;

        n = sd_listen_fds_with_names(false, &names);
        if (n < 0)
                return log_error_errno(n, "Cannot take the sockets that systemd passes: %m");
        if (n == 0) {
                log_error("No socket: this program is started by fence-virt-listen@%s.socket", t->name);
                return -ENOTCONN;
        }
        if (n > SOCKETS_MAX) {
                log_error("%d sockets, more than %d", n, SOCKETS_MAX);
                return -E2BIG;
        }
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i, r;

                if (t->joins && netlink_take(netlink, fd))
                        continue;
                r = take(t, fd, names[i]);
                if (r < 0)
                        return r;
                ret_fds[taken++] = fd;
        }
        if (t->joins && (netlink->watch < 0 || netlink->ask < 0)) {
                log_error("No rtnetlink sockets: fence-virt-listen@%s.socket needs ListenNetlink=route and "
                          "ListenNetlink=route 1",
                        t->name);
                return -ENOTCONN;
        }
        if (taken == 0) {
                log_error("No %s", t->socket);
                return -ENOTCONN;
        }
        *ret_n = taken;
        return 0;
}
