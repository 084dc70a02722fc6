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

#define INTERFACE(type, source, port) \
        "<interface type='" type "'>" source "<target dev='" port "'/></interface>"
#define ON_BRIDGE "<source network='default' portid='7' bridge='virbr0'/>"

static bool collect(const char *port, void *userdata) {
        char *names = userdata;

        strcat(strcat(names, port), " ");
        return strcmp(port, "last") == 0;
}

Test(domain_xml, ports_are_those_on_a_bridge) {
        static const struct {
                const char *xml, *ports;
                bool stopped;
        } rows[] = {
                { DOMAIN(INTERFACE("network", ON_BRIDGE, "vnet1")), "vnet1 ", false },
                { DOMAIN(INTERFACE("network", ON_BRIDGE, "vnet1")
                                  INTERFACE("bridge", "<source bridge='br0'/>", "it&apos;s")),
                        "vnet1 it's ", false },
                { DOMAIN(INTERFACE("network", ON_BRIDGE, "last") INTERFACE("network", ON_BRIDGE, "vnet1")),
                        "last ", true },
                { DOMAIN(INTERFACE("direct", "<source dev='eth0' mode='bridge'/>", "macvtap0")), "", false },
                { DOMAIN("<interface type='user'><model type='virtio'/></interface>"), "", false },
                { DOMAIN("<filesystem type='mount'><source bridge='a'/><target dev='vnet9'/></filesystem>"),
                        "", false },
                { DOMAIN(""), "", false },
                { "no xml", "", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char names[64] = "";

                cr_expect_eq(domain_xml_any_port(rows[i].xml, collect, names), rows[i].stopped, "%zu", i);
                cr_expect_str_eq(names, rows[i].ports, "%zu", i);
        }
}

#define BINDING(filter)                                                                                   \
        "<filterbinding><owner><name>bob</name><uuid>e01096b9-ffe3-4416-857f-6ec46c467725</uuid></owner>" \
        "<portdev name='vnet1'/><mac address='52:54:00:e0:10:96'/>" filter "</filterbinding>"
#define MAC "<parameter name='MAC' value='52:54:00:e0:10:96'/>"
#define IP  "<parameter name='IP' value='10.99.0.12'/>"

Test(domain_xml, a_filter_is_clean_when_the_guest_has_no_choice) {
        static const struct {
                const char *xml;
                bool is;
        } rows[] = {
                { BINDING("<filterref filter='clean-traffic'>" IP MAC "</filterref>"), true },
                { BINDING("<filterref filter='clean-traffic-gateway'>" MAC IP "</filterref>"), true },
                { BINDING("<filterref filter='clean-traffic'>" MAC "</filterref>"), false },
                { BINDING("<filterref filter='clean-traffic'/>"), false },
                { BINDING("<filterref filter='clean-traffic-mine'>" IP "</filterref>"), false },
                { BINDING("<filterref filter='no-mac-spoofing'>" IP "</filterref>"), false },
                { BINDING(IP), false },
                { BINDING(""), false },
                { "no xml", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(filter_xml_is_clean(rows[i].xml), rows[i].is, "%zu", i);
}
