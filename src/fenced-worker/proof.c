/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proof.h"
#include "job.h"
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

DEFINE_CLEANUP(DIR *, closedir)

static int open_pid_file(const ProofDomain *d) {
        char path[PATH_MAX];
        int fd;

        if ((size_t) snprintf(path, sizeof(path), "%s/%s.pid", d->pids, d->name) >= sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

/* libvirt locks the pid file in the process that becomes QEMU, and leaves the descriptor open in it. */
bool proof_holds_lock(int pid_file, pid_t pid) {
        struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        return fcntl(pid_file, F_GETLK, &l) >= 0 && l.l_type == F_WRLCK && l.l_pid == pid;
}

static int confirm(const ProofDomain *d, int pid_file, pid_t pid) {
        char path[PATH_MAX];
        int r;

        if (proof_holds_lock(pid_file, pid))
                return 0;
        (void) snprintf(path, sizeof(path), "%s/%d/cmdline", d->proc, (int) pid);
        r = process_carries_uuid(AT_FDCWD, path, d->uuid);
        if (r == -ENOENT)
                return -ESRCH;
        if (r == 0 || r == -ENODATA)
                return -EBADMSG;
        return r < 0 ? r : 0;
}

int proof_open(const ProofDomain *d, pid_t *ret_pid) {
        _cleanup_close_ int before = -1, after = -1, pidfd = -1;
        pid_t pid, again;
        int r;

        before = open_pid_file(d);
        if (before < 0)
                return before;
        r = process_read_pid(before, &pid);
        if (r < 0)
                return r;
        pidfd = pidfd_open(pid, 0);
        if (pidfd < 0)
                return -errno;

        /* the pid may have been given to somebody else between reading and opening: everything is read again now */
        after = open_pid_file(d);
        if (after < 0)
                return after;
        r = process_read_pid(after, &again);
        if (r < 0)
                return r;
        if (again != pid)
                return -ESRCH;
        r = confirm(d, after, pid);
        if (r < 0)
                return r;
        *ret_pid = pid;
        return TAKE(pidfd, -1);
}

int proof_wait(int pidfd, uint64_t deadline_usec) {
        for (;;) {
                struct pollfd p = { .fd = pidfd, .events = POLLIN };
                uint64_t now = job_now();
                uint64_t left = now < deadline_usec ? deadline_usec - now : 0;
                int timeout = left / USEC_PER_MSEC < INT_MAX ? (int) (left / USEC_PER_MSEC) : INT_MAX;
                int n = poll(&p, 1, left > 0 && timeout == 0 ? 1 : timeout);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n > 0)
                        return p.revents & POLLIN ? 1 : -EIO;
                if (left == 0)
                        return 0;
        }
}

/* Is a process that says nothing about itself any more another domain's? */
static bool named_by_other(const ProofDomain *d, pid_t pid) {
        _cleanup_(closedirp) DIR *dir = NULL;
        const struct dirent *e;
        size_t own = strlen(d->name);

        dir = opendir(d->pids);
        while (dir && (e = readdir(dir))) {
                _cleanup_close_ int fd = -1;
                size_t n = strlen(e->d_name);
                pid_t named;

                if (n <= 4 || strcmp(e->d_name + n - 4, ".pid") != 0)
                        continue;
                if (n == own + 4 && memcmp(e->d_name, d->name, own) == 0)
                        continue;
                fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
                if (fd >= 0 && process_read_pid(fd, &named) == 0 && named == pid)
                        return true;
        }
        return false;
}

/* The first thread has ended; the others share the same arguments. 1, 0, or -ENODATA: no thread has any. */
static int threads_carry_uuid(const ProofDomain *d, int proc, pid_t pid) {
        _cleanup_(closedirp) DIR *dir = NULL;
        const struct dirent *e;
        char path[sizeof("/task") + 16];
        int fd, r;

        (void) snprintf(path, sizeof(path), "%d/task", (int) pid);
        fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                (void) close(fd);
                return -ENOMEM;
        }
        while ((e = readdir(dir))) {
                char file[sizeof(e->d_name) + sizeof("/cmdline")];

                if (e->d_name[0] < '1' || e->d_name[0] > '9')
                        continue;
                (void) snprintf(file, sizeof(file), "%s/cmdline", e->d_name);
                r = process_carries_uuid(dirfd(dir), file, d->uuid);
                if (r != -ENODATA && r != -ENOENT && r != -ESRCH)
                        return r;
        }
        return -ENODATA;
}

