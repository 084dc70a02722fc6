/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is looked up in the XML of a live domain, which libvirt wrote. Pure. */

#include "base.h"
#include "worker-protocol.h"

/* True when a serial port, console, parallel port or channel of the domain is a unix socket at this path. /var/run is
 * /run. False also for what is no XML of a domain. */
bool domain_xml_has_socket(const char *xml, const char *path);

/* The vsock context identifier that the domain has now; 0 for none. */
uint32_t domain_xml_cid(const char *xml);

/* Ours in the domain's metadata: <fence:labels xmlns:fence="...">web db</fence:labels>. */
#define METADATA_URI "https://fence-virt.org/xmlns/libvirt/1"

/* The words of such an element, as virDomainGetMetadata() returns it (or with its namespace), separated by single blanks.
 * "" when it is no such element, has anything but text in it, or anything but labels: 1 to 63 bytes each, printable, all
 * of them in WORKER_LABELS_SIZE. One bad label takes the others with it, so that nobody wonders about half of them. */
void metadata_labels(const char *xml, char ret[static WORKER_LABELS_SIZE]);

/* Calls `each` with every network interface of the host that is the other end of one of the domain's; stops and returns true when
 * it does. */
bool domain_xml_any_port(const char *xml, bool (*each)(const char *port, void *userdata), void *userdata);

/* The description of a binding of libvirt's network filters: true for clean-traffic or clean-traffic-gateway with the address
 * given, so that the guest has no choice. Other filters may do the same, or nothing. */
bool filter_xml_is_clean(const char *xml);
