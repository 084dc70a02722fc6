/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exec-message.h"

static int new_call(sd_bus *bus, const char *member, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(bus, ret, NULL, BUS_PATH, BUS_INTERFACE, member);
}

static int append_source(sd_bus_message *m, const ExecOrigin *origin) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", ORIGIN_SOURCE);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'v', "ay");
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', origin->source->bytes, address_size(origin->source));
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_origin(sd_bus_message *m, const ExecOrigin *origin) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "{sv}", ORIGIN_TRANSPORT, "s", origin->transport);
        if (r < 0)
                return r;
        if (origin->source) {
                r = sd_bus_message_append(m, "{sv}", ORIGIN_IFINDEX, "u", origin->ifindex);
                if (r < 0)
                        return r;
                r = append_source(m, origin);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(m);
}

int exec_message_open(sd_bus *bus, const ExecOrigin *origin, int evidence_fd, const void *packet,
        size_t size, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "Open", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', packet, size);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "h", evidence_fd);
        if (r < 0)
                return r;
        r = append_origin(m, origin);
        if (r < 0)
                return r;
        *ret = TAKE(m, NULL);
        return 0;
}

int exec_message_prove(sd_bus *bus, uint64_t session, const uint8_t challenge[static WIRE_CHALLENGE_SIZE],
        sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "Prove", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "t", session);
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', challenge, WIRE_CHALLENGE_SIZE);
        if (r < 0)
                return r;
        *ret = TAKE(m, NULL);
        return 0;
}

int exec_message_commit(sd_bus *bus, uint64_t session, const uint8_t *guest_response, size_t size,
        int peer_fd, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "Commit", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "t", session);
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', guest_response, size);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "h", peer_fd);
        if (r < 0)
                return r;
        *ret = TAKE(m, NULL);
        return 0;
}

int exec_message_report(
        sd_bus *bus, RefusedByForm reason, const ExecOrigin *origin, int evidence_fd, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "Report", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "yh", (uint8_t) reason, evidence_fd);
        if (r < 0)
                return r;
        r = append_origin(m, origin);
        if (r < 0)
                return r;
        *ret = TAKE(m, NULL);
        return 0;
}

int exec_message_abort(sd_bus *bus, uint64_t session, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "Abort", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_set_expect_reply(m, false);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "t", session);
        if (r < 0)
                return r;
        *ret = TAKE(m, NULL);
        return 0;
}

int exec_message_opened(sd_bus_message *m, ExecAnswer *ret) {
        int r;

        r = sd_bus_message_read(m, "t", &ret->session.id);
        return r < 0 ? r : 0;
}

int exec_message_proved(sd_bus_message *m, ExecAnswer *ret) {
        const void *response, *challenge;
        size_t n_response, n_challenge;
        int r;

        r = sd_bus_message_read_array(m, 'y', &response, &n_response);
        if (r < 0)
                return r;
        r = sd_bus_message_read_array(m, 'y', &challenge, &n_challenge);
        if (r < 0)
                return r;
        if (n_response != WIRE_MAC_SIZE || n_challenge != WIRE_CHALLENGE_SIZE)
                return -EBADMSG;
        ret->response = response;
        ret->challenge = challenge;
        return 0;
}

int exec_message_committed(sd_bus_message *m, ExecAnswer *ret) {
        int r;

        r = sd_bus_message_read_array(m, 'y', &ret->reply, &ret->reply_size);
        return r < 0 ? r : 0;
}

int exec_message_reported(sd_bus_message *m, ExecAnswer *ret) {
        return 0;
}

bool exec_error_is_verdict(const sd_bus_error *e) {
        return sd_bus_error_has_names(e, BUS_ERROR_REFUSED, BUS_ERROR_DUPLICATE);
}
