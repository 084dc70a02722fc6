/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "channel.h"

#define UUID "6ee9d9e2-43a5-4e8c-a0f6-f4f9bd2e3a11"
#define OWN  "/run/fence-virt/vm/" UUID ".sock"

#define CHANNEL_BIND(path, name)                                                                      \
        "<channel type='unix'><source mode='bind' path='" path "'/><target type='virtio' name='" name \
        "'/></channel>"
#define SERIAL(mode, path)                                                                        \
        "<serial type='unix'><source mode='" mode "' path='" path "'/><target type='isa-serial' " \
        "port='0'><model name='isa-serial'/></target><alias name='serial0'/></serial>"
#define CONSOLE(mode, path)                                                                              \
        "<console type='unix'><source mode='" mode "' path='" path "'/><target type='serial' port='0'/>" \
        "</console>"

static char cluster[] = "/run/cluster/fence", ampersand[] = "/srv/a&b";
static char *const directories[] = { cluster, ampersand, NULL };

/* As libvirt 9.0 writes it, with these devices. */
static char *domain(const char *devices) {
        char *xml = NULL;

        cr_assert_geq(
                asprintf(&xml,
                        "<domain type='qemu' id='1' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
                        "  <name>web &lt;1&gt; \303\251</name>\n"
                        "  <uuid>" UUID "</uuid>\n"
                        "  <metadata><x:y xmlns:x='urn:x'><devices>" SERIAL("connect",
                                OWN) "</devices></x:y></metadata>\n"
                                     "  <memory unit='KiB'>32768</memory>\n"
                                     "  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>\n"
                                     "  <devices>\n"
                                     "    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
                                     "    <controller type='virtio-serial' index='0'><address type='pci' domain='0x0000'/></controller>\n"
                                     "    %s\n"
                                     "    <memballoon model='virtio'><alias name='balloon0'/></memballoon>\n"
                                     "  </devices>\n"
                                     "  <qemu:commandline><qemu:arg value='-x'/></qemu:commandline>\n"
                                     "</domain>\n",
                        devices),
                0);
        return xml;
}

static int parse(const char *xml, Channels *ret, const char **ret_reason) {
        return channels_parse(xml, strlen(xml), directories, ret, ret_reason);
}

