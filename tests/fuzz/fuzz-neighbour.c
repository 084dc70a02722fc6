/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel answers about routes, neighbours, interfaces and ports. Whatever it is, a name ends, is not empty and has been in
 * the answer, and what is refused changes nothing. */

#include <string.h>

#include "neighbour-message.h"

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Answer {
        const uint8_t *bytes;
        size_t size;
} Answer;

static void check_name(const char *name, const Answer *a) {
        size_t n = strnlen(name, IFNAMSIZ);

        check(n > 0 && n < IFNAMSIZ && memmem(a->bytes, a->size, name, n));
}

static void on_port(const char *name, void *userdata) {
        check_name(name, userdata);
}

static void check_link(const Answer *a) {
        LinkAnswer link, before;

        memset(&link, 'x', sizeof(link));
        before = link;
        int r = answer_link(a->bytes, a->size, &link);
        check(r == 0 ? (check_name(link.name, a), link.bridge || link.vlan == 0)
                     : r < 0 && memcmp(&link, &before, sizeof(link)) == 0);
}

static void check_others(const Answer *a) {
        RouteAnswer route = { .interface = 4711 };
        NeighbourAnswer neighbour = { .mac = { 1, 2, 3, 4, 5, 6 } };
        FdbAnswer fdb = { .port = 4711 };

        int r = answer_route(a->bytes, a->size, &route);
        check(r == 0 || (r < 0 && route.interface == 4711));
        r = answer_neighbour(a->bytes, a->size, &neighbour);
        check(r == 0 ? !neighbour.usable || memmem(a->bytes, a->size, neighbour.mac, MAC_SIZE)
                     : r < 0 && neighbour.mac[5] == 6);
        r = answer_fdb(a->bytes, a->size, &fdb);
        check(r == 0 ? fdb.port > 0 : r < 0 && fdb.port == 4711);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        uint8_t *copy = malloc(size > 0 ? size : 1); /* aligned, and with a fence behind it */
        Answer a = { copy, size };

        if (!copy)
                return 0;
        if (size > 0)
                memcpy(copy, data, size);
        check_link(&a);
        check_others(&a);
        check(answer_ports(a.bytes, a.size, 5, on_port, &a) <= 1);
        free(copy);
        return 0;
}
