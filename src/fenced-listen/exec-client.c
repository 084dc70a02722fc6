/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exec-client.h"
#include "exec-bus.h"
#include "exec-message.h"
#include "log.h"

#include <string.h>
#include <sys/queue.h>
#include <systemd/sd-bus.h>

/* A connection: after it broke it lives on until sd-bus has told every call on it, while the next one is in use. */
typedef struct Connection {
        ExecClient *client;
        sd_bus *bus;
        uint64_t id;
        bool ready; /* authenticated: until then a message with a descriptor would make sd_bus_send() wait */
        TAILQ_HEAD(ExecCallList, ExecCall) calls;
        TAILQ_ENTRY(Connection) connections;
} Connection;

struct ExecClient {
        sd_event *event;
        char *path;
        Connection *current; /* NULL before the first call */
        TAILQ_HEAD(ConnectionList, Connection) connections;
        uint64_t last_id;
        unsigned n_calls, n_reports;
        bool complained; /* said why it does not work; reset by an answer */
};

typedef struct Method {
        uint64_t timeout_usec; /* ends what a hung executor leaves of cancelled calls */
        int (*parse)(sd_bus_message *m, ExecAnswer *ret);
} Method;

struct ExecCall {
        Connection *connection;
        TAILQ_ENTRY(ExecCall) calls;
        const Method *method;
        sd_bus_message *unsent; /* waits for the connection to become ready */
        sd_bus_slot *slot;
        ExecHandler handler; /* NULL: cancelled, or nobody ever cared */
        void *userdata;
};

#define SHORT_CALL_USEC (30 * USEC_PER_SEC)

static const Method method_open = { SHORT_CALL_USEC, exec_message_opened };
static const Method method_prove = { SHORT_CALL_USEC, exec_message_proved };
static const Method method_commit = { UINT64_MAX, exec_message_committed };
static const Method method_report = { SHORT_CALL_USEC, exec_message_reported };

static void call_free(ExecCall *call) {
        ExecClient *c = call->connection->client;

        TAILQ_REMOVE(&call->connection->calls, call, calls);
        c->n_calls--;
        if (call->method == &method_report)
                c->n_reports--;
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->unsent);
        free(call);
}

static void connection_free(Connection *connection) {
        ExecClient *c = connection->client;

        while (!TAILQ_EMPTY(&connection->calls))
                call_free(TAILQ_FIRST(&connection->calls));
        TAILQ_REMOVE(&c->connections, connection, connections);
        if (c->current == connection)
                c->current = NULL;
        if (connection->bus) {
                (void) sd_bus_detach_event(connection->bus);
                sd_bus_close_unref(connection->bus);
        }
        free(connection);
}
DEFINE_CLEANUP(Connection *, connection_free);

/* The first failure is said, the next thousand are not. */
static void complain(ExecClient *c, const char *why) {
        log_full(c->complained ? LOG_DEBUG : LOG_ERR, "No answer from %s: %s", c->path, why);
        c->complained = true;
}

static void abort_session(Connection *connection, uint64_t id) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = exec_message_abort(connection->bus, id, &m);
        if (r >= 0)
                r = sd_bus_send(connection->bus, m, NULL);
        if (r < 0)
                log_full_errno(LOG_DEBUG, r, "Cannot abort a session: %m");
}

/* Ends a call: frees it and tells whoever waits. */
static void call_finish(ExecCall *call, const ExecAnswer *answer) {
        ExecHandler handler = call->handler;
        void *userdata = call->userdata;

        if (!handler && answer && call->method == &method_open)
                abort_session(call->connection, answer->session.id);
        call_free(call);
        if (handler)
                handler(answer, userdata);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        ExecCall *call = userdata;
        ExecClient *c = call->connection->client;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        ExecAnswer answer = { .session.connection = call->connection->id };
        bool understood = !e && call->method->parse(m, &answer) >= 0;

        if (understood || (e && exec_error_is_verdict(e)))
                c->complained = false;
        else
                complain(c, e && e->message ? e->message : "malformed");
        call_finish(call, understood ? &answer : NULL);
        return 1;
}

static int call_send(ExecCall *call, sd_bus_message *m) {
        return sd_bus_call_async(
                call->connection->bus, &call->slot, m, on_reply, call, call->method->timeout_usec);
}

static ExecCall *first_unsent(Connection *connection) {
        ExecCall *call;

        TAILQ_FOREACH(call, &connection->calls, calls)
                if (call->unsent)
                        return call;
        return NULL;
}

/* Authenticated: what waited for that goes out. */
static void connection_ready(Connection *connection) {
        ExecCall *call;

        connection->ready = true;
        while ((call = first_unsent(connection))) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = TAKE(call->unsent, NULL);
                int r;

                r = call_send(call, m);
                if (r < 0) {
                        complain(connection->client, strerror(-r));
                        call_finish(call, NULL);
                }
        }
}

/* sd-bus has told the calls it knew of; those that were not sent yet are ours to tell. */
static void connection_lost(Connection *connection) {
        if (connection->client->current == connection)
                connection->client->current = NULL;
        while (!TAILQ_EMPTY(&connection->calls))
                call_finish(TAILQ_FIRST(&connection->calls), NULL);
        connection_free(connection);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Connection *connection = userdata;

        if (exec_bus_is_connected(m))
                connection_ready(connection);
        else if (exec_bus_is_lost(m))
                connection_lost(connection);
        return 0;
}

