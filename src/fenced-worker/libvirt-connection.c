/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-backend.h"

#include <string.h>
#include <strings.h>

/* From this version on a failed kill is an error instead of a success. */
#define VERSION_REPORTS_FAILED_KILL 11003000UL

const char *libvirt_error(void) {
        const virError *e = virGetLastError();

        return e && e->message ? e->message : "no reason given";
}

int libvirt_error_code(void) {
        const virError *e = virGetLastError();

        return e ? e->code : VIR_ERR_OK;
}

bool libvirt_is_lost(Libvirt *l) {
        /* local knowledge, no round trip: by the failed call libvirt knows that the socket is dead */
        return !l->connection || virConnectIsAlive(l->connection) != 1;
}

int libvirt_fail(Libvirt *l, Job *j, const char *what) {
        (void) job_fail(j, "%s: %s", what, libvirt_error());
        return libvirt_is_lost(l) ? -ENOTCONN : 0;
}

/* Only the system's QEMU of this very host has its processes in our /proc and its pid files where we look. */
static bool is_local_system(const char *uri) {
        static const char *const local[] = { "qemu:///system", "qemu+unix:///system" };

        for (size_t i = 0; i < ELEMENTSOF(local); i++)
                if (strcmp(uri, local[i]) == 0)
                        return true;
        return false;
}

Death libvirt_death(const char *driver, const char *uri, unsigned long version) {
        if (strcasecmp(driver, "QEMU") != 0)
                return DEATH_STATE;
        if (is_local_system(uri))
                return DEATH_PIDFD;
        return version >= VERSION_REPORTS_FAILED_KILL ? DEATH_STATE : DEATH_UNPROVABLE;
}

static int find_death(virConnectPtr c, Death *ret) {
        unsigned long version = 0;
        const char *driver;
        char *uri;

        driver = virConnectGetType(c);
        if (!driver)
                return -EIO;
        if (virConnectGetLibVersion(c, &version) < 0)
                return -EIO;
        uri = virConnectGetURI(c);
        if (!uri)
                return -EIO;
        *ret = libvirt_death(driver, uri, version);
        free(uri);
        return 0;
}

static const char *advice(void) {
        switch (libvirt_error_code()) {
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_AUTH_UNAVAILABLE:
        case VIR_ERR_ACCESS_DENIED:
                return "may this user manage libvirt? See polkit's rules.d/50-fence-virt.rules";
        default:
                return "is it running? systemctl start libvirtd.socket";
        }
}

int libvirt_connect(Libvirt *l, Job *j) {
        virConnectPtr c;
        Death death;

        if (l->connection)
                return 0;
        c = virConnectOpen(l->uri);
        if (!c || find_death(c, &death) < 0) {
                j->result.result = WORKER_UNREACHABLE;
                job_say(j, "Cannot connect to %s (%s): %s", l->uri, advice(), libvirt_error());
                if (c)
                        (void) virConnectClose(c);
                return -EHOSTUNREACH;
        }
        l->connection = c;
        l->death = death;
        return 0;
}

void libvirt_disconnect(Libvirt *l) {
        if (l->connection)
                (void) virConnectClose(TAKE(l->connection, NULL));
}
