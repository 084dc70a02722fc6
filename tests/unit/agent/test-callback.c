/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "callback.h"
#include "host.h"
#include "io.h"
#include "transport-stream.h"

static const uint8_t yes = 0;
static AuthKey *key, *other_key;
static Callbacks callbacks;
static Address at;
static Options options;
static Question question;
static Sent sent;

static void listen_again(void) {
        socklen_t size = sizeof(at);

        callbacks_init(&callbacks);
        cr_assert_eq(callbacks_listen(&callbacks, AF_INET, 0), 0);
        cr_assert_eq(getsockname(callbacks.listener, &at.any, &size), 0);
        at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void set_up(void) {
        (void) signal(SIGPIPE, SIG_IGN);
        key = fake_key(1);
        other_key = fake_key(2);
        fake_question(&question, &options, key, ACTION_OFF);
        listen_again();
}

static void tear_down(void) {
        callbacks_done(&callbacks);
        key = auth_key_free(key);
        other_key = auth_key_free(other_key);
}

TestSuite(callback, .init = set_up, .fini = tear_down);

static int call(void) {
        int fd = io_connect(&at.any, address_size(&at), question.deadline);

        cr_assert_geq(fd, 0, "%s", strerror(-fd));
        return fd;
}

static int start(const FakeHost *h) {
        int fd = call(), pid = fake_host_start(fd, -1, h);

        cr_assert_gt(pid, 0);
        (void) close(fd);
        return pid;
}

static int host(const AuthKey *k) {
        const FakeHost h = FAKE_HOST(.key = k, .answer = &yes, .n_answer = 1);

        return start(&h);
}

/* Somebody who says this much and waits. */
static int stranger(size_t n) {
        static const uint8_t noise[CLIENT_PROOF_SIZE] = { 7, 7, 7 };
        int fd = call();

        cr_assert_eq(io_write(fd, noise, n, question.deadline), 0);
        return fd;
}

static Verdict finish(int fd, const Client *c) {
        Answer a;

        answer_start(&a, ACTION_OFF);
        stream_finish(fd, &question, c, &a);
        return a.verdict;
}

Test(callback, hears_a_host) {
        _cleanup_close_ int fd = -1;
        int pid = host(key);
        Client c;

        cr_assert(callbacks_wait(&callbacks, &question, &sent, question.deadline, &fd, &c));
        cr_expect_eq(finish(fd, &c), VERDICT_SUCCESS);
        cr_expect_eq(fake_host_wait(pid), 0);
}

Test(callback, strangers_do_not_keep_the_host_from_being_heard) {
        int fds[] = { stranger(0), stranger(1), stranger(CLIENT_PROOF_SIZE - 1),
                stranger(CLIENT_PROOF_SIZE) };
        int liar = host(other_key), pid = host(key);
        _cleanup_close_ int fd = -1;
        Client c;

        cr_assert(callbacks_wait(&callbacks, &question, &sent, question.deadline, &fd, &c));
        cr_expect_eq(finish(fd, &c), VERDICT_SUCCESS);
        cr_expect_eq(fake_host_wait(pid), 0);
        cr_expect_eq(fake_host_wait(liar), 1, "it got an answer");
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void) close(fds[i]);
}

/* The host has received one of several packets; the others were lost, or are those of other addresses. */
Test(callback, in_fx2_a_host_proves_itself_over_any_packet_that_was_sent) {
        for (unsigned i = 0; i < 4; i++) {
                uint8_t packet[WIRE_PACKET_SIZE] = { ACTION_OFF, (uint8_t) i };
                FakeHost h =
                        FAKE_HOST(.key = key, .fx2 = true, .packet = packet, .answer = &yes, .n_answer = 1);
                _cleanup_close_ int fd = -1;
                int pid;
                Client c;

                if (i > 0)
                        listen_again();
                sent = (Sent){};
                for (uint8_t j = 0; j < 3; j++)
                        sent_add(&sent, (const uint8_t[WIRE_PACKET_SIZE]){ ACTION_OFF, j });
                pid = start(&h);
                cr_assert_eq(callbacks_wait(&callbacks, &question, &sent,
                                     i < 3 ? question.deadline : now_usec() + 200 * USEC_PER_MSEC, &fd, &c),
                        i < 3, "packet %u of 3", i);
                if (i < 3) {
                        cr_expect(c.fx2);
                        cr_expect_eq(finish(fd, &c), VERDICT_SUCCESS);
                }
                callbacks_done(&callbacks);
                cr_expect_eq(fake_host_wait(pid), i < 3 ? 0 : 1);
        }
}

Test(callback, more_strangers_than_can_be_heard_do_not_either) {
        int fds[3 * CALLBACKS_MAX], pid;
        _cleanup_close_ int fd = -1;
        Client c;

        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = stranger(0);
                cr_assert_not(callbacks_wait(
                        &callbacks, &question, &sent, now_usec() + 2 * USEC_PER_MSEC, &fd, &c));
        }
        pid = host(key);
        cr_assert(callbacks_wait(&callbacks, &question, &sent, question.deadline, &fd, &c));
        cr_expect_eq(finish(fd, &c), VERDICT_SUCCESS);
        cr_expect_eq(fake_host_wait(pid), 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void) close(fds[i]);
}

Test(callback, when_one_is_believed_the_others_are_hung_up_on) {
        int waiting = stranger(0), pid = host(key);
        uint8_t buffer[2 * WIRE_CHALLENGE_SIZE];
        _cleanup_close_ int fd = -1;
        Client c;

        cr_assert(callbacks_wait(&callbacks, &question, &sent, question.deadline, &fd, &c));
        cr_expect_eq(callbacks.listener, -1);
        cr_expect_eq(io_read(waiting, buffer, sizeof(buffer), question.deadline), -ECONNRESET);
        cr_expect_eq(finish(fd, &c), VERDICT_SUCCESS);
        cr_expect_eq(fake_host_wait(pid), 0);
        (void) close(waiting);
}

Test(callback, nobody_is_believed_at_the_deadline) {
        int fd = -1, pid = host(other_key);
        Client c;

        cr_expect_not(
                callbacks_wait(&callbacks, &question, &sent, now_usec() + 200 * USEC_PER_MSEC, &fd, &c));
        cr_expect_eq(fd, -1);
        cr_expect_not(callbacks_wait(&callbacks, &question, &sent, 0, &fd, &c));
        callbacks_done(&callbacks); /* or a child that was late waits for us */
        cr_expect_eq(fake_host_wait(pid), 1);
}

Test(callback, a_port_that_is_taken_is_an_error) {
        Callbacks second;

        callbacks_init(&second);
        cr_expect_eq(callbacks_listen(&second, AF_INET, ntohs(at.v4.sin_port)), -EADDRINUSE);
        cr_expect_eq(second.listener, -1);
}
