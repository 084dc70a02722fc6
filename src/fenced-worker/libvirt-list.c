/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-backend.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int compare(const void *a, const void *b) {
        const WorkerRecord *x = a, *y = b;
        int r = strcasecmp(x->name, y->name);

        return r != 0 ? r : strcmp(x->name, y->name);
}

static void free_domains(virDomainPtr *domains, int n) {
        for (int i = 0; i < n; i++)
                (void) virDomainFree(domains[i]);
        free(domains);
}

/* The answer carries name, UUID and, for a running domain, an id: all that is needed, in one round trip with any driver.
 * A domain that is active in any way is reported as running, since "off" must not be said of it. */
int libvirt_list(Libvirt *l, Job *j) {
        virDomainPtr *domains = NULL;
        WorkerRecord *records;
        uint32_t n_records = 0;
        int n;

        n = virConnectListAllDomains(l->connection, &domains, 0);
        if (n < 0)
                return libvirt_fail(l, j, "Cannot list the domains");
        if (n > WORKER_RECORDS_MAX) {
                free_domains(domains, n);
                return job_fail(
                        j, "%d domains are more than the %d that can be listed", n, WORKER_RECORDS_MAX);
        }
        records = calloc((size_t) n + 1, sizeof(*records));
        if (!records) {
                free_domains(domains, n);
                return job_fail(j, "No memory for %d domains", n);
        }
        for (int i = 0; i < n; i++) {
                WorkerRecord *r = records + n_records;
                const char *name = virDomainGetName(domains[i]);

                /* a name that fits into no request cannot be asked for either */
                if (!name || strlen(name) >= sizeof(r->name) ||
                        virDomainGetUUIDString(domains[i], r->uuid) < 0)
                        continue;
                (void) snprintf(r->name, sizeof(r->name), "%s", name);
                r->state = virDomainGetID(domains[i]) == (unsigned) -1 ? VIR_DOMAIN_SHUTOFF
                                                                       : VIR_DOMAIN_RUNNING;
                n_records++;
        }
        free_domains(domains, n);
        qsort(records, n_records, sizeof(*records), compare);
        j->records = records;
        j->result.n_records = n_records;
        j->result.result = WORKER_OK;
        return 0;
}
