/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tty or a virtio port, found, opened and set up. */

#include "options.h"

#include <termios.h>

#define VIRTIO_PORTS_DIR "/sys/class/virtio-ports"

enum { DEVICE_PATH_MAX = 280 };

typedef struct SerialLine {
        speed_t speed;
        tcflag_t flags; /* CSIZE, PARENB, PARODD, CSTOPB */
} SerialLine;

typedef struct SerialDevice {
        int fd; /* owned, non-blocking; negative: not open */
        bool is_tty;
        struct termios before; /* of a tty: what was set when it was opened */
} SerialDevice;

/* "115200,8N1". -EINVAL for anything else; ret may be NULL. */
int serial_line_parse(const char *text, SerialLine *ret);

/* The device of the virtio port with this name, for example /dev/vport1p1, by the files that the kernel has in `sysfs`
 * (VIRTIO_PORTS_DIR). -ENOENT: no port is called that, or there are none. */
int virtio_port_find(const char *sysfs, const char *name, char ret[static DEVICE_PATH_MAX]);

/* What stands for o->device: a name without a slash is that of a virtio port, if there is one; and a path in
 * /dev/virtio-ports, which udev makes, is found without udev as well. Everything else is the path of a device. */
void serial_device_find(const Options *o, const char *sysfs, char ret[static DEVICE_PATH_MAX]);

/* Opens o->device for this process alone, as two agents would read each other's answers; waits for it until the deadline.
 * A tty is made raw, and emptied. -EBUSY: somebody else had it all the time. */
int serial_device_open(const Options *o, uint64_t deadline, SerialDevice *ret);

/* What was written but not taken is thrown away, or closing would wait for that. */
void serial_device_close(SerialDevice *d);
