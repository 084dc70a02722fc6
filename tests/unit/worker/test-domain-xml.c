/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "domain-xml.h"

#define DOMAIN(devices) "<domain type='kvm' id='3'><name>vm1</name><devices>" devices "</devices></domain>"

static const char all[] =
        DOMAIN("<serial type='pty'><source path='/dev/pts/3'/><target port='0'/></serial>"
               "<serial type='unix'><source mode='connect' path='/run/fence-virt/serial.sock'>"
               "<reconnect enabled='yes' timeout='1'/></source><target port='1'/></serial>"
               "<channel type='unix'><source mode='bind' path='/var/run/cluster/web1.sock'/>"
               "<target type='virtio' name='org.fencevirt.0' state='connected'/></channel>"
               "<disk type='file'><source file='/run/disk.sock' path='/run/disk2.sock'/></disk>"
               "<vsock model='virtio'><cid auto='yes' address='4711'/></vsock>");

static const struct {
        const char *xml, *path;
        bool has;
} table[] = {
        { all, "/run/fence-virt/serial.sock", true },
        { all, "/var/run/fence-virt/serial.sock", true },
        { all, "/run/cluster/web1.sock", true },
        { all, "/run/fence-virt/serial.soc", false },
        { all, "/run/fence-virt/serial.sock2", false },
        { all, "/dev/pts/3", false }, /* no socket */
        { all, "/run/disk2.sock", false }, /* no channel */
        { all, "", false },
        { DOMAIN(""), "/run/fence-virt/serial.sock", false },
        { "<domain><devices><serial type='unix'><source path='/a'/></serial>", "/a", false }, /* cut off */
        { "<other><devices><serial type='unix'><source path='/a'/></serial></devices></other>", "/a",
                false },
        { "", "/a", false },
        { "no xml", "/a", false },
};

Test(domain_xml, a_socket_is_a_domains_when_a_port_or_channel_is_there) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect_eq(domain_xml_has_socket(table[i].xml, table[i].path), table[i].has, "%zu: %s", i,
                        table[i].path);
}

Test(domain_xml, a_cid_is_the_one_the_domain_has_now) {
        static const struct {
                const char *xml;
                uint32_t cid;
        } cids[] = {
                { all, 4711 },
                { DOMAIN(""), 0 },
                { DOMAIN("<vsock><cid auto='yes'/></vsock>"), 0 },
                { DOMAIN("<vsock><cid auto='no' address='3x'/></vsock>"), 0 },
                { DOMAIN("<vsock><cid auto='no' address='4294967296'/></vsock>"), 0 },
                { DOMAIN("<vsock><cid auto='no' address='4294967295'/></vsock>"), UINT32_MAX },
                { "", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cids); i++)
                cr_expect_eq(domain_xml_cid(cids[i].xml), cids[i].cid, "%zu", i);
}
