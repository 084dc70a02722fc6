/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every name that crosses a border: bus, paths, environment, users. */

#include "config.h"

#define CALLBACK_SOCKET_PATH "/run/fence-virt/callback.sock" /* callback-protocol.h */
#define EXEC_SOCKET_PATH     "/run/fence-virt/exec.sock"
#define STATE_DIR            "/var/lib/fence-virt"
#define REPLAY_RUN_PATH      "/run/fence-virt-exec/replay" /* the executor's RuntimeDirectory= */
#define REPLAY_STATE_PATH    STATE_DIR "/replay"
#define KEYS_DIR             CONFDIR "/keys"
#define GROUPS_DIR           CONFDIR "/groups.d"
#define CONF_PATH            CONFDIR "/fence-virt.conf"
#define CONF_DROPIN_DIR      CONFDIR "/fence-virt.conf.d"
#define CHANNELS_PATH        CONFDIR "/channels.conf" /* the hook's */
#define LEGACY_KEY_PATH      "/etc/cluster/fence_xvm.key"

#define EXEC_USER    "fence-virt"
#define LISTEN_GROUP "fence-virt-listen" /* of every listener, whatever its user */

/* The private bus between listeners and executor. All methods are asynchronous on both sides.
 *
 *   Open   (ay packet, h peer, a{sv} origin) -> (t session)
 *          packet: exactly 176 bytes (74 for serial). peer: the accepted connection; for multicast the UDP socket, and
 *          origin then holds "source" (ay: 4 or 16 address bytes), "ifindex" (u). origin always holds "transport" (s:
 *          "tcp", "multicast", "serial", "vsock").
 *          vsock: also a packet without hash, which the CID alone vouches for. serial and vsock: answered when the
 *          executor has found the domain that asks.
 *   Prove  (t session, ay guest_challenge) -> (ay response, ay challenge)       64 bytes each
 *   Commit (t session, ay guest_response, h peer) -> (ay reply)                 every byte for the guest; without Prove,
 *          and with an empty response, for serial and for a packet without hash
 *   Abort  (t session) -> ()                                                    the guest hung up; no effect if unknown
 *   Report (y reason, h evidence, a{sv} origin) -> ()                           a RefusedByForm, for the audit only;
 *          evidence and origin as for Open. Nothing is decided by it.
 *
 * Commit's peer is the accepted connection, for multicast the one that the guest answered on. The executor watches it and
 * cancels what has not been started when the guest hangs up; a session belongs to the connection that opened it and ends
 * with it. Each call may be made once per session, in this order.
 *
 * Errors: BUS_ERROR_REFUSED (say nothing to the guest, close), BUS_ERROR_DUPLICATE (another conversation already
 * carries this request; close), anything else is our own failure (close). */
#define BUS_PATH            "/org/fencevirt1"
#define BUS_INTERFACE       "org.fencevirt1.Session"
#define BUS_ERROR_REFUSED   "org.fencevirt1.Error.Refused"
#define BUS_ERROR_DUPLICATE "org.fencevirt1.Error.Duplicate"
#define BUS_ERROR_BUSY      "org.fencevirt1.Error.Busy"

/* The management interface, on the system bus. Explain is read-only, and for root and those whom polkit lets.
 *
 *   Explain (s requester, s action, s target) -> (b allowed, s group, s reason, s name, s uuid)
 *          see org.fencevirt1(5) */
#define MANAGER_NAME          "org.fencevirt1"
#define MANAGER_INTERFACE     "org.fencevirt1.Manager"
#define POLKIT_ACTION_EXPLAIN "org.fencevirt1.explain"

#define ORIGIN_TRANSPORT "transport"
#define ORIGIN_SOURCE    "source"
#define ORIGIN_IFINDEX   "ifindex"

/* Why a listener refused by form alone; the executor has a sentence for each (fenced-exec/bus-session.c). Values cross
 * the bus. */
typedef enum RefusedByForm {
        REFUSED_SIZE = 1, /* not exactly one packet */
        REFUSED_FORM, /* not canonical (H2) */
        REFUSED_NOT_TO_GROUP, /* a datagram sent to an address of the host instead of the group */
        REFUSED_INTERFACE, /* a datagram that came in on an interface that is not served */
        REFUSED_CALLBACK_ADDRESS, /* the address to call back is not the datagram's source, or is the host's own */
        REFUSED_CALLBACK_PORT, /* a port below 1024 that is not 1229 */
        _REFUSED_BY_FORM_MAX,
} RefusedByForm;
