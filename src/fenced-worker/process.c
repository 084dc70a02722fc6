/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PROCESS_KTHREAD \
        0x00200000U /* PF_KTHREAD, include/linux/sched.h: proc(5) shows it in the field "flags" */

static ssize_t read_some(int fd, char *buffer, size_t size) {
        ssize_t n;

        do
                n = read(fd, buffer, size);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

/* Arguments come one after the other, each with its NUL, in pieces that end anywhere. Only the beginning of an
 * argument is kept, which is enough to compare: neither "-uuid" nor a UUID is as long as that. */
typedef struct Arguments {
        char current[64];
        size_t n;
        bool after_uuid;
        bool found;
} Arguments;

static void take_bytes(Arguments *a, const char *bytes, size_t n, const char *uuid) {
        for (size_t i = 0; i < n && !a->found; i++) {
                if (bytes[i] != '\0') {
                        if (a->n < sizeof(a->current) - 1)
                                a->current[a->n++] = bytes[i];
                        continue;
                }
                a->current[a->n] = '\0';
                a->found = a->after_uuid && strcasecmp(a->current, uuid) == 0;
                a->after_uuid = strcmp(a->current, "-uuid") == 0;
                a->n = 0;
        }
}

int process_carries_uuid(int dir, const char *path, const char *uuid) {
        _cleanup_close_ int fd = -1;
        Arguments a = {};
        char buffer[4096];
        bool any = false;
        ssize_t n;

        fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        do {
                n = read_some(fd, buffer, sizeof(buffer));
                if (n < 0)
                        return (int) n;
                any = any || n > 0;
                take_bytes(&a, buffer, (size_t) n, uuid);
                if (a.found)
                        return 1;
        } while (n ==
                 (ssize_t) sizeof(
                         buffer)); /* less is the end: a quarter of the cost of searching all processes */
        /* the last argument may lack its NUL when the process has written over its arguments */
        take_bytes(&a, "", 1, uuid);
        return a.found ? 1 : any ? 0 : -ENODATA;
}

int process_stat(int dir, pid_t pid, ProcessStat *ret) {
        _cleanup_close_ int fd = -1;
        char path[32], line[1024];
        ProcessStat s = {};
        const char *open_paren;
        char *close_paren;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "%d/stat", (int) pid);
        fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read_some(fd, line, sizeof(line) - 1);
        if (n < 0)
                return (int) n;
        line[n] = '\0';
        /* the name may hold parentheses and blanks: it ends at the last ')' */
        open_paren = strchr(line, '(');
        close_paren = strrchr(line, ')');
        if (!open_paren || !close_paren || close_paren < open_paren)
                return -EBADMSG;
        *close_paren = '\0';
        (void) snprintf(s.comm, sizeof(s.comm), "%s", open_paren + 1);
        if (sscanf(close_paren + 1, " %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld",
                    &s.state, &s.flags, &s.n_threads) != 3)
                return -EBADMSG;
        *ret = s;
        return 0;
}

bool process_is_no_process(const ProcessStat *s) {
        /* a zombie with other threads is alive: only its first thread has ended */
        return (s->flags & PROCESS_KTHREAD) || ((s->state == 'Z' || s->state == 'X') && s->n_threads <= 1);
}

bool process_is_qemu(const ProcessStat *s) {
        return strncmp(s->comm, "qemu", 4) == 0 || strcmp(s->comm, "kvm") == 0;
}

int process_read_pid(int fd, pid_t *ret) {
        char text[16];
        ssize_t n, i;
        long pid = 0;

        do
                n = pread(fd, text, sizeof(text), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        for (i = 0; i < n && i < 10 && text[i] >= '0' && text[i] <= '9'; i++)
                pid = pid * 10 + (text[i] - '0');
        if (pid <= 0 || pid > INT32_MAX || (i < n && !(i == n - 1 && text[i] == '\n')))
                return -EBADMSG;
        *ret = (pid_t) pid;
        return 0;
}
