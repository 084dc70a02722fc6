/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-manager.h"
#include "bus-server.h"
#include "log.h"
#include "manager.h"
#include "names.h"
#include "replay-file.h"

#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#define WORKER_PATH LIBEXECDIR "/fenced-worker"

/* A host in trouble swaps; who fences must not wait for that. With a limit, only what is there now can be locked:
 * MCL_FUTURE would turn the limit into failing allocations (mlockall(2)). */
static void lock_memory(void) {
        struct rlimit limit;
        int flags = MCL_CURRENT | MCL_ONFAULT;

        if (getrlimit(RLIMIT_MEMLOCK, &limit) >= 0 && limit.rlim_cur == RLIM_INFINITY)
                flags |= MCL_FUTURE;
        if (mlockall(flags) < 0)
                log_notice("Memory is not locked (%s): fencing may be slow on a host that swaps.",
                        strerror(errno));
}

static void say_status(Manager *m) {
        char status[sizeof(m->status)];

        (void) manager_status(m, status, sizeof(status));
        if (strcmp(status, m->status) == 0)
                return;
        memcpy(m->status, status, sizeof(status));
        (void) sd_notifyf(false, "STATUS=%s", status);
}

static void describe(const ConfError *e, char *buffer, size_t size) {
        if (e->line > 0)
                (void) snprintf(buffer, size, "%s:%u: %s", e->path, e->line, e->message);
        else
                (void) snprintf(buffer, size, "%s: %s", e->path, e->message);
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Manager *m = userdata;
        ConfError e = {};

        (void) sd_notify(false, "RELOADING=1");
        int r = manager_load(m, &e);
        if (r < 0) {
                describe(&e, m->reload_trouble, sizeof(m->reload_trouble));
                log_error("Keeping the old configuration. %s", m->reload_trouble);
        } else {
                m->reload_trouble[0] = 0;
                log_info("Configuration reloaded.");
        }
        say_status(m);
        (void) sd_notify(false, "READY=1");
        return 0;
}

/* STATUS= is renewed when something was done, never by a timer of its own: an idle executor sleeps. */
static int on_post(sd_event_source *s, void *userdata) {
        say_status(userdata);
        return 0;
}

/* The bus, and rtnetlink for LocalGuestsOnly=: the socket unit of an older version has none, and need not be restarted where
 * nobody uses that. */
static int take_sockets(int *ret_netlink) {
        int n = sd_listen_fds(true), bus = -1, netlink = -1;

        for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
                int *slot = sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0 ? &bus
                            : rtnetlink_is_socket(fd, 0)                       ? &netlink
                                                                               : NULL;

                if (slot && *slot < 0)
                        *slot = fd;
        }
        if (bus < 0) {
                log_error(
                        "Expected a listening unix stream socket from fence-virt-exec.socket; start that.");
                return -EINVAL;
        }
        *ret_netlink = netlink;
        return bus;
}

static int set_up_event(sd_event **ret) {
        static const int ends[] = { SIGTERM, SIGINT };
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                sigaddset(&mask, ends[i]);
        sigaddset(&mask, SIGHUP);
        sigaddset(&mask, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        r = sd_event_default(ret);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(ends); i++)
                r = sd_event_add_signal(*ret, NULL, ends[i], NULL, NULL);
        if (r >= 0)
                r = sd_event_set_watchdog(*ret, true);
        return r;
}

static int run(void) {
        static const ManagerPaths base = { CONF_PATH, CONF_DROPIN_DIR, GROUPS_DIR, KEYS_DIR, NULL,
                WORKER_PATH, REPLAY_RUN_PATH, REPLAY_STATE_PATH };
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(manager_freep) Manager *m = NULL;
        _cleanup_(bus_server_freep) BusServer *server = NULL;
        _cleanup_(bus_manager_freep) BusManager *management = NULL;
        const struct group *listeners = getgrnam(LISTEN_GROUP);
        ManagerPaths paths = base;
        ConfError e = {};

        int netlink, fd = take_sockets(&netlink);
        if (fd < 0)
                return fd;
        int r = set_up_event(&event);
        if (r < 0)
                return log_error_errno(r, "Cannot set up the event loop: %m");
        paths.credentials = getenv("CREDENTIALS_DIRECTORY");
        r = manager_new(event, &paths, NULL, NULL, &m);
        if (r < 0)
                return log_error_errno(r, "Cannot start: %m");
        if (netlink >= 0)
                m->kernel = (NeighbourKernel){ neighbour_ask_socket, &netlink };
        r = manager_load(m, &e);
        if (r < 0) {
                char why[sizeof(m->reload_trouble)];

                describe(&e, why, sizeof(why));
                log_error("%s", why);
                (void) sd_notifyf(false, "STATUS=%s", why);
                return r;
        }
        r = bus_server_new(m, fd, listeners ? listeners->gr_gid : getegid(), &server);
        if (r >= 0)
                r = bus_manager_new(m, &management);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_reload, m);
        if (r >= 0)
                r = sd_event_add_post(event, NULL, on_post, m);
        if (r < 0)
                return log_error_errno(r, "Cannot serve: %m");
        lock_memory();
        say_status(m);
        (void) sd_notify(false, "READY=1");
        r = sd_event_loop(event);
        if (r < 0)
                return log_error_errno(r, "Event loop failed: %m");
        (void) sd_notify(false, "STOPPING=1");
        r = replay_save(m->replay, REPLAY_STATE_PATH);
        if (r < 0)
                log_warning_errno(r,
                        "Cannot write %s: %m. After a boot, packets seen until now could be used again.",
                        REPLAY_STATE_PATH);
        return 0;
}

int main(int argc, char *argv[]) {
        if (argc > 1) {
                bool version = argc == 2 && strcmp(argv[1], "--version") == 0;

                (void) fprintf(version ? stdout : stderr, "%s",
                        version ? "fenced-exec " PROJECT_VERSION "\n"
                                : "fenced-exec takes no options; it is started by fence-virt-exec.socket.\n");
                return version ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        return run() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
