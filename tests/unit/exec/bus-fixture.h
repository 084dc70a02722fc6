/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The executor as listeners see it: its bus, over a socket, with a worker that does as it is told (fake-worker.c), and one
 * group: vm1, vm2, vm5, slow, waiting and ambiguous, for holders of the key "web". */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "auth.h"
#include "bus-server.h"
#include "conversation.h"
#include "loop.h"
#include "names.h"

typedef union Address {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_un un;
} Address;

typedef struct Fixture {
        char directory[32], conf[64], groups[64], keys[64], socket[64], acts[64];
        sd_event *event;
        Manager *manager;
        BusServer *server;
        sd_bus *bus; /* the listener's end */
        AuthKey *key;
        char audit[16][2048]; /* one record per line of FIELD=value, joined by '\n' */
        size_t n_audit;
        int listen_fd;
        int guest, host; /* both ends of a loopback connection */
} Fixture;

typedef struct Call {
        bool done;
        sd_bus_message *reply;
        char error[128];
        uint64_t id;
        uint8_t first[64], second[64];
        uint8_t *bytes;
        size_t size;
} Call;

/* Ends the test when anything of it cannot be made. */

/* The newest record has this, a line "FIELD=value\n" for instance. */
bool audited(const Fixture *f, const char *field);

/* Replaces a file. */
void write_file(const char *directory, const char *name, const char *text, mode_t mode);
Fixture *fixture(void);
void fixture_end(Fixture *f);

/* A call of the private bus; send_call() consumes it and fills *c when the answer is there. */
sd_bus_message *new_call(sd_bus *bus, const char *method);
void send_call(sd_bus *bus, sd_bus_message *m, Call *c);

/* These wait for the answer; commit() only sends. */
void open_packet(Fixture *f, sd_bus *bus, const void *packet, size_t size, int fd, Call *c);
void make_packet(
        const AuthKey *key, Action action, const char *target, uint8_t packet[static WIRE_PACKET_SIZE]);
void prove(Fixture *f, uint64_t id, const uint8_t challenge[static 64], Call *c);
void commit(Fixture *f, uint64_t id, const uint8_t response[static 64], int fd, Call *c);

/* A whole conversation up to Commit, which is sent but not waited for. */
void ask(Fixture *f, Action action, const char *target, Call *result);

/* The first byte of the answer to a whole conversation. */
uint8_t request(Fixture *f, Action action, const char *target);

/* How often a domain was acted on. */
unsigned n_acts(const Fixture *f);

/* Another listener. */
sd_bus *connect_bus(const Fixture *f);

/* A new loopback connection in f->guest and f->host. */
void make_pair(Fixture *f);

extern const uint8_t guest_challenge[64];
