/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-xml.h"
#include "libvirt-backend.h"
#include "proof.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>

int libvirt_lookup(Libvirt *l, Job *j, virDomainPtr (*lookup)(virConnectPtr, const char *), const char *text,
        virDomainPtr *ret) {
        virDomainPtr d;

        d = lookup(l->connection, text);
        if (d) {
                *ret = d;
                return 1;
        }
        if (libvirt_error_code() == VIR_ERR_NO_DOMAIN)
                return 0;
        return libvirt_fail(l, j, "Cannot look up the domain") < 0 ? -ENOTCONN : -EIO;
}

/* A process exists, or may exist, in every state but "shut off"; and that is said of one which left for another
 * host, too (as long as libvirtd remembers). */
static PowerState power_of(virDomainPtr d, int state, int reason) {
        switch (state) {
        case VIR_DOMAIN_SHUTOFF:
                return reason == VIR_DOMAIN_SHUTOFF_MIGRATED ? POWER_UNKNOWN : POWER_OFF;
        case VIR_DOMAIN_NOSTATE:
        case VIR_DOMAIN_CRASHED: /* some drivers keep a process for the post-mortem, some do not */
                switch (virDomainIsActive(d)) {
                case 0:
                        return POWER_OFF;
                case 1:
                        return POWER_ON;
                default:
                        return POWER_UNKNOWN;
                }
        default:
                return POWER_ON;
        }
}

void libvirt_labels(const Job *j, virDomainPtr d, char ret[static WORKER_LABELS_SIZE]) {
        _cleanup_free_ char *xml = NULL;

        if (j->request.flags & WORKER_JOB_LABELS)
                xml = virDomainGetMetadata(
                        d, VIR_DOMAIN_METADATA_ELEMENT, METADATA_URI, VIR_DOMAIN_AFFECT_CURRENT);
        if (xml)
                metadata_labels(xml, ret);
}

int libvirt_describe(Libvirt *l, Job *j, virDomainPtr d, int *ret_reason) {
        const char *name = virDomainGetName(d);
        int state, reason;
        char uuid[VIR_UUID_STRING_BUFLEN];

        if (!name || strlen(name) >= sizeof(j->result.name) || virDomainGetUUIDString(d, uuid) < 0) {
                (void) job_fail(j, "The domain's name is too long");
                return -EIO;
        }
        if (virDomainGetState(d, &state, &reason, 0) < 0)
                return libvirt_fail(l, j, "Cannot ask for the domain's state") < 0 ? -ENOTCONN : -EIO;
        (void) snprintf(j->result.name, sizeof(j->result.name), "%s", name);
        (void) snprintf(j->result.uuid, sizeof(j->result.uuid), "%s", uuid);
        libvirt_labels(j, d, j->result.labels);
        j->result.state = (uint32_t) state;
        j->result.power = (uint32_t) power_of(d, state, reason);
        if (j->result.power == POWER_UNKNOWN)
                job_say(j, state == VIR_DOMAIN_SHUTOFF ? "It has left for another host, and may run there"
                                                       : "libvirt does not know whether it runs");
        if (ret_reason)
                *ret_reason = reason;
        return 0;
}

int libvirt_say_found(Job *j, ProofFound found, pid_t pid) {
        switch (found) {
        case PROOF_PROCESS:
                return job_fail(j, "libvirt says shut off, but QEMU process %d still exists", (int) pid);
        case PROOF_ENDING:
                return job_fail(j,
                        "libvirt says shut off, but QEMU process %d, and it is not known whose, is still ending",
                        (int) pid);
        default:
                return job_fail(j, "libvirt says shut off; whether its process is gone cannot be seen: %s",
                        strerror(errno));
        }
}

ProofDomain libvirt_proof_domain(const Job *j) {
        return (ProofDomain){ PROOF_PROC_DIR, PROOF_PIDS_DIR, j->result.name, j->result.uuid };
}

/* A guest takes "off" for the permission to go on, so libvirt's word alone is not passed on. */
static void doubt_off(Libvirt *l, Job *j) {
        ProofDomain p = libvirt_proof_domain(j);
        ProofFound found;
        pid_t pid = 0;

        if (j->result.power != POWER_OFF || l->death != DEATH_PIDFD)
                return;
        found = proof_find(&p, &pid);
        if (found == PROOF_NONE)
                return;
        j->result.power = found == PROOF_PROCESS ? POWER_ON : POWER_UNKNOWN;
        (void) libvirt_say_found(j, found, pid);
}

int libvirt_resolve(Libvirt *l, Job *j) {
        const char *target = j->request.target;
        _cleanup_domain_ virDomainPtr by_name = NULL, by_uuid = NULL;
        bool is_uuid = wire_is_uuid(target);
        int named, r;

        named = libvirt_lookup(l, j, virDomainLookupByName, target, &by_name);
        if (named < 0)
                return named == -ENOTCONN ? named : 0;
        if (is_uuid) {
                r = libvirt_lookup(l, j, virDomainLookupByUUIDString, target, &by_uuid);
                if (r < 0)
                        return r == -ENOTCONN ? r : 0;
                if (r == 0) {
                        /* who names a domain like the UUID of one that is elsewhere does not get its requests */
                        j->result.result = WORKER_NOT_FOUND;
                        if (named)
                                job_say(j, "No domain has the UUID %s; the one of that name is not meant",
                                        target);
                        return 0;
                }
                if (named) {
                        char uuid[VIR_UUID_STRING_BUFLEN] = "";

                        (void) virDomainGetUUIDString(by_name, uuid);
                        if (strcasecmp(uuid, target) != 0) {
                                j->result.result = WORKER_AMBIGUOUS;
                                job_say(j, "%s is the UUID of one domain and the name of another", target);
                                return 0;
                        }
                }
        } else if (!named) {
                j->result.result = WORKER_NOT_FOUND;
                return 0;
        }
        r = libvirt_describe(l, j, by_uuid ? by_uuid : by_name, NULL);
        if (r < 0)
                return r == -ENOTCONN ? r : 0;
        doubt_off(l, j);
        j->result.result = WORKER_FOUND;
        return 0;
}
