/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is looked up in the XML of a live domain, which libvirt wrote. Pure. */

#include "base.h"

/* True when a serial port, console, parallel port or channel of the domain is a unix socket at this path. /var/run is
 * /run. False also for what is no XML of a domain. */
bool domain_xml_has_socket(const char *xml, const char *path);

/* The vsock context identifier that the domain has now; 0 for none. */
uint32_t domain_xml_cid(const char *xml);
