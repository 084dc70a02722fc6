/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-backend.h"

#include <stdio.h>
#include <string.h>

/* How libvirt answered the order to destroy; not one of these proves anything. */
typedef enum Destroyed {
        DESTROY_UNCLEAR = 0, /* an error, or no answer: it may still come true */
        DESTROY_DONE,
        DESTROY_ENDED_BEFORE, /* the domain had ended when the order came to it */
        DESTROY_REFUSED, /* nothing was done */
} Destroyed;

/* While a domain migrates, the death of the process here says nothing: the guest may go on in the one there. */
static bool may_run_elsewhere(int state, int reason) {
        return state == VIR_DOMAIN_PAUSED &&
               (reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_POSTCOPY ||
                       reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED);
}

/* Blocks as long as libvirt does: 0.2 s as a rule, 10 s for a process that ignores SIGTERM. Often the process is gone
 * earlier, but only libvirt's answer tells whether it was destroyed or left for another host at that moment. Not
 * VIR_DOMAIN_DESTROY_GRACEFUL: libvirt 9.0 kills all the same after a while, later ones give up. */
static Destroyed destroy(Libvirt *l, Job *j, virDomainPtr d) {
        int code;

        if (virDomainDestroyFlags(d, 0) >= 0)
                return DESTROY_DONE;
        code = libvirt_error_code();
        (void) job_fail(j, "Cannot destroy it: %s", libvirt_error());
        if (libvirt_is_lost(l))
                return DESTROY_UNCLEAR;
        switch (code) {
        case VIR_ERR_NO_DOMAIN:
        case VIR_ERR_OPERATION_INVALID:
                return DESTROY_ENDED_BEFORE;
        case VIR_ERR_ACCESS_DENIED:
        case VIR_ERR_OPERATION_DENIED:
        case VIR_ERR_NO_SUPPORT:
                return DESTROY_REFUSED;
        default:
                return DESTROY_UNCLEAR;
        }
}

/* Asks the manager once more, over a new connection if need be. True if it says that the domain is off;
 * `gone_too`: or if it does not know it any more. */
static bool is_off_now(Libvirt *l, Job *j, bool gone_too) {
        _cleanup_domain_ virDomainPtr d = NULL;
        int r;

        if (libvirt_is_lost(l))
                libvirt_disconnect(l);
        if (libvirt_connect(l, j) < 0)
                return false;
        r = libvirt_lookup(l, j, virDomainLookupByUUIDString, j->request.target, &d);
        if (r == 0)
                return gone_too;
        return r > 0 && libvirt_describe(l, j, d, NULL) >= 0 && j->result.power == POWER_OFF;
}

static int prove_by_state(Libvirt *l, Job *j, Destroyed destroyed, const char **ret_proof) {
        if (destroyed == DESTROY_REFUSED)
                return OFF_ANSWERED;
        if (!is_off_now(l, j, destroyed == DESTROY_DONE)) {
                if (destroyed == DESTROY_DONE)
                        (void) job_fail(j, "It was destroyed, but is not off");
                j->result.result = WORKER_FAILED;
                return OFF_ANSWERED;
        }
        *ret_proof = "state";
        return OFF_DEAD;
}

static int prove_by_pidfd(
        Libvirt *l, Job *j, Destroyed destroyed, int pidfd, pid_t pid, const char **ret_proof) {
        ProofDomain p = libvirt_proof_domain(j);
        ProofFound found;
        bool waited;
        int r;

        if (destroyed == DESTROY_REFUSED)
                return OFF_ANSWERED;
        r = proof_wait(pidfd, j->request.deadline_usec);
        if (r < 0)
                return job_fail(j, "Cannot wait for QEMU process %d: %s", (int) pid, strerror(-r));
        if (r == 0 && destroyed == DESTROY_UNCLEAR)
                return OFF_ANSWERED; /* libvirt's own words say most */
        if (r == 0)
                return job_fail(j, "QEMU process %d still exists, whatever libvirt says", (int) pid);
        if (destroyed == DESTROY_ENDED_BEFORE && !is_off_now(l, j, false))
                return job_fail(j,
                        "QEMU process %d ended by itself; the guest may have left for another host",
                        (int) pid);

        /* One that libvirt had lost earlier, when it said that the domain was off, and somebody started it again? */
        found = proof_find(&p, &pid);
        if (found == PROOF_PROCESS)
                found = proof_await_none(&p, j->request.deadline_usec, &pid, &waited);
        if (found == PROOF_PROCESS)
                return libvirt_say_found(j, found, pid);
        *ret_proof = "pidfd";
        return OFF_DEAD;
}

/* libvirt says that it is off. */
static int prove_was_off(Libvirt *l, Job *j, const char **ret_proof) {
        ProofDomain p = libvirt_proof_domain(j);
        ProofFound found;
        bool waited = false;
        pid_t pid = 0;

        if (l->death == DEATH_STATE) {
                *ret_proof = "state";
                return OFF_BEFORE;
        }
        found = proof_await_none(&p, j->request.deadline_usec, &pid, &waited);
        if (found != PROOF_NONE)
                return libvirt_say_found(j, found, pid);
        *ret_proof = waited ? "pidfd" : "no-process";
        return OFF_BEFORE;
}

int libvirt_off(Libvirt *l, Job *j, virDomainPtr d, char **xml, const char **ret_proof) {
        _cleanup_close_ int pidfd = -1;
        int named = 0, reason = 0, r;
        Destroyed destroyed;
        pid_t pid = 0;

        if (l->death == DEATH_UNPROVABLE)
                return job_fail(j,
                        "Nothing was done: the end of QEMU behind %s cannot be proven (it is not this host's "
                        "qemu:///system, and its libvirt is older than 11.3)",
                        l->uri);
        r = libvirt_describe(l, j, d, NULL);
        if (r < 0)
                return r == -ENOTCONN ? r : OFF_ANSWERED;
        if (j->result.power == POWER_OFF)
                return prove_was_off(l, j, ret_proof);

        /* the definition of a transient domain is gone once it is destroyed. If it cannot be had, fencing goes on
         * all the same: a node that runs is worse than one that does not come back */
        if (xml && virDomainIsPersistent(d) == 0)
                *xml = virDomainGetXMLDesc(d, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE);
        if (l->death == DEATH_PIDFD) {
                ProofDomain p = libvirt_proof_domain(j);

                named = pidfd = proof_open(&p, &pid);
        }

        /* once more, since it must be true right before the destroy */
        r = libvirt_describe(l, j, d, &reason);
        if (r < 0)
                return r == -ENOTCONN ? r : OFF_ANSWERED;
        if (j->result.power == POWER_OFF)
                return prove_was_off(l, j, ret_proof);
        if (j->result.power == POWER_UNKNOWN)
                return OFF_ANSWERED; /* why is said */
        if (may_run_elsewhere((int) j->result.state, reason))
                return job_fail(j, "Nothing was done: it is migrating, and may run on the other host");
        if (named < 0)
                return job_fail(j,
                        "Nothing was done: its QEMU process cannot be named by " PROOF_PIDS_DIR ": %s",
                        strerror(-named));
        if (job_start(j) < 0)
                return OFF_ANSWERED;
        destroyed = destroy(l, j, d);
        return l->death == DEATH_PIDFD ? prove_by_pidfd(l, j, destroyed, pidfd, pid, ret_proof)
                                       : prove_by_state(l, j, destroyed, ret_proof);
}
