/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "arm.h"
#include "log.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* Up to one byte more than DOMAIN_XML_MAX, which channels_parse() refuses. */
static int read_xml(int fd, char **ret, size_t *ret_size) {
        _cleanup_free_ char *xml = malloc(DOMAIN_XML_MAX + 1);
        size_t n = 0;
        ssize_t k;

        if (!xml)
                return -ENOMEM;
        do {
                k = read(fd, xml + n, DOMAIN_XML_MAX + 1 - n);
                if (k < 0 && errno != EINTR)
                        return -errno;
                n += k > 0 ? (size_t) k : 0;
        } while (k != 0 && n <= DOMAIN_XML_MAX);
        *ret = TAKE(xml, NULL);
        *ret_size = n;
        return 0;
}

int arm_read(const HookConf *conf, const char *name, int fd, Channels *ret) {
        _cleanup_free_ char *xml = NULL;
        const char *reason = NULL;
        size_t size = 0;
        int r;

        r = read_xml(fd, &xml, &size);
        if (r >= 0)
                r = channels_parse(xml, size, conf->bind_directories, ret, &reason);
        if (r == -EBADMSG)
                return log_error_errno(r, "Domain %s: its XML is not understood: %s", name, reason);
        if (r < 0)
                return log_error_errno(r, "Domain %s: cannot read its XML: %m", name);
        return 0;
}

static int start_or_stop(Systemd *s, const char *unit, bool wait, ArmFlags what) {
        return what & ARM_STOP ? systemd_stop(s, unit) : systemd_start(s, unit, wait);
}

static int first_error(int r, int k) {
        return r < 0 ? r : k;
}

int arm_channels(Systemd *s, const char *name, const Channels *c, ArmFlags what) {
        char unit[UNIT_NAME_SIZE];
        int r = 0;

        if (c->own_socket && what & ARM_SOCKETS) {
                unit_name_vm(c->uuid, ".socket", unit);
                r = start_or_stop(s, unit, true, what);
        }
        if (c->own_socket && what & ARM_STOP) {
                unit_name_vm(c->uuid, ".service", unit);
                r = first_error(r, systemd_stop(s, unit));
        }
        for (size_t i = 0; i < c->n_binds && what & ARM_DIALS; i++) {
                int k = unit_name_dial(c->binds[i], unit);

                r = first_error(r, k < 0 ? k : start_or_stop(s, unit, false, what));
        }
        if (r < 0)
                log_error(
                        "Domain %s: cannot %s its fence channels", name, what & ARM_STOP ? "stop" : "start");
        return r;
}

static int arm_file(Systemd *s, const HookConf *conf, int directory, const char *file, size_t stem) {
        _cleanup_close_ int fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        char name[NAME_MAX + 1] = {};
        Channels c = {};
        int r;

        if (fd < 0 && errno == ENOENT)
                return 0; /* has ended meanwhile */
        memcpy(name, file, stem);
        if (fd < 0)
                return log_error_errno(errno, "Domain %s: cannot open its status: %m", name);
        r = arm_read(conf, name, fd, &c);
        if (r < 0)
                return r;
        if (c.unserved)
                log_warning("Domain %s: a channel is not served: %s", name, c.unserved);
        return arm_channels(s, name, &c, ARM_SOCKETS | ARM_DIALS);
}

static int arm_files(Systemd *s, const HookConf *conf, DIR *dir) {
        static const char suffix[] = ".xml";
        struct dirent *entry;
        int r = 0;

        while ((entry = readdir(dir))) {
                size_t n = strlen(entry->d_name);

                if (n > strlen(suffix) && strcmp(entry->d_name + n - strlen(suffix), suffix) == 0)
                        r = first_error(r, arm_file(s, conf, dirfd(dir), entry->d_name, n - strlen(suffix)));
        }
        return r;
}

int arm_directory(const HookConf *conf, const char *directory, uint64_t deadline_usec) {
        _cleanup_(systemd_freep) Systemd *s = NULL;
        DIR *dir;
        int r;

        r = systemd_connect(SYSTEMD_SOCKET, deadline_usec, &s);
        if (r >= 0)
                r = systemd_is_active(s, SERIAL_SOCKET_UNIT);
        if (r <= 0)
                return r;
        dir = opendir(directory);
        if (!dir)
                return errno == ENOENT ? 0 : log_error_errno(errno, "Cannot read %s: %m", directory);
        r = arm_files(s, conf, dir);
        (void) closedir(dir);
        return r;
}
