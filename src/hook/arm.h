/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts the units of a domain's channels, if SERIAL_SOCKET_UNIT is active, and stops them. What fails is logged here,
 * with the domain's name. */

#include "channel.h"
#include "hook-conf.h"
#include "systemd.h"

#define SERIAL_SOCKET_UNIT "fence-virt-listen@serial.socket"
#define LIBVIRT_STATUS_DIR "/run/libvirt/qemu"

typedef enum ArmFlags {
        ARM_SOCKETS = 1 << 0, /* fence-virt-vm@UUID */
        ARM_DIALS = 1 << 1, /* fence-virt-dial@PATH */
        ARM_STOP = 1 << 2, /* stop instead of start, whether or not SERIAL_SOCKET_UNIT is active */
} ArmFlags;

/* Reads a domain's XML up to its end. */
int arm_read(const HookConf *conf, const char *name, int fd, Channels *ret);

/* Does with a domain's channels what |what| says. Goes on with the next unit when one fails; the first error is
 * returned. */
int arm_channels(Systemd *s, const char *name, const Channels *c, ArmFlags what);

/* Starts everything for each NAME.xml in libvirt's directory of running domains; without the directory there are none.
 * As arm_channels(). */
int arm_directory(const HookConf *conf, const char *directory, uint64_t deadline_usec);