Test(channel, each_form_is_found_where_it_is_ours) {
        static const struct {
                const char *devices;
                bool own_socket;
                const char *binds[3];
                const char *unserved;
        } table[] = {
                { "", false, {}, NULL },
                /* connect */
                { SERIAL("connect", OWN), true, {}, NULL },
                { CONSOLE("connect", OWN), true, {}, NULL },
                { "<channel type='unix'><source mode='connect' path='" OWN
                  "'><reconnect enabled='yes' timeout='1'/>"
                  "<seclabel model='dac' relabel='no'/></source><target type='virtio' name='any.name'/></channel>",
                        true, {}, NULL },
                { SERIAL("connect", "/var/run/fence-virt/vm/" UUID ".sock"), true, {}, NULL },
                { SERIAL("connect", "/run//fence-virt/./vm/" UUID ".sock"), true, {}, NULL },
                { SERIAL("connect", "/run/fence-virt/serial.sock"), false, {}, NULL },
                { SERIAL("connect", "/run/cluster/fence/a"), false, {}, NULL },
                { "<channel type='unix'><source mode='connect' path='/tmp/a'/><target type='virtio' "
                  "name='org.fencevirt.0'/></channel>",
                        false, {}, NULL },
                { SERIAL("connect", "/run/fence-virt/vm/6ee9d9e2-43a5-4e8c-a0f6-f4f9bd2e3a12.sock"), false,
                        {}, "its own UUID" },
                { SERIAL("connect", "/run/fence-virt/vm/6EE9D9E2-43A5-4E8C-A0F6-F4F9BD2E3A11.sock"), false,
                        {}, "lower case" },
                { SERIAL("connect", "/run/fence-virt/vm/../vm/" UUID ".sock"), false, {}, NULL },
                { SERIAL("connect", OWN) SERIAL("connect", "/run/fence-virt/vm/web1.sock"), true, {},
                        "its own UUID" },
                /* bind, by name */
                { CHANNEL_BIND("/tmp/a b", "org.fencevirt.0"), false, { "/tmp/a b" }, NULL },
                { CHANNEL_BIND("/var/run/a", "org.fencevirt.0"), false, { "/run/a" }, NULL },
                { CHANNEL_BIND("/tmp/a&amp;&#38;&lt;", "org.fencevirt.0"), false, { "/tmp/a&&<" }, NULL },
                { CHANNEL_BIND("/tmp/a", "org.fencevirt.1"), false, {}, NULL },
                { CHANNEL_BIND("/tmp/a", "org.fencevirt.00"), false, {}, NULL },
                { "<channel type='unix'><target type='virtio' name='org.fencevirt.0' state='connected'/><source "
                  "mode='bind' path='/tmp/a'/></channel>",
                        false, { "/tmp/a" }, NULL },
                { "<channel type='unix'><target type='virtio' name='org.fencevirt.0'/></channel>", false, {},
                        NULL },
                { "<channel type='unix'><source mode='bind'/><target type='virtio' name='org.fencevirt.0'/></channel>",
                        false, {}, NULL },
                { "<channel type='pty'><source mode='bind' path='/tmp/a'/><target type='virtio' "
                  "name='org.fencevirt.0'/></channel>",
                        false, {}, NULL },
                { "<channel type='unix'><source mode='bind' path='/tmp/a'/><target type='guestfwd' "
                  "name='org.fencevirt.0'/></channel>",
                        false, {}, NULL },
                { "<serial type='unix'><source mode='bind' path='/tmp/a'/><target type='virtio' "
                  "name='org.fencevirt.0'/></serial>",
                        false, {}, NULL },
                { CHANNEL_BIND("tmp/a", "org.fencevirt.0"), false, {}, "no path of a socket" },
                { CHANNEL_BIND("/tmp/../a", "org.fencevirt.0"), false, {}, "no path of a socket" },
                { CHANNEL_BIND("/---------------------------------------------------------------",
                          "org.fencevirt.0"),
                        false, {}, "too long" },
                /* bind, by directory */
                { SERIAL("bind", "/var/run/cluster/fence/a"), false, { "/run/cluster/fence/a" }, NULL },
                { SERIAL("bind", "/run/cluster/fence/a") CONSOLE("bind", "/run/cluster/fence/a"), false,
                        { "/run/cluster/fence/a" }, NULL },
                { CHANNEL_BIND("/srv/a&amp;b/c", "x"), false, { "/srv/a&b/c" }, NULL },
                { SERIAL("bind", "/run/cluster/fence/a/b"), false, {}, NULL },
                { SERIAL("bind", "/run/cluster/fence"), false, {}, NULL },
                { SERIAL("bind", "/run/cluster/fences"), false, {}, NULL },
                { SERIAL("bind", "/run/cluster/fence/../fence/a"), false, {}, NULL },
                { SERIAL("bind", OWN), false, {}, "mode='connect'" },
                { CHANNEL_BIND("/run/fence-virt/serial.sock", "org.fencevirt.0"), false, {},
                        "mode='connect'" },
                /* all together */
                { SERIAL("connect", OWN) CHANNEL_BIND("/tmp/a", "org.fencevirt.0")
                                SERIAL("bind", "/run/cluster/fence/b"),
                        true, { "/tmp/a", "/run/cluster/fence/b" }, NULL },
                /* what is elsewhere does not count */
                { "<x>" SERIAL("connect", OWN) "</x>", false, {}, NULL },
                { "<x:serial xmlns:x='urn:x' type='unix'><source mode='connect' path='" OWN "'/></x:serial>",
                        false, {}, NULL },
                { "<serial type='unix'><x><source mode='connect' path='" OWN "'/></x></serial>", false, {},
                        NULL },
                { "<serial type='unix'><source mode='connect' path='/x'/><source mode='connect' path='" OWN
                  "'/></serial>",
                        false, {}, NULL },
                { "<serial type='unix' x:type='tcp' xmlns:x='urn:x'><source x:mode='bind' mode='connect' path='" OWN
                  "'/></serial>",
                        true, {}, NULL },
                { "<!-- " SERIAL("connect", OWN) " -->", false, {}, NULL },
                { "<![CDATA[" SERIAL("connect", OWN) "]]>", false, {}, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ char *xml = domain(table[i].devices);
                const char *reason = "";
                Channels c;
                size_t n = 0;

                cr_assert_eq(parse(xml, &c, &reason), 0, "%s: %s", reason, table[i].devices);
                cr_expect_str_eq(c.uuid, UUID);
                cr_expect_eq(c.own_socket, table[i].own_socket, "%s", table[i].devices);
                for (; table[i].binds[n]; n++)
                        cr_expect_str_eq(c.binds[n], table[i].binds[n]);
                cr_expect_eq(c.n_binds, n, "%s", table[i].devices);
                if (table[i].unserved)
                        cr_expect(
                                c.unserved && strstr(c.unserved, table[i].unserved), "%s", table[i].devices);
                else
                        cr_expect_null(c.unserved, "%s: %s", table[i].devices, c.unserved);
        }
}

Test(channel, without_directories_only_names_are_claimed) {
        _cleanup_free_ char *xml =
                domain(SERIAL("bind", "/run/cluster/fence/a") CHANNEL_BIND("/tmp/a", "org.fencevirt.0"));
        const char *reason;
        Channels c;

        cr_assert_eq(channels_parse(xml, strlen(xml), NULL, &c, &reason), 0);
        cr_assert_eq(c.n_binds, 1);
        cr_expect_str_eq(c.binds[0], "/tmp/a");
}

Test(channel, the_status_of_a_running_domain_is_read_as_well) {
        _cleanup_free_ char *inner = domain(SERIAL("connect", OWN)), *xml = NULL;
        const char *reason;
        Channels c;

        cr_assert_geq(
                asprintf(&xml,
                        "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n\n"
                        "<domstatus state='running' reason='booted' pid='144'>\n"
                        "  <monitor path='/var/lib/libvirt/qemu/domain-1-a/monitor.sock' type='unix'/>\n"
                        "  <devices>" SERIAL("bind",
                                "/run/cluster/fence/a") "</devices>\n"
                                                        "  <qemuCaps><flag name='sdl'/></qemuCaps>\n  %s</domstatus>\n",
                        inner),
                0);
        cr_assert_eq(parse(xml, &c, &reason), 0);
        cr_expect_str_eq(c.uuid, UUID);
        cr_expect(c.own_socket);
        cr_expect_eq(c.n_binds, 0);
}

Test(channel, a_uuid_in_upper_case_is_the_same_one) {
        static const char xml[] =
                "<domain><uuid>6EE9D9E2-43A5-4E8C-A0F6-F4F9BD2E3A11</uuid><devices>" SERIAL(
                        "connect", OWN) "</devices></domain>";
        const char *reason;
        Channels c;

        cr_assert_eq(parse(xml, &c, &reason), 0);
        cr_expect_str_eq(c.uuid, UUID);
        cr_expect(c.own_socket);
}

Test(channel, takes_16_paths_and_says_so_of_the_next) {
        char devices[8192] = "";
        const char *reason;
        Channels c;

        for (unsigned i = 0; i <= CHANNEL_BINDS_MAX; i++) {
                _cleanup_free_ char *xml = domain(devices);

                cr_assert_eq(parse(xml, &c, &reason), 0);
                cr_expect_eq(c.n_binds, i);
                cr_expect_null(c.unserved);
                (void) snprintf(devices + strlen(devices), sizeof(devices) - strlen(devices),
                        SERIAL("bind", "/run/cluster/fence/%u"), i);
        }
        {
                _cleanup_free_ char *xml = domain(devices);

                cr_assert_eq(parse(xml, &c, &reason), 0);
                cr_expect_eq(c.n_binds, CHANNEL_BINDS_MAX);
                cr_expect_not_null(c.unserved);
        }
}

Test(channel, what_libvirt_does_not_write_is_refused) {
        static const struct {
                const char *xml, *reason;
        } table[] = {
                { "", "well-formed" },
                { "nonsense", "well-formed" },
                { "<domain>", "well-formed" },
                { "<domain><uuid>" UUID "</uuid>", "well-formed" },
                { "<domain><uuid>" UUID "</uuid></domain><domain/>", "well-formed" },
                { "<domain><uuid>" UUID "</uuid><a b='1' b='2'/></domain>", "well-formed" },
                { "<domain><uuid>" UUID "</uuid>\377</domain>", "well-formed" },
                { "<domain><uuid>" UUID "</uuid>&unknown;</domain>", "well-formed" },
                { "<network><uuid>" UUID "</uuid></network>", "no domain" },
                { "<domain xmlns='urn:x'><uuid>" UUID "</uuid></domain>", "no domain" },
                { "<domstatus/>", "no domain with a UUID" },
                { "<domstatus><x><domain><uuid>" UUID "</uuid></domain></x></domstatus>",
                        "no domain with a UUID" },
                { "<domain/>", "no domain with a UUID" },
                { "<domain><devices/></domain>", "no UUID before" },
                { "<domain><devices/><uuid>" UUID "</uuid></domain>", "no UUID before" },
                { "<domain><uuid></uuid></domain>", "the UUID is none" },
                { "<domain><uuid> " UUID "</uuid></domain>", "the UUID is none" },
                { "<domain><uuid>" UUID UUID "</uuid></domain>", "the UUID is none" },
                { "<domain><uuid>6ee9d9e2-43a5-4e8c-a0f6-f4f9bd2e3a1/</uuid></domain>", "the UUID is none" },
                { "<domain><uuid>" UUID "</uuid><uuid>" UUID "</uuid></domain>", "more than one UUID" },
                { "<domstatus><domain><uuid>" UUID "</uuid></domain><domain/></domstatus>",
                        "more than one domain" },
                { "<!DOCTYPE domain><domain><uuid>" UUID "</uuid></domain>", "document type" },
                { "<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/x'><domain><uuid>" UUID "</uuid></domain>",
                        "document type" },
                { "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain><uuid>&x;</uuid></domain>",
                        "document type" },
                { "<!DOCTYPE d [<!ENTITY % x SYSTEM 'file:///etc/passwd'>%x;]><domain/>", "document type" },
                { "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
                  "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>]>"
                  "<domain><uuid>" UUID "</uuid><a b='&d;&d;&d;'>&d;</a></domain>",
                        "document type" },
                { "<!DOCTYPE d [<!ATTLIST serial type CDATA 'unix'>]><domain><uuid>" UUID "</uuid></domain>",
                        "document type" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *reason = "none given";
                Channels c = { .uuid = "untouched" };

                cr_expect_eq(parse(table[i].xml, &c, &reason), -EBADMSG, "%s", table[i].xml);
                cr_expect(strstr(reason, table[i].reason), "%s: %s", table[i].xml, reason);
                cr_expect_str_eq(c.uuid, "untouched");
        }
}

Test(channel, a_domain_that_is_cut_short_is_refused_wherever_it_ends) {
        _cleanup_free_ char *xml = domain(SERIAL("connect", OWN));
        const char *reason;
        Channels c;

        /* the newline after the root element may be missing */
        for (size_t n = 0; n + 1 < strlen(xml); n++)
                cr_expect_eq(channels_parse(xml, n, directories, &c, &reason), -EBADMSG, "%zu", n);
}

static char *nested(unsigned depth) {
        char *xml = malloc((size_t) depth * 7 + 256), *p = xml;

        cr_assert_not_null(xml);
        p += sprintf(p, "<domain><uuid>" UUID "</uuid>");
        for (unsigned i = 1; i < depth; i++)
                p += sprintf(p, "<a>");
        for (unsigned i = 1; i < depth; i++)
                p += sprintf(p, "</a>");
        (void) sprintf(p, "</domain>");
        return xml;
}

Test(channel, elements_may_be_nested_up_to_the_limit) {
        _cleanup_free_ char *most = nested(DOMAIN_XML_DEPTH_MAX), *more = nested(DOMAIN_XML_DEPTH_MAX + 1),
                            *bomb = nested(100000);
        const char *reason;
        Channels c;

        cr_expect_eq(parse(most, &c, &reason), 0);
        cr_expect_eq(parse(more, &c, &reason), -EBADMSG);
        cr_expect_eq(parse(bomb, &c, &reason), -EBADMSG);
}

Test(channel, a_document_may_be_as_long_as_the_limit) {
        static const char head[] =
                "<domain><uuid>" UUID "</uuid><devices>" SERIAL("connect", OWN) "</devices>",
                          tail[] = "</domain>";
        _cleanup_free_ char *xml = malloc(DOMAIN_XML_MAX + 1);
        const char *reason;
        Channels c;

        cr_assert_not_null(xml);
        memset(xml, ' ', DOMAIN_XML_MAX + 1);
        memcpy(xml, head, strlen(head));
        memcpy(xml + DOMAIN_XML_MAX - strlen(tail), tail, strlen(tail));
        cr_expect_eq(channels_parse(xml, DOMAIN_XML_MAX, NULL, &c, &reason), 0);
        cr_expect(c.own_socket);
        cr_expect_eq(channels_parse(xml, DOMAIN_XML_MAX + 1, NULL, &c, &reason), -EMSGSIZE);
}
