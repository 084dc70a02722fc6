/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "host.h"
#include "io.h"
#include "transport-stream.h"

/* One conversation with a host that does as it is told; what the agent makes of it. */
static Verdict converse(const AuthKey *key, Action action, const FakeHost *h, Answer *ret) {
        int fds[2], pid;
        Options o;
        Question q;

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        pid = fake_host_start(fds[1], fds[0], h);
        cr_assert_gt(pid, 0);
        fds[1] = safe_close(fds[1]);
        fake_question(&q, &o, key, action);
        answer_start(ret, action);
        stream_converse(fds[0], &q, ret);
        fds[0] = safe_close(fds[0]);
        (void) fake_host_wait(pid);
        return ret->verdict;
}

Test(transport_stream, believes_a_host_that_holds_the_key) {
        static const struct {
                Action action;
                uint8_t reply;
                Verdict verdict;
        } table[] = {
                { ACTION_OFF, 0, VERDICT_SUCCESS },
                { ACTION_OFF, 1, VERDICT_FAILED },
                { ACTION_OFF, 2, VERDICT_FAILED },
                { ACTION_OFF, 3, VERDICT_DENIED },
                { ACTION_OFF, 253, VERDICT_FAILED },
                { ACTION_STATUS, 2, VERDICT_OFF },
                { ACTION_LIST, 0, VERDICT_FAILED },
        };
        _cleanup_(auth_key_freep) AuthKey *raw = fake_key(1), *only = fake_fx2_key(1);
        const FakeHost hosts[] = { FAKE_HOST(.key = raw, .has_packet = true),
                FAKE_HOST(.key = raw, .has_packet = true, .fx2 = true),
                FAKE_HOST(.key = only, .has_packet = true, .fx2 = true) };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (size_t j = 0; j < ELEMENTSOF(hosts); j++) {
                        FakeHost h = hosts[j];
                        Answer a;

                        h.answer = &table[i].reply;
                        h.n_answer = 1;
                        cr_expect_eq(converse(h.key, table[i].action, &h, &a), table[i].verdict,
                                "row %zu, host %zu: %s", i, j, a.reason);
                        cr_expect_eq(a.tagged, h.fx2);
                }
}

Test(transport_stream, a_key_for_fx2_only_believes_no_host_without_it) {
        static const uint8_t off = 0;
        _cleanup_(auth_key_freep) AuthKey *only = fake_fx2_key(1);
        const FakeHost h = FAKE_HOST(.key = only, .has_packet = true, .answer = &off, .n_answer = 1);
        Answer a;

        cr_expect_eq(converse(only, ACTION_OFF, &h, &a), VERDICT_FAILED);
        cr_expect(strstr(a.reason, "does not speak FX2"), "%s", a.reason);
}

/* Every byte that a host sends, one at a time. */
Test(transport_stream, in_fx2_no_byte_can_be_another_and_none_be_missing) {
        static const uint8_t off = 0;
        _cleanup_(auth_key_freep) AuthKey *raw = fake_key(1), *only = fake_fx2_key(1);
        const AuthKey *const keys[] = { raw, only };
        enum { SIZE = CLIENT_PROOF_SIZE + 1 + WIRE_MAC_SIZE };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                for (size_t n = 0; n < SIZE; n++) {
                        FakeHost h = FAKE_HOST(.key = keys[i], .has_packet = true, .fx2 = true,
                                .answer = &off, .n_answer = 1);
                        Answer a;

                        h.flip = n;
                        cr_assert_eq(converse(keys[i], ACTION_OFF, &h, &a), VERDICT_FAILED, "byte %zu", n);
                        cr_assert(a.reason[0]);
                        h.flip = SIZE_MAX;
                        h.cut = n;
                        cr_assert_eq(converse(keys[i], ACTION_OFF, &h, &a),
                                n < CLIENT_PROOF_SIZE ? VERDICT_FAILED : VERDICT_SILENT, "%zu bytes", n);
                        cr_assert(a.reason[0]);
                }
}

