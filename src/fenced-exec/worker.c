/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker.h"
#include "log.h"
#include "wire.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { READ_CHUNK = 256 * 1024 };

struct Worker {
        sd_event_source *io;
        sd_event_source *child;
        const WorkerOwner *owner; /* NULL once abandoned */
        void *userdata;
        int fd;
        uint8_t *buffer; /* one message being received: a WorkerEvent and its records */
        size_t size, allocated;
};

/* The object lives as long as the source that waits for the process, which the event loop owns once it is abandoned. */
static void worker_destroy(void *userdata) {
        Worker *w = userdata;

        sd_event_source_disable_unref(w->io);
        safe_close(w->fd);
        free(w->buffer);
        free(w);
}

static void worker_lost(Worker *w, const char *why) {
        const WorkerOwner *owner = TAKE(w->owner, NULL);

        sd_event_source_set_enabled(w->io, SD_EVENT_OFF);
        if (owner)
                owner->lost(w, why, w->userdata);
}

/* Stopped counts as lost: a worker that somebody stopped would hold its job until the deadline. */
static int on_child(sd_event_source *s, const siginfo_t *si, void *userdata) {
        Worker *w = userdata;

        if (si->si_code == CLD_STOPPED) {
                (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
                worker_lost(w, "the worker was stopped");
                worker_abandon(w);
                return 0;
        }
        worker_lost(w, si->si_code == CLD_EXITED ? "the worker exited" : "the worker was killed");
        return sd_event_source_set_floating(s, false); /* frees it; sd-event reaps the process */
}

static int reserve(Worker *w, size_t size) {
        if (size <= w->allocated)
                return 0;
        uint8_t *p = realloc(w->buffer, size);
        if (!p)
                return -ENOMEM;
        w->buffer = p;
        w->allocated = size;
        return 0;
}

/* Size of the whole message that begins in the buffer, 0 if not enough is there to tell, -EBADMSG if it is none. */
static ssize_t message_size(const Worker *w) {
        WorkerEvent e;

        if (w->size < sizeof(e))
                return 0;
        memcpy(&e, w->buffer, sizeof(e));
        if (e.kind == 0 || e.kind >= _WORKER_EVENT_MAX || e.result >= _WORKER_RESULT_MAX ||
                e.n_records > WORKER_RECORDS_MAX || (e.kind != WORKER_EVENT_RESULT && e.n_records > 0) ||
                e.power > POWER_OFF)
                return -EBADMSG;
        return (ssize_t) (sizeof(e) + e.n_records * sizeof(WorkerRecord));
}

static void terminate(char *s, size_t size) {
        s[size - 1] = 0;
        wire_make_printable(s, strlen(s));
}

static void deliver(Worker *w, size_t size) {
        WorkerEvent e;

        memcpy(&e, w->buffer, sizeof(e));
        terminate(e.name, sizeof(e.name));
        terminate(e.uuid, sizeof(e.uuid));
        terminate(e.labels, sizeof(e.labels));
        terminate(e.proof, sizeof(e.proof));
        terminate(e.message, sizeof(e.message));

        _cleanup_free_ WorkerRecord *records = NULL;
        if (e.n_records > 0) {
                records = malloc(e.n_records * sizeof(*records));
                if (!records) {
                        worker_lost(w, "out of memory");
                        return;
                }
                memcpy(records, w->buffer + sizeof(e), e.n_records * sizeof(*records));
                for (size_t i = 0; i < e.n_records; i++) {
                        terminate(records[i].name, sizeof(records[i].name));
                        terminate(records[i].uuid, sizeof(records[i].uuid));
                        terminate(records[i].port, sizeof(records[i].port));
                }
        }

        w->size -= size;
        memmove(w->buffer, w->buffer + size, w->size);
        if (w->size == 0 && w->allocated > sizeof(e)) { /* one large list must not be kept for ever */
                free(TAKE(w->buffer, NULL));
                w->allocated = 0;
        }
        w->owner->event(w, &e, records, w->userdata);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Worker *w = userdata;
        ssize_t need = message_size(w);
        size_t goal = need > 0 ? (size_t) need : sizeof(WorkerEvent);

        /* only as much as the message in hand wants: what follows it waits in the kernel */
        if (reserve(w, goal) < 0) {
                worker_lost(w, "out of memory");
                return 0;
        }
        size_t chunk = goal - w->size < READ_CHUNK ? goal - w->size : READ_CHUNK;
        ssize_t n = recv(fd, w->buffer + w->size, chunk, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0) {
                worker_lost(w, "the worker closed its connection");
                return 0;
        }
        w->size += (size_t) n;

        need = message_size(w);
        if (need < 0)
                worker_lost(w, "the worker sent something that is no event");
        else if (need > 0 && w->size >= (size_t) need)
                deliver(w, (size_t) need);
        return 0;
}

static int start(const char *path, const char *uri, int fd, pid_t *ret) {
        const char *journal = getenv("JOURNAL_STREAM");
        _cleanup_free_ char *uri_option = NULL, *journal_variable = NULL;
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;

        if (asprintf(&uri_option, "--uri=%s", uri) < 0 ||
                asprintf(&journal_variable, "JOURNAL_STREAM=%s", journal ? journal : "") < 0)
                return -ENOMEM;
        char *argv[] = { (char *) path, (char *) "--backend=libvirt", uri_option, NULL };
        char *environment[] = { (char *) "PATH=/usr/bin:/bin", (char *) "LANG=C.UTF-8", (char *) "HOME=/",
                journal ? journal_variable : NULL, NULL };

        sigemptyset(&none);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        int r = posix_spawn_file_actions_adddup2(&actions, fd, WORKER_FD);
        if (r == 0)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        if (r == 0)
                r = posix_spawn(ret, path, &actions, &attributes, argv, environment);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        return -r;
}

static int watch(Worker *w, sd_event *event, pid_t pid) {
        sd_event_source *child = NULL;
        int r = sd_event_add_io(event, &w->io, w->fd, EPOLLIN, on_io, w);

        if (r >= 0)
                r = sd_event_add_child(event, &child, pid, WEXITED | WSTOPPED, on_child, w);
        if (r < 0) {
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                worker_destroy(w);
                return r;
        }
        (void) sd_event_source_set_destroy_callback(child, worker_destroy);
        w->child = child;
        return 0;
}

int worker_new(sd_event *event, const char *path, const char *uri, const WorkerOwner *owner, void *userdata,
        Worker **ret) {
        int fds[2], r;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        _cleanup_close_ int ours = fds[0], theirs = fds[1];

        r = start(path, uri, theirs, &pid);
        if (r < 0)
                return r;
        Worker *w = calloc(1, sizeof(*w));
        if (!w) {
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                return -ENOMEM;
        }
        *w = (Worker){ .owner = owner, .userdata = userdata, .fd = TAKE(ours, -1) };
        r = watch(w, event, pid);
        if (r < 0)
                return r;
        *ret = w;
        return 0;
}

int worker_send(Worker *w, const WorkerJob *job) {
        /* one job at a time, so the socket's buffer is empty: a short write is a broken worker */
        ssize_t n = send(w->fd, job, sizeof(*job), MSG_DONTWAIT | MSG_NOSIGNAL);

        return n == (ssize_t) sizeof(*job) ? 0 : -EIO;
}

void worker_abandon(Worker *w) {
        pid_t pid;

        if (w->fd < 0)
                return;
        w->owner = NULL;
        sd_event_source_set_enabled(w->io, SD_EVENT_OFF);
        w->fd = safe_close(w->fd);
        /* not reaped yet, or this object would be gone: the pid is still that process */
        if (sd_event_source_get_child_pid(w->child, &pid) >= 0)
                (void) kill(pid, SIGKILL);
        (void) sd_event_source_set_floating(w->child, true);
        sd_event_source_unref(w->child);
}
