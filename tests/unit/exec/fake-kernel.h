/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Answers the questions of neighbour.c as the kernel would, about one guest that is behind the port vnet7 of the bridge virbr0. */

#include "neighbour.h"

/* What is different in a test's world; zero is as it should be. */
typedef struct FakeKernel {
        int route_error, link_error, neighbour_error, fdb_error; /* negative errno: that is the answer */
        unsigned route_type;
        uint32_t route_interface, fdb_port; /* FAKE_NOTHING: 0 */
        uint32_t gateway; /* IPv4, network order */
        const char *kind; /* of the interface; "": none is said */
        uint8_t vlan_filtering;
        uint16_t default_vlan;
        uint16_t neighbour_state, fdb_state;
        size_t mac_missing; /* bytes; MAC_SIZE: there is no attribute */
        const char *port_name;
        const char *ports[4]; /* of the bridge, one in each piece; none: the port of the guest alone */
        bool port_down, port_of_other, interrupted; /* the last of them */
        size_t cut; /* bytes that are missing at the end of every answer */

        /* what was asked */
        unsigned n_asked, n_pieces;
        uint16_t asked_vlan; /* in the last question of the forwarding database; 0: none */
        uint32_t asked_scope; /* in the last question of a route; 0: none */
} FakeKernel;

enum { FAKE_BRIDGE = 5, FAKE_PORT = 9, FAKE_NOTHING = 0x7fffffff };

/* For NeighbourKernel; userdata is a FakeKernel. */
int fake_kernel_ask(const struct nlmsghdr *question, void *answer, size_t *ret_size, void *userdata);
