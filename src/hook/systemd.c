/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "systemd.h"
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define NO_SUCH_UNIT      "org.freedesktop.systemd1.NoSuchUnit"

struct Systemd {
        sd_bus *bus;
        uint64_t deadline_usec;
        char *job; /* the one that is waited for */
        char job_result[32]; /* "" until it has ended */
};

uint64_t now_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* 0 when there is no time left. */
static uint64_t time_left(const Systemd *s) {
        uint64_t now = now_usec();

        return now < s->deadline_usec ? s->deadline_usec - now : 0;
}

/* One step of the connection; waits for it when there is nothing to do. */
static int step(Systemd *s) {
        uint64_t left = time_left(s);
        int r;

        if (left == 0)
                return -ETIMEDOUT;
        r = sd_bus_process(s->bus, NULL);
        if (r != 0)
                return r;
        return sd_bus_wait(s->bus, left);
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Systemd *s = userdata;
        const char *job, *result;

        if (sd_bus_message_read(m, "uoss", NULL, &job, NULL, &result) >= 0 && s->job &&
                strcmp(job, s->job) == 0)
                (void) snprintf(s->job_result, sizeof(s->job_result), "%s", *result ? result : "unknown");
        return 0;
}

int systemd_connect(const char *socket_path, uint64_t deadline_usec, Systemd **ret) {
        _cleanup_(systemd_freep) Systemd *s = calloc(1, sizeof(*s));
        char address[128];
        int r;

        if (!s)
                return -ENOMEM;
        s->deadline_usec = deadline_usec;
        (void) snprintf(address, sizeof(address), "unix:path=%s", socket_path);
        r = sd_bus_new(&s->bus);
        if (r >= 0)
                r = sd_bus_set_address(s->bus, address);
        if (r >= 0)
                r = sd_bus_start(s->bus);
        /* a direct connection: the match is local, and job signals come without a subscription */
        if (r >= 0)
                r = sd_bus_match_signal(s->bus, NULL, NULL, MANAGER_PATH, MANAGER_INTERFACE, "JobRemoved",
                        on_job_removed, s);
        /* the first sd_bus_call() would do this without the deadline */
        while (r >= 0 && (r = sd_bus_is_ready(s->bus)) == 0)
                r = step(s);
        if (r < 0)
                return log_error_errno(r, "Cannot speak to systemd: %m");
        *ret = TAKE(s, NULL);
        return 0;
}

static int call(Systemd *s, sd_bus_message *m, sd_bus_error *error, sd_bus_message **ret) {
        uint64_t left = time_left(s);

        return left > 0 ? sd_bus_call(s->bus, m, left, error, ret) : -ETIMEDOUT;
}

int systemd_is_active(Systemd *s, const char *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *path = NULL;
        const char *state;
        int r;

        r = sd_bus_path_encode(MANAGER_PATH "/unit", unit, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(
                        s->bus, &m, NULL, path, "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", "org.freedesktop.systemd1.Unit", "ActiveState");
        if (r >= 0)
                r = call(s, m, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "v", "s", &state);
        if (r < 0)
                return log_error_errno(
                        r, "Cannot ask systemd for %s: %s", unit, error.message ?: strerror(-r));
        return strcmp(state, "active") == 0;
}

/* StartUnit or StopUnit; 0 when there is no such unit, 1 with the path of the job. */
static int queue_job(
        Systemd *s, const char *method, const char *unit, sd_bus_message **ret, const char **ret_job) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_message_new_method_call(s->bus, &m, NULL, MANAGER_PATH, MANAGER_INTERFACE, method);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", unit, "replace");
        if (r >= 0)
                r = call(s, m, &error, &reply);
        if (sd_bus_error_has_name(&error, NO_SUCH_UNIT))
                return 0;
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", ret_job);
        if (r < 0)
                return log_error_errno(r, "%s %s: %s", method, unit, error.message ?: strerror(-r));
        *ret = TAKE(reply, NULL);
        return 1;
}

static int wait_for_job(Systemd *s, const char *job) {
        int r = 0;

        s->job = strdup(job);
        if (!s->job)
                return -ENOMEM;
        s->job_result[0] = '\0';
        while (r >= 0 && s->job_result[0] == '\0')
                r = step(s);
        free(TAKE(s->job, NULL));
        return r < 0 ? r : 0;
}

int systemd_start(Systemd *s, const char *unit, bool wait) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *job;
        int r;

        r = queue_job(s, "StartUnit", unit, &reply, &job);
        if (r == 0)
                return log_error_errno(ENOENT, "There is no unit %s", unit);
        if (r < 0 || !wait)
                return r < 0 ? r : 0;
        r = wait_for_job(s, job);
        if (r < 0)
                return log_error_errno(r, "%s is not up: %m", unit);
        if (strcmp(s->job_result, "done") != 0)
                return log_error_errno(EIO, "%s does not start: %s", unit, s->job_result);
        return 0;
}

int systemd_stop(Systemd *s, const char *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *job;
        int r;

        r = queue_job(s, "StopUnit", unit, &reply, &job);
        return r < 0 ? r : 0;
}

Systemd *systemd_free(Systemd *s) {
        if (!s)
                return NULL;
        /* not flushed: that would wait without a limit, and every call has had its answer */
        sd_bus_close_unref(s->bus);
        free(s->job);
        free(s);
        return NULL;
}
