/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sockets that systemd passed, everybody who came in by them, and who comes in next. */

#include "crowd.h"
#include "exec-client.h"
#include "membership.h"
#include "sources.h"
#include "transport.h"

#include <systemd/sd-event.h>

typedef struct ListenerOptions {
        const Transport *transport;
        int fds[SOCKETS_MAX]; /* non-blocking; owned by the caller */
        size_t n_fds;
        NetlinkSockets netlink; /* for a transport that joins */
        InterfaceFilter filter;
        uint64_t idle_usec; /* end after so long without a peer; 0: never */
        const char *exec_path;
        const char *callback_path; /* fenced-callback's, for datagrams */
        Limits limits;
} ListenerOptions;

typedef struct Listener {
        ListenerOptions options;
        sd_event *event;
        ExecClient *exec;
        Membership *membership; /* NULL unless the transport joins */
        Address groups[SOCKETS_MAX]; /* what options.fds are bound to */
        sd_event_source *sockets[SOCKETS_MAX];
        sd_event_source *pause; /* enabled while we take nobody in, for want of descriptors or memory */
        sd_event_source *idle;
        uint64_t left_usec; /* when the last peer left */
        Crowd crowd;
        bool complained; /* said that there is no room for another channel; reset when one leaves */
        size_t reply_bytes; /* in memory, of all peers */
        Sources sources;
        bool callback_lost; /* it was said that fenced-callback does not answer */
} Listener;

/* Serves from the next iteration of the event loop on; ends the loop when idle, or on a failure of our own. */
int listener_new(sd_event *event, const ListenerOptions *options, Listener **ret);
void listener_free(Listener *l);
DEFINE_CLEANUP(Listener *, listener_free);

/* For peer.c and line.c: a reply of this size is about to be held in memory. */
void listener_hold_reply(Listener *l, size_t size);

/* And is not any more. */
void listener_release_reply(Listener *l, size_t size);

/* And: a seat was given up, and a reply of this size, if not 0. */
void listener_left(Listener *l, Seat *seat, size_t reply_size);

uint64_t listener_now(const Listener *l);
