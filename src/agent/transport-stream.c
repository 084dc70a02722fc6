/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transport-stream.h"
#include "address.h"
#include "io.h"
#include "log.h"

#include <string.h>

/* The kernel sends a SYN again after one second and after three: the third chance is within, the fourth is not. */
#define CONNECT_USEC_MAX (4 * USEC_PER_SEC)

int stream_start(const Question *q, Client *ret) {
        uint8_t random[FX2_RANDOM_SIZE];
        int r = random_bytes(random, sizeof(random));

        if (r < 0)
                return r;
        client_start(ret, q->key, q->options->auth, random);
        return 0;
}

static void fail_silent(Answer *a, int error) {
        const char *none = a->state == ANSWER_REPLY ? "without an answer" : "before its answer was complete";

        if (error == -ETIMEDOUT)
                answer_fail(a, VERDICT_SILENT, "The host took the request, but did not answer in time");
        else if (error == -ECONNRESET)
                answer_fail(a, VERDICT_SILENT, "The host took the request, but hung up %s", none);
        else
                answer_fail(a, VERDICT_SILENT, "Lost the host while waiting for its answer: %s",
                        strerror(-error));
}

static int read_answer(int fd, uint64_t deadline, Answer *ret) {
        uint8_t buffer[128 * WIRE_RECORD_SIZE];
        size_t have = 0, used = 0, want;

        while ((want = answer_want(ret)) > 0) {
                ssize_t n;

                if (have - used >= want) {
                        answer_feed(ret, buffer + used);
                        used += want;
                        continue;
                }
                memmove(buffer, buffer + used, have - used);
                have -= used;
                used = 0;
                n = io_read_some(fd, buffer + have, sizeof(buffer) - have, deadline);
                if (n < 0)
                        return (int) n;
                have += (size_t) n;
        }
        return 0;
}

void stream_finish(int fd, const Question *q, const Client *c, Answer *ret) {
        int r;

        log_debug(
                c->fx2 ? "The host proved to hold the key (FX2: its answer cannot be forged)"
                       : "The host proved to hold the key (v1: whoever is in between can forge its answer)");
        if (c->fx2)
                answer_expect_tag(ret, c->key, &c->transcript);
        r = io_write(fd, c->response, sizeof(c->response), q->deadline);
        if (r >= 0)
                r = read_answer(fd, q->deadline, ret);
        if (r < 0)
                fail_silent(ret, r);
}

void stream_converse_unsigned(int fd, const Question *q, Answer *ret) {
        uint8_t packet[WIRE_PACKET_SIZE];
        Request request;
        int r;

        r = question_request(q, &request);
        if (r >= 0)
                r = question_packet(q, &request, WIRE_UNSIGNED, packet);
        if (r < 0) {
                answer_fail(ret, VERDICT_FAILED, "Cannot make a request: %s", strerror(-r));
                return;
        }
        r = io_write(fd, packet, sizeof(packet), q->deadline);
        if (r >= 0)
                r = read_answer(fd, q->deadline, ret);
        if (r == -ECONNRESET || r == -EPIPE)
                answer_fail(ret, VERDICT_SILENT,
                        "The host hung up without an answer: it does not know this machine by its CID, or wants a "
                        "key, and %s does not exist",
                        q->options->key_file);
        else if (r < 0)
                fail_silent(ret, r);
}

static void fail_unproved(Answer *a, int error) {
        if (error == -ETIMEDOUT)
                answer_fail(a, VERDICT_FAILED, "Timed out waiting for response");
        else if (error == -ECONNRESET || error == -EPIPE)
                answer_fail(a, VERDICT_FAILED,
                        "The host hung up instead of proving itself: another key, or a hash it does not accept, or the "
                        "same request a moment ago");
        else
                answer_fail(a, VERDICT_FAILED, "Lost the host: %s", strerror(-error));
}

void stream_converse(int fd, const Question *q, Answer *ret) {
        uint8_t hello[WIRE_PACKET_SIZE + WIRE_CHALLENGE_SIZE], proof[CLIENT_PROOF_SIZE];
        Sent sent = {};
        Request request;
        Client client;
        int r;

        r = question_request(q, &request);
        if (r >= 0)
                r = question_packet(q, &request, WIRE_STREAM, hello);
        if (r >= 0)
                r = stream_start(q, &client);
        if (r < 0) {
                answer_fail(ret, VERDICT_FAILED, "Cannot make a request: %s", strerror(-r));
                return;
        }
        sent_add(&sent, hello);
        memcpy(hello + WIRE_PACKET_SIZE, client.challenge, sizeof(client.challenge));
        r = io_write(fd, hello, sizeof(hello), q->deadline);
        if (r >= 0)
                r = io_read(fd, proof, sizeof(proof), q->deadline);
        if (r < 0) {
                fail_unproved(ret, r);
                return;
        }
        if (!client_prove(&client, &sent, proof)) {
                answer_fail(ret, VERDICT_FAILED, "Invalid response to challenge: %s", client.reason);
                return;
        }
        stream_finish(fd, q, &client, ret);
}

/* Tries one address after the other; what remains of the time is shared out evenly. */
static int connect_any(const Address *addresses, int n, uint64_t deadline) {
        int r = -EHOSTUNREACH;

        for (int i = 0; i < n; i++) {
                uint64_t now = now_usec(), left = deadline > now ? (deadline - now) / (uint64_t) (n - i) : 0;

                r = io_connect(&addresses[i].any, address_size(addresses + i),
                        now + (left < CONNECT_USEC_MAX ? left : CONNECT_USEC_MAX));
                if (r >= 0)
                        return r;
                log_debug("Address %d of %d: %s", i + 1, n, strerror(-r));
        }
        return r;
}

void tcp_ask(const Question *q, Answer *ret) {
        const Options *o = q->options;
        Address addresses[ADDRESSES_MAX];
        _cleanup_close_ int fd = -1;
        int n;

        n = address_resolve(o->host, (uint16_t) o->port, q->deadline, addresses);
        if (n < 0) {
                answer_fail(ret, VERDICT_FAILED, "Unable to find the address of host %s: %s", o->host,
                        n == -ENOENT   ? "no such name"
                        : n == -EAGAIN ? "no name server answers"
                                       : strerror(-n));
                return;
        }
        fd = connect_any(addresses, n, q->deadline);
        if (fd < 0) {
                bool colon = strchr(o->host, ':');

                answer_fail(ret, VERDICT_FAILED, "Unable to connect to fence_virtd host %s%s%s:%u: %s",
                        colon ? "[" : "", o->host, colon ? "]" : "", o->port, strerror(-fd));
                return;
        }
        stream_converse(fd, q, ret);
}

void vsock_ask(const Question *q, Answer *ret) {
        const Options *o = q->options;
        _cleanup_close_ int fd = -1;
        Address address;

        address_vsock(o->cid, o->port, &address);
        fd = connect_any(&address, 1, q->deadline);
        if (fd < 0) {
                answer_fail(ret, VERDICT_FAILED, "Unable to connect to fence_virtd at CID %u port %u: %s",
                        o->cid, o->port, strerror(-fd));
                return;
        }
        (q->key ? stream_converse : stream_converse_unsigned)(fd, q, ret);
}
