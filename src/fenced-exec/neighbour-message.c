/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "neighbour-message.h"

#include <string.h>
#include <sys/socket.h>

enum {
        USABLE = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT,
        TYPE_MASK = 0x3fff, /* without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
};

/* A question without attributes; returns where the fixed part is. */
static void *begin(NetlinkQuestion *q, uint16_t type, size_t size) {
        memset(q, 0, sizeof(*q));
        q->h = (struct nlmsghdr){
                .nlmsg_len = (uint32_t) NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST
        };
        return NLMSG_DATA(&q->h);
}

static void append(NetlinkQuestion *q, uint16_t type, const void *value, size_t size) {
        struct rtattr *a = (struct rtattr *) (q->bytes + NLMSG_ALIGN(q->h.nlmsg_len));

        *a = (struct rtattr){ .rta_len = (uint16_t) RTA_LENGTH(size), .rta_type = type };
        memcpy(RTA_DATA(a), value, size);
        q->h.nlmsg_len = (uint32_t) (NLMSG_ALIGN(q->h.nlmsg_len) + RTA_LENGTH(size));
}

static size_t address_size(int family) {
        return family == AF_INET ? 4 : 16;
}

void question_route(NetlinkQuestion *q, int family, const uint8_t *address, uint32_t scope) {
        struct rtmsg *m = begin(q, RTM_GETROUTE, sizeof(*m));

        m->rtm_family = (uint8_t) family;
        m->rtm_dst_len = (uint8_t) (address_size(family) * 8);
        append(q, RTA_DST, address, address_size(family));
        if (scope != 0)
                append(q, RTA_OIF, &scope, sizeof(scope));
}

void question_neighbour(NetlinkQuestion *q, int family, const uint8_t *address, uint32_t interface) {
        struct ndmsg *m = begin(q, RTM_GETNEIGH, sizeof(*m));

        m->ndm_family = (uint8_t) family;
        m->ndm_ifindex = (int32_t) interface;
        append(q, NDA_DST, address, address_size(family));
}

void question_link(NetlinkQuestion *q, uint32_t interface) {
        struct ifinfomsg *m = begin(q, RTM_GETLINK, sizeof(*m));

        m->ifi_index = (int) interface;
}

void question_fdb(NetlinkQuestion *q, uint32_t bridge, const uint8_t mac[static MAC_SIZE], uint16_t vlan) {
        struct ndmsg *m = begin(q, RTM_GETNEIGH, sizeof(*m));

        m->ndm_family = PF_BRIDGE;
        append(q, NDA_LLADDR, mac, MAC_SIZE);
        append(q, NDA_MASTER, &bridge, sizeof(bridge));
        if (vlan != 0)
                append(q, NDA_VLAN, &vlan, sizeof(vlan));
}

void question_ports(NetlinkQuestion *q, uint32_t bridge) {
        (void) begin(q, RTM_GETLINK, sizeof(struct ifinfomsg));
        q->h.nlmsg_flags |= NLM_F_DUMP;
        append(q, IFLA_MASTER, &bridge, sizeof(bridge));
}

/* The attributes of a message, or of an attribute. */
typedef struct Attributes {
        const struct rtattr *first;
        size_t size;
} Attributes;

/* NULL when there is none that is large enough. */
static const void *find(Attributes all, uint16_t type, size_t size) {
        for (size_t at = 0; at < all.size;) {
                const struct rtattr *a = (const struct rtattr *) ((const uint8_t *) all.first + at);

                if (!RTA_OK(a, all.size - at))
                        break;
                if ((a->rta_type & TYPE_MASK) == type)
                        return RTA_PAYLOAD(a) >= size ? RTA_DATA(a) : NULL;
                at += RTA_ALIGN(a->rta_len); /* RTA_NEXT() would count beyond the end, and below zero */
        }
        return NULL;
}

static Attributes nested(Attributes all, uint16_t type) {
        const uint8_t *data = find(all, type, 0);

        if (!data)
                return (Attributes){};
        const struct rtattr *a = (const struct rtattr *) (data - RTA_LENGTH(0));
        return (Attributes){ RTA_DATA(a), RTA_PAYLOAD(a) };
}

static uint32_t number(Attributes all, uint16_t type) {
        const void *value = find(all, type, sizeof(uint32_t));
        uint32_t n = 0;

        if (value)
                memcpy(&n, value, sizeof(n));
        return n;
}

/* Is it a message of this type, with a fixed part of this size? */
static int begin_answer(const void *bytes, size_t size, uint16_t type, size_t fixed, Attributes *ret) {
        const struct nlmsghdr *h = bytes;

        if (!NLMSG_OK(h, size))
                return -EBADMSG;
        if (h->nlmsg_type == NLMSG_ERROR)
                return rtnetlink_error(h);
        if (h->nlmsg_type != type || h->nlmsg_len < NLMSG_SPACE(fixed))
                return -EBADMSG;
        *ret = (Attributes){ (const struct rtattr *) ((const uint8_t *) bytes + NLMSG_SPACE(fixed)),
                h->nlmsg_len - NLMSG_SPACE(fixed) };
        return 0;
}

int answer_route(const void *bytes, size_t size, RouteAnswer *ret) {
        const struct rtmsg *m = NLMSG_DATA(bytes);
        Attributes all = {};
        int r = begin_answer(bytes, size, RTM_NEWROUTE, sizeof(*m), &all);

        if (r < 0)
                return r;
        *ret = (RouteAnswer){
                .type = m->rtm_type,
                .interface = number(all, RTA_OIF),
                .indirect = find(all, RTA_GATEWAY, 0) || find(all, RTA_VIA, 0) || find(all, RTA_ENCAP, 0) ||
                            find(all, RTA_MULTIPATH, 0),
        };
        return 0;
}

int answer_neighbour(const void *bytes, size_t size, NeighbourAnswer *ret) {
        const struct ndmsg *m = NLMSG_DATA(bytes);
        Attributes all = {};
        int r = begin_answer(bytes, size, RTM_NEWNEIGH, sizeof(*m), &all);

        if (r < 0)
                return r;
        const void *mac = find(all, NDA_LLADDR, MAC_SIZE);
        NeighbourAnswer a = { .usable = mac && m->ndm_state & USABLE };
        if (a.usable)
                memcpy(a.mac, mac, sizeof(a.mac));
        *ret = a;
        return 0;
}

static bool take_name(Attributes all, char ret[static IFNAMSIZ]) {
        const Attributes name = nested(all, IFLA_IFNAME);
        size_t n = name.size > 0 ? strnlen((const char *) name.first, name.size) : 0;

        if (n == 0 || n >= IFNAMSIZ)
                return false;
        memset(ret, 0, IFNAMSIZ);
        memcpy(ret, name.first, n);
        return true;
}

int answer_link(const void *bytes, size_t size, LinkAnswer *ret) {
        Attributes all = {};
        int r = begin_answer(bytes, size, RTM_NEWLINK, sizeof(struct ifinfomsg), &all);

        if (r < 0)
                return r;
        LinkAnswer a = {};
        if (!take_name(all, a.name))
                return -EBADMSG;
        Attributes info = nested(all, IFLA_LINKINFO), data = nested(info, IFLA_INFO_DATA);
        const char *kind = find(info, IFLA_INFO_KIND, sizeof("bridge"));
        a.bridge = kind && memcmp(kind, "bridge", sizeof("bridge")) == 0;
        const uint8_t *filtering = find(data, IFLA_BR_VLAN_FILTERING, 1);
        const void *vlan = find(data, IFLA_BR_VLAN_DEFAULT_PVID, sizeof(a.vlan));
        if (a.bridge && filtering && *filtering && vlan)
                memcpy(&a.vlan, vlan, sizeof(a.vlan));
        *ret = a;
        return 0;
}

int answer_fdb(const void *bytes, size_t size, FdbAnswer *ret) {
        const struct ndmsg *m = NLMSG_DATA(bytes);
        Attributes all = {};
        int r = begin_answer(bytes, size, RTM_NEWNEIGH, sizeof(*m), &all);

        if (r < 0)
                return r;
        if (m->ndm_family != PF_BRIDGE || m->ndm_ifindex <= 0)
                return -EBADMSG;
        *ret = (FdbAnswer){
                .port = (uint32_t) m->ndm_ifindex,
                .learned = !(m->ndm_state & (NUD_PERMANENT | NUD_STALE)),
        };
        return 0;
}

/* Kernels before 4.6 send all interfaces, so each is looked at. */
static int take_port(const struct nlmsghdr *h, uint32_t bridge, char ret[static IFNAMSIZ]) {
        const struct ifinfomsg *m = NLMSG_DATA(h);
        Attributes all = {};
        int r = begin_answer(h, h->nlmsg_len, RTM_NEWLINK, sizeof(*m), &all);

        if (r < 0)
                return r;
        if (number(all, IFLA_MASTER) != bridge || !(m->ifi_flags & IFF_UP))
                return 0;
        return take_name(all, ret) ? 1 : -EBADMSG;
}

int answer_ports(const void *bytes, size_t size, uint32_t bridge,
        void (*each)(const char *name, void *userdata), void *userdata) {
        if (!NLMSG_OK((const struct nlmsghdr *) bytes, size))
                return -EBADMSG;
        for (size_t at = 0; at < size;) {
                const struct nlmsghdr *h = (const struct nlmsghdr *) ((const uint8_t *) bytes + at);
                char name[IFNAMSIZ];

                if (!NLMSG_OK(h, size - at))
                        break;
                if (h->nlmsg_flags & NLM_F_DUMP_INTR)
                        return -EINTR;
                if (h->nlmsg_type == NLMSG_DONE)
                        return 0;
                int r = take_port(h, bridge, name);
                if (r < 0)
                        return r;
                if (r > 0)
                        each(name, userdata);
                at += NLMSG_ALIGN(h->nlmsg_len);
        }
        return 1;
}
