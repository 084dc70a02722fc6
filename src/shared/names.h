/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every name that crosses a border: bus, paths, environment, users. */

#include "config.h"

#define EXEC_SOCKET_PATH "/run/fence-virt/exec.sock"
#define STATE_DIR        "/var/lib/fence-virt"
#define KEYS_DIR         CONFDIR "/keys"
#define GROUPS_DIR       CONFDIR "/groups.d"
#define CONF_PATH        CONFDIR "/fence-virt.conf"
#define CONF_DROPIN_DIR  CONFDIR "/fence-virt.conf.d"
#define LEGACY_KEY_PATH  "/etc/cluster/fence_xvm.key"

#define EXEC_USER   "fence-virt"
#define LISTEN_USER "fence-virt-listen"

/* The private bus between listeners and executor. All methods are asynchronous on both sides.
 *
 *   Open   (ay packet, h peer, a{sv} origin) -> (t session)
 *          packet: exactly 176 bytes (74 for serial). peer: the accepted connection; for multicast the UDP socket, and
 *          origin then holds "source" (ay: 4 or 16 address bytes), "ifindex" (u). origin always holds "transport" (s:
 *          "tcp", "multicast", "serial", "vsock").
 *   Prove  (t session, ay guest_challenge) -> (ay response, ay challenge)       64 bytes each
 *   Commit (t session, ay guest_response, h peer) -> (ay reply)                 every byte for the guest
 *   Abort  (t session) -> ()                                                    the guest hung up; no effect if unknown
 *
 * Errors: BUS_ERROR_REFUSED (say nothing to the guest, close), BUS_ERROR_DUPLICATE (another conversation already
 * carries this request; close), anything else is our own failure (close). */
#define BUS_PATH            "/org/fencevirt1"
#define BUS_INTERFACE       "org.fencevirt1.Session"
#define BUS_ERROR_REFUSED   "org.fencevirt1.Error.Refused"
#define BUS_ERROR_DUPLICATE "org.fencevirt1.Error.Duplicate"
#define BUS_ERROR_BUSY      "org.fencevirt1.Error.Busy"

#define ORIGIN_TRANSPORT "transport"
#define ORIGIN_SOURCE    "source"
#define ORIGIN_IFINDEX   "ifindex"
