/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-xml.h"
#include "libvirt-backend.h"

#include <stdio.h>
#include <string.h>

static bool same_text(const char *value, void *userdata) {
        return strcmp(value, userdata) == 0;
}

static bool has_port(virDomainPtr d, const WorkerJob *what) {
        _cleanup_free_ char *xml = virDomainGetXMLDesc(d, 0);

        return xml && domain_xml_any_port(xml, same_text, (void *) what->target);
}

static int add_record(Job *j, const WorkerRecord *record, size_t *allocated) {
        if (j->result.n_records >= WORKER_RECORDS_MAX)
                return -ENOBUFS;
        if (j->result.n_records >= *allocated) {
                size_t n = *allocated > 0 ? 2 * *allocated : 64;
                WorkerRecord *p = realloc(j->records, n * sizeof(*p));

                if (!p)
                        return -ENOMEM;
                j->records = p;
                *allocated = n;
        }
        j->records[j->result.n_records++] = *record;
        return 0;
}

static bool is_clean(virNWFilterBindingPtr b) {
        _cleanup_free_ char *xml = virNWFilterBindingGetXMLDesc(b, 0);

        return xml && filter_xml_is_clean(xml);
}

/* The filters that are in force, which are not the domains' business: this waits for none of them. Who cannot tell (the
 * modular daemon virtqemud has no such call) keeps nobody from lying. */
static void list_clean_ports(Libvirt *l, Job *j, size_t *allocated) {
        virNWFilterBindingPtr *list = NULL;
        int n = virConnectListAllNWFilterBindings(l->connection, &list, 0);

        for (int i = 0; i < n; i++) {
                const char *port = virNWFilterBindingGetPortDev(list[i]);
                WorkerRecord record = {};

                if (port && strlen(port) < sizeof(record.port) && is_clean(list[i])) {
                        (void) snprintf(record.port, sizeof(record.port), "%s", port);
                        (void) add_record(j, &record, allocated);
                }
                (void) virNWFilterBindingFree(list[i]);
        }
        free(list);
}

static bool is_listed(const Job *j, size_t n, const char *port) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(j->records[i].port, port) == 0)
                        return true;
        return false;
}

static int identify(Libvirt *l, Job *j, virDomainPtr d) {
        int r = libvirt_check_runs(l, j, d);
        size_t allocated = 0;

        if (r <= 0)
                return r == 0           ? libvirt_refuse(j,
                                                  "the domain that asks is not running (paused, or still migrating)")
                       : r == -ENOTCONN ? r
                                        : 0;
        list_clean_ports(l, j, &allocated);
        if (!is_listed(j, j->result.n_records, j->request.target))
                j->result.n_records = 0;
        j->result.result = WORKER_FOUND;
        return 0;
}

int libvirt_identify_port(Libvirt *l, Job *j) {
        _cleanup_domain_ virDomainPtr d = NULL;

        if (l->death != DEATH_PIDFD)
                return libvirt_refuse(j, "ports are those of the QEMU of this host only");
        int r = libvirt_find(l, j, has_port, &d);
        if (r == 0)
                return libvirt_refuse(
                        j, "LocalGuestsOnly=yes, and its port of the bridge is no running domain's");
        if (r < 0)
                return r == -ENOTCONN ? r : 0;
        return identify(l, j, d);
}

typedef struct Listing {
        Job *job;
        virDomainPtr domain;
        size_t n_clean, allocated;
} Listing;

static bool add_port(const char *port, void *userdata) {
        Listing *l = userdata;
        const char *name = virDomainGetName(l->domain);
        WorkerRecord r = { .state = is_listed(l->job, l->n_clean, port) };

        if (!name || strlen(name) >= sizeof(r.name) || strlen(port) >= sizeof(r.port) ||
                virDomainGetUUIDString(l->domain, r.uuid) < 0)
                return false;
        (void) snprintf(r.name, sizeof(r.name), "%s", name);
        (void) snprintf(r.port, sizeof(r.port), "%s", port);
        (void) add_record(l->job, &r, &l->allocated);
        return false;
}

/* Requests do not come from another host's bridges, nor from domains that are not QEMU's. */
int libvirt_list_ports(Libvirt *l, Job *j) {
        Listing listing = { .job = j };

        if (l->death == DEATH_PIDFD) {
                l->n_listed =
                        virConnectListAllDomains(l->connection, &l->listed, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
                if (l->n_listed < 0)
                        return libvirt_fail(l, j, "Cannot list the domains");
                list_clean_ports(l, j, &listing.allocated);
        }
        listing.n_clean = j->result.n_records;
        for (int i = 0; i < l->n_listed; i++) {
                _cleanup_free_ char *xml = virDomainGetXMLDesc(l->listed[i], 0);

                listing.domain = l->listed[i];
                if (xml)
                        (void) domain_xml_any_port(xml, add_port, &listing);
        }
        j->result.n_records -= (uint32_t) listing.n_clean;
        if (listing.n_clean > 0)
                memmove(j->records, j->records + listing.n_clean, j->result.n_records * sizeof(*j->records));
        j->result.result = WORKER_OK;
        return 0;
}
