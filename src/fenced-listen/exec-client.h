/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The calls of the private bus (names.h), asynchronous. The connection is made by the first call and made anew by the
 * first one after it broke. Nothing here ever waits. */

#include "address.h"
#include "base.h"
#include "names.h"
#include "wire.h"

#include <systemd/sd-event.h>

/* Over these no new session is opened and nothing reported; sessions go on, one call at a time. */
enum {
        EXEC_CALLS_MAX = 1024, /* unanswered ones */
        EXEC_REPORTS_MAX = 32, /* of these, Report; the audit does not need every one of a flood */
        EXEC_QUEUE_MAX = 1024, /* messages an executor that does not read may leave us with */
};

typedef struct ExecClient ExecClient;
typedef struct ExecCall ExecCall;

/* A session and the connection it lives and dies with. Zero is none. */
typedef struct ExecSession {
        uint64_t connection, id;
} ExecSession;

typedef struct ExecOrigin {
        const char *transport;
        const Address *source; /* NULL unless the evidence is an unconnected socket */
        uint32_t ifindex; /* goes with source */
} ExecOrigin;

/* Which fields are set depends on the call; valid during the handler only. */
typedef struct ExecAnswer {
        ExecSession session; /* Open */
        const uint8_t *response, *challenge; /* Prove: WIRE_MAC_SIZE and WIRE_CHALLENGE_SIZE bytes */
        const void *reply; /* Commit */
        size_t reply_size;
} ExecAnswer;

/* Called once, from the event loop, never from inside a function of this header. answer is NULL when the executor
 * refused, failed, or went away: close without a byte. The call is gone when this runs. */
typedef void (*ExecHandler)(const ExecAnswer *answer, void *userdata);

/* path: of the executor's socket. */
int exec_client_new(sd_event *event, const char *path, ExecClient **ret);

/* Handlers of unanswered calls are not called. */
void exec_client_free(ExecClient *c);
DEFINE_CLEANUP(ExecClient *, exec_client_free);

/* These return 0 and set *ret_call until the handler is called, or a negative errno: -ESTALE for a session whose
 * connection is gone; for Open and Report, -EBUSY and -ENOBUFS over the limits above, or why there is no connection. Descriptors are
 * duplicated. */
int exec_client_open(ExecClient *c, const ExecOrigin *origin, int evidence_fd, const void *packet,
        size_t size, ExecHandler handler, void *userdata, ExecCall **ret_call);
int exec_client_prove(ExecClient *c, const ExecSession *session,
        const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE], ExecHandler handler, void *userdata,
        ExecCall **ret_call);
int exec_client_commit(ExecClient *c, const ExecSession *session, const uint8_t *guest_response, size_t size,
        int peer_fd, ExecHandler handler, void *userdata, ExecCall **ret_call);

/* Nobody waits for the answer any more. A session that an Open still brings is aborted. */
void exec_call_cancel(ExecCall *call);

/* As Open; handler may be NULL. */
int exec_client_report(ExecClient *c, RefusedByForm reason, const ExecOrigin *origin, int evidence_fd,
        ExecHandler handler, void *userdata, ExecCall **ret_call);

/* Best effort. */
void exec_client_abort(ExecClient *c, const ExecSession *session);

/* Calls without an answer, cancelled ones included. */
unsigned exec_client_outstanding(const ExecClient *c);
