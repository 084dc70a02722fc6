/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a listener writes to the private bus, cut into pieces (the first byte says how): what goes on to sd-bus is what it should be
 * by looking at all of it at once, and nothing else. */

#include <string.h>
#include <sys/socket.h>

#include "bus-gate.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_passed(unsigned n, void *userdata) {
        check(n > 0);
}

static void on_refused(const char *reason, void *userdata) {
        Gate **g = userdata;

        check(reason);
        *g = gate_free(*g);
}

static const GateHandler handler = { .passed = on_passed, .refused = on_refused };

static uint64_t number(const uint8_t *p, bool little) {
        uint64_t n = 0;

        for (int i = 0; i < 4; i++)
                n = n << 8 | p[little ? 3 - i : i];
        return n;
}

/* How much of it may go on, and whether what follows is to be refused. */
static size_t allowed(const uint8_t *data, size_t size, bool *ret_refused) {
        static const char begin[] = "\r\nBEGIN\r\n";
        size_t auth = size < GATE_AUTH_MAX ? size : GATE_AUTH_MAX;
        const uint8_t *p = memmem(data, auth, begin, strlen(begin));

        *ret_refused = !p && size >= GATE_AUTH_MAX;
        if (!p)
                return auth;
        size_t n = (size_t) (p - data) + strlen(begin);
        while (size - n >= 16) {
                const uint8_t *h = data + n;
                uint64_t whole = 16 + (number(h + 12, h[0] == 'l') + 7) / 8 * 8 + number(h + 4, h[0] == 'l');

                if ((h[0] != 'l' && h[0] != 'B') || h[3] != 1 || whole > GATE_MESSAGE_MAX || whole == 16) {
                        *ret_refused = true;
                        break;
                }
                if (size - n < whole)
                        break;
                n += whole;
        }
        return n;
}

/* Everything that can be done now, and what it brings. */
static size_t settle(sd_event *event, int bus, uint8_t *out, size_t room) {
        size_t n = 0;
        ssize_t k;

        do {
                while (sd_event_run(event, 0) > 0)
                        ;
                k = recv(bus, out + n, room - n, MSG_DONTWAIT);
                if (k > 0)
                        n += (size_t) k;
        } while (k > 0);
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static uint8_t out[64 * 1024];
        sd_event *event = NULL;
        Gate *gate = NULL;
        bool refused = false;
        size_t n = 0;
        int pair[2], bus;

        if (size < 2 || size >= sizeof(out))
                return 0;
        size_t piece = 1 + (size_t) data[0] * 16;
        data++;
        size--;
        check(sd_event_new(&event) >= 0);
        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        check(gate_new(event, pair[1], &handler, &gate, &gate, &bus) >= 0);
        close(pair[1]);
        for (size_t fed = 0; fed < size && gate;) {
                size_t k = size - fed < piece ? size - fed : piece;

                check(send(pair[0], data + fed, k, MSG_NOSIGNAL) == (ssize_t) k);
                fed += k;
                n += settle(event, bus, out + n, sizeof(out) - n);
        }
        size_t most = allowed(data, size, &refused);
        check(n <= most && memcmp(out, data, n) == 0);
        check(refused == !gate);
        check(refused || n == most);
        gate_free(gate);
        close(pair[0]);
        close(bus);
        sd_event_unref(event);
        return 0;
}
