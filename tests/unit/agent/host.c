/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define OPENSSL_SUPPRESS_DEPRECATED

#include "host.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "auth-key.h"
#include "io.h"

AuthKey *fake_key(uint8_t first) {
        uint8_t bytes[64] = { first };
        AuthKey *k = NULL;

        return auth_key_new(bytes, sizeof(bytes), &k, NULL) < 0 ? NULL : k;
}

size_t fake_fx2_file(uint8_t first, char ret[static FAKE_FILE_MAX]) {
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        char base64[89];

        /* 64 bytes are 86 characters and two of padding; all but the first byte are zero */
        memset(base64, 'A', 86);
        strcpy(base64 + 86, "==");
        base64[0] = alphabet[first >> 2];
        base64[1] = alphabet[first << 4 & 0x30];
        return (size_t) snprintf(ret, FAKE_FILE_MAX, AUTH_KEY_FX2 "\n%s\n", base64);
}

AuthKey *fake_fx2_key(uint8_t first) {
        char text[FAKE_FILE_MAX];
        size_t n = fake_fx2_file(first, text);
        AuthKey *k = NULL;

        return auth_key_new(text, n, &k, NULL) < 0 ? NULL : k;
}

void fake_question(Question *q, Options *o, const AuthKey *key, Action action) {
        options_init(o, program_by_path("fence_virt"));
        o->target = "vm1";
        o->action = action;
        *q = (Question){
                .options = o, .key = key, .action = action, .deadline = now_usec() + 60 * USEC_PER_SEC
        };
}

void fake_v1_response(const AuthKey *k, HashType h, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret[static WIRE_MAC_SIZE]) {
        uint8_t message[AUTH_KEY_MAX + WIRE_CHALLENGE_SIZE];
        size_t n = k->size + WIRE_CHALLENGE_SIZE;

        memcpy(message, k->bytes, k->size);
        memcpy(message + k->size, challenge, WIRE_CHALLENGE_SIZE);
        memset(ret, 0, WIRE_MAC_SIZE);
        if (h == HASH_SHA1)
                (void) SHA1(message, n, ret);
        else if (h == HASH_SHA256)
                (void) SHA256(message, n, ret);
        else
                (void) SHA512(message, n, ret);
}

void fake_proof(const FakeHost *h, const uint8_t packet[static WIRE_PACKET_SIZE],
        const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        uint8_t ret[static WIRE_MAC_SIZE + WIRE_CHALLENGE_SIZE]) {
        uint8_t *ours = ret + WIRE_MAC_SIZE;
        Fx2Transcript t;

        if (!h->fx2) {
                memset(ours, 0xa5, WIRE_CHALLENGE_SIZE);
                fake_v1_response(h->key, h->auth, challenge, ret);
                return;
        }
        auth_host_challenge(h->key, (const uint8_t[32]){ 1, 2, 3 }, ours);
        fx2_transcript(packet, challenge, ours, &t);
        fx2_host_proof(h->key, &t, ret);
}

/* What is left of it after flip and cut; SIZE_MAX when nothing was cut. `before` bytes were sent already. */
static size_t spoil(const FakeHost *h, uint8_t *bytes, size_t size, size_t before) {
        if (h->flip >= before && h->flip - before < size)
                bytes[h->flip - before] ^= 1;
        return h->cut >= before + size ? size : h->cut > before ? h->cut - before : 0;
}

static bool response_is_right(const FakeHost *h, const Fx2Transcript *t, const uint8_t *response) {
        uint8_t right[WIRE_MAC_SIZE];

        if (h->fx2)
                return fx2_verify_guest_proof(h->key, t, response);
        fake_v1_response(h->key, h->auth, t->bytes + WIRE_PACKET_SIZE + WIRE_CHALLENGE_SIZE, right);
        return memcmp(right, response, sizeof(right)) == 0;
}

static bool packet_is_right(const FakeHost *h, const uint8_t packet[static WIRE_PACKET_SIZE]) {
        Request r;

        return auth_verify_packet(h->key, packet) == 0 && wire_decode_packet(packet, WIRE_STREAM, &r) == 0 &&
               r.flags & WIRE_FLAG_FX2;
}

static int answer(int fd, const FakeHost *h, const Fx2Transcript *t, uint64_t deadline) {
        size_t size = h->n_answer + (h->fx2 ? WIRE_MAC_SIZE : 0);
        uint8_t *bytes = calloc(1, size);
        Fx2Tag tag;
        int r;

        if (!bytes)
                return -ENOMEM;
        memcpy(bytes, h->answer, h->n_answer);
        if (h->fx2) {
                fx2_tag_begin(h->key, t, &tag);
                fx2_tag_add(&tag, bytes, h->n_answer);
                fx2_tag_end(&tag, bytes + h->n_answer);
        }
        r = io_write(fd, bytes, spoil(h, bytes, size, CLIENT_PROOF_SIZE), deadline);
        free(bytes);
        return r;
}

void fake_host_speak(int fd, const FakeHost *h) {
        uint8_t packet[WIRE_PACKET_SIZE] = {}, challenge[WIRE_CHALLENGE_SIZE], out[CLIENT_PROOF_SIZE],
                response[WIRE_MAC_SIZE];
        uint64_t deadline = now_usec() + 60 * USEC_PER_SEC;
        Fx2Transcript t;
        size_t n;

        if (h->packet)
                memcpy(packet, h->packet, sizeof(packet));
        if (h->has_packet &&
                (io_read(fd, packet, sizeof(packet), deadline) < 0 || !packet_is_right(h, packet)))
                _exit(1);
        if (io_read(fd, challenge, sizeof(challenge), deadline) < 0 || !fx2_is_challenge(challenge))
                _exit(1);
        fake_proof(h, packet, challenge, out);
        fx2_transcript(packet, challenge, out + WIRE_MAC_SIZE, &t);
        n = spoil(h, out, sizeof(out), 0);
        if (io_write(fd, out, n, deadline) < 0)
                _exit(1);
        if (n < sizeof(out))
                _exit(0);
        if (io_read(fd, response, sizeof(response), deadline) < 0 || !response_is_right(h, &t, response))
                _exit(1);
        _exit(answer(fd, h, &t, deadline) < 0);
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
