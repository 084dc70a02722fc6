/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "audit.h"
#include "catalog-ids.h"
#include "journal.h"
#include "log.h"
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        MESSAGE_MAX = 1024,
        NAME_MAX_SIZE = 32, /* of "FENCE_DURATION_USEC=" and its like */
        FIELDS_MAX = 32,
        REASON_SIZE = 96,
};

/* How many records of one reason were written since when. */
typedef struct Limit {
        char reason[REASON_SIZE];
        uint64_t since_usec;
        unsigned n;
        uint64_t suppressed;
} Limit;

struct Audit {
        AuditSink sink;
        void *userdata;
        Journal *journal; /* NULL when the sink is somebody else's */
        uint64_t lost;
        Limit limits[AUDIT_REASONS_MAX + 1]; /* the first is for what has none of its own */
};

/* One record while it is put together. */
typedef struct Fields {
        struct iovec iov[FIELDS_MAX];
        int n;
        size_t used;
        char text[FIELDS_MAX * (NAME_MAX_SIZE + AUDIT_VALUE_MAX) + MESSAGE_MAX];
} Fields;

static const struct {
        const char *message_id;
        int priority, priority_of_power_change;
        const char *word;
        const char *before_duration; /* NULL: not worth saying how long it took */
} kinds[_AUDIT_KIND_MAX] = {
        [AUDIT_DONE] = { MESSAGE_ID_DONE, LOG_INFO, LOG_NOTICE, "done", "in" },
        [AUDIT_FAILED] = { MESSAGE_ID_FAILED, LOG_ERR, LOG_ERR, "failed", "after" },
        [AUDIT_DENIED] = { MESSAGE_ID_DENIED, LOG_WARNING, LOG_WARNING, "denied", NULL },
        [AUDIT_REFUSED] = { MESSAGE_ID_REFUSED, LOG_WARNING, LOG_WARNING, "refused", NULL },
        [AUDIT_CANCELLED] = { MESSAGE_ID_CANCELLED, LOG_WARNING, LOG_WARNING, "cancelled", "after" },
        [AUDIT_STORM] = { MESSAGE_ID_STORM, LOG_CRIT, LOG_CRIT, "held back", NULL },
};

int audit_new(AuditSink sink, void *userdata, Audit **ret) {
        _cleanup_(audit_freep) Audit *a = calloc(1, sizeof(*a));
        int r;

        if (!a)
                return -ENOMEM;
        a->sink = sink;
        a->userdata = userdata;
        if (!sink) {
                r = journal_new(JOURNAL_SOCKET_PATH, &a->journal);
                if (r < 0)
                        return r;
                a->sink = journal_send;
                a->userdata = a->journal;
        }
        *ret = TAKE(a, NULL);
        return 0;
}

Audit *audit_free(Audit *a) {
        if (a)
                a->journal = journal_free(a->journal);
        free(a);
        return NULL;
}

static bool is_given(const char *s) {
        return s && *s;
}

/* Appends what there is room for. */
static void append(char *s, size_t size, const char *format, ...) _printf_(3, 4);

static void append(char *s, size_t size, const char *format, ...) {
        size_t n = strlen(s);
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(s + n, size - n, format, ap);
        va_end(ap);
}

static void add(Fields *f, const char *name, const char *value, size_t maximum) {
        char *field = f->text + f->used;
        size_t n_name = strlen(name) + 1, n = n_name + strnlen(value, maximum);

        memcpy(field, name, n_name - 1);
        field[n_name - 1] = '=';
        memcpy(field + n_name, value, n - n_name);
        wire_make_printable(field + n_name, n - n_name);
        f->iov[f->n++] = (struct iovec){ .iov_base = field, .iov_len = n };
        f->used += n;
}

static void add_text(Fields *f, const char *name, const char *value) {
        if (is_given(value))
                add(f, name, value, AUDIT_VALUE_MAX);
}

