/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "host.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "io.h"

AuthKey *fake_key(uint8_t first) {
        uint8_t bytes[64] = { first };
        AuthKey *k = NULL;

        return auth_key_new(bytes, sizeof(bytes), &k, NULL) < 0 ? NULL : k;
}

void fake_question(Question *q, Options *o, const AuthKey *key, Action action) {
        options_init(o, program_by_path("fence_virt"));
        o->target = "vm1";
        o->action = action;
        *q = (Question){
                .options = o, .key = key, .action = action, .deadline = now_usec() + 60 * USEC_PER_SEC
        };
}

void fake_host_speak(int fd, const FakeHost *h) {
        uint8_t packet[WIRE_PACKET_SIZE], challenge[WIRE_CHALLENGE_SIZE],
                out[WIRE_MAC_SIZE + WIRE_CHALLENGE_SIZE], response[WIRE_MAC_SIZE], random[32] = { 1, 2, 3 };
        uint64_t deadline = now_usec() + 60 * USEC_PER_SEC;
        size_t n = sizeof(out) < h->cut ? sizeof(out) : h->cut;
        Request r;

        if (h->has_packet && (io_read(fd, packet, sizeof(packet), deadline) < 0 ||
                                     auth_verify_packet(h->key, packet) < 0 ||
                                     wire_decode_packet(packet, WIRE_STREAM, &r) < 0))
                _exit(1);
        if (io_read(fd, challenge, sizeof(challenge), deadline) < 0 ||
                auth_respond(h->key, h->auth, challenge, out) < 0)
                _exit(1);
        auth_host_challenge(h->key, random, out + WIRE_MAC_SIZE);
        if (io_write(fd, out, n, deadline) < 0)
                _exit(1);
        if (n < sizeof(out))
                _exit(0);
        if (io_read(fd, response, sizeof(response), deadline) < 0 ||
                auth_verify_response(h->key, h->auth, out + WIRE_MAC_SIZE, response) < 0)
                _exit(1);
        n = h->n_answer < h->cut - sizeof(out) ? h->n_answer : h->cut - sizeof(out);
        _exit(io_write(fd, h->answer, n, deadline) < 0);
}

int fake_host_start(int fd, int other, const FakeHost *h) {
        pid_t pid = fork();

        if (pid == 0) {
                (void) safe_close(other);
                fake_host_speak(fd, h);
        }
        return pid;
}

int fake_host_wait(int pid) {
        int status;

        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
                return -1;
        return WEXITSTATUS(status);
}
