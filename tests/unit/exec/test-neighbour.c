/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "fake-kernel.h"

static const uint8_t guest[16] = { 192, 168, 122, 11 };
static const uint8_t guest6[16] = { 0xfe, 0x80, [15] = 11 };

static NeighbourOutcome find(FakeKernel *k, uint32_t interface, Neighbour *ret) {
        NeighbourKernel kernel = { fake_kernel_ask, k };

        return neighbour_find(&kernel, AF_INET, guest, interface, ret);
}

Test(neighbour, a_guest_is_at_the_port_that_its_mac_address_was_seen_at) {
        FakeKernel k = {};
        Neighbour n = {};

        cr_assert_eq(find(&k, FAKE_BRIDGE, &n), NEIGHBOUR_FOUND);
        cr_expect_eq(n.bridge, FAKE_BRIDGE);
        cr_expect_eq(n.port, FAKE_PORT);
        cr_expect_str_eq(n.name, "vnet7");
        cr_expect_eq(find(&k, 0, &n), NEIGHBOUR_FOUND, "over tcp the interface is the route's");
}

Test(neighbour, whoever_is_none_is_told_why) {
        static const struct {
                const char *what;
                FakeKernel world;
                NeighbourOutcome outcome;
        } table[] = {
                { "an address of the host", { .route_type = RTN_LOCAL }, NEIGHBOUR_THIS_HOST },
                { "a broadcast address", { .route_type = RTN_BROADCAST }, NEIGHBOUR_NO_ROUTE },
                { "a group", { .route_type = RTN_MULTICAST }, NEIGHBOUR_NO_ROUTE },
                { "a black hole", { .route_error = -EINVAL }, NEIGHBOUR_NO_ROUTE },
                { "no route", { .route_error = -ENETUNREACH }, NEIGHBOUR_NO_ROUTE },
                { "a route to nowhere", { .route_interface = FAKE_NOTHING }, NEIGHBOUR_NO_ROUTE },
                { "the kernel cannot", { .route_error = -ENOBUFS }, NEIGHBOUR_UNKNOWN },
                { "a gateway", { .gateway = 0x0100000a }, NEIGHBOUR_ROUTED },
                { "another bridge", { .route_interface = FAKE_BRIDGE + 1 }, NEIGHBOUR_ELSEWHERE },
                { "an interface that is nothing special", { .kind = "" }, NEIGHBOUR_NO_BRIDGE },
                { "macvlan", { .kind = "macvlan" }, NEIGHBOUR_NO_BRIDGE },
                { "openvswitch", { .kind = "openvswitch" }, NEIGHBOUR_NO_BRIDGE },
                { "bridge_slave is none", { .kind = "bridge_" }, NEIGHBOUR_NO_BRIDGE },
                { "an interface that vanished", { .link_error = -ENODEV }, NEIGHBOUR_UNKNOWN },
                { "never spoken to", { .neighbour_error = -ENOENT }, NEIGHBOUR_NO_ENTRY },
                { "being looked for", { .neighbour_state = NUD_INCOMPLETE }, NEIGHBOUR_NO_ENTRY },
                { "does not answer", { .neighbour_state = NUD_FAILED }, NEIGHBOUR_NO_ENTRY },
                { "needs no ARP", { .neighbour_state = NUD_NOARP }, NEIGHBOUR_NO_ENTRY },
                { "no MAC address", { .mac_missing = MAC_SIZE }, NEIGHBOUR_NO_ENTRY },
                { "half a MAC address", { .mac_missing = 3 }, NEIGHBOUR_NO_ENTRY },
                { "an old entry", { .neighbour_state = NUD_STALE }, NEIGHBOUR_FOUND },
                { "set by hand", { .neighbour_state = NUD_PERMANENT }, NEIGHBOUR_FOUND },
                { "an old kernel", { .neighbour_error = -EOPNOTSUPP }, NEIGHBOUR_UNKNOWN },
                { "seen nowhere", { .fdb_error = -ENOENT }, NEIGHBOUR_NO_PORT },
                { "the bridge's own MAC address", { .fdb_state = NUD_PERMANENT }, NEIGHBOUR_NO_PORT },
                { "the bridge itself", { .fdb_port = FAKE_BRIDGE }, NEIGHBOUR_NO_PORT },
                { "too long ago", { .fdb_state = NUD_STALE }, NEIGHBOUR_NO_PORT },
                { "a port set by hand", { .fdb_state = NUD_NOARP }, NEIGHBOUR_FOUND },
                { "no port", { .fdb_port = FAKE_NOTHING }, NEIGHBOUR_UNKNOWN },
                { "a port without name", { .port_name = "" }, NEIGHBOUR_UNKNOWN },
                { "a name that is too long", { .port_name = "0123456789abcdef" }, NEIGHBOUR_UNKNOWN },
                { "answers cut short", { .cut = 1 }, NEIGHBOUR_UNKNOWN },
                { "no answers", { .cut = SIZE_MAX }, NEIGHBOUR_UNKNOWN },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                FakeKernel k = table[i].world;
                Neighbour n = { .port = 4711 };
                NeighbourOutcome o = find(&k, FAKE_BRIDGE, &n);

                cr_expect_eq(o, table[i].outcome, "%s: %s", table[i].what, neighbour_outcome_reason(o));
                cr_expect_eq(n.port, o == NEIGHBOUR_FOUND ? FAKE_PORT : 4711, "%s", table[i].what);
                cr_expect_gt(strlen(neighbour_outcome_reason(o)), 0);
        }
}
Test(neighbour, a_bridge_that_tells_vlans_apart_is_asked_for_its_own) {
        FakeKernel k = {};
        Neighbour n;

        k.default_vlan = 12;
        cr_expect_eq(find(&k, FAKE_BRIDGE, &n), NEIGHBOUR_FOUND);
        cr_expect_eq(k.asked_vlan, 0);
        k.vlan_filtering = 1;
        cr_expect_eq(find(&k, FAKE_BRIDGE, &n), NEIGHBOUR_FOUND);
        cr_expect_eq(k.asked_vlan, 12);
}

