/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* LocalGuestsOnly= from Open to the answer, with a kernel that says what the test wants, and what the listener passes. */

#include "bus-fixture.h"
#include "fake-kernel.h"

TestSuite(local, .timeout = 60);

static FakeKernel kernel;

#define LOCAL "[Tcp]\nLocalGuestsOnly=yes\n"

/* vm3 is in a group of domains, which needs no key of its own. */
static Fixture *local_fixture(const char *more_conf) {
        Fixture *f = fixture();
        ConfError e = {};
        char conf[256];

        (void) snprintf(conf, sizeof(conf), "[Libvirt]\nURI=fake:good:%s\n%s", f->directory, more_conf);
        write_file(f->directory, "fence-virt.conf", conf, 0600);
        write_file(f->groups, "domains.conf", "[Group]\nMembers=vm3 vm4\n", 0600);
        cr_assert_eq(manager_load(f->manager, &e), 0, "%s: %s", e.path, e.message);
        kernel = (FakeKernel){ .port_name = "vnet3" };
        f->manager->kernel = (NeighbourKernel){ fake_kernel_ask, &kernel };
        return f;
}

static void open_tcp(Fixture *f, Action action, const char *target, Call *c) {
        uint8_t packet[WIRE_PACKET_SIZE];

        make_packet(f->key, action, target, packet);
        open_packet(f, f->bus, packet, sizeof(packet), f->host, c);
}

Test(local, a_domain_behind_a_filter_is_who_asks_and_one_without_is_in_the_audit_only) {
        static const struct {
                const char *port, *target;
                uint8_t reply;
                const char *audited[3];
                const char *neighbour; /* another port of the bridge */
        } table[] = {
                { "vnet3", "vm4", REPLY_SUCCESS, /* as the domain vm3 */
                        { "FENCE_SOURCE_UUID=00000000-0000-4000-8000-000000000003\n",
                                "FENCE_SOURCE_PORT=vnet3\n",
                                "FENCE_REASON=group domains allows status\n" } },
                { "vnet3", "vm2", REPLY_SUCCESS,
                        { "FENCE_REASON=group web allows status\n" } }, /* by its key */
                { "tap3", "vm4", REPLY_DENIED, /* whoever it is */
                        { "FENCE_SOURCE_UUID=00000000-0000-4000-8000-000000000003\n",
                                "FENCE_SOURCE_PORT=tap3\n", "FENCE_SOURCE_FILTER=none\n" } },
                { "tap3", "vm2", REPLY_SUCCESS, { "FENCE_SOURCE_FILTER=none\n", "tcp, filter none)" } },
                { "vnet3", "vm4", REPLY_SUCCESS, { "FENCE_REASON=group domains allows status\n" }, "vnet1" },
                { "vnet3", "vm4", REPLY_DENIED, /* that one could say that it is this one */
                        { "FENCE_SOURCE_UUID=00000000-0000-4000-8000-000000000003\n",
                                "FENCE_SOURCE_FILTER=partial\n" },
                        "tap2" },
                { "vnet3", "vm4", REPLY_DENIED, { "FENCE_SOURCE_FILTER=partial\n" }, "eth0" },
        };
        Fixture *f = local_fixture(LOCAL);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                kernel.port_name = kernel.ports[0] = table[i].port;
                kernel.ports[1] = table[i].neighbour;
                cr_expect_eq(request(f, ACTION_STATUS, table[i].target), table[i].reply, "%zu", i);
                for (size_t k = 0; k < 3 && table[i].audited[k]; k++)
                        cr_expect(audited(f, table[i].audited[k]), "%zu: no %s", i, table[i].audited[k]);
                bool doubted =
                        table[i].port[0] == 't' || (table[i].neighbour && table[i].neighbour[0] != 'v');
                cr_expect_eq(audited(f, "FENCE_SOURCE_FILTER"), doubted, "%zu", i);
        }
        fixture_end(f);
}

