/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a request comes from: what the listener says (its transport, and for multicast the source of the datagram), and what
 * the kernel says about the socket that it passes. */

#include "base.h"
#include "identity.h"
#include "peer-process.h"

#include <systemd/sd-bus.h>

typedef enum Form {
        FORM_STREAM, /* tcp: a packet and challenges */
        FORM_MULTICAST, /* the same, and a call-back */
        FORM_VSOCK, /* the same as tcp, or a packet without hash */
        FORM_FRAME, /* serial ports and channels: 74 bytes, as often as the guest likes */
        _FORM_MAX,
} Form;

typedef struct Origin {
        Form form;
        Identity requester; /* transport, family, address and source are set */
        PeerProcess process; /* FORM_FRAME; pidfd -1 otherwise */
} Origin;

/* Reads "a{sv}" and asks the kernel about the socket. -EINVAL for what no listener of ours sends; -ESRCH for a process that is
 * gone. Clear *ret. */
int origin_read(sd_bus_message *m, int fd, Origin *ret);
void origin_clear(Origin *o);

/* The size of what Open brings. */
size_t form_size(Form f);
