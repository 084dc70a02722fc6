/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The messages of the private bus (names.h), made and read. Nothing is sent here. */

#include "exec-client.h"

#include <systemd/sd-bus.h>

/* Descriptors are duplicated into the message. 0 or a negative errno, -EMFILE in particular. */
int exec_message_open(sd_bus *bus, const ExecOrigin *origin, int evidence_fd, const void *packet,
        size_t size, sd_bus_message **ret);
int exec_message_prove(sd_bus *bus, uint64_t session, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        sd_bus_message **ret);
int exec_message_commit(sd_bus *bus, uint64_t session, const uint8_t *guest_response, size_t size,
        int peer_fd, sd_bus_message **ret);
int exec_message_report(
        sd_bus *bus, RefusedByForm reason, const ExecOrigin *origin, int evidence_fd, sd_bus_message **ret);
int exec_message_abort(sd_bus *bus, uint64_t session, sd_bus_message **ret); /* wants no reply */

/* What a reply says; points into the message. 0, or a negative errno for a malformed one. */
int exec_message_opened(sd_bus_message *m, ExecAnswer *ret);
int exec_message_proved(sd_bus_message *m, ExecAnswer *ret);
int exec_message_committed(sd_bus_message *m, ExecAnswer *ret);
int exec_message_reported(sd_bus_message *m, ExecAnswer *ret);

/* True for an error by which the executor says no, rather than that it is not well. */
bool exec_error_is_verdict(const sd_bus_error *e);
