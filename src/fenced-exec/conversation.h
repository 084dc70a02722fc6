/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One guest's request, from the packet to the answer.
 *
 *   opened --prove--> proved --commit--> asked --resolve, policy--> acting --> answered
 *
 * Whoever hangs up before it acts is cancelled. Once the domain may have changed, it goes on for the audit's sake, heard or
 * not: a guest that fences itself is no error. */

#include <systemd/sd-bus.h>

#include "identity.h"
#include "inquiry.h"
#include "manager.h"
#include "session.h"

#define CONVERSATION_USEC (60 * USEC_PER_SEC) /* from Open to Commit, at most */

typedef struct Conversation Conversation;

struct Conversation {
        Manager *manager;
        uint64_t id;
        uint8_t request_id[16];
        uint64_t opened_usec, deadline_usec;
        sd_event_source *expiry;

        Session session;
        Keyring *keyring; /* the one that session was opened with */
        WireKind kind;
        Identity requester;
        RequestKey key;

        int fd; /* the guest's connection, from Commit on */
        sd_event_source *hangup;
        sd_bus_message *commit; /* the call to reply to; NULL once the listener or the guest is gone */

        Inquiry *inquiry;
        Waiter *waiter;
        char name[256], uuid[37];
        const char *backend;

        void (*gone)(Conversation *c, void *userdata); /* the bus connection lets go of it */
        void *gone_userdata;
        Conversation *next, **link;
};

/* What Open was told by the listener, and what the kernel says about it. */
typedef struct Origin {
        WireKind kind;
        Identity requester; /* transport, family, address and source are set */
} Origin;

/* Every check of Open. 0, with a new conversation; -EACCES refused and audited; -EALREADY another conversation has
 * this request; -EBUSY, -ENOMEM. */
int conversation_open(
        Manager *m, const Origin *origin, const uint8_t packet[static WIRE_PACKET_SIZE], Conversation **ret);

/* -EACCES refused and audited: the conversation is gone. */
int conversation_prove(Conversation *c, const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret_response[static WIRE_MAC_SIZE], uint8_t ret_challenge[static WIRE_CHALLENGE_SIZE]);

/* Takes the guest's connection (consumes fd) and replies to `call`, sooner or later. -EACCES refused and audited: gone. */
int conversation_commit(
        Conversation *c, const uint8_t guest_response[static WIRE_MAC_SIZE], int fd, sd_bus_message *call);

/* The guest or the listener is gone: cancels what has not started, and audits it. */
void conversation_abort(Conversation *c, const char *reason);

/* Says nothing to anybody. */
Conversation *conversation_free(Conversation *c);

/* A refusal of the listener, for the audit. */
void conversation_report(Manager *m, const Origin *origin, const char *reason);

/* For conversation-act.c: what follows an authenticated request, from the policy to the answer. */
void conversation_act(Conversation *c);

/* Sends every byte for the guest, if somebody is left to send them to, and ends the conversation. Consumes bytes. */
void conversation_answer(Conversation *c, Reply reply, uint8_t *bytes, size_t size);

/* One record. Empty strings and NULL are left out. */
void conversation_audit(Conversation *c, AuditKind kind, const char *decision, const char *reason,
        const char *result, const char *proof);
