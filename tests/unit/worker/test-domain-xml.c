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

#define LABELS(text) "<labels>" text "</labels>"
#define TEN(x)       x x x x x x x x x x

Test(domain_xml, labels_are_taken_whole_or_not_at_all) {
        static const struct {
                const char *xml, *labels;
        } labels[] = {
                { LABELS("web"), "web" },
                { LABELS("web db"), "web db" },
                { LABELS("\n  web\tdb\n   x "), "web db x" },
                { LABELS("w\xc3\xa4rm &amp; &#x62;"), "w\xc3\xa4rm & b" },
                { "<f:labels xmlns:f='" METADATA_URI "'>web</f:labels>", "web" },
                { LABELS(TEN("123456") "123"), TEN("123456") "123" },
                { LABELS(TEN("12345 ") TEN("12345 ") "1234567"), TEN("12345 ") TEN("12345 ") "1234567" },
                { LABELS(""), "" },
                { "<labels/>", "" },
                { LABELS(TEN("123456") "1234"), "" }, /* 64 bytes */
                { LABELS("web " TEN("123456") "1234"), "" },
                { LABELS(TEN("12345 ") TEN("12345 ") "12345678"), "" }, /* 128 with the NUL */
                { LABELS("web<x/>"), "" },
                { LABELS("<x>web</x>"), "" },
                { LABELS("web<!-- db -->"), "" },
                { LABELS("<![CDATA[web]]>"), "" },
                { LABELS("web &#x85;"), "" }, /* a control character */
                { "<!DOCTYPE labels [<!ENTITY e 'web'>]>" LABELS("&e;"), "" },
                { "<groups>web</groups>", "" },
                { "<labels>web", "" },
                { "web", "" },
                { "", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(labels); i++) {
                char got[WORKER_LABELS_SIZE];

                memset(got, 'x', sizeof(got));
                metadata_labels(labels[i].xml, got);
                cr_expect_str_eq(got, labels[i].labels, "%zu: %s", i, got);
        }
}

#define INTERFACE(type, source, port, filter) \
        "<interface type='" type "'>" source "<target dev='" port "'/>" filter "</interface>"
#define ON_BRIDGE "<source network='default' portid='7' bridge='virbr0'/>"
#define CLEAN     "<filterref filter='clean-traffic'><parameter name='IP' value='192.168.122.11'/></filterref>"

static const char ports[] = DOMAIN(INTERFACE("network", ON_BRIDGE, "vnet1", "") INTERFACE(
        "bridge", "<source bridge='br0'/>", "vnet2", CLEAN) INTERFACE("network", ON_BRIDGE, "vnet3",
        "<filterref filter='clean-traffic-gateway'/>") INTERFACE("network", ON_BRIDGE, "vnet4",
        "<filterref filter='clean-traffic-mine'/>") INTERFACE("network", ON_BRIDGE, "it&apos;s",
        CLEAN) "<filesystem type='mount'><target dev='vnet9'/></filesystem>");

Test(domain_xml, a_port_is_the_domains_and_filtered_or_not) {
        static const struct {
                const char *xml, *port;
                DomainPort is;
        } rows[] = {
                { ports, "vnet1", DOMAIN_PORT_UNFILTERED },
                { ports, "vnet2", DOMAIN_PORT_FILTERED },
                { ports, "vnet3", DOMAIN_PORT_FILTERED },
                { ports, "vnet4", DOMAIN_PORT_UNFILTERED }, /* who knows what it does */
                { ports, "it's", DOMAIN_PORT_FILTERED },
                { ports, "vnet9", DOMAIN_PORT_NONE }, /* no interface */
                { ports, "vnet", DOMAIN_PORT_NONE },
                { ports, "vnet11", DOMAIN_PORT_NONE },
                { ports, "", DOMAIN_PORT_NONE },
                { DOMAIN(""), "vnet1", DOMAIN_PORT_NONE },
                { "no xml", "vnet1", DOMAIN_PORT_NONE },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(
                        domain_xml_port(rows[i].xml, rows[i].port), rows[i].is, "%zu: %s", i, rows[i].port);
}

Test(domain_xml, a_domain_on_a_bridge_without_filter_is_unfiltered) {
        static const struct {
                const char *xml;
                bool is;
        } rows[] = {
                { ports, true },
                { DOMAIN(INTERFACE("network", ON_BRIDGE, "vnet1", "")), true },
                { DOMAIN(INTERFACE("network", ON_BRIDGE, "vnet1", CLEAN)), false },
                { DOMAIN(INTERFACE("network", ON_BRIDGE, "vnet1", CLEAN)
                                  INTERFACE("bridge", "<source bridge='br0'/>", "vnet2", "")),
                        true },
                { DOMAIN(INTERFACE("direct", "<source dev='eth0' mode='bridge'/>", "macvtap0", "")), false },
                { DOMAIN("<interface type='user'><model type='virtio'/></interface>"), false },
                { DOMAIN(""), false },
                { "no xml", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(domain_xml_is_unfiltered(rows[i].xml), rows[i].is, "%zu", i);
}
