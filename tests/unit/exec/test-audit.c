/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "catalog-ids.h"
#include "log.h"
#include "wire.h"

/* The last record, each field followed by a line end, behind a line end. */
typedef struct Capture {
        char text[16384];
        unsigned n;
        int error; /* to return */
} Capture;

static int capture(const struct iovec *fields, int n, void *userdata) {
        Capture *c = userdata;
        size_t used = 1;

        if (c->error < 0)
                return c->error;
        c->n++;
        c->text[0] = '\n';
        for (int i = 0; i < n; i++) {
                cr_assert_lt(used + fields[i].iov_len + 2, sizeof(c->text));
                cr_expect(wire_is_printable(fields[i].iov_base, fields[i].iov_len));
                cr_expect_not_null(memchr(fields[i].iov_base, '=', fields[i].iov_len));
                memcpy(c->text + used, fields[i].iov_base, fields[i].iov_len);
                used += fields[i].iov_len;
                c->text[used++] = '\n';
        }
        c->text[used] = '\0';
        return 0;
}

static bool has(const Capture *c, const char *field) {
        char line[2048];

        (void) snprintf(line, sizeof(line), "\n%s\n", field);
        return strstr(c->text, line);
}

static void set_up(void) {
        log_set_max_level(LOG_EMERG);
}

TestSuite(audit, .init = set_up);

static Audit *new_audit(Capture *c) {
        Audit *a = NULL;

        cr_assert_eq(audit_new(capture, c, &a), 0);
        return a;
}

Test(audit, a_record_has_every_field_that_is_known_and_is_written_in_order) {
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);
        const AuditRecord r = {
                .kind = AUDIT_DONE,
                .request_id = { 0x01, 0xab, [15] = 0xff },
                .listener = "tcp",
                .source = "192.168.122.11",
                .source_uuid = "11111111-2222-3333-4444-555555555555",
                .source_port = "vnet7",
                .source_filter = "none",
                .key = "default",
                .key_file = "default.next",
                .protocol = "fx2",
                .action = "off",
                .target = "web2",
                .target_uuid = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
                .decision = "allow",
                .reason = "group web allows off",
                .result = "off-proven",
                .backend = "libvirt",
                .proof = "pidfd",
                .duration_usec = 314159,
        };

        audit_write(a, &r, 0);
        cr_expect_str_eq(c.text,
                "\nMESSAGE=11111111-2222-3333-4444-555555555555 (key default, 192.168.122.11, tcp, filter none) off web2: off-proven in 0.31 s\nMESSAGE_ID=" MESSAGE_ID_DONE
                "\nPRIORITY=5\nSYSLOG_IDENTIFIER=fence-virt\n"
                "FENCE_REQUEST_ID=01ab00000000000000000000000000ff\nFENCE_LISTENER=tcp\nFENCE_SOURCE=192.168.122.11\n"
                "FENCE_SOURCE_UUID=11111111-2222-3333-4444-555555555555\nFENCE_SOURCE_PORT=vnet7\n"
                "FENCE_SOURCE_FILTER=none\nFENCE_KEY=default\nFENCE_KEY_FILE=default.next\nFENCE_PROTOCOL=fx2\nFENCE_ACTION=off\n"
                "FENCE_TARGET=web2\nFENCE_TARGET_UUID=4dea22b3-1d52-d8f3-2516-782e98ab3fa0\nFENCE_DECISION=allow\n"
                "FENCE_REASON=group web allows off\nFENCE_RESULT=off-proven\nFENCE_BACKEND=libvirt\nFENCE_PROOF=pidfd\n"
                "FENCE_DURATION_USEC=314159\n");
}

Test(audit, what_is_not_known_is_left_out) {
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);
        const AuditRecord r = { .kind = AUDIT_REFUSED, .source = "" };

        audit_write(a, &r, 0);
        cr_expect_str_eq(c.text, "\nMESSAGE=somebody: refused\nMESSAGE_ID=" MESSAGE_ID_REFUSED
                                 "\nPRIORITY=4\nSYSLOG_IDENTIFIER=fence-virt\n");
}