static int connection_new(ExecClient *c, Connection **ret) {
        _cleanup_(connection_freep) Connection *connection = NULL;
        int r;

        connection = calloc(1, sizeof(*connection));
        if (!connection)
                return -ENOMEM;
        connection->client = c;
        connection->id = ++c->last_id;
        TAILQ_INIT(&connection->calls);
        TAILQ_INSERT_TAIL(&c->connections, connection, connections);
        r = exec_bus_open(c->event, c->path, on_message, connection, &connection->bus);
        if (r < 0)
                return r;
        *ret = TAKE(connection, NULL);
        return 0;
}

/* The connection to call on, if one is open. */
static Connection *open_connection(const ExecClient *c) {
        return c->current && sd_bus_is_open(c->current->bus) > 0 ? c->current : NULL;
}

/* A connection that calls can be made on, at least once it is ready. */
static int get_connection(ExecClient *c, Connection **ret) {
        Connection *connection = open_connection(c);
        uint64_t queued = 0;
        int r;

        if (c->n_calls >= EXEC_CALLS_MAX)
                return -EBUSY;
        if (!connection) {
                c->current = NULL; /* a broken one ends by itself */
                r = connection_new(c, &connection);
                if (r < 0) {
                        complain(c, strerror(-r));
                        return r;
                }
                c->current = connection;
        }
        if (sd_bus_get_n_queued_write(connection->bus, &queued) >= 0 && queued >= EXEC_QUEUE_MAX)
                return -ENOBUFS;
        *ret = connection;
        return 0;
}

/* Sends, or keeps it until that cannot block. */
static int call_new(Connection *connection, const Method *method, sd_bus_message *m, ExecHandler handler,
        void *userdata, ExecCall **ret) {
        ExecClient *c = connection->client;
        ExecCall *call;
        int r;

        call = malloc(sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (ExecCall){
                .connection = connection, .method = method, .handler = handler, .userdata = userdata
        };
        TAILQ_INSERT_TAIL(&connection->calls, call, calls);
        c->n_calls++;
        if (method == &method_report)
                c->n_reports++;
        if (!connection->ready)
                call->unsent = sd_bus_message_ref(m);
        else {
                r = call_send(call, m);
                if (r < 0) {
                        call_free(call);
                        return r;
                }
        }
        *ret = call;
        return 0;
}

int exec_client_open(ExecClient *c, const ExecOrigin *origin, int evidence_fd, const void *packet,
        size_t size, ExecHandler handler, void *userdata, ExecCall **ret_call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Connection *connection;
        int r;

        r = get_connection(c, &connection);
        if (r < 0)
                return r;
        r = exec_message_open(connection->bus, origin, evidence_fd, packet, size, &m);
        if (r < 0)
                return r;
        return call_new(connection, &method_open, m, handler, userdata, ret_call);
}

/* The connection of a session. */
static int find_connection(const ExecClient *c, const ExecSession *session, Connection **ret) {
        Connection *connection = open_connection(c);

        if (!connection || connection->id != session->connection)
                return -ESTALE;
        *ret = connection;
        return 0;
}

int exec_client_prove(ExecClient *c, const ExecSession *session,
        const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE], ExecHandler handler, void *userdata,
        ExecCall **ret_call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Connection *connection;
        int r;

        r = find_connection(c, session, &connection);
        if (r < 0)
                return r;
        r = exec_message_prove(connection->bus, session->id, guest_challenge, &m);
        if (r < 0)
                return r;
        return call_new(connection, &method_prove, m, handler, userdata, ret_call);
}

int exec_client_commit(ExecClient *c, const ExecSession *session, const uint8_t *guest_response, size_t size,
        int peer_fd, ExecHandler handler, void *userdata, ExecCall **ret_call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Connection *connection;
        int r;

        r = find_connection(c, session, &connection);
        if (r < 0)
                return r;
        r = exec_message_commit(connection->bus, session->id, guest_response, size, peer_fd, &m);
        if (r < 0)
                return r;
        return call_new(connection, &method_commit, m, handler, userdata, ret_call);
}

void exec_call_cancel(ExecCall *call) {
        if (call->unsent || call->method == &method_prove || call->method == &method_commit)
                call_free(call);
        else
                call->handler = NULL; /* an Open may bring a session, a Report counts until it was read */
}

void exec_client_abort(ExecClient *c, const ExecSession *session) {
        Connection *connection;

        if (find_connection(c, session, &connection) >= 0)
                abort_session(connection, session->id);
}

int exec_client_report(ExecClient *c, RefusedByForm reason, const ExecOrigin *origin, int evidence_fd,
        ExecHandler handler, void *userdata, ExecCall **ret_call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Connection *connection;
        int r;

        if (c->n_reports >= EXEC_REPORTS_MAX)
                return -EBUSY;
        r = get_connection(c, &connection);
        if (r < 0)
                return r;
        r = exec_message_report(connection->bus, reason, origin, evidence_fd, &m);
        if (r < 0)
                return r;
        return call_new(connection, &method_report, m, handler, userdata, ret_call);
}

unsigned exec_client_outstanding(const ExecClient *c) {
        return c->n_calls;
}

int exec_client_new(sd_event *event, const char *path, ExecClient **ret) {
        _cleanup_(exec_client_freep) ExecClient *c = NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        TAILQ_INIT(&c->connections);
        c->event = sd_event_ref(event);
        c->path = strdup(path);
        if (!c->path)
                return -ENOMEM;
        *ret = TAKE(c, NULL);
        return 0;
}

void exec_client_free(ExecClient *c) {
        if (!c)
                return;
        while (!TAILQ_EMPTY(&c->connections))
                connection_free(TAILQ_FIRST(&c->connections));
        sd_event_unref(c->event);
        free(c->path);
        free(c);
}