Test(local, who_is_no_neighbour_or_no_domain_is_refused_at_open) {
        static const struct {
                FakeKernel kernel;
                const char *reason;
        } table[] = {
                { { .gateway = 1 }, "behind a gateway" },
                { { .route_error = -ENETUNREACH }, "no way to it" },
                { { .kind = "macvlan" }, "say LocalGuestsOnly=no" },
                { { .neighbour_error = -ENOENT }, "not in the kernel's neighbour table" },
                { { .fdb_error = -ENOENT }, "not seen at any port" },
                { { .port_name = "eth0" }, "FENCE_REASON=it is no domain of ours\n" },
                { { .route_type = RTN_LOCAL }, "an address of this host" },
        };
        Fixture *f = local_fixture(LOCAL);
        Call c;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                kernel = table[i].kernel;
                open_tcp(f, ACTION_OFF, "vm2", &c);
                cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "%zu", i);
                cr_expect(audited(f, table[i].reason), "%zu: %s", i, table[i].reason);
                cr_expect(audited(f, "FENCE_DECISION=refuse\n"));
        }
        f->manager->kernel = (NeighbourKernel){};
        open_tcp(f, ACTION_OFF, "vm2", &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect(audited(f, "restart fence-virt-exec.socket"));
        cr_expect_eq(f->manager->n_conversations, 0);
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

/* A conversation up to what Commit answers. */
static void commit_with(Fixture *f, uint64_t id, Call *c) {
        uint8_t response[64];

        prove(f, id, guest_challenge, c);
        cr_assert_str_empty(c->error);
        cr_assert_eq(auth_respond(f->key, HASH_SHA256, c->second, response), 0);
        commit(f, id, response, f->host, c);
        loop_until(f->event, c->done);
}

Test(local, whoever_has_moved_to_another_port_meanwhile_is_refused) {
        static const struct {
                FakeKernel kernel;
                const char *reason;
        } table[] = {
                { { .port_name = "vnet3", .fdb_port = FAKE_PORT + 1 }, "moved to another port" },
                { { .gateway = 1 }, "behind a gateway" },
                { { .neighbour_state = NUD_FAILED }, "not in the kernel's neighbour table" },
        };
        Fixture *f = local_fixture(LOCAL);
        Call c;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                kernel = (FakeKernel){ .port_name = "vnet3" };
                open_tcp(f, ACTION_OFF, "vm2", &c);
                cr_assert_str_empty(c.error);
                kernel = table[i].kernel;
                commit_with(f, c.id, &c);
                cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "%zu", i);
                cr_expect(audited(f, table[i].reason), "%zu: %s", i, table[i].reason);
        }
        cr_expect_eq(n_acts(f), 0);
        fixture_end(f);
}

