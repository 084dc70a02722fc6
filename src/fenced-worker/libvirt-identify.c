/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-xml.h"
#include "libvirt-backend.h"
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

DEFINE_CLEANUP(DIR *, closedir)

int libvirt_refuse(Job *j, const char *why) {
        job_unsay(j);
        j->result.result = WORKER_NOT_FOUND;
        job_say(j, "%s", why);
        return 0;
}

/* Which domain's pid file names this process? QEMU can write into its own file, so that another's pid may stand in several:
 * the one that the process holds the lock on is its own. One without the lock is good enough to be looked at (proof_open()
 * then wants the domain's UUID among the arguments). */
static bool find_pid_file(pid_t pid, char *ret_name, size_t size) {
        _cleanup_(closedirp) DIR *directory = opendir(PROOF_PIDS_DIR);
        const struct dirent *e;
        bool found = false;

        while (directory && (e = readdir(directory))) {
                size_t n = strlen(e->d_name);
                pid_t named;

                if (n <= 4 || n - 4 >= size || strcmp(e->d_name + n - 4, ".pid") != 0)
                        continue;
                _cleanup_close_ int fd =
                        openat(dirfd(directory), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
                if (fd < 0 || process_read_pid(fd, &named) < 0 || named != pid)
                        continue;
                bool locked = proof_holds_lock(fd, pid);
                if (found && !locked)
                        continue;
                memcpy(ret_name, e->d_name, n - 4);
                ret_name[n - 4] = '\0';
                found = true;
                if (locked)
                        break;
        }
        return found;
}

int libvirt_check_runs(Libvirt *l, Job *j, virDomainPtr d) {
        int r = libvirt_describe(l, j, d, NULL);

        if (r < 0)
                return r;
        return j->result.state == VIR_DOMAIN_RUNNING;
}

static char *live_xml(virDomainPtr d) {
        return virDomainGetXMLDesc(d, 0);
}

int libvirt_identify_process(Libvirt *l, Job *j) {
        pid_t pid = (pid_t) j->request.subject, holder = 0;
        _cleanup_domain_ virDomainPtr d = NULL;
        char name[WORKER_NAME_SIZE];
        int r;

        if (l->death != DEATH_PIDFD)
                return libvirt_refuse(j, "processes are identified for the QEMU of this host only");
        if (!find_pid_file(pid, name, sizeof(name)))
                return libvirt_refuse(
                        j, "the process at the other end is no domain of the system's libvirt");
        r = libvirt_lookup(l, j, virDomainLookupByName, name, &d);
        if (r <= 0)
                return r == 0 ? libvirt_refuse(j, "libvirt does not know the domain of the process")
                       : r == -ENOTCONN ? r
                                        : 0;
        r = libvirt_check_runs(l, j, d);
        if (r <= 0)
                return r == 0           ? libvirt_refuse(j,
                                                  "the domain that asks is not running (paused, or still migrating)")
                       : r == -ENOTCONN ? r
                                        : 0;

        ProofDomain p = libvirt_proof_domain(j);
        _cleanup_close_ int pidfd = proof_open(&p, &holder);
        if (pidfd < 0 || holder != pid)
                return libvirt_refuse(j, "the process at the other end is not the domain's");
        _cleanup_free_ char *xml = live_xml(d);
        if (!xml)
                return libvirt_fail(l, j, "Cannot ask for the domain's description");
        if (!domain_xml_has_socket(xml, j->request.target))
                return libvirt_refuse(j, "the domain has no serial port or channel at this socket");
        j->result.result = WORKER_FOUND;
        return 0;
}

int libvirt_find(
        Libvirt *l, Job *j, bool (*is_it)(virDomainPtr d, const WorkerJob *what), virDomainPtr *ret) {
        virDomainPtr before = NULL;

        if (j->request.domain[0])
                before = virDomainLookupByUUIDString(l->connection, j->request.domain);
        if (before && is_it(before, &j->request)) {
                *ret = before;
                return 1;
        }
        if (before)
                (void) virDomainFree(before);
        l->n_listed = virConnectListAllDomains(l->connection, &l->listed, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
        if (l->n_listed < 0)
                return libvirt_fail(l, j, "Cannot list the domains") < 0 ? -ENOTCONN : -EIO;
        for (int i = 0; i < l->n_listed; i++)
                if (is_it(l->listed[i], &j->request)) {
                        *ret = TAKE(l->listed[i], l->listed[--l->n_listed]);
                        return 1;
                }
        return 0;
}

static bool has_cid(virDomainPtr d, const WorkerJob *what) {
        _cleanup_free_ char *xml = live_xml(d);

        return xml && domain_xml_cid(xml) == what->subject;
}

int libvirt_identify_cid(Libvirt *l, Job *j) {
        _cleanup_domain_ virDomainPtr d = NULL;

        if (l->death != DEATH_PIDFD)
                return libvirt_refuse(j, "CIDs are those of the QEMU of this host only");
        int r = libvirt_find(l, j, has_cid, &d);
        if (r == 0)
                return libvirt_refuse(j, "no domain has this CID");
        if (r > 0)
                r = libvirt_check_runs(l, j, d);
        if (r < 0)
                return r == -ENOTCONN ? r : 0;
        if (r == 0)
                return libvirt_refuse(j, "the domain that asks is not running (paused, or still migrating)");
        j->result.result = WORKER_FOUND;
        return 0;
}
