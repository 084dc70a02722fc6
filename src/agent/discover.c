/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "discover.h"
#include "address.h"
#include "io.h"
#include "log.h"
#include "serial-device.h"
#include "transport-serial.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#define VSOCK_DEVICE "/dev/vsock"
/* The host is on the same machine: it answers at once, or there is nobody. */
#define VSOCK_USEC_MAX USEC_PER_SEC

enum { CID_HOST = 2, CID_GUEST_MIN = 3 };

/* Somebody gave this machine the port for this very purpose: whether the host is there now does not matter. */
static bool take_port(Options *o, uint64_t deadline) {
        char path[DEVICE_PATH_MAX];

        if (virtio_port_find(VIRTIO_PORTS_DIR, DISCOVER_PORT, path) < 0)
                return false;
        o->device = DISCOVER_PORT;
        return true;
}

/* Most machines have a second serial port, and few a host behind it. */
static bool take_device(Options *o, uint64_t deadline) {
        uint64_t now = now_usec();
        Options probe = *o;
        Question q = { .options = &probe,
                .action = ACTION_NULL,
                .deadline = now + (deadline > now ? deadline - now : 0) / 2 };

        probe.device = DISCOVER_DEVICE;
        if (access(DISCOVER_DEVICE, R_OK | W_OK) < 0 || !device_answers(&q))
                return false;
        o->device = DISCOVER_DEVICE;
        return true;
}

/* Without a device of its own a machine would reach itself, and any of its users could answer. */
static bool is_vsock_guest(void) {
        _cleanup_close_ int fd = open(VSOCK_DEVICE, O_RDONLY | O_CLOEXEC);
        unsigned cid;

        return fd >= 0 && ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) >= 0 && cid >= CID_GUEST_MIN &&
               cid != VMADDR_CID_ANY;
}

static bool take_vsock(Options *o, uint64_t deadline) {
        uint64_t limit = now_usec() + VSOCK_USEC_MAX;
        _cleanup_close_ int fd = -1;
        Address host;

        if (!is_vsock_guest())
                return false;
        address_vsock(CID_HOST, o->port, &host);
        fd = io_connect(&host.any, address_size(&host), limit < deadline ? limit : deadline);
        if (fd < 0)
                return false;
        o->cid = CID_HOST;
        return true;
}

/* There is no asking around: whoever has a key was given it for this. */
static bool take_multicast(Options *o, uint64_t deadline) {
        if (!o->has_key_file)
                return false;
        o->multicast = true;
        return true;
}

const Way discover_ways[] = {
        { "virtio port " DISCOVER_PORT, "no virtio port " DISCOVER_PORT, take_port },
        { "serial device " DISCOVER_DEVICE, "nobody behind " DISCOVER_DEVICE, take_device },
        { "vsock", "no host on vsock", take_vsock },
        { "multicast", "no key for multicast", take_multicast },
};

const size_t discover_n_ways = ELEMENTSOF(discover_ways);

const Way *discover(const Way *ways, size_t n, Options *o, uint64_t deadline) {
        for (size_t i = 0; i < n; i++) {
                if (ways[i].take(o, deadline)) {
                        log_debug("Taking %s", ways[i].name);
                        return ways + i;
                }
                log_debug("Not taking %s: %s", ways[i].name, ways[i].missing);
        }
        return NULL;
}
