/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "serial-device.h"
#include "io.h"
#include "log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define BY_NAME_DIR "/dev/virtio-ports/"

/* How often a device is tried again that somebody else has open. */
#define AGAIN_USEC (100 * USEC_PER_MSEC)

static bool has_name(int sysfs, const char *port, const char *name) {
        char path[DEVICE_PATH_MAX], text[256];
        _cleanup_close_ int fd = -1;
        ssize_t n;

        if ((size_t) snprintf(path, sizeof(path), "%s/name", port) >= sizeof(path))
                return false;
        fd = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return false;
        text[n] = 0;
        text[strcspn(text, "\n")] = 0;
        return *name && strcmp(text, name) == 0;
}

int virtio_port_find(const char *sysfs, const char *name, char ret[static DEVICE_PATH_MAX]) {
        DIR *dir = opendir(sysfs);
        struct dirent *entry;
        int r = -ENOENT;

        if (!dir)
                return -ENOENT;
        while (r < 0 && (entry = readdir(dir)))
                if (entry->d_name[0] != '.' && has_name(dirfd(dir), entry->d_name, name)) {
                        (void) snprintf(ret, DEVICE_PATH_MAX, "/dev/%s", entry->d_name);
                        r = 0;
                }
        (void) closedir(dir);
        return r;
}

void serial_device_find(const Options *o, const char *sysfs, char ret[static DEVICE_PATH_MAX]) {
        const char *name = o->device;

        if (strncmp(name, BY_NAME_DIR, strlen(BY_NAME_DIR)) == 0 && access(name, F_OK) < 0)
                name += strlen(BY_NAME_DIR);
        if (!strchr(name, '/') && virtio_port_find(sysfs, name, ret) >= 0)
                return;
        (void) snprintf(ret, DEVICE_PATH_MAX, "%s", o->device);
}

/* Of a terminal without hardware tcgetattr() says EIO, which isatty() would take for no terminal. */
static int set_up(const Options *o, SerialDevice *d) {
        struct termios t;
        SerialLine line;

        if (tcgetattr(d->fd, &t) < 0)
                return errno == ENOTTY || errno == EINVAL ? 0 : -errno;
        d->before = t;
        d->is_tty = true;
        if (serial_line_parse(o->line_parameters, &line) < 0)
                return -EINVAL;
        cfmakeraw(&t);
        t.c_cflag &= ~(tcflag_t) (CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
        t.c_cflag |= line.flags | CLOCAL | CREAD;
        t.c_cc[VMIN] = 1;
        t.c_cc[VTIME] = 0;
        if (cfsetispeed(&t, line.speed) < 0 || cfsetospeed(&t, line.speed) < 0)
                return -errno;
        if (tcsetattr(d->fd, TCSANOW, &t) < 0 || tcflush(d->fd, TCIOFLUSH) < 0)
                return -errno;
        return 0;
}

/* A virtio port is opened by one at a time; of a terminal a lock is taken. */
static int open_alone(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        return TAKE(fd, -1);
}

int serial_device_open(const Options *o, uint64_t deadline, SerialDevice *ret) {
        SerialDevice d = { .fd = -1 };
        char path[DEVICE_PATH_MAX];
        int r;

        serial_device_find(o, VIRTIO_PORTS_DIR, path);
        while ((d.fd = open_alone(path)) == -EBUSY && now_usec() < deadline) {
                uint64_t again = now_usec() + AGAIN_USEC;

                log_debug("%s is in use; trying again", path);
                r = io_poll(NULL, 0, again < deadline ? again : deadline);
                if (r < 0)
                        return r;
        }
        if (d.fd < 0)
                return d.fd;
        r = set_up(o, &d);
        if (r < 0) {
                (void) close(d.fd);
                return r;
        }
        if (strcmp(path, o->device) != 0)
                log_debug("%s is %s", o->device, path);
        *ret = d;
        return 0;
}

void serial_device_close(SerialDevice *d) {
        if (d->fd >= 0 && d->is_tty)
                (void) tcflush(d->fd, TCOFLUSH);
        d->fd = safe_close(d->fd);
}
