/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* The kernel cuts it to what it allows: room for a burst that journald has not read yet. */
enum { SEND_BUFFER = 8 * 1024 * 1024 };

struct Journal {
        int fd;
        bool stuck; /* it did not read in time, and has not since */
        struct sockaddr_un address;
};

int journal_new(const char *socket_path, Journal **ret) {
        static const struct timeval patience = { .tv_usec = JOURNAL_PATIENCE_USEC };
        static const int buffer = SEND_BUFFER;
        _cleanup_(journal_freep) Journal *j = NULL;

        if (strlen(socket_path) >= sizeof(j->address.sun_path))
                return -ENAMETOOLONG;
        j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        j->address.sun_family = AF_UNIX;
        memcpy(j->address.sun_path, socket_path, strlen(socket_path));
        j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (j->fd < 0)
                return -errno;
        if (setsockopt(j->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
                setsockopt(j->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)) < 0)
                return -errno;
        *ret = TAKE(j, NULL);
        return 0;
}

Journal *journal_free(Journal *j) {
        if (j)
                j->fd = safe_close(j->fd);
        free(j);
        return NULL;
}

/* The address goes with every record: journald's socket may be another one after it was restarted. */
int journal_send(const struct iovec *fields, int n, void *userdata) {
        static char line_end[] = "\n";
        Journal *j = userdata;
        struct iovec lines[2 * JOURNAL_FIELDS_MAX];
        struct msghdr message = {
                .msg_name = &j->address,
                .msg_namelen = sizeof(j->address),
                .msg_iov = lines,
        };
        ssize_t k;

        if (n < 1 || n > JOURNAL_FIELDS_MAX)
                return -EINVAL;
        for (int i = 0; i < n; i++) {
                if (memchr(fields[i].iov_base, '\n', fields[i].iov_len))
                        return -EINVAL;
                lines[2 * i] = fields[i];
                lines[2 * i + 1] = (struct iovec){ .iov_base = line_end, .iov_len = 1 };
        }
        message.msg_iovlen = 2 * (size_t) n;
        do
                k = sendmsg(j->fd, &message, MSG_NOSIGNAL | (j->stuck ? MSG_DONTWAIT : 0));
        while (k < 0 && errno == EINTR);
        j->stuck = k < 0 && errno == EAGAIN;
        return k < 0 ? -errno : 0;
}