static void add_number(Fields *f, const char *name, uint64_t value) {
        char text[24];

        (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
        if (value > 0)
                add(f, name, text, sizeof(text));
}

static void add_request_id(Fields *f, const uint8_t id[static 16]) {
        static const uint8_t none[16] = {};
        char text[2 * sizeof(none) + 1] = "";

        for (size_t i = 0; i < sizeof(none); i++)
                append(text, sizeof(text), "%02x", id[i]);
        if (memcmp(id, none, sizeof(none)) != 0)
                add(f, "FENCE_REQUEST_ID", text, sizeof(text));
}

static void append_part(char *s, const char **separator, const char *label, const char *value) {
        if (!is_given(value))
                return;
        append(s, MESSAGE_MAX, "%s%s%.*s", *separator, label, AUDIT_VALUE_MAX, value);
        *separator = ", ";
}

/* "192.168.122.11 (key default, tcp) off web2: off-proven in 0.31 s" */
static void compose(const AuditRecord *r, uint64_t suppressed, uint64_t lost, char ret[static MESSAGE_MAX]) {
        bool known = is_given(r->source_uuid),
             carried_out = r->kind == AUDIT_DONE || r->kind == AUDIT_FAILED;
        const char *separator = "";

        *ret = '\0';
        append_part(ret, &separator, "",
                known                 ? r->source_uuid
                : is_given(r->source) ? r->source
                                      : "somebody");
        separator = " (";
        append_part(ret, &separator, "key ", r->key);
        append_part(ret, &separator, "", known ? r->source : NULL);
        append_part(ret, &separator, "", r->listener);
        append_part(ret, &separator, "filter ", r->source_filter);
        if (*separator == ',')
                append(ret, MESSAGE_MAX, ")");
        separator = " ";
        append_part(ret, &separator, "", r->action);
        separator = " ";
        append_part(ret, &separator, "", is_given(r->target) ? r->target : r->target_uuid);
        separator = ": ";
        append_part(
                ret, &separator, "", carried_out && is_given(r->result) ? r->result : kinds[r->kind].word);
        if (r->duration_usec > 0 && kinds[r->kind].before_duration)
                append(ret, MESSAGE_MAX, " %s %llu.%02llu s", kinds[r->kind].before_duration,
                        (unsigned long long) (r->duration_usec / USEC_PER_SEC),
                        (unsigned long long) (r->duration_usec % USEC_PER_SEC / 10000));
        separator = ": ";
        if (r->kind != AUDIT_DONE)
                append_part(ret, &separator, "", r->reason);
        if (suppressed > 0)
                append(ret, MESSAGE_MAX, "; %llu more like it were left out",
                        (unsigned long long) suppressed);
        if (lost > 0)
                append(ret, MESSAGE_MAX, "; %llu records before it were lost", (unsigned long long) lost);
}

static void fill(const AuditRecord *r, uint64_t suppressed, uint64_t lost, Fields *f) {
        char message[MESSAGE_MAX], priority[2] = "";
        Action action;
        bool power = is_given(r->action) && action_from_string(r->action, &action) == 0 &&
                     action_changes_power(action);

        compose(r, suppressed, lost, message);
        priority[0] =
                (char) ('0' + (power ? kinds[r->kind].priority_of_power_change : kinds[r->kind].priority));
        f->n = 0;
        f->used = 0;
        add(f, "MESSAGE", message, MESSAGE_MAX);
        add_text(f, "MESSAGE_ID", kinds[r->kind].message_id);
        add(f, "PRIORITY", priority, sizeof(priority) - 1);
        add_text(f, "SYSLOG_IDENTIFIER", "fence-virt");
        add_request_id(f, r->request_id);
        add_text(f, "FENCE_LISTENER", r->listener);
        add_text(f, "FENCE_SOURCE", r->source);
        add_text(f, "FENCE_SOURCE_UUID", r->source_uuid);
        add_text(f, "FENCE_SOURCE_PORT", r->source_port);
        add_text(f, "FENCE_SOURCE_FILTER", r->source_filter);
        add_text(f, "FENCE_KEY", r->key);
        add_text(f, "FENCE_KEY_FILE", r->key_file);
        add_text(f, "FENCE_PROTOCOL", r->protocol);
        add_text(f, "FENCE_ACTION", r->action);
        add_text(f, "FENCE_TARGET", r->target);
        add_text(f, "FENCE_TARGET_UUID", r->target_uuid);
        add_text(f, "FENCE_DECISION", r->decision);
        add_text(f, "FENCE_REASON", r->reason);
        add_text(f, "FENCE_RESULT", r->result);
        add_text(f, "FENCE_BACKEND", r->backend);
        add_text(f, "FENCE_PROOF", r->proof);
        add_number(f, "FENCE_DURATION_USEC", r->duration_usec);
        add_number(f, "FENCE_SUPPRESSED", suppressed);
        add_number(f, "FENCE_LOST", lost);
}

/* The limit of a reason: its own, one that nobody needs any more, or the one for the rest. */
static Limit *limit_of(Audit *a, const char *reason, uint64_t now_usec) {
        Limit *unused = NULL;
        char key[REASON_SIZE];

        (void) snprintf(key, sizeof(key), "%s", is_given(reason) ? reason : "");
        for (size_t i = 1; i < ELEMENTSOF(a->limits); i++) {
                Limit *l = a->limits + i;

                if (l->n > 0 && strcmp(l->reason, key) == 0)
                        return l;
                if (l->n == 0 || (l->suppressed == 0 && now_usec - l->since_usec >= AUDIT_INTERVAL_USEC))
                        unused = l;
        }
        if (!unused)
                return a->limits;
        *unused = (Limit){ .since_usec = now_usec };
        memcpy(unused->reason, key, sizeof(key));
        return unused;
}

static bool admit(Limit *l, uint64_t now_usec) {
        if (now_usec - l->since_usec >= AUDIT_INTERVAL_USEC) {
                l->since_usec = now_usec;
                l->n = 0;
        }
        if (l->n >= AUDIT_BURST) {
                l->suppressed++;
                return false;
        }
        l->n++;
        return true;
}

void audit_write(Audit *a, const AuditRecord *r, uint64_t now_usec) {
        Limit *limit = r->kind == AUDIT_REFUSED || r->unproven ? limit_of(a, r->reason, now_usec) : NULL;
        Fields f;
        int k;

        if (limit && !admit(limit, now_usec))
                return;
        fill(r, limit ? limit->suppressed : 0, a->lost, &f);
        k = a->sink(f.iov, f.n, a->userdata);
        if (k < 0) {
                if (a->lost++ == 0)
                        log_warning_errno(
                                k, "Cannot write an audit record: %m; the next one says how many were lost");
                return;
        }
        a->lost = 0;
        if (limit)
                limit->suppressed = 0;
}