Test(audit, kind_and_action_decide_identifier_priority_and_sentence) {
        static const struct {
                AuditRecord record;
                const char *message, *id, *priority;
        } table[] = {
                { { AUDIT_DONE, .source = "10.0.0.1", .key = "web", .action = "reboot", .target = "web2",
                          .result = "rebooted", .duration_usec = 12 * USEC_PER_SEC },
                        "10.0.0.1 (key web) reboot web2: rebooted in 12.00 s", MESSAGE_ID_DONE, "5" },
                { { AUDIT_DONE, .source = "10.0.0.1", .action = "on", .target = "web2", .result = "on" },
                        "10.0.0.1 on web2: on", MESSAGE_ID_DONE, "5" },
                { { AUDIT_DONE, .source = "10.0.0.1", .action = "status", .target = "web2",
                          .result = "status-on" },
                        "10.0.0.1 status web2: status-on", MESSAGE_ID_DONE, "6" },
                { { AUDIT_DONE, .source = "10.0.0.1", .listener = "tcp", .action = "monitor",
                          .reason = "not said" },
                        "10.0.0.1 (tcp) monitor: done", MESSAGE_ID_DONE, "6" },
                { { AUDIT_FAILED, .source = "10.0.0.1", .action = "off", .target = "web2",
                          .result = "failed", .reason = "libvirtd does not answer",
                          .duration_usec = 900000 },
                        "10.0.0.1 off web2: failed after 0.90 s: libvirtd does not answer",
                        MESSAGE_ID_FAILED, "3" },
                { { AUDIT_DENIED, .source = "10.0.0.1", .action = "off", .target_uuid = "4dea22b3",
                          .result = "x", .reason = "why", .duration_usec = 5 },
                        "10.0.0.1 off 4dea22b3: denied: why", MESSAGE_ID_DENIED, "4" },
                { { AUDIT_REFUSED, .source = "10.0.0.1", .listener = "multicast",
                          .reason = "no key verifies the packet" },
                        "10.0.0.1 (multicast): refused: no key verifies the packet", MESSAGE_ID_REFUSED,
                        "4" },
                { { AUDIT_CANCELLED, .source = "10.0.0.1", .action = "off", .target = "web2", .result = "x",
                          .reason = "the guest hung up", .duration_usec = USEC_PER_SEC },
                        "10.0.0.1 off web2: cancelled after 1.00 s: the guest hung up", MESSAGE_ID_CANCELLED,
                        "4" },
                { { AUDIT_STORM, .source = "10.0.0.1", .key = "web", .action = "off", .target = "web2",
                          .reason = "too many", .duration_usec = 5 },
                        "10.0.0.1 (key web) off web2: held back: too many", MESSAGE_ID_STORM, "2" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Capture c = {};
                _cleanup_(audit_freep) Audit *a = new_audit(&c);
                char field[512];

                audit_write(a, &table[i].record, 0);
                (void) snprintf(field, sizeof(field), "MESSAGE=%s", table[i].message);
                cr_expect(has(&c, field), "%s%s", field, c.text);
                (void) snprintf(field, sizeof(field), "MESSAGE_ID=%s", table[i].id);
                cr_expect(has(&c, field), "%s", field);
                (void) snprintf(field, sizeof(field), "PRIORITY=%s", table[i].priority);
                cr_expect(has(&c, field), "%s", field);
        }
}

Test(audit, nobody_can_forge_a_field_or_a_line) {
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);
        const AuditRecord r = {
                .kind = AUDIT_FAILED,
                .source = "10.0.0.1\nPRIORITY=0",
                .action = "off",
                .target = "web2\nFENCE_RESULT=off-proven\033[2K\r\xff\xc2\x9b",
                .reason = "\t",
        };

        audit_write(a, &r, 0);
        cr_expect(has(&c, "FENCE_SOURCE=10.0.0.1?PRIORITY=0"));
        cr_expect(has(&c, "FENCE_TARGET=web2?FENCE_RESULT=off-proven?[2K????"), "%s", c.text);
        cr_expect(has(&c, "FENCE_REASON=?"));
        cr_expect(has(&c, "PRIORITY=3"));
        cr_expect(!has(&c, "PRIORITY=0"));
        cr_expect(!has(&c, "FENCE_RESULT=off-proven"));
}

