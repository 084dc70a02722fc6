/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "backend.h"
#include "job.h"
#include "log.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static const char *arg_backend;
static const char *arg_uri;

static int parse_argv(int argc, char *argv[]) {
        static const struct option options[] = {
                { "backend", required_argument, NULL, 'b' },
                { "uri", required_argument, NULL, 'u' },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'b':
                        arg_backend = optarg;
                        break;
                case 'u':
                        arg_uri = optarg;
                        break;
                default:
                        return -EINVAL;
                }
        if (!arg_backend || !arg_uri || optind != argc) {
                log_error(
                        "Usage: fenced-worker --backend=libvirt --uri=URI (started by fenced-exec, with a socket as "
                        "descriptor %d)",
                        WORKER_FD);
                return -EINVAL;
        }
        return 0;
}

/* A worker must not outlive its executor: nobody would kill it at the deadline, and nobody hears what it did. The
 * parent may have gone before prctl(); the socket knows who made it. */
static int die_with_parent(void) {
        struct ucred creator = {};
        socklen_t size = sizeof(creator);

        /* what libvirt starts (ssh, for remote hosts) does not get it */
        if (fcntl(WORKER_FD, F_SETFD, FD_CLOEXEC) < 0)
                return log_error_errno(errno, "Descriptor %d is not the executor's socket: %m", WORKER_FD);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return log_error_errno(errno, "Cannot ask to be killed with the executor: %m");
        if (getsockopt(WORKER_FD, SOL_SOCKET, SO_PEERCRED, &creator, &size) < 0)
                return log_error_errno(errno, "Descriptor %d is not the executor's socket: %m", WORKER_FD);
        if (creator.pid != getppid())
                return log_error_errno(ESRCH, "The executor (process %d) is gone", (int) creator.pid);
        return 0;
}

static int serve(const Backend *b, void *state) {
        int r;

        for (;;) {
                Job j = {};

                r = job_read(WORKER_FD, &j);
                if (r < 0)
                        return log_error_errno(r, "Cannot read a job: %m");
                if (r == 0)
                        return 0;
                if (job_check(&j))
                        b->run[j.request.kind](state, &j);
                r = job_answer(&j);
                job_done(&j);
                b->rest(state);
                if (r < 0)
                        return log_error_errno(
                                r, "Cannot answer job %llu: %m", (unsigned long long) j.request.id);
        }
}

int main(int argc, char *argv[]) {
        const Backend *b;
        void *state = NULL;
        int r;

        if (parse_argv(argc, argv) < 0)
                return EXIT_FAILURE;
        b = backend_find(arg_backend);
        if (!b) {
                log_error("Unknown backend '%s'", arg_backend);
                return EXIT_FAILURE;
        }
        if (die_with_parent() < 0)
                return EXIT_FAILURE;
        /* libvirt writes to a libvirtd that is gone */
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
                (void) log_error_errno(errno, "Cannot ignore SIGPIPE: %m");
                return EXIT_FAILURE;
        }
        r = b->open(arg_uri, &state);
        if (r < 0) {
                (void) log_error_errno(r, "Cannot set up %s for %s: %m", arg_backend, arg_uri);
                return EXIT_FAILURE;
        }
        r = serve(b, state);
        b->close(state);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
