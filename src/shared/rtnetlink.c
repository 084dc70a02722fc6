/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rtnetlink.h"

#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

typedef union NetlinkAddress {
        struct sockaddr sa;
        struct sockaddr_nl nl;
} NetlinkAddress;

bool rtnetlink_is_socket(int fd, uint32_t groups) {
        NetlinkAddress sa = {};
        socklen_t length = sizeof(sa), size = sizeof(int);
        int protocol;

        return getsockname(fd, &sa.sa, &length) >= 0 && sa.sa.sa_family == AF_NETLINK &&
               sa.nl.nl_groups == groups && getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) >= 0 &&
               protocol == NETLINK_ROUTE;
}

int rtnetlink_ask(int fd, const struct nlmsghdr *question) {
        NetlinkAddress kernel = { .nl = { .nl_family = AF_NETLINK } };
        uint8_t byte;

        while (recv(fd, &byte, sizeof(byte), MSG_TRUNC | MSG_DONTWAIT) >= 0 || errno == EINTR ||
                errno == ENOBUFS)
                ;
        if (errno != EAGAIN)
                return -errno;
        if (sendto(fd, question, question->nlmsg_len, MSG_DONTWAIT, &kernel.sa, sizeof(kernel.nl)) < 0)
                return -errno;
        return 0;
}

int rtnetlink_receive(int fd, void *buffer, size_t *ret_size) {
        NetlinkAddress sa = {};
        socklen_t length;
        ssize_t n;

        do {
                length = sizeof(sa);
                n = recvfrom(fd, buffer, RTNETLINK_BUFFER_SIZE, MSG_DONTWAIT, &sa.sa, &length);
                if (n < 0 && errno != EINTR)
                        return -errno;
        } while (n < 0 || sa.nl.nl_pid != 0);
        *ret_size = (size_t) n;
        return 0;
}

int rtnetlink_error(const struct nlmsghdr *h) {
        int error = 0;

        if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
                error = ((const struct nlmsgerr *) NLMSG_DATA(h))->error;
        return error < 0 ? error : -EBADMSG;
}

int rtnetlink_route_type(int fd, int family, const uint8_t *address, uint32_t ifindex, unsigned *ret_type) {
        struct {
                struct nlmsghdr h;
                struct rtmsg route;
                uint8_t attributes[2 * RTA_SPACE(16)];
        } question = { .route = { .rtm_family = (uint8_t) family } };
        size_t size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0, used = RTA_SPACE(size);
        struct rtattr *a = (struct rtattr *) question.attributes;
        _cleanup_free_ void *buffer = NULL;
        const struct nlmsghdr *h;
        int r;

        if (size == 0)
                return -EAFNOSUPPORT;
        question.route.rtm_dst_len = (uint8_t) (size * 8);
        *a = (struct rtattr){ .rta_len = (unsigned short) RTA_LENGTH(size), .rta_type = RTA_DST };
        memcpy(RTA_DATA(a), address, size);
        if (ifindex != 0) {
                a = (struct rtattr *) (question.attributes + used);
                *a = (struct rtattr){ .rta_len = RTA_LENGTH(sizeof(ifindex)), .rta_type = RTA_OIF };
                memcpy(RTA_DATA(a), &ifindex, sizeof(ifindex));
                used += RTA_SPACE(sizeof(ifindex));
        }
        question.h = (struct nlmsghdr){
                .nlmsg_len = (uint32_t) (NLMSG_LENGTH(sizeof(struct rtmsg)) + used),
                .nlmsg_type = RTM_GETROUTE,
                .nlmsg_flags = NLM_F_REQUEST,
        };
        buffer = malloc(RTNETLINK_BUFFER_SIZE);
        if (!buffer)
                return -ENOMEM;
        r = rtnetlink_ask(fd, &question.h);
        if (r < 0)
                return r;
        r = rtnetlink_receive(fd, buffer, &size);
        if (r < 0)
                return r;
        h = buffer;
        if (!NLMSG_OK(h, size))
                return -EBADMSG;
        if (h->nlmsg_type == NLMSG_ERROR)
                return rtnetlink_error(h);
        if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
                return -EBADMSG;
        *ret_type = ((const struct rtmsg *) NLMSG_DATA(h))->rtm_type;
        return 0;
}
