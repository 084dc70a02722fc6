/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-backend.h"

#include <stdio.h>
#include <string.h>

static int claim(Job *j, WorkerResult result, const char *proof) {
        bool on = result == WORKER_ON || result == WORKER_ALREADY_ON || result == WORKER_REBOOTED;

        j->result.result = (uint32_t) result;
        j->result.power = on ? POWER_ON : POWER_OFF;
        j->result.state = on ? VIR_DOMAIN_RUNNING : VIR_DOMAIN_SHUTOFF;
        j->result.message[0] = '\0';
        (void) snprintf(j->result.proof, sizeof(j->result.proof), "%s", proof);
        return 0;
}

/* FORCE_BOOT: a managed save is discarded, or the guest would wake up with the memory of before it was fenced.
 * Drivers that do not know the flag refuse it. */
static int create(virDomainPtr d) {
        if (virDomainCreateWithFlags(d, VIR_DOMAIN_START_FORCE_BOOT) >= 0)
                return 0;
        if (libvirt_error_code() != VIR_ERR_INVALID_ARG && libvirt_error_code() != VIR_ERR_NO_SUPPORT)
                return -EIO;
        return virDomainCreateWithFlags(d, 0) < 0 ? -EIO : 0;
}

static int switch_on(Libvirt *l, Job *j, virDomainPtr d) {
        ProofDomain p = libvirt_proof_domain(j);
        int r;

        r = libvirt_describe(l, j, d, NULL);
        if (r < 0)
                return r == -ENOTCONN ? r : 0;
        if (j->result.power == POWER_ON)
                return claim(j, WORKER_ALREADY_ON, "");
        if (j->result.power != POWER_OFF)
                return 0; /* why is said */
        if (l->death == DEATH_PIDFD) {
                /* a second process on the disk of one that is not dead yet would be the end of the disk */
                pid_t pid = 0;
                ProofFound found = proof_find(&p, &pid);

                if (found != PROOF_NONE)
                        return libvirt_say_found(j, found, pid);
        }
        if (job_start(j) < 0)
                return 0;
        if (create(d) >= 0)
                return claim(j, WORKER_ON, "");
        (void) job_fail(j, "Cannot start it: %s", libvirt_error());
        /* was somebody else faster? */
        if (!libvirt_is_lost(l) && virDomainIsActive(d) == 1)
                return claim(j, WORKER_ALREADY_ON, "");
        return 0;
}

static void cleanse_freep(char **xml) {
        if (*xml)
                explicit_bzero(*xml, strlen(*xml)); /* it has the passwords of displays */
        free(*xml);
}

static int start_fails(Job *j, const char *what) {
        job_say(j, "It is off, but %s: %s", what, libvirt_error());
        j->result.result = WORKER_OFF_START_FAILED;
        return 0;
}

/* The last part of a reboot. It may need a new connection, which repeats nothing: this is the first try to start. */
static int start_again(Libvirt *l, Job *j, const char *xml, const char *proof) {
        _cleanup_domain_ virDomainPtr d = NULL;

        (void) claim(j, WORKER_OFF_START_FAILED, proof);
        if (job_now() >= j->request.deadline_usec) {
                job_say(j, "It is off, but no time was left to start it again");
                return 0;
        }
        if (libvirt_is_lost(l))
                libvirt_disconnect(l);
        if (libvirt_connect(l, j) < 0) {
                j->result.result = WORKER_OFF_START_FAILED;
                return 0;
        }
        d = virDomainLookupByUUIDString(l->connection, j->request.target);
        if (!d && libvirt_error_code() == VIR_ERR_NO_DOMAIN && xml) {
                d = virDomainCreateXML(l->connection, xml, 0);
                return d ? claim(j, WORKER_REBOOTED, proof) : start_fails(j, "cannot be created again");
        }
        if (!d)
                return start_fails(j, "cannot be found to start it again");
        if (create(d) >= 0)
                return claim(j, WORKER_REBOOTED, proof);
        (void) start_fails(j, "cannot be started again");
        /* was somebody else faster? */
        if (!libvirt_is_lost(l) && virDomainIsActive(d) == 1)
                return claim(j, WORKER_REBOOTED, proof);
        return 0;
}

int libvirt_act(Libvirt *l, Job *j) {
        _cleanup_domain_ virDomainPtr d = NULL;
        _cleanup_(cleanse_freep) char *xml = NULL;
        bool reboot = j->request.action == ACTION_REBOOT;
        const char *proof = NULL;
        int r;

        r = libvirt_lookup(l, j, virDomainLookupByUUIDString, j->request.target, &d);
        if (r < 0)
                return r == -ENOTCONN ? r : 0;
        if (r == 0) {
                j->result.result = WORKER_NOT_FOUND;
                job_say(j, "No domain has the UUID %s; that is no proof that it does not run",
                        j->request.target);
                return 0;
        }
        if (j->request.action == ACTION_ON)
                return switch_on(l, j, d);
        r = libvirt_off(l, j, d, reboot ? &xml : NULL, &proof);
        if (r <= OFF_ANSWERED)
                return r;
        if (r == OFF_BEFORE)
                return claim(j, WORKER_ALREADY_OFF, proof);
        return reboot ? start_again(l, j, xml, proof) : claim(j, WORKER_OFF_PROVEN, proof);
}