Test(neighbour, only_a_link_local_address_is_looked_for_on_one_interface) {
        FakeKernel k = {};
        NeighbourKernel kernel = { fake_kernel_ask, &k };
        Neighbour n;

        cr_expect_eq(neighbour_find(&kernel, AF_INET6, guest6, FAKE_BRIDGE, &n), NEIGHBOUR_FOUND);
        cr_expect_eq(k.asked_scope, FAKE_BRIDGE);
        /* with the interface given the kernel takes every address for a neighbour */
        cr_expect_eq(find(&k, FAKE_BRIDGE, &n), NEIGHBOUR_FOUND);
        cr_expect_eq(k.asked_scope, 0);
}

Test(neighbour, without_a_kernel_or_an_address_nobody_is_one) {
        FakeKernel k = {};
        NeighbourKernel none = {}, kernel = { fake_kernel_ask, &k };
        Neighbour n;

        cr_expect_eq(neighbour_find(&none, AF_INET, guest, 0, &n), NEIGHBOUR_UNKNOWN);
        cr_expect_eq(neighbour_find(&kernel, AF_UNIX, guest, 0, &n), NEIGHBOUR_UNKNOWN);
        cr_expect_eq(k.n_asked, 0);
}

static bool is_vnet(const char *name, void *userdata) {
        return strncmp(name, "vnet", 4) == 0;
}

Test(neighbour, every_port_that_is_up_has_to_be_known) {
        static const struct {
                FakeKernel kernel;
                bool all;
        } table[] = {
                { {}, true },
                { { .ports = { "vnet1", "vnet2", "vnet7" } }, true },
                { { .ports = { "vnet1", "vnet2", "eth0" } }, false },
                { { .ports = { "eth0", "vnet1", "vnet2" } }, false },
                { { .ports = { "vnet1", "eth0" }, .port_down = true }, true },
                { { .ports = { "vnet1", "eth0" }, .port_of_other = true }, true }, /* by an old kernel */
                { { .ports = { "vnet1", "vnet2" }, .interrupted = true }, false },
                { { .ports = { "vnet1", "" } }, false },
                { { .cut = 1 }, false },
                { { .cut = SIZE_MAX }, false },
        };
        NeighbourKernel none = {};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                FakeKernel k = table[i].kernel;
                NeighbourKernel kernel = { fake_kernel_ask, &k };

                cr_expect_eq(neighbour_knows_all_ports(&kernel, FAKE_BRIDGE, is_vnet, NULL), table[i].all,
                        "%zu", i);
        }
        cr_expect(!neighbour_knows_all_ports(&none, FAKE_BRIDGE, is_vnet, NULL));
}

/* The real kernel, as far as any machine has the same. */
Test(neighbour, the_kernel_knows_its_own_addresses) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        NeighbourKernel kernel = { neighbour_ask_socket, &fd };
        const uint8_t loopback[16] = { 127, 0, 0, 1 }, loopback6[16] = { [15] = 1 };
        Neighbour n;

        cr_assert_geq(fd, 0);
        cr_expect_eq(neighbour_find(&kernel, AF_INET, loopback, 0, &n), NEIGHBOUR_THIS_HOST);
        NeighbourOutcome o = neighbour_find(&kernel, AF_INET6, loopback6, 0, &n);
        cr_expect(o == NEIGHBOUR_THIS_HOST || o == NEIGHBOUR_NO_ROUTE, "with and without IPv6: %d", (int) o);
        cr_expect(neighbour_knows_all_ports(&kernel, 1, is_vnet, NULL), "lo has no ports");
        close(fd);
}
