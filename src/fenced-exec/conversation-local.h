/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* LocalGuestsOnly=: a request by tcp or multicast counts only when it comes from a running domain of this host, known by the
 * port of the bridge that the requester's address is reached by (neighbour.h). The domain becomes part of the requester
 * when libvirt keeps it from pretending to be another; else it is for the audit only.
 *
 * Whoever asks by multicast may not have been spoken to since the host has started, so that the kernel does not know its MAC
 * address yet. It does once the guest was called back: then all is done at Commit. */

#include "conversation.h"

/* Does it hold for this conversation? */
bool conversation_is_local_only(const Conversation *c);

/* At Open, in the place of conversation_identify(): returns what that returns. */
int conversation_identify_port(Conversation *c, sd_bus_message *call);

/* At Commit, before anything is decided, by who is at the other end of the connection now: it must be the same port, and so
 * the same domain. NULL, or why it is refused. */
const char *conversation_check_port(Conversation *c);

/* At Commit, when it was accepted: conversation_act(), now or as soon as the domain is known, for whom it was not at Open. */
void conversation_act_locally(Conversation *c);
