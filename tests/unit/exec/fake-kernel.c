/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "fake-kernel.h"

static const uint8_t mac[MAC_SIZE] = { 0x52, 0x54, 0, 1, 2, 3 };

static uint32_t or_else(uint32_t given, uint32_t usual) {
        return given == 0 ? usual : given == FAKE_NOTHING ? 0 : given;
}

static void *start(struct nlmsghdr *h, uint16_t type, size_t size) {
        memset(h, 0, NLMSG_SPACE(size));
        h->nlmsg_len = (uint32_t) NLMSG_SPACE(size);
        h->nlmsg_type = type;
        return NLMSG_DATA(h);
}

static struct rtattr *put(struct nlmsghdr *h, uint16_t type, const void *value, size_t size) {
        struct rtattr *a = (struct rtattr *) ((uint8_t *) h + NLMSG_ALIGN(h->nlmsg_len));

        memset(a, 0, RTA_SPACE(size));
        a->rta_type = type;
        a->rta_len = (uint16_t) RTA_LENGTH(size);
        if (size > 0)
                memcpy(RTA_DATA(a), value, size);
        h->nlmsg_len = (uint32_t) (NLMSG_ALIGN(h->nlmsg_len) + RTA_SPACE(size));
        return a;
}

/* What was put after an attribute belongs to it. */
static void close_nest(const struct nlmsghdr *h, struct rtattr *a) {
        a->rta_len = (uint16_t) ((const uint8_t *) h + h->nlmsg_len - (uint8_t *) a);
}

static void put_error(struct nlmsghdr *h, int error) {
        struct nlmsgerr *e = start(h, NLMSG_ERROR, sizeof(*e));

        e->error = error;
}

static uint32_t attribute(const struct nlmsghdr *question, size_t fixed, uint16_t type) {
        const struct rtattr *a = (const struct rtattr *) ((const uint8_t *) question + NLMSG_SPACE(fixed));
        size_t n = question->nlmsg_len - NLMSG_SPACE(fixed);
        uint32_t value = 0;

        for (; RTA_OK(a, n); a = RTA_NEXT(a, n))
                if (a->rta_type == type)
                        memcpy(&value, RTA_DATA(a),
                                RTA_PAYLOAD(a) < sizeof(value) ? RTA_PAYLOAD(a) : sizeof(value));
        return value;
}

static void answer_about_route(FakeKernel *k, const struct nlmsghdr *question, struct nlmsghdr *h) {
        struct rtmsg *m = start(h, RTM_NEWROUTE, sizeof(*m));
        uint32_t interface = or_else(k->route_interface, FAKE_BRIDGE);

        k->asked_scope = attribute(question, sizeof(*m), RTA_OIF);
        m->rtm_type = (uint8_t) or_else(k->route_type, RTN_UNICAST);
        (void) put(h, RTA_OIF, &interface, sizeof(interface));
        if (k->gateway != 0)
                (void) put(h, RTA_GATEWAY, &k->gateway, sizeof(k->gateway));
}

