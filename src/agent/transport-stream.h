/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* tcp and vsock: the guest connects, sends the packet and its challenge, and the host proves itself on the same
 * connection. What follows the proof is multicast's as well. */

#include "client.h"
#include "transport.h"

void tcp_ask(const Question *q, Answer *ret);
void vsock_ask(const Question *q, Answer *ret);

/* Starts a client with fresh random bytes; negative errno if there are none. */
int stream_start(const Question *q, Client *ret);

/* Packet, challenge, proof and answer over a connected socket. */
void stream_converse(int fd, const Question *q, Answer *ret);

/* Packet and answer, without key or proof: only where the hypervisor vouches for the host. */
void stream_converse_unsigned(int fd, const Question *q, Answer *ret);

/* The rest of a conversation whose host has proved itself: sends the response, reads the answer, and in FX2 its tag. */
void stream_finish(int fd, const Question *q, const Client *c, Answer *ret);
