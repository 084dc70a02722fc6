/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which channels of a domain are ours, by its XML. Pure: bytes in, values out. */

#include "base.h"
#include "unit-name.h"
#include "wire.h"

enum {
        DOMAIN_XML_MAX = 1024 * 1024,
        DOMAIN_XML_DEPTH_MAX = 256, /* of elements; libvirt's own parser ends there too */
        CHANNEL_BINDS_MAX = 16,
};

#define CHANNEL_NAME   "org.fencevirt.0"
#define CHANNEL_VM_DIR "/run/fence-virt/vm"

typedef struct Channels {
        char uuid[WIRE_UUID_SIZE + 1]; /* in lower case */
        bool own_socket; /* it connects to CHANNEL_VM_DIR/UUID.sock */
        char binds[CHANNEL_BINDS_MAX][SOCKET_PATH_SIZE]; /* QEMU listens there; each path once */
        size_t n_binds;
        const char *unserved; /* why a channel that means us is not served, or NULL. Static */
} Channels;

/* Reads <domain>, also below libvirt's <domstatus>: serial, console and channel devices of type unix.
 *
 *   mode='connect'  ours when the path is CHANNEL_VM_DIR/UUID.sock with the domain's own UUID
 *   mode='bind'     ours when it is a virtio channel named CHANNEL_NAME, or lies directly in one of bind_directories (those
 *                   of a HookConf, may be NULL)
 *
 * -EMSGSIZE for more than DOMAIN_XML_MAX bytes, -EBADMSG for what is no such document: not well-formed, another root,
 * no UUID before the devices, or anything that libvirt does not write (a document type and the entities in it, elements
 * nested too deeply), with *ret_reason pointed at a static sentence. -ENOMEM. */
int channels_parse(
        const char *xml, size_t size, char *const *bind_directories, Channels *ret, const char **ret_reason);