static ProofFound look_at(const ProofDomain *d, int proc, pid_t pid) {
        char path[sizeof("/cmdline") + 16];
        ProcessStat stat = {};
        int r;

        (void) snprintf(path, sizeof(path), "%d/cmdline", (int) pid);
        r = process_carries_uuid(proc, path, d->uuid);
        if (r == -ENODATA) {
                r = process_stat(proc, pid, &stat);
                if (r == 0 && !process_is_no_process(&stat))
                        r = threads_carry_uuid(d, proc, pid);
        }
        if (r == 1)
                return PROOF_PROCESS;
        if (r == 0 || r == -ENOENT || r == -ESRCH)
                return PROOF_NONE; /* somebody else, or gone meanwhile */
        if (r == -ENODATA)
                /* Its memory is gone, the rest of it is not: a process waits like that for writes which the disk
                 * never acknowledged. */
                return process_is_qemu(&stat) && !named_by_other(d, pid) ? PROOF_ENDING : PROOF_NONE;
        errno = -r;
        return PROOF_CANNOT_TELL;
}

ProofFound proof_find(const ProofDomain *d, pid_t *ret_pid) {
        _cleanup_(closedirp) DIR *dir = NULL;
        const struct dirent *e;
        ProofFound found = PROOF_NONE;
        pid_t ending = 0;

        dir = opendir(d->proc);
        if (!dir)
                return PROOF_CANNOT_TELL;
        /* who does not see process 1 does not see the processes of others (ProtectProc=, hidepid=) */
        if (faccessat(dirfd(dir), "1/cmdline", R_OK, 0) < 0) {
                errno = EACCES;
                return PROOF_CANNOT_TELL;
        }
        for (;;) {
                pid_t pid;

                errno = 0;
                e = readdir(dir);
                if (!e)
                        break;
                if (e->d_name[0] < '1' || e->d_name[0] > '9')
                        continue;
                pid = (pid_t) strtol(e->d_name, NULL, 10);
                switch (look_at(d, dirfd(dir), pid)) {
                case PROOF_PROCESS:
                        *ret_pid = pid;
                        return PROOF_PROCESS;
                case PROOF_ENDING:
                        ending = pid;
                        found = PROOF_ENDING;
                        break;
                case PROOF_CANNOT_TELL:
                        return PROOF_CANNOT_TELL;
                case PROOF_NONE:
                        break;
                }
        }
        if (errno > 0)
                return PROOF_CANNOT_TELL;
        if (found == PROOF_ENDING)
                *ret_pid = ending;
        return found;
}

ProofFound proof_await_none(const ProofDomain *d, uint64_t deadline_usec, pid_t *ret_pid, bool *ret_waited) {
        bool waited = false;

        for (;;) {
                _cleanup_close_ int pidfd = -1;
                ProofFound found;
                pid_t pid;
                int r;

                found = proof_find(d, &pid);
                if (found == PROOF_NONE)
                        *ret_waited = waited;
                if (found == PROOF_NONE || found == PROOF_CANNOT_TELL)
                        return found;
                *ret_pid = pid;
                if (deadline_usec == 0)
                        return found;
                pidfd = pidfd_open(pid, 0);
                if (pidfd < 0 && errno == ESRCH)
                        continue;
                if (pidfd < 0)
                        return PROOF_CANNOT_TELL;
                r = proof_wait(pidfd, deadline_usec);
                if (r < 0)
                        errno = -r;
                if (r <= 0)
                        return r == 0 ? found : PROOF_CANNOT_TELL;
                waited = true;
        }
}
