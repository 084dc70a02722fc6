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

/* virDomainGetUUIDString() formats the UUID twice, once for a debug message that nobody reads: of 5000 domains one
 * notices. */
static bool get_uuid(virDomainPtr d, char ret[static WORKER_UUID_SIZE]) {
        static const char digits[] = "0123456789abcdef";
        unsigned char raw[VIR_UUID_BUFLEN];
        char *p = ret;

        if (virDomainGetUUID(d, raw) < 0)
                return false;
        for (size_t i = 0; i < sizeof(raw); i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *p++ = '-';
                *p++ = digits[raw[i] >> 4];
                *p++ = digits[raw[i] & 15];
        }
        *p = '\0';
        return true;
}

/* The answer carries name, UUID and, for a running domain, an id: all that is needed, in one round trip with any
 * driver, as long as nobody wants labels. A domain that is active in any way is reported as running, since "off" must not be said of it. */
int libvirt_list(Libvirt *l, Job *j) {
        WorkerRecord *records;
        uint32_t n_records = 0;
        int n;

        n = virConnectListAllDomains(l->connection, &l->listed, 0);
        if (n < 0)
                return libvirt_fail(l, j, "Cannot list the domains");
        l->n_listed = n;
        if (n > WORKER_RECORDS_MAX)
                return job_fail(
                        j, "%d domains are more than the %d that can be listed", n, WORKER_RECORDS_MAX);
        records = calloc((size_t) n + 1, sizeof(*records));
        if (!records)
                return job_fail(j, "No memory for %d domains", n);
        for (int i = 0; i < n; i++) {
                WorkerRecord *r = records + n_records;
                virDomainPtr d = l->listed[i];
                const char *name = virDomainGetName(d);

                /* a name that fits into no request cannot be asked for either */
                if (!name || strlen(name) >= sizeof(r->name) || !get_uuid(d, r->uuid))
                        continue;
                (void) snprintf(r->name, sizeof(r->name), "%s", name);
                libvirt_labels(j, d, r->labels);
                r->state = virDomainGetID(d) == (unsigned) -1 ? VIR_DOMAIN_SHUTOFF : VIR_DOMAIN_RUNNING;
                n_records++;
        }
        qsort(records, n_records, sizeof(*records), compare);
        j->records = records;
        j->result.n_records = n_records;
        j->result.result = WORKER_OK;
        return 0;
}