/* Wherever a host hangs up: nothing is believed, and "silent" is said only when it had proved itself. */
Test(transport_stream, believes_no_host_that_hangs_up_early) {
        static const uint8_t off = 0;
        static const size_t cuts[] = { 0, 1, WIRE_MAC_SIZE - 1, WIRE_MAC_SIZE, WIRE_MAC_SIZE + 1,
                CLIENT_PROOF_SIZE - 1, CLIENT_PROOF_SIZE };
        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1);

        for (size_t i = 0; i < ELEMENTSOF(cuts); i++) {
                size_t cut = cuts[i];
                FakeHost h = FAKE_HOST(.key = k, .has_packet = true, .answer = &off, .n_answer = 1);

                Answer a;

                h.cut = cut;
                cr_expect_eq(converse(k, ACTION_OFF, &h, &a),
                        cut < CLIENT_PROOF_SIZE ? VERDICT_FAILED : VERDICT_SILENT, "%zu bytes: %s", cut,
                        a.reason);
                cr_expect(a.reason[0]);
        }
}

Test(transport_stream, believes_no_host_with_another_key_or_hash) {
        static const uint8_t off = 0;
        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1), *other = fake_key(2);
        FakeHost stranger = FAKE_HOST(.key = other, .has_packet = true, .answer = &off, .n_answer = 1);
        FakeHost differs = FAKE_HOST(.key = k, .has_packet = true, .answer = &off, .n_answer = 1);
        Answer a;

        cr_expect_eq(converse(k, ACTION_OFF, &stranger, &a), VERDICT_FAILED);
        differs.auth = HASH_SHA512;
        cr_expect_eq(converse(k, ACTION_OFF, &differs, &a), VERDICT_FAILED);
}

Test(transport_stream, reads_a_long_list_to_its_end) {
        enum { N = 1000, SIZE = 2 + (N + 1) * WIRE_RECORD_SIZE };
        _cleanup_free_ uint8_t *bytes = calloc(1, SIZE);
        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1);

        cr_assert(bytes);
        bytes[0] = REPLY_LIST;
        for (size_t i = 0; i < N; i++) {
                Record r = { .state = 1 };

                (void) snprintf(r.name, sizeof(r.name), "vm%zu", i);
                cr_assert_eq(wire_encode_record(&r, bytes + 1 + i * WIRE_RECORD_SIZE), 0);
        }
        for (unsigned fx2 = 0; fx2 < 2; fx2++) {
                FakeHost h = FAKE_HOST(.key = k, .has_packet = true, .fx2 = fx2, .answer = bytes,
                        .n_answer = SIZE);
                _cleanup_(answer_done) Answer a = {};

                cr_expect_eq(converse(k, ACTION_LIST, &h, &a), VERDICT_SUCCESS, "%s", a.reason);
                cr_assert_eq(a.n_records, N);
                cr_expect_str_eq(a.records[N - 1].name, "vm999");
                answer_done(&a);
                h.cut = CLIENT_PROOF_SIZE + SIZE - 1 + fx2 * WIRE_MAC_SIZE;
                cr_expect_eq(converse(k, ACTION_LIST, &h, &a), VERDICT_SILENT, "a list without its end");
                cr_expect(strstr(a.reason, "before its answer was complete"), "%s", a.reason);
                cr_expect_eq(a.n_records, 0);
                if (!fx2)
                        continue;
                h.cut = SIZE_MAX;
                h.flip = CLIENT_PROOF_SIZE + 1 + 500 * WIRE_RECORD_SIZE;
                cr_expect_eq(converse(k, ACTION_LIST, &h, &a), VERDICT_FAILED, "a name that is another");
                cr_expect(strstr(a.reason, "forged"), "%s", a.reason);
                cr_expect_eq(a.n_records, 0);
        }
}

Test(transport_stream, a_silent_host_is_left_at_the_deadline) {
        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1);
        int fds[2];
        Options o;
        Question q;
        Answer a;

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        fake_question(&q, &o, k, ACTION_OFF);
        q.deadline = now_usec() + 20 * USEC_PER_MSEC;
        answer_start(&a, ACTION_OFF);
        stream_converse(fds[0], &q, &a);
        cr_expect_eq(a.verdict, VERDICT_FAILED);
        cr_expect_str_eq(a.reason, "Timed out waiting for response");
        (void) close(fds[0]);
        (void) close(fds[1]);
}

