/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "address.h"
#include "io.h"

#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

socklen_t address_size(const Address *a) {
        switch (a->any.sa_family) {
        case AF_INET:
                return sizeof(a->v4);
        case AF_INET6:
                return sizeof(a->v6);
        case AF_VSOCK:
                return sizeof(a->vsock);
        default:
                return 0;
        }
}

void address_vsock(unsigned cid, unsigned port, Address *ret) {
        *ret = (Address){ .vsock = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port } };
}

static int look_up(const char *host, uint16_t port, int flags, Address ret[static ADDRESSES_MAX]) {
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV }, *list;
        char service[8];
        int n = 0, r;

        (void) snprintf(service, sizeof(service), "%u", port);
        r = getaddrinfo(host, service, &hints, &list);
        if (r == EAI_MEMORY)
                return -ENOMEM;
        if (r == EAI_AGAIN)
                return -EAGAIN;
        if (r != 0)
                return -ENOENT;
        for (struct addrinfo *i = list; i && n < ADDRESSES_MAX; i = i->ai_next)
                if ((i->ai_family == AF_INET || i->ai_family == AF_INET6) && i->ai_addrlen <= sizeof(*ret)) {
                        ret[n] = (Address){};
                        memcpy(&ret[n++], i->ai_addr, i->ai_addrlen);
                }
        freeaddrinfo(list);
        return n > 0 ? n : -ENOENT;
}

/* The child: the count or the error, then the addresses. */
static _Noreturn void look_up_and_tell(const char *host, uint16_t port, int fd) {
        Address found[ADDRESSES_MAX];
        int n = look_up(host, port, 0, found);

        if (write(fd, &n, sizeof(n)) == sizeof(n) && n > 0)
                n = write(fd, found, (size_t) n * sizeof(*found)) < 0;
        _exit(0);
}

static int hear(int fd, uint64_t deadline, Address ret[static ADDRESSES_MAX]) {
        int n, r;

        r = io_read(fd, &n, sizeof(n), deadline);
        if (r < 0)
                return r;
        if (n <= 0 || n > ADDRESSES_MAX)
                return n < 0 ? n : -EIO;
        r = io_read(fd, ret, (size_t) n * sizeof(*ret), deadline);
        return r < 0 ? r : n;
}

int address_resolve(const char *host, uint16_t port, uint64_t deadline, Address ret[static ADDRESSES_MAX]) {
        _cleanup_close_ int from = -1;
        int pipes[2], n, saved;
        pid_t child;

        n = look_up(host, port, AI_NUMERICHOST, ret);
        if (n > 0)
                return n;
        if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        from = pipes[0];
        child = fork();
        if (child == 0)
                look_up_and_tell(host, port, pipes[1]);
        saved = errno;
        (void) close(pipes[1]);
        if (child < 0)
                return -saved;
        n = hear(from, deadline, ret);
        (void) kill(child, SIGKILL);
        (void) waitpid(child, NULL, 0);
        return n;
}
