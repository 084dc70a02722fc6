/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dial.h"
#include "line.h"
#include "local.h"
#include "log.h"

#include <string.h>
#include <sys/inotify.h>
#include <sys/un.h>

#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

struct Dial {
        Listener *listener;
        char *path, *directory;
        const char *name; /* of the socket in its directory; inside path */
        sd_event_source *watch; /* NULL while connected, and while there is no directory */
        sd_event_source *retry;
        Seat *line; /* NULL unless connected */
        uint64_t connected_usec;
        uint64_t pause_usec;
        bool complained; /* said that nobody is there; reset by a connection */
};

bool dial_path_is_valid(const char *path) {
        const char *name = strrchr(path, '/');

        return *path == '/' && name[1] != '\0' &&
               strlen(path) < sizeof(((struct sockaddr_un *) NULL)->sun_path);
}

uint64_t dial_pause(uint64_t before_usec, uint64_t lasted_usec) {
        uint64_t pause = 2 * before_usec;

        if (before_usec == 0 || lasted_usec > DIAL_PAUSE_USEC_MAX)
                return DIAL_PAUSE_USEC_MIN;
        return pause < DIAL_PAUSE_USEC_MAX ? pause : DIAL_PAUSE_USEC_MAX;
}

static void unwatch(Dial *d) {
        d->watch = sd_event_source_disable_unref(d->watch);
}

static int pause_after(Dial *d, uint64_t lasted_usec) {
        int r;

        d->pause_usec = dial_pause(d->pause_usec, lasted_usec);
        r = sd_event_source_set_time(d->retry, listener_now(d->listener) + d->pause_usec);
        return r < 0 ? r : sd_event_source_set_enabled(d->retry, SD_EVENT_ONESHOT);
}

static void on_ended(void *userdata) {
        Dial *d = userdata;
        uint64_t lasted = listener_now(d->listener) - d->connected_usec;

        d->line = NULL;
        if (pause_after(d, lasted) < 0)
                (void) sd_event_exit(d->listener->event, -ENOMEM);
}

static void complain(Dial *d, int error) {
        log_full_errno(d->complained ? LOG_DEBUG : LOG_INFO, error, "Waiting for %s: %m", d->path);
        d->complained = true;
}

static int on_directory(sd_event_source *s, const struct inotify_event *event, void *userdata);

/* Before the attempt, or a socket could appear between the two. */
static void watch(Dial *d) {
        if (!d->watch)
                (void) sd_event_add_inotify(d->listener->event, &d->watch, d->directory,
                        IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR, on_directory, d);
}

static int attempt(Dial *d) {
        int fd, r;

        watch(d);
        r = local_connect(d->path, &fd);
        if (r >= 0)
                r = line_new(d->listener, fd, on_ended, d, &d->line);
        if (r < 0) {
                complain(d, r);
                return pause_after(d, 0);
        }
        log_full(d->complained ? LOG_INFO : LOG_DEBUG, "Connected to %s", d->path);
        d->complained = false;
        d->connected_usec = listener_now(d->listener);
        unwatch(d);
        return sd_event_source_set_enabled(d->retry, SD_EVENT_OFF);
}

static int on_directory(sd_event_source *s, const struct inotify_event *event, void *userdata) {
        Dial *d = userdata;

        if (event->mask & (IN_IGNORED | IN_UNMOUNT))
                unwatch(d); /* the next attempt looks for the directory again */
        else if (event->len > 0 && strcmp(event->name, d->name) == 0)
                return attempt(d);
        return 0;
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        return attempt(userdata);
}

static int start(Dial *d) {
        int r;

        r = sd_event_add_time_relative(
                d->listener->event, &d->retry, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC, on_retry, d);
        return r < 0 ? r : sd_event_source_set_exit_on_failure(d->retry, true);
}

int dial_new(Listener *l, const char *path, Dial **ret) {
        _cleanup_(dial_freep) Dial *d = NULL;
        char *slash;
        int r;

        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->listener = l;
        d->path = strdup(path);
        d->directory = strdup(path);
        if (!d->path || !d->directory)
                return -ENOMEM;
        slash = strrchr(d->directory, '/');
        d->name = d->path + (slash - d->directory) + 1;
        slash[slash == d->directory] = '\0';
        r = start(d);
        if (r < 0)
                return r;
        *ret = TAKE(d, NULL);
        return 0;
}

void dial_free(Dial *d) {
        if (!d)
                return;
        if (d->line)
                d->line->end(d->line);
        unwatch(d);
        sd_event_source_disable_unref(d->retry);
        free(d->path);
        free(d->directory);
        free(d);
}