Test(transport_stream, tcp_asks_a_host_by_its_address) {
        static const uint8_t off = 0;
        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1);
        FakeHost h = FAKE_HOST(.key = k, .has_packet = true, .answer = &off, .n_answer = 1);
        Address at = { .v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
        socklen_t size = sizeof(at.v4);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        pid_t pid;
        Options o;
        Question q;
        Answer a;

        cr_assert_eq(bind(listener, &at.any, size), 0);
        cr_assert_eq(getsockname(listener, &at.any, &size), 0);
        fake_question(&q, &o, k, ACTION_OFF);
        o.host = "127.0.0.1";
        o.port = ntohs(at.v4.sin_port);
        answer_start(&a, ACTION_OFF);
        tcp_ask(&q, &a);
        cr_expect_eq(a.verdict, VERDICT_FAILED);
        cr_expect(strstr(a.reason, "Connection refused"), "%s", a.reason);

        cr_assert_eq(listen(listener, 1), 0);
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0)
                fake_host_speak(accept(listener, NULL, NULL), &h);
        answer_start(&a, ACTION_OFF);
        tcp_ask(&q, &a);
        cr_expect_eq(a.verdict, VERDICT_SUCCESS, "%s", a.reason);
        cr_expect_eq(fake_host_wait(pid), 0);
        (void) close(listener);

        o.host = "no such name";
        q.deadline = now_usec() + USEC_PER_SEC; /* where no name server answers */
        answer_start(&a, ACTION_OFF);
        tcp_ask(&q, &a);
        cr_expect_eq(a.verdict, VERDICT_FAILED);
}

/* One conversation without a key, with a host that has this to say; NULL: it hangs up. */
static Verdict converse_unsigned(Action action, const uint8_t *answer, size_t n, Answer *ret) {
        uint64_t deadline = now_usec() + 60 * USEC_PER_SEC;
        uint8_t packet[WIRE_PACKET_SIZE], extra;
        Request request;
        int fds[2];
        pid_t pid;
        Options o;
        Question q;

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                (void) close(fds[0]);
                if (io_read(fds[1], packet, sizeof(packet), deadline) < 0 ||
                        wire_decode_packet(packet, WIRE_UNSIGNED, &request) < 0 ||
                        request.action != action || strcmp(request.target, "vm1") != 0)
                        _exit(1);
                if (io_write(fds[1], answer, n, deadline) < 0)
                        _exit(2);
                /* neither challenge nor response follows */
                _exit(n > 0 && io_read(fds[1], &extra, 1, deadline) != -ECONNRESET ? 3 : 0);
        }
        fds[1] = safe_close(fds[1]);
        fake_question(&q, &o, NULL, action);
        answer_start(ret, action);
        stream_converse_unsigned(fds[0], &q, ret);
        (void) close(fds[0]);
        cr_expect_eq(fake_host_wait(pid), 0);
        return ret->verdict;
}

Test(transport_stream, without_a_key_the_answer_follows_the_packet) {
        static const struct {
                Action action;
                uint8_t reply;
                Verdict verdict;
        } table[] = {
                { ACTION_OFF, 0, VERDICT_SUCCESS },
                { ACTION_OFF, 1, VERDICT_FAILED },
                { ACTION_OFF, 3, VERDICT_DENIED },
                { ACTION_OFF, 253, VERDICT_FAILED },
                { ACTION_STATUS, 2, VERDICT_OFF },
        };
        Answer a;

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect_eq(converse_unsigned(table[i].action, &table[i].reply, 1, &a), table[i].verdict,
                        "row %zu: %s", i, a.reason);
}

Test(transport_stream, without_a_key_a_list_is_read_to_its_end) {
        uint8_t bytes[2 + 2 * WIRE_RECORD_SIZE] = { REPLY_LIST };
        Record r = { .name = "web", .uuid = "00000000-0000-4000-8000-000000000001", .state = 1 };
        Answer a;

        cr_assert_eq(wire_encode_record(&r, bytes + 1), 0);
        cr_expect_eq(
                converse_unsigned(ACTION_LIST, bytes, sizeof(bytes), &a), VERDICT_SUCCESS, "%s", a.reason);
        cr_expect_eq(a.n_records, 1);
        answer_done(&a);
}

Test(transport_stream, without_a_key_a_host_that_hangs_up_is_no_answer) {
        Answer a;

        cr_expect_eq(converse_unsigned(ACTION_OFF, NULL, 0, &a), VERDICT_SILENT);
        cr_expect(strstr(a.reason, "does not know this machine by its CID"), "%s", a.reason);
        cr_expect(strstr(a.reason, "fence_xvm.key does not exist"), "%s", a.reason);
}