Test(audit, however_long_the_texts_are_the_record_is_bounded) {
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);
        char text[3000], field[512];
        AuditRecord r = { .kind = AUDIT_REFUSED, .duration_usec = UINT64_MAX };

        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        memcpy(text + AUDIT_VALUE_MAX - 1, "\xc3\xa9", 2); /* cut in two */
        r.listener = r.source = r.source_uuid = r.key = r.action = r.target = r.target_uuid = r.decision =
                r.reason = r.result = r.backend = r.proof = text;
        memset(r.request_id, 0xff, sizeof(r.request_id));
        audit_write(a, &r, 0);
        cr_expect_eq(c.n, 1);
        cr_expect_lt(strlen(c.text), 8192);
        (void) snprintf(field, sizeof(field), "FENCE_TARGET=%.*s?", AUDIT_VALUE_MAX - 1, text);
        cr_expect(has(&c, field));
        cr_expect(has(&c, "FENCE_DURATION_USEC=18446744073709551615"));
}

static void refuse(Audit *a, const char *reason, uint64_t now_usec) {
        const AuditRecord r = { .kind = AUDIT_REFUSED, .source = "10.0.0.1", .reason = reason };

        audit_write(a, &r, now_usec);
}

Test(audit, refusals_of_one_reason_are_limited_and_what_was_left_out_is_said) {
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);
        const uint64_t start = 77 * USEC_PER_SEC;

        for (unsigned i = 0; i < 100; i++)
                refuse(a, "one", start + i);
        cr_expect_eq(c.n, AUDIT_BURST);
        cr_expect_null(strstr(c.text, "FENCE_SUPPRESSED"));
        refuse(a, "two", start + 100);
        cr_expect_eq(c.n, AUDIT_BURST + 1, "another reason has a limit of its own");
        cr_expect_null(strstr(c.text, "FENCE_SUPPRESSED"));
        refuse(a, "one", start + AUDIT_INTERVAL_USEC - 1);
        cr_expect_eq(c.n, AUDIT_BURST + 1);
        refuse(a, "one", start + AUDIT_INTERVAL_USEC);
        cr_expect_eq(c.n, AUDIT_BURST + 2);
        cr_expect(has(&c, "FENCE_SUPPRESSED=91"), "%s", c.text);
        cr_expect(has(&c, "MESSAGE=10.0.0.1: refused: one; 91 more like it were left out"), "%s", c.text);
        refuse(a, "one", start + AUDIT_INTERVAL_USEC + 1);
        cr_expect_null(strstr(c.text, "FENCE_SUPPRESSED"), "it is said once");
}

Test(audit, what_was_given_up_before_it_was_proven_who_asks_is_limited_too) {
        const AuditRecord r = { .kind = AUDIT_CANCELLED, .reason = "one", .unproven = true };
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);

        for (unsigned i = 0; i < 100; i++)
                audit_write(a, &r, 5);
        cr_expect_eq(c.n, AUDIT_BURST);
        audit_write(a, &r, 5 + AUDIT_INTERVAL_USEC);
        cr_expect(has(&c, "FENCE_SUPPRESSED=90"), "%s", c.text);
}

Test(audit, nothing_but_refusals_is_limited) {
        static const AuditKind table[] = { AUDIT_DONE, AUDIT_FAILED, AUDIT_DENIED, AUDIT_CANCELLED,
                AUDIT_STORM };
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);

        for (size_t k = 0; k < ELEMENTSOF(table); k++)
                for (unsigned i = 0; i < 100; i++) {
                        const AuditRecord r = { .kind = table[k], .reason = "one" };

                        audit_write(a, &r, 5);
                }
        cr_expect_eq(c.n, 100 * ELEMENTSOF(table));
}

