/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The other end of the private bus, as a child process, and a guest's socket. What the executor does with a request is
 * told by the request's target:
 *
 *   refuse, duplicate  Open is refused so
 *   mute-open          Open is not answered
 *   slow-open          Open is answered when somebody else's Open comes
 *   short-proof        Prove answers with a byte less
 *   empty-reply        Commit answers with no byte
 *   hang               Commit is not answered
 *   die                Commit ends the connection
 *   list               Commit answers with FAKE_LIST_SIZE bytes
 *   anything else      Commit answers with one zero byte
 *
 * A frame of a channel gets what the host sent in the exchange it is captured from, and otherwise magic and the first
 * byte of its seqno, or FAKE_LIST_SIZE bytes for "list". Without hash, and for frames, there is no Prove.
 *
 * Prove answers with the bytes of exchange-tcp-status.json; other bytes than those that the guest sent then are counted
 * as FAKE_WRONG. Every call is an event, in order. Sessions are numbered from 1 on each connection. */

#include "base.h"
#include "wire.h"

#include <netinet/in.h>
#include <sys/types.h>

enum {
        FAKE_CONNECTED = 'c',
        FAKE_OPEN = 'O',
        FAKE_PROVE = 'P',
        FAKE_COMMIT = 'C',
        FAKE_ABORT = 'A',
        FAKE_REPORT = 'R', /* followed by '0' + reason */
        FAKE_WRONG = 'W',
        FAKE_LIST_SIZE = 1 + 5000 * WIRE_RECORD_SIZE + WIRE_RECORD_SIZE + 1,
};

typedef struct FakeExecutor {
        pid_t pid;
        int events; /* read end of a pipe */
        char path[108]; /* of its socket */
} FakeExecutor;

/* Listens on `path` when this returns. */
void fake_executor_start(FakeExecutor *f, const char *path);
void fake_executor_stop(FakeExecutor *f);

/* Waits for the next event. */
char fake_executor_next(FakeExecutor *f);

/* And it must be this one. */
void fake_executor_expect(FakeExecutor *f, char event);

/* No event is there. */
void fake_executor_expect_nothing(FakeExecutor *f);

/* The exchange of exchange-tcp-status.json. */
extern const struct VectorHandshake *fake_handshake(void);

/* A canonical request for a target: status, or list for "". */
void fake_packet(const char *target, WireKind kind, const uint8_t address[4], uint16_t port,
        uint8_t ret[static WIRE_PACKET_SIZE]);

/* The same for a channel: status, or null for "". `number` is the first byte of its seqno. */
void fake_frame(const char *target, uint8_t number, uint8_t ret[static WIRE_SERIAL_SIZE]);

/* A guest's blocking socket whose every wait ends the test after a generous time. */
int guest_connect(const struct sockaddr_in *to);
int guest_connect_local(const char *path);
void guest_send(int fd, const void *bytes, size_t n);
void guest_expect(int fd, const void *bytes, size_t n);
/* End of file or reset, without a byte. */
void guest_expect_end(int fd);
/* Reads to the end; returns the number of bytes. */
size_t guest_read_all(int fd);