static void open_multicast(Fixture *f, const char *target, uint32_t interface, Call *c) {
        sd_bus_message *m = new_call(f->bus, "Open");
        int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        Request r = { .action = ACTION_STATUS, .hash = HASH_SHA256, .family = AF_INET, .port = 1229 };
        const uint8_t source[4] = { 127, 0, 0, 1 };
        uint8_t packet[WIRE_PACKET_SIZE];

        memcpy(r.address, source, sizeof(source));
        (void) snprintf(r.target, sizeof(r.target), "%s", target);
        cr_assert_eq(random_bytes(r.random, sizeof(r.random)), 0);
        cr_assert_eq(random_bytes(r.seqno, sizeof(r.seqno)), 0);
        cr_assert_eq(wire_encode_packet(&r, WIRE_MULTICAST, packet), 0);
        cr_assert_eq(auth_sign_packet(f->key, packet), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', packet, sizeof(packet)), 0);
        cr_assert_geq(sd_bus_message_append(m, "h", udp), 0);
        cr_assert_geq(sd_bus_message_open_container(m, 'a', "{sv}"), 0);
        cr_assert_geq(sd_bus_message_append(m, "{sv}", ORIGIN_TRANSPORT, "s", "multicast"), 0);
        cr_assert_geq(sd_bus_message_append(m, "{sv}", ORIGIN_IFINDEX, "u", interface), 0);
        cr_assert_geq(sd_bus_message_open_container(m, 'e', "sv"), 0);
        cr_assert_geq(sd_bus_message_append(m, "s", ORIGIN_SOURCE), 0);
        cr_assert_geq(sd_bus_message_open_container(m, 'v', "ay"), 0);
        cr_assert_geq(sd_bus_message_append_array(m, 'y', source, sizeof(source)), 0);
        cr_assert_geq(sd_bus_message_close_container(m), 0);
        cr_assert_geq(sd_bus_message_close_container(m), 0);
        cr_assert_geq(sd_bus_message_close_container(m), 0);
        send_call(f->bus, m, c);
        loop_until(f->event, c->done);
        close(udp);
}

Test(local, over_multicast_it_holds_unless_it_is_switched_off) {
        Fixture *f = local_fixture("[Multicast]\nLocalGuestsOnly=no\n");
        Call c;

        open_multicast(f, "vm2", FAKE_BRIDGE, &c);
        cr_expect_str_empty(c.error);
        cr_expect_eq(kernel.n_asked, 0);
        fixture_end(f);

        f = local_fixture("");
        open_multicast(f, "vm2", FAKE_BRIDGE + 1, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
        cr_expect(audited(f, "the way to it is another interface"));
        open_multicast(f, "vm2", FAKE_BRIDGE, &c);
        cr_assert_str_empty(c.error);
        commit_with(f, c.id, &c);
        cr_assert_geq(c.size, 1);
        cr_expect_eq(c.bytes[0], REPLY_SUCCESS);
        cr_expect(audited(f, "FENCE_SOURCE_UUID=00000000-0000-4000-8000-000000000003\n"));
        free(c.bytes);
        kernel.n_asked = 0;
        cr_expect_eq(request(f, ACTION_STATUS, "vm2"), REPLY_SUCCESS, "tcp goes as it did");
        cr_expect_eq(kernel.n_asked, 0);
        fixture_end(f);
}

/* The kernel learns a MAC address when it sends something: at the latest when the guest is called back. */
Test(local, whom_the_kernel_does_not_know_yet_is_looked_for_when_it_was_called_back) {
        static const struct {
                const char *port, *target;
                uint8_t reply; /* 0xff: refused */
                const char *audited;
        } table[] = {
                { "vnet3", "vm4", REPLY_SUCCESS,
                        "FENCE_SOURCE_UUID=00000000-0000-4000-8000-000000000003\n" },
                { "tap3", "vm4", REPLY_DENIED, "FENCE_SOURCE_FILTER=none\n" },
                { "tap3", "vm2", REPLY_SUCCESS, "FENCE_SOURCE_FILTER=none\n" },
                { "eth0", "vm2", 0xff, "FENCE_REASON=it is no domain of ours\n" },
        };
        Fixture *f = local_fixture("");
        Call c;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                kernel = (FakeKernel){ .neighbour_error = -ENOENT };
                open_multicast(f, table[i].target, FAKE_BRIDGE, &c);
                cr_assert_str_empty(c.error);
                kernel = (FakeKernel){ .port_name = table[i].port };
                commit_with(f, c.id, &c);
                if (table[i].reply == 0xff)
                        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED);
                else {
                        cr_assert_geq(c.size, 1, "%zu: %s", i, c.error);
                        cr_expect_eq(c.bytes[0], table[i].reply, "%zu: %u", i, c.bytes[0]);
                }
                cr_expect(audited(f, table[i].audited), "%zu", i);
                free(c.bytes);
        }
        kernel = (FakeKernel){ .neighbour_error = -ENOENT };
        open_multicast(f, "vm2", FAKE_BRIDGE, &c);
        commit_with(f, c.id, &c);
        cr_expect_str_eq(c.error, BUS_ERROR_REFUSED, "nor then");
        cr_expect_eq(f->manager->n_conversations, 0);
        fixture_end(f);
}

Test(local, a_guest_that_hangs_up_while_it_is_looked_for_is_cancelled) {
        Fixture *f = local_fixture(LOCAL "[Libvirt]\nURI=fake:silent\n");
        uint8_t packet[WIRE_PACKET_SIZE];
        Call c;

        make_packet(f->key, ACTION_OFF, "vm2", packet);
        sd_bus_message *m = new_call(f->bus, "Open");
        cr_assert_geq(sd_bus_message_append_array(m, 'y', packet, sizeof(packet)), 0);
        cr_assert_geq(sd_bus_message_append(m, "ha{sv}", f->host, 1, ORIGIN_TRANSPORT, "s", "tcp"), 0);
        send_call(f->bus, m, &c);
        loop_until(f->event, f->manager->n_conversations == 1);
        sd_bus_flush_close_unref(f->bus); /* the listener, for good */
        f->bus = NULL;
        loop_until(f->event, f->manager->n_conversations == 0);
        cr_expect(audited(f, "FENCE_RESULT=cancelled\n"));
        fixture_end(f);
}
