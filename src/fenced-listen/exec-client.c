/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exec-client.h"
#include "log.h"

#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
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

typedef int (*AnswerParser)(sd_bus_message *m, Connection *connection, ExecAnswer *ret);

typedef struct Method {
        const char *member;
        uint64_t timeout_usec; /* ends what a hung executor leaves of cancelled calls */
        AnswerParser parse;
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

static int parse_open(sd_bus_message *m, Connection *connection, ExecAnswer *ret) {
        ret->session.connection = connection->id;
        return sd_bus_message_read(m, "t", &ret->session.id);
}

static int parse_prove(sd_bus_message *m, Connection *connection, ExecAnswer *ret) {
        const void *response, *challenge;
        size_t n_response, n_challenge;
        int r;

        r = sd_bus_message_read_array(m, 'y', &response, &n_response);
        if (r < 0)
                return r;
        r = sd_bus_message_read_array(m, 'y', &challenge, &n_challenge);
        if (r < 0)
                return r;
        if (n_response != WIRE_MAC_SIZE || n_challenge != WIRE_CHALLENGE_SIZE)
                return -EBADMSG;
        ret->response = response;
        ret->challenge = challenge;
        return 0;
}

static int parse_commit(sd_bus_message *m, Connection *connection, ExecAnswer *ret) {
        return sd_bus_message_read_array(m, 'y', &ret->reply, &ret->reply_size);
}

static int parse_report(sd_bus_message *m, Connection *connection, ExecAnswer *ret) {
        return 0;
}

#define SHORT_CALL_USEC (30 * USEC_PER_SEC)

static const Method method_open = { "Open", SHORT_CALL_USEC, parse_open };
static const Method method_prove = { "Prove", SHORT_CALL_USEC, parse_prove };
static const Method method_commit = { "Commit", UINT64_MAX, parse_commit };
static const Method method_report = { "Report", SHORT_CALL_USEC, parse_report };

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

        r = sd_bus_message_new_method_call(connection->bus, &m, NULL, BUS_PATH, BUS_INTERFACE, "Abort");
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        if (r >= 0)
                r = sd_bus_message_append(m, "t", id);
        if (r >= 0)
                r = sd_bus_send(connection->bus, m, NULL);
        if (r < 0)
                log_full_errno(LOG_DEBUG, r, "Cannot abort a session: %m");
}

static bool is_verdict(const sd_bus_error *e) {
        return sd_bus_error_has_names(e, BUS_ERROR_REFUSED, BUS_ERROR_DUPLICATE);
}

/* Ends a call: frees it and tells whoever waits. */
static void call_finish(ExecCall *call, const ExecAnswer *answer) {
        ExecHandler handler = call->handler;
        void *userdata = call->userdata;

        if (!handler && answer && answer->session.connection != 0)
                abort_session(call->connection, answer->session.id);
        call_free(call);
        if (handler)
                handler(answer, userdata);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        ExecCall *call = userdata;
        ExecClient *c = call->connection->client;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        ExecAnswer answer = {};
        bool understood = false;

        if (!e)
                understood = call->method->parse(m, call->connection, &answer) >= 0;
        if (understood || (e && is_verdict(e)))
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

        if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Connected"))
                connection_ready(connection);
        else if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Disconnected"))
                connection_lost(connection);
        return 0;
}

static int connect_path(const char *path, int *ret) {
        union {
                struct sockaddr sa;
                struct sockaddr_un un;
        } sa = { .un = { .sun_family = AF_UNIX } };
        _cleanup_close_ int fd = -1;

        if (strlen(path) >= sizeof(sa.un.sun_path))
                return -ENAMETOOLONG;
        memcpy(sa.un.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, &sa.sa, sizeof(sa.un)) < 0)
                return -errno;
        *ret = TAKE(fd, -1);
        return 0;
}

static int connection_start(Connection *connection) {
        sd_bus *bus = connection->bus;
        _cleanup_close_ int fd = -1;
        int r;

        r = connect_path(connection->client->path, &fd);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0)
                return r;
        fd = -1; /* the bus closes it */
        r = sd_bus_negotiate_fds(bus, true);
        if (r < 0)
                return r;
        r = sd_bus_set_connected_signal(bus, true);
        if (r < 0)
                return r;
        r = sd_bus_add_filter(bus, NULL, on_message, connection);
        if (r < 0)
                return r;
        r = sd_bus_start(bus);
        if (r < 0)
                return r;
        return sd_bus_attach_event(bus, connection->client->event, SD_EVENT_PRIORITY_NORMAL);
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
        r = sd_bus_new(&connection->bus);
        if (r < 0)
                return r;
        r = connection_start(connection);
        if (r < 0)
                return r;
        *ret = TAKE(connection, NULL);
        return 0;
}

