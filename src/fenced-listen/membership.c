/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "membership.h"
#include "limits.h"
#include "log.h"

#include <fnmatch.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

/* An interface that is wanted, and whether at least one group could be joined on it. */
typedef struct Member {
        int ifindex;
        char name[IFNAMSIZ];
        bool joined;
} Member;

struct Membership {
        int fds[SOCKETS_MAX]; /* borrowed */
        Address groups[SOCKETS_MAX];
        size_t n_fds;
        InterfaceFilter filter;
        int ask_fd; /* borrowed */
        Member *members;
        size_t n_members;
        sd_event_source *source;
};

bool interface_is_wanted(const Interface *i, const InterfaceFilter *filter) {
        bool loopback = i->flags & IFF_LOOPBACK;

        if (!(i->flags & IFF_UP) || i->port)
                return false;
        if (loopback ? !filter->local : !(i->flags & IFF_MULTICAST))
                return false;
        for (size_t k = 0; k < filter->n_patterns; k++)
                if (fnmatch(filter->patterns[k], i->name, 0) == 0)
                        return true;
        return filter->n_patterns == 0;
}

static int change(int fd, const Address *group, int ifindex, bool join) {
        int r;

        if (group->family == AF_INET) {
                struct ip_mreqn v4 = { .imr_ifindex = ifindex };

                memcpy(&v4.imr_multiaddr, group->bytes, 4);
                r = setsockopt(
                        fd, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &v4, sizeof(v4));
        } else {
                struct ipv6_mreq v6 = { .ipv6mr_interface = (unsigned) ifindex };

                memcpy(&v6.ipv6mr_multiaddr, group->bytes, 16);
                r = setsockopt(fd, IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &v6, sizeof(v6));
        }
        if (r < 0 && !(join && errno == EADDRINUSE))
                return -errno;
        return 0;
}

static const Member *find(const Member *members, size_t n, int ifindex) {
        for (size_t i = 0; i < n; i++)
                if (members[i].ifindex == ifindex)
                        return members + i;
        return NULL;
}

static void leave(const Membership *m, int ifindex) {
        for (size_t i = 0; i < m->n_fds; i++)
                (void) change(m->fds[i], m->groups + i, ifindex, false); /* was not joined, most likely */
}

/* Failures are said once, when the interface is new. */
static Member join(const Membership *m, const Interface *i) {
        int level = find(m->members, m->n_members, i->ifindex) ? LOG_DEBUG : LOG_WARNING;
        Member member = { .ifindex = i->ifindex };

        memcpy(member.name, i->name, sizeof(member.name));
        for (size_t k = 0; k < m->n_fds; k++) {
                int r = change(m->fds[k], m->groups + k, i->ifindex, true);

                if (r >= 0)
                        member.joined = true;
                else if (r == -ENOBUFS)
                        log_full(level,
                                "Cannot join on %s: too many interfaces, use --interface= or raise "
                                "net.ipv4.igmp_max_memberships",
                                i->name);
                else
                        log_full_errno(level, r, "Cannot join the %s group on %s: %m",
                                m->groups[k].family == AF_INET ? "IPv4" : "IPv6", i->name);
        }
        return member;
}

static void say(const Membership *m) {
        char names[256] = "";
        size_t n = 0;

        for (size_t i = 0; i < m->n_members; i++)
                if (m->members[i].joined && n < sizeof(names))
                        n += (size_t) snprintf(names + n, sizeof(names) - n, " %s", m->members[i].name);
        log_info("Serving%s", n > 0 ? names : " no interface yet");
        (void) sd_notifyf(false, "STATUS=Serving%s", n > 0 ? names : " no interface yet");
}

static bool same_members(const Member *a, size_t n_a, const Member *b, size_t n_b) {
        if (n_a != n_b)
                return false;
        for (size_t i = 0; i < n_a; i++) {
                const Member *other = find(b, n_b, a[i].ifindex);

                if (!other || other->joined != a[i].joined)
                        return false;
        }
        return true;
}

static bool still_there(const Interface *table, size_t n, int ifindex) {
        for (size_t i = 0; i < n; i++)
                if (table[i].ifindex == ifindex)
                        return true;
        return false;
}

static int membership_update(Membership *m) {
        _cleanup_free_ Interface *table = NULL;
        _cleanup_free_ Member *members = NULL;
        size_t n, n_members = 0;
        bool same;
        int r;

        r = netlink_interfaces(m->ask_fd, &table, &n);
        if (r < 0)
                return r;
        members = calloc(n + 1, sizeof(*members));
        if (!members)
                return -ENOMEM;
        /* Vanished ones count against the kernel's limit per socket for as long as nobody leaves them. */
        for (size_t i = 0; i < m->n_members; i++)
                if (!still_there(table, n, m->members[i].ifindex))
                        leave(m, m->members[i].ifindex);
        for (size_t i = 0; i < n; i++)
                if (!interface_is_wanted(table + i, &m->filter))
                        leave(m, table[i].ifindex);
        for (size_t i = 0; i < n; i++)
                if (interface_is_wanted(table + i, &m->filter))
                        members[n_members++] = join(m, table + i);
        same = m->members && same_members(m->members, m->n_members, members, n_members);
        free(m->members);
        m->members = TAKE(members, NULL);
        m->n_members = n_members;
        if (!same)
                say(m);
        return 0;
}

static int on_change(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Membership *m = userdata;
        int r;

        r = netlink_drain(fd);
        if (r >= 0)
                r = membership_update(m);
        if (r < 0)
                return log_error_errno(r, "Cannot follow the network interfaces: %m");
        return 0;
}

int membership_new(sd_event *event, const NetlinkSockets *netlink, const int *fds, size_t n_fds,
        const InterfaceFilter *filter, Membership **ret) {
        _cleanup_(membership_freep) Membership *m = NULL;
        int r;

        if (n_fds > SOCKETS_MAX)
                return -E2BIG;
        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->filter = *filter;
        m->ask_fd = netlink->ask;
        for (; m->n_fds < n_fds; m->n_fds++) {
                m->fds[m->n_fds] = fds[m->n_fds];
                r = address_of_socket(fds[m->n_fds], m->groups + m->n_fds);
                if (r < 0)
                        return r;
        }
        r = sd_event_add_io(event, &m->source, netlink->watch, EPOLLIN, on_change, m);
        if (r < 0)
                return r;
        r = sd_event_source_set_exit_on_failure(m->source, true);
        if (r < 0)
                return r;
        r = membership_update(m);
        if (r < 0)
                return r;
        *ret = TAKE(m, NULL);
        return 0;
}

void membership_free(Membership *m) {
        if (!m)
                return;
        sd_event_source_disable_unref(m->source);
        free(m->members);
        free(m);
}

bool membership_serves(const Membership *m, uint32_t ifindex) {
        return find(m->members, m->n_members, (int) ifindex);
}
