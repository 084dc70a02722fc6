/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the pieces of the libvirt backend share. A step sets the answer and returns 0, or returns -ENOTCONN when the
 * connection broke before anything was started: then it may be run once more, on a new one. */

#include "base.h"
#include "job.h"
#include "proof.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

/* What proves that a domain of this connection is dead. Zero proves nothing. */
typedef enum Death {
        DEATH_UNPROVABLE =
                0, /* QEMU that is not the system's on this host, and a libvirt too old to be believed */
        DEATH_PIDFD, /* the exit of its QEMU process */
        DEATH_STATE, /* its state, asked again */
} Death;

typedef struct Libvirt {
        char *uri;
        virConnectPtr connection; /* NULL: not connected */
        Death death; /* valid while connected */
        virDomainPtr *listed; /* by the last job, freed when its answer is out */
        int n_listed;
} Libvirt;

static inline void libvirt_domain_freep(virDomainPtr *d) {
        if (*d)
                (void) virDomainFree(*d);
}

#define _cleanup_domain_ _cleanup_(libvirt_domain_freep)

/* libvirt-connection.c */

/* Connects if there is no connection. 0, or negative errno with the answer WORKER_UNREACHABLE. */
int libvirt_connect(Libvirt *l, Job *j);
void libvirt_disconnect(Libvirt *l);

/* After a call failed: has the connection broken? Takes away libvirt's last error. */
bool libvirt_is_lost(Libvirt *l);

/* Text and code of libvirt's last error; never NULL. */
const char *libvirt_error(void);
int libvirt_error_code(void);

/* Answers WORKER_FAILED with libvirt's last error, or reports the loss of the connection. */
int libvirt_fail(Libvirt *l, Job *j, const char *what);

/* What proves death, from the driver ("QEMU", ...), the canonical URI and the libvirt of the other side. */
Death libvirt_death(const char *driver, const char *uri, unsigned long version);

/* libvirt-lookup.c */

/* Looks up a domain. 1: *ret. 0: the manager says there is none. -ENOTCONN, or -EIO with the answer WORKER_FAILED. */
int libvirt_lookup(Libvirt *l, Job *j, virDomainPtr (*lookup)(virConnectPtr, const char *), const char *text,
        virDomainPtr *ret);

/* Asks for the state and sets name, UUID, labels, state and power of the answer, and for POWER_UNKNOWN the message. reason:
 * virDomainGetState(). 0, -ENOTCONN, or -EIO with the answer WORKER_FAILED. */
int libvirt_describe(Libvirt *l, Job *j, virDomainPtr d, int *ret_reason);

/* The labels in the domain's metadata, if the job wants them. "" also when libvirt does not tell: then it is no member by
 * a label, and who may act on it otherwise still may. */
void libvirt_labels(const Job *j, virDomainPtr d, char ret[static WORKER_LABELS_SIZE]);

/* The domain of the answer, for proof.h; valid as long as j. */
ProofDomain libvirt_proof_domain(const Job *j);

/* Answers WORKER_FAILED: libvirt says that the domain is off, but this was found. Returns 0. */
int libvirt_say_found(Job *j, ProofFound found, pid_t pid);

int libvirt_resolve(Libvirt *l, Job *j);

/* libvirt-off.c */

typedef enum Off {
        OFF_ANSWERED = 0, /* not proven, the answer says why */
        OFF_DEAD, /* it ran, and was seen to die */
        OFF_BEFORE, /* it did not run */
} Off;

/* Sees to it that the domain is dead. d is its handle; with `xml` the definition of a transient domain is captured
 * before (NULL for a persistent one; the caller cleanses and frees it). An Off and the proof, or -ENOTCONN. */
int libvirt_off(Libvirt *l, Job *j, virDomainPtr d, char **xml, const char **ret_proof);

/* libvirt-power.c */
int libvirt_act(Libvirt *l, Job *j);

/* libvirt-list.c */
int libvirt_list(Libvirt *l, Job *j);

/* libvirt-identify.c: who asks. NOT_FOUND for everything that is not certainly a running domain of this host. */
int libvirt_identify_process(Libvirt *l, Job *j);
int libvirt_identify_cid(Libvirt *l, Job *j);

/* Answers NOT_FOUND; returns 0. */
int libvirt_refuse(Job *j, const char *why);

/* Only a domain that runs may ask: the incoming side of a migration is paused, and has the UUID of the one that runs. As
 * libvirt_describe(), but 1 when it runs and 0 when not. */
int libvirt_check_runs(Libvirt *l, Job *j, virDomainPtr d);

/* The running domain of which is_it() is true, to be freed by the caller. While libvirt ends a QEMU that does not want to, which takes
 * it ten seconds and more, it answers no question about that domain, and none about all of them: so the one that the job names
 * is asked first, and all only if it is not that. 1: *ret. 0: there is none. -ENOTCONN, or -EIO with the answer WORKER_FAILED. */
int libvirt_find(
        Libvirt *l, Job *j, bool (*is_it)(virDomainPtr d, const WorkerJob *what), virDomainPtr *ret);

/* libvirt-port.c */
int libvirt_identify_port(Libvirt *l, Job *j);
int libvirt_list_ports(Libvirt *l, Job *j);
