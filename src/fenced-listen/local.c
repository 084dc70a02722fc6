/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "local.h"

#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>

int local_connect(const char *path, int *ret) {
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

void local_peer(int fd, Address *ret) {
        struct ucred cred;
        socklen_t length = sizeof(cred);

        *ret = (Address){ .family = AF_UNSPEC };
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) < 0)
                return;
        ret->family = AF_UNIX;
        memcpy(ret->bytes, &cred.pid, sizeof(cred.pid));
}

int local_unread(int fd, size_t *ret) {
        int n;

        if (ioctl(fd, SIOCOUTQ, &n) < 0)
                return -errno;
        *ret = (size_t) n;
        return 0;
}
