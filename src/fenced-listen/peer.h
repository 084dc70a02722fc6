/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One guest: a socket, a deadline, a conversation. The only code that reads from and writes to a guest. A peer lives from
 * here to its end by itself; whatever it does ends only itself. */

#include "datagram.h"
#include "listener.h"

/* Both take a seat, which the caller has made sure of. */

/* fd: an accepted connection; owned by the peer from now on, also on failure. */
void peer_accept(Listener *l, int fd, const Address *address);

/* udp_fd: the socket that the datagram came by, which stays the listener's. */
void peer_call_back(Listener *l, int udp_fd, const Datagram *d, uint16_t port);
