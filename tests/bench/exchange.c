/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exchange.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define SILENCE_MSEC 10000

static int wait_readable(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int r;

        do
                r = poll(&p, 1, SILENCE_MSEC);
        while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int read_all(int fd, void *buffer, size_t size) {
        for (size_t done = 0; done < size;) {
                int r = wait_readable(fd);
                if (r < 0)
                        return r;
                ssize_t n = recv(fd, (uint8_t *) buffer + done, size - done, 0);
                if (n <= 0)
                        return n < 0 ? -errno : -ECONNRESET;
                done += (size_t) n;
        }
        return 0;
}

static int send_all(int fd, const void *buffer, size_t size) {
        ssize_t n = send(fd, buffer, size, MSG_NOSIGNAL);

        return n < 0 ? -errno : (size_t) n == size ? 0 : -EIO;
}

int guest_open(Guest *g) {
        g->listen_fd = -1;
        if (g->kind != WIRE_MULTICAST)
                return 0;

        Address a = { .in = { .sin_family = AF_INET, .sin_addr = g->own } };
        socklen_t size = sizeof(a);
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, &a.any, size) < 0 || listen(fd, 16) < 0 || getsockname(fd, &a.any, &size) < 0)
                return -errno;
        g->listen_port = ntohs(a.in.sin_port);
        g->listen_fd = TAKE(fd, -1);
        return 0;
}

void guest_close(Guest *g) {
        g->listen_fd = safe_close(g->listen_fd);
}

static int make_packet(Guest *g, uint8_t packet[static WIRE_PACKET_SIZE]) {
        Request r = { .action = g->action, .hash = HASH_SHA256 };

        memcpy(r.target, g->target, sizeof(r.target));
        if (g->kind == WIRE_MULTICAST) {
                r.family = AF_INET;
                memcpy(r.address, &g->own, 4);
                r.port = g->listen_port;
        }
        if (random_bytes(r.random, sizeof(r.random)) < 0 || random_bytes(r.seqno, sizeof(r.seqno)) < 0 ||
                wire_encode_packet(&r, g->kind, packet) < 0)
                return -EINVAL;
        return auth_sign_packet(g->key, packet);
}

/* The connection for the challenge-response: ours to the host, or the host's to us after the datagram. */
static int reach_host(Guest *g, const uint8_t packet[static WIRE_PACKET_SIZE]) {
        static const struct timeval silence = { .tv_sec = SILENCE_MSEC / 1000 };
        _cleanup_close_ int fd = -1;
        int r;

        if (g->kind == WIRE_STREAM) {
                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence)) < 0 ||
                        connect(fd, &g->host.any, sizeof(g->host)) < 0)
                        return -errno;
                return TAKE(fd, -1);
        }
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &g->own, sizeof(g->own)) < 0 ||
                sendto(fd, packet, WIRE_PACKET_SIZE, 0, &g->host.any, sizeof(g->host)) < 0)
                return -errno;
        r = wait_readable(g->listen_fd);
        if (r < 0)
                return r;
        r = accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        return r < 0 ? -errno : r;
}

static int read_list(int fd) {
        uint8_t bytes[WIRE_RECORD_SIZE];
        Record record;
        int r;

        do {
                r = read_all(fd, bytes, sizeof(bytes));
                if (r < 0)
                        return r;
                r = wire_decode_record(bytes, &record);
                if (r < 0)
                        return r;
        } while (r > 0);
        r = read_all(fd, bytes, 1);
        return r < 0 ? r : bytes[0] == REPLY_SUCCESS ? REPLY_LIST : -EBADMSG;
}

int guest_ask(Guest *g) {
        uint8_t first[WIRE_PACKET_SIZE + WIRE_CHALLENGE_SIZE], proof[2 * WIRE_MAC_SIZE],
                answer[WIRE_MAC_SIZE], reply;
        uint8_t *challenge = first + WIRE_PACKET_SIZE;
        int r;

        r = make_packet(g, first);
        if (r < 0)
                return r;
        r = random_bytes(challenge, WIRE_CHALLENGE_SIZE);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = reach_host(g, first);
        if (fd < 0)
                return fd;
        r = g->kind == WIRE_STREAM ? send_all(fd, first, sizeof(first))
                                   : send_all(fd, challenge, WIRE_CHALLENGE_SIZE);
        if (r < 0)
                return r;
        r = read_all(fd, proof, sizeof(proof)); /* the host's answer to our challenge, then its own */
        if (r < 0)
                return r;
        r = auth_verify_response(g->key, HASH_SHA256, challenge, proof);
        if (r < 0)
                return r;
        r = auth_respond(g->key, HASH_SHA256, proof + WIRE_MAC_SIZE, answer);
        if (r < 0)
                return r;
        r = send_all(fd, answer, sizeof(answer));
        if (r < 0)
                return r;
        r = read_all(fd, &reply, 1);
        if (r < 0)
                return r;
        return reply == REPLY_LIST ? read_list(fd) : reply;
}
