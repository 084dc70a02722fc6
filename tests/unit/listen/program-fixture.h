/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the tests of the real program, in a network of its own with a guest on a veth pair: each of these ends the test when it
 * cannot be done. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fake-executor.h"
#include "names.h"
#include "vectors.h"

enum { PATIENCE_MS = 60000, PORT = 1229 };

#define GROUP4     "225.0.0.12"
#define GROUP6     "ff05::3:1"
#define HOST4      "10.99.0.1"
#define GUEST4     "10.99.0.2"
#define HOST6      "fd99::1"
#define GUEST6     "fd99::2"
#define NOTIFY     "/run/notify"
#define LISTEN_FDS 3

typedef struct Host {
        FakeExecutor executor;
        int own_ns, guest_ns, notify;
        pid_t program, callback; /* fenced-callback, for multicast */
} Host;

void shell(const char *command);
void enter(int ns);
void setup(Host *h);
void wait_until_ready(const char *interface);
void connect_guest(Host *h);
void teardown(Host *h);
int bound_socket(int type, const char *ip, uint16_t port);
int rtnetlink_socket(uint32_t groups);
pid_t start_program(const char *program, const int *fds, int n, const char *name, char *const argv[]);
pid_t start(const int *fds, int n, const char *name, char *const argv[]);
void start_callback(Host *h, const char *option);
void expect_notify(Host *h, const char *line);
void start_listener(Host *h, const char *option);
void start_multicast(Host *h, const char *option);
int guest_datagram_socket(const char *ip, unsigned ifindex);
void send_to_group(int fd, bool v6, const void *bytes, size_t n);
void make_packet(const char *ip, uint16_t port, uint8_t packet[static WIRE_PACKET_SIZE]);
void fence_by_multicast(int datagrams, int listener, const char *ip);
void expect_events(Host *h, const char *events);
