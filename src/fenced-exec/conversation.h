/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One guest's request, from the packet to the answer.
 *
 *   opened --identify--> --prove--> proved --commit--> asked --resolve, policy--> acting --> answered
 *
 * Over tcp and multicast a key says who asks (no identify), over serial channels the kernel and libvirt do (no prove), over
 * vsock either or both.
 *
 * Whoever hangs up before it acts is cancelled. Once the domain may have changed, it goes on for the audit's sake, heard or
 * not: a guest that fences itself is no error. */

#include "identity.h"
#include "inquiry.h"
#include "manager.h"
#include "neighbour.h"
#include "origin.h"
#include "session.h"

#include <systemd/sd-bus.h>

#define CONVERSATION_USEC (60 * USEC_PER_SEC) /* from Open to Commit, at most */

/* To look up a domain that exists takes longer than to find that there is none: what is denied after a lookup is answered at
 * a multiple of this after it began, so that the time does not tell what the answer hides. */
#define CONVERSATION_GRID_USEC (50 * USEC_PER_MSEC)

typedef struct Conversation Conversation;

struct Conversation {
        Manager *manager;
        uint64_t id;
        uint8_t request_id[16];
        uint64_t opened_usec, asked_usec, deadline_usec;
        sd_event_source *expiry;
        bool denied; /* and audited: only the answer is still to go out */

        Form form;
        bool keyless; /* nothing was signed: the requester's own domain must be known */
        Session session; /* its state counts only when not keyless, its request always */
        Keyring *keyring; /* the one that session was opened with */
        Identity requester;
        Policy *policy; /* the one at Open: it and the one at Commit must allow */
        PeerProcess process; /* FORM_FRAME */
        bool local_only; /* conversation-local.h */
        Neighbour port; /* zero as long as it is not known */
        char unproven_uuid[37]; /* the domain at that port, when it may be another: for the audit */
        const char *filter; /* why it may: FENCE_SOURCE_FILTER */
        sd_bus_message *open; /* the call to reply to when the requester was found */
        RequestKey key;
        LimitHold hold;
        size_t answer_size; /* of what was sent to the listener */

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

/* Every check of Open that needs nobody else. Takes the pidfd out of *origin. 0, with a new conversation; -EACCES refused
 * and audited; -EALREADY another conversation has this request; -EBUSY, -ENOMEM. */
int conversation_open(Manager *m, Origin *origin, const uint8_t *bytes, Conversation **ret);

/* Asks the hypervisors which domain the requester is, where the form wants it. 0: it need not be asked; the caller replies
 * to Open. 1: `call` is replied to later. Negative errno: the conversation is gone. */
int conversation_identify(Conversation *c, sd_bus_message *call);

/* -EACCES refused and audited: the conversation is gone. */
int conversation_prove(Conversation *c, const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret_response[static WIRE_MAC_SIZE], uint8_t ret_challenge[static WIRE_CHALLENGE_SIZE]);

/* Takes the guest's connection (consumes fd) and replies to `call`, sooner or later. response: WIRE_MAC_SIZE bytes, or none
 * when keyless. -EACCES refused and audited: gone. */
int conversation_commit(Conversation *c, const uint8_t *response, size_t size, int fd, sd_bus_message *call);

/* The guest or the listener is gone: cancels what has not started, and audits it. */
void conversation_abort(Conversation *c, const char *reason);

/* Audited as refused, and gone. Says nothing to anybody. Returns -EACCES. */
int conversation_refuse(Conversation *c, const char *reason);

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
