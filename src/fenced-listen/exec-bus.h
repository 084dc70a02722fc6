/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One connection to the executor's socket. */

#include "base.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* Connects without waiting and attaches to the event loop. Every message that comes is shown to `handler`; first
 * exec_bus_is_connected(): only from then on can descriptors be sent without sd-bus waiting for the other side. Last
 * exec_bus_is_lost(): the calls that were sent have been told by then. -ENOENT, -ECONNREFUSED, -EAGAIN (its queue is
 * full) and the like when there is no connection. */
int exec_bus_open(
        sd_event *event, const char *path, sd_bus_message_handler_t handler, void *userdata, sd_bus **ret);

bool exec_bus_is_connected(sd_bus_message *m);
bool exec_bus_is_lost(sd_bus_message *m);