static void answer_about_link(const FakeKernel *k, const struct nlmsghdr *question, struct nlmsghdr *h) {
        const struct ifinfomsg *q = NLMSG_DATA(question);
        bool is_bridge = q->ifi_index == FAKE_BRIDGE;
        const char *name = is_bridge      ? "virbr0"
                           : k->port_name ? k->port_name
                                          : "vnet7",
                   *kind = !is_bridge ? "tun"
                           : k->kind  ? k->kind
                                      : "bridge";
        struct ifinfomsg *m = start(h, RTM_NEWLINK, sizeof(*m));

        m->ifi_index = q->ifi_index;
        (void) put(h, IFLA_IFNAME, name, strlen(name) + 1);
        if (!*kind)
                return;
        struct rtattr *info = put(h, IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
        (void) put(h, IFLA_INFO_KIND, kind, strlen(kind) + 1);
        struct rtattr *data = put(h, IFLA_INFO_DATA, NULL, 0);
        (void) put(h, IFLA_BR_VLAN_FILTERING, &k->vlan_filtering, sizeof(k->vlan_filtering));
        (void) put(h, IFLA_BR_VLAN_DEFAULT_PVID, &k->default_vlan, sizeof(k->default_vlan));
        close_nest(h, data);
        close_nest(h, info);
}

static void answer_about_neighbour(const FakeKernel *k, struct nlmsghdr *h) {
        struct ndmsg *m = start(h, RTM_NEWNEIGH, sizeof(*m));

        m->ndm_family = AF_INET;
        m->ndm_ifindex = FAKE_BRIDGE;
        m->ndm_state = (uint16_t) or_else(k->neighbour_state, NUD_REACHABLE);
        if (k->mac_missing < MAC_SIZE)
                (void) put(h, NDA_LLADDR, mac, MAC_SIZE - k->mac_missing);
}

static void answer_about_fdb(FakeKernel *k, const struct nlmsghdr *question, struct nlmsghdr *h) {
        struct ndmsg *m = start(h, RTM_NEWNEIGH, sizeof(*m));

        k->asked_vlan = (uint16_t) attribute(question, sizeof(*m), NDA_VLAN);
        cr_expect_eq(attribute(question, sizeof(*m), NDA_MASTER), FAKE_BRIDGE);
        cr_expect_eq(attribute(question, sizeof(*m), NDA_LLADDR), 0x01005452U);
        m->ndm_family = PF_BRIDGE;
        m->ndm_ifindex = (int) or_else(k->fdb_port, FAKE_PORT);
        m->ndm_state = (uint16_t) or_else(k->fdb_state, NUD_REACHABLE);
}

/* One port in each piece, then the end, in a piece of its own. */
static int answer_about_ports(FakeKernel *k, struct nlmsghdr *h, size_t *ret_size) {
        const char *usual[] = { k->port_name ? k->port_name : "vnet7" },
                   **ports = k->ports[0] ? k->ports : usual;
        unsigned n = 0, i = k->n_pieces++;
        uint32_t master = FAKE_BRIDGE;

        while (n < (k->ports[0] ? ELEMENTSOF(k->ports) : 1) && ports[n])
                n++;
        bool last = i + 1 == n;
        struct ifinfomsg *m = start(h, i < n ? RTM_NEWLINK : NLMSG_DONE, sizeof(*m));
        m->ifi_flags = last && k->port_down ? 0 : IFF_UP;
        master += last && k->port_of_other;
        h->nlmsg_flags = (uint16_t) (NLM_F_MULTI | (last && k->interrupted ? NLM_F_DUMP_INTR : 0));
        if (i < n) {
                (void) put(h, IFLA_IFNAME, ports[i], strlen(ports[i]) + 1);
                (void) put(h, IFLA_MASTER, &master, sizeof(master));
        }
        *ret_size = h->nlmsg_len - (k->cut < h->nlmsg_len ? k->cut : h->nlmsg_len);
        return 0;
}

int fake_kernel_ask(const struct nlmsghdr *question, void *answer, size_t *ret_size, void *userdata) {
        FakeKernel *k = userdata;
        struct nlmsghdr *h = answer;
        int error = 0;

        k->n_asked++;
        if (question && question->nlmsg_flags & NLM_F_DUMP)
                k->n_pieces = 0;
        if (!question || question->nlmsg_flags & NLM_F_DUMP)
                return answer_about_ports(k, h, ret_size);
        const struct ndmsg *neighbour = NLMSG_DATA(question);
        switch (question->nlmsg_type) {
        case RTM_GETROUTE:
                answer_about_route(k, question, h);
                error = k->route_error;
                break;
        case RTM_GETLINK:
                answer_about_link(k, question, h);
                error = k->link_error;
                break;
        case RTM_GETNEIGH:
                if (neighbour->ndm_family == PF_BRIDGE)
                        answer_about_fdb(k, question, h);
                else
                        answer_about_neighbour(k, h);
                error = neighbour->ndm_family == PF_BRIDGE ? k->fdb_error : k->neighbour_error;
                break;
        default:
                cr_assert_fail("no question of ours: %u", question->nlmsg_type);
        }
        if (error < 0)
                put_error(h, error);
        *ret_size = h->nlmsg_len - (k->cut < h->nlmsg_len ? k->cut : h->nlmsg_len);
        return 0;
}
