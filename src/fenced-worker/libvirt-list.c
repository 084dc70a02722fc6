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

static int compare_domains(const void *a, const void *b) {
        const char *x = virDomainGetName(*(virDomainPtr *) a), *y = virDomainGetName(*(virDomainPtr *) b);
        int r = x && y ? strcasecmp(x, y) : 0;

        return r != 0 || !x || !y ? r : strcmp(x, y);
}

/* False for a domain that cannot be asked for either: its name fits into no request. */
static bool describe(virDomainPtr d, WorkerRecord *ret) {
        const char *name = virDomainGetName(d);

        if (!name || strlen(name) >= sizeof(ret->name) || !get_uuid(d, ret->uuid))
                return false;
        (void) snprintf(ret->name, sizeof(ret->name), "%s", name);
        ret->state = virDomainGetID(d) == (unsigned) -1 ? VIR_DOMAIN_SHUTOFF : VIR_DOMAIN_RUNNING;
        return true;
}

static bool describe_labels(const Job *j, virDomainPtr d, WorkerRecord *ret) {
        char labels[WORKER_LABELS_SIZE] = "";

        libvirt_labels(j, d, labels);
        if (!labels[0])
                return false;
        *ret = (WorkerRecord){ .state = WORKER_STATE_LABELS };
        (void) snprintf(ret->name, sizeof(ret->name), "%s", labels);
        return true;
}

/* The answer carries name, UUID and, for a running domain, an id: all that is needed, in one round trip with any
 * driver, as long as nobody wants labels. A domain that is active in any way is reported as running, since "off" must not be
 * said of it. */
int libvirt_list(Libvirt *l, Job *j) {
        bool with_labels = j->request.flags & WORKER_JOB_LABELS;
        WorkerRecord *records;
        uint32_t n_records = 0;
        int n;

        n = virConnectListAllDomains(l->connection, &l->listed, 0);
        if (n < 0)
                return libvirt_fail(l, j, "Cannot list the domains");
        l->n_listed = n;
        if (n > WORKER_DOMAINS_MAX)
                return job_fail(
                        j, "%d domains are more than the %d that can be listed", n, WORKER_DOMAINS_MAX);
        records = calloc((size_t) n * (with_labels ? 2 : 1) + 1, sizeof(*records));
        if (!records)
                return job_fail(j, "No memory for %d domains", n);
        if (with_labels) /* what follows a record must stay behind it; sorting records is faster */
                qsort(l->listed, (size_t) n, sizeof(*l->listed), compare_domains);
        for (int i = 0; i < n; i++)
                if (describe(l->listed[i], records + n_records)) {
                        n_records++;
                        if (with_labels && describe_labels(j, l->listed[i], records + n_records))
                                n_records++;
                }
        if (!with_labels)
                qsort(records, n_records, sizeof(*records), compare);
        j->records = records;
        j->result.n_records = n_records;
        j->result.result = WORKER_OK;
        return 0;
}