Test(audit, reasons_beyond_the_table_share_one_limit_and_take_places_that_are_free_again) {
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);
        char reason[32];

        for (unsigned i = 0; i < AUDIT_REASONS_MAX; i++) {
                (void) snprintf(reason, sizeof(reason), "reason %u", i);
                refuse(a, reason, 1);
        }
        cr_expect_eq(c.n, AUDIT_REASONS_MAX);
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(reason, sizeof(reason), "more %u", i);
                refuse(a, reason, 2);
        }
        cr_expect_eq(c.n, AUDIT_REASONS_MAX + AUDIT_BURST);
        refuse(a, "reason 5", 3);
        cr_expect_eq(c.n, AUDIT_REASONS_MAX + AUDIT_BURST + 1, "those in the table keep their own");
        for (unsigned i = 0; i < AUDIT_BURST + 1; i++)
                refuse(a, "more 77", 1 + AUDIT_INTERVAL_USEC);
        cr_expect_eq(c.n, AUDIT_REASONS_MAX + 2 * AUDIT_BURST + 1, "a place was free again");
}

/* Only what could not be told yet keeps a place. */
Test(audit, a_count_that_has_not_been_said_is_not_forgotten_for_another_reason) {
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);
        char reason[32];

        for (unsigned i = 0; i < AUDIT_BURST + 5; i++)
                refuse(a, "flood", 1);
        for (unsigned i = 0; i < 100; i++) {
                (void) snprintf(reason, sizeof(reason), "reason %u", i);
                refuse(a, reason, 1 + AUDIT_INTERVAL_USEC * (i + 1));
        }
        refuse(a, "flood", 1 + AUDIT_INTERVAL_USEC * 200);
        cr_expect(has(&c, "FENCE_SUPPRESSED=5"), "%s", c.text);
}

Test(audit, records_that_could_not_be_written_are_counted_and_said_with_the_next) {
        Capture c = { .error = -EAGAIN };
        _cleanup_(audit_freep) Audit *a = new_audit(&c);
        const AuditRecord r = { .kind = AUDIT_DONE, .source = "10.0.0.1", .action = "list" };

        for (unsigned i = 0; i < 3; i++)
                audit_write(a, &r, 0);
        cr_expect_eq(c.n, 0);
        c.error = 0;
        audit_write(a, &r, 0);
        cr_expect(has(&c, "FENCE_LOST=3"), "%s", c.text);
        cr_expect(has(&c, "MESSAGE=10.0.0.1 list: done; 3 records before it were lost"), "%s", c.text);
        audit_write(a, &r, 0);
        cr_expect_null(strstr(c.text, "FENCE_LOST"), "it is said once");
}

Test(audit, a_lost_record_takes_no_count_of_suppressed_ones_with_it) {
        Capture c = {};
        _cleanup_(audit_freep) Audit *a = new_audit(&c);

        for (unsigned i = 0; i < AUDIT_BURST + 5; i++)
                refuse(a, "flood", 1);
        c.error = -ENOENT;
        refuse(a, "flood", 1 + AUDIT_INTERVAL_USEC);
        c.error = 0;
        refuse(a, "flood", 2 + AUDIT_INTERVAL_USEC);
        cr_expect(has(&c, "FENCE_SUPPRESSED=5"), "%s", c.text);
        cr_expect(has(&c, "FENCE_LOST=1"), "%s", c.text);
}

Test(audit, without_a_sink_there_is_the_journal_and_free_takes_null) {
        Audit *a = NULL;

        cr_assert_eq(audit_new(NULL, NULL, &a), 0);
        cr_expect_null(audit_free(a));
        cr_expect_null(audit_free(NULL));
}
