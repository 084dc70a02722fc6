/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transport-multicast.h"
#include "callback.h"
#include "datagram.h"
#include "io.h"
#include "log.h"
#include "transport-stream.h"

#include <arpa/inet.h>
#include <string.h>

#define GROUP_V4 "225.0.0.12"
#define GROUP_V6 "ff05::3:1"

/* How often the port is tried again while another agent of this machine has it. */
#define LISTEN_AGAIN_USEC (100 * USEC_PER_MSEC)

static void group_address(const Options *o, Address *ret) {
        const char *text = o->group ? o->group : o->family == AF_INET6 ? GROUP_V6 : GROUP_V4;
        Address a = {};

        if (strchr(text, ':')) {
                a.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
                        .sin6_port = htons((uint16_t) o->port) };
                (void) inet_pton(AF_INET6, text, &a.v6.sin6_addr); /* was looked at by the option's parser */
        } else {
                a.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t) o->port) };
                (void) inet_pton(AF_INET, text, &a.v4.sin_addr);
        }
        *ret = a;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

/* Hosts call the port that the packet names, and guests' firewalls are open for that one only: no other will do. */
static int listen_patiently(Callbacks *c, const Question *q, int family) {
        for (;;) {
                int r = callbacks_listen(c, family, (uint16_t) q->options->port);

                if (r != -EADDRINUSE || now_usec() >= q->deadline)
                        return r;
                log_debug("Port %u is taken; trying again", q->options->port);
                r = io_poll(NULL, 0, earlier(q->deadline, now_usec() + LISTEN_AGAIN_USEC));
                if (r < 0)
                        return r;
        }
}

static void fail_unanswered(const Callbacks *c, int send_error, Answer *ret) {
        if (send_error < 0)
                answer_fail(ret, VERDICT_FAILED, "Could not send the request: %s", strerror(-send_error));
        else if (c->n_refused > 0)
                answer_fail(ret, VERDICT_FAILED,
                        "Timed out waiting for response (%u called back; the last: %s)", c->n_refused,
                        c->reason);
        else
                answer_fail(ret, VERDICT_FAILED, "Timed out waiting for response");
}

void multicast_ask(const Question *q, Answer *ret) {
        _cleanup_(callbacks_done) Callbacks callbacks;
        _cleanup_close_ int fd = -1;
        Sent sent = {};
        Request request;
        Address group;
        Client client;
        int r;

        callbacks_init(&callbacks);
        group_address(q->options, &group);
        r = question_request(q, &request);
        if (r < 0) {
                answer_fail(ret, VERDICT_FAILED, "Cannot make a request: %s", strerror(-r));
                return;
        }
        r = listen_patiently(&callbacks, q, group.any.sa_family);
        if (r < 0) {
                answer_fail(ret, VERDICT_SILENT, "Failed to listen: %s", strerror(-r));
                return;
        }
        do {
                r = datagram_send_all(q, &request, &group, &sent);
                if (callbacks_wait(&callbacks, q, &sent,
                            earlier(q->deadline,
                                    now_usec() + q->options->retransmit_tenths * (USEC_PER_SEC / 10)),
                            &fd, &client)) {
                        stream_finish(fd, q, &client, ret);
                        return;
                }
        } while (now_usec() < q->deadline);
        fail_unanswered(&callbacks, r, ret);
}
