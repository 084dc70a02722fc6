/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A serial line, which is a tty, a virtio port, or a tcp connection that the hypervisor ends (VM channel). There is no
 * authentication: who is at the other end is the hypervisor's business. */

#include "transport.h"

#include <termios.h>

typedef struct SerialLine {
        speed_t speed;
        tcflag_t flags; /* CSIZE, PARENB, PARODD, CSTOPB */
} SerialLine;

/* "115200,8N1". -EINVAL for anything else; ret may be NULL. */
int serial_line_parse(const char *text, SerialLine *ret);

void device_ask(const Question *q, Answer *ret);
void channel_ask(const Question *q, Answer *ret);