/* The connection to call on, if one is open. */
static Connection *open_connection(const ExecClient *c) {
        return c->current && sd_bus_is_open(c->current->bus) > 0 ? c->current : NULL;
}

static int call_new(ExecClient *c, const Method *method, ExecHandler handler, void *userdata, ExecCall **ret,
        sd_bus_message **ret_m) {
        Connection *connection = open_connection(c);
        uint64_t queued = 0;
        ExecCall *call;
        int r;

        if (c->n_calls >= EXEC_CALLS_MAX)
                return -EBUSY;
        if (!connection) {
                c->current = NULL;
                r = connection_new(c, &connection);
                if (r < 0) {
                        complain(c, strerror(-r));
                        return r;
                }
                c->current = connection;
        }
        if (sd_bus_get_n_queued_write(connection->bus, &queued) >= 0 && queued >= EXEC_QUEUE_MAX)
                return -ENOBUFS;
        r = sd_bus_message_new_method_call(
                connection->bus, ret_m, NULL, BUS_PATH, BUS_INTERFACE, method->member);
        if (r < 0)
                return r;
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
        *ret = call;
        return 0;
}

/* Sends the finished message, or keeps it until that cannot block; frees the call on failure. */
static int call_submit(ExecCall *call, sd_bus_message *m, int built, ExecCall **ret_call) {
        int r = built;

        if (r >= 0 && call->connection->ready)
                r = call_send(call, m);
        else if (r >= 0)
                call->unsent = sd_bus_message_ref(m);
        if (r < 0) {
                call_free(call);
                return r;
        }
        *ret_call = call;
        return 0;
}

static int append_origin(sd_bus_message *m, const ExecOrigin *origin) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", ORIGIN_TRANSPORT, "s", origin->transport);
        if (r >= 0 && origin->source) {
                r = sd_bus_message_append(m, "{sv}", ORIGIN_IFINDEX, "u", origin->ifindex);
                if (r >= 0)
                        r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", ORIGIN_SOURCE);
                if (r >= 0)
                        r = sd_bus_message_open_container(m, 'v', "ay");
                if (r >= 0)
                        r = sd_bus_message_append_array(
                                m, 'y', origin->source->bytes, address_size(origin->source));
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int exec_client_open(ExecClient *c, const ExecOrigin *origin, int evidence_fd, const void *packet,
        size_t size, ExecHandler handler, void *userdata, ExecCall **ret_call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        ExecCall *call;
        int r;

        r = call_new(c, &method_open, handler, userdata, &call, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', packet, size);
        if (r >= 0)
                r = sd_bus_message_append(m, "h", evidence_fd);
        if (r >= 0)
                r = append_origin(m, origin);
        return call_submit(call, m, r, ret_call);
}

static bool session_lives(const ExecClient *c, const ExecSession *session) {
        const Connection *connection = open_connection(c);

        return connection && connection->id == session->connection;
}

int exec_client_prove(ExecClient *c, const ExecSession *session,
        const uint8_t guest_challenge[static WIRE_CHALLENGE_SIZE], ExecHandler handler, void *userdata,
        ExecCall **ret_call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        ExecCall *call;
        int r;

        if (!session_lives(c, session))
                return -ESTALE;
        r = call_new(c, &method_prove, handler, userdata, &call, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "t", session->id);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', guest_challenge, WIRE_CHALLENGE_SIZE);
        return call_submit(call, m, r, ret_call);
}

int exec_client_commit(ExecClient *c, const ExecSession *session, const uint8_t *guest_response, size_t size,
        int peer_fd, ExecHandler handler, void *userdata, ExecCall **ret_call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        ExecCall *call;
        int r;

        if (!session_lives(c, session))
                return -ESTALE;
        r = call_new(c, &method_commit, handler, userdata, &call, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "t", session->id);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', guest_response, size);
        if (r >= 0)
                r = sd_bus_message_append(m, "h", peer_fd);
        return call_submit(call, m, r, ret_call);
}

void exec_call_cancel(ExecCall *call) {
        if (call->method == &method_open && !call->unsent)
                call->handler = NULL; /* the answer is needed, to abort what it opens */
        else
                call_free(call);
}

void exec_client_abort(ExecClient *c, const ExecSession *session) {
        if (session_lives(c, session))
                abort_session(c->current, session->id);
}

void exec_client_report(ExecClient *c, RefusedByForm reason, const ExecOrigin *origin, int evidence_fd) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        ExecCall *call;
        int r;

        if (c->n_reports >= EXEC_REPORTS_MAX)
                return;
        r = call_new(c, &method_report, NULL, NULL, &call, &m);
        if (r < 0)
                return;
        r = sd_bus_message_append(m, "yh", (uint8_t) reason, evidence_fd);
        if (r >= 0)
                r = append_origin(m, origin);
        (void) call_submit(call, m, r, &call);
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
