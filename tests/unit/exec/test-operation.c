/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "loop.h"
#include "operation.h"

#define VM1     "00000000-0000-4000-8000-000000000001"
#define VM2     "00000000-0000-4000-8000-000000000002"
#define WAITING "00000000-0000-4000-8000-000000000008" /* does nothing before "go" */
#define SLOW    "00000000-0000-4000-8000-000000000009" /* has started, but is not done before "go" */

typedef struct Fixture {
        char directory[32];
        sd_event *event;
        Hypervisor *hypervisor;
        Operations *operations;
} Fixture;

typedef struct Asker {
        unsigned n;
        WorkerEvent result;
        Waiter *waiter;
} Asker;

static Fixture fixture(void) {
        Fixture f = { .directory = "/tmp/test-operation-XXXXXX", .event = loop_new() };
        char uri[64];

        cr_assert_not_null(mkdtemp(f.directory));
        (void) snprintf(uri, sizeof(uri), "fake:good:%s", f.directory);
        HypervisorConfig c = { FAKE_WORKER, uri, 4, USEC_PER_SEC };
        cr_assert_eq(hypervisor_new(f.event, &c, &f.hypervisor), 0);
        cr_assert_eq(operations_new(&f.operations), 0);
        return f;
}

static void fixture_end(Fixture *f) {
        char command[96];

        operations_free(f->operations);
        hypervisor_unref(f->hypervisor);
        sd_event_unref(f->event);
        (void) snprintf(command, sizeof(command), "rm -r %s", f->directory);
        cr_assert_eq(system(command), 0);
}

static void touch_go(const Fixture *f) {
        char path[64];

        (void) snprintf(path, sizeof(path), "%s/go", f->directory);
        int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        cr_assert_geq(fd, 0);
        close(fd);
}

/* How many times a domain was acted on. */
static unsigned n_acts(const Fixture *f) {
        char path[64], line[128];
        unsigned n = 0;

        (void) snprintf(path, sizeof(path), "%s/acts", f->directory);
        FILE *file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file))
                n++;
        if (file)
                (void) fclose(file);
        return n;
}

static RequestKey key(uint8_t seqno) {
        return (RequestKey){ .key = "default", .action = ACTION_OFF, .seqno = { seqno }, .target = "vm" };
}

static void on_done(const WorkerEvent *result, void *userdata) {
        Asker *a = userdata;

        a->n++;
        a->result = *result;
        a->waiter = NULL;
}

static void ask(Fixture *f, uint8_t seqno, const char *uuid, Asker *a) {
        RequestKey k = key(seqno);

        *a = (Asker){};
        cr_assert_eq(operation_join(f->operations, &k, f->hypervisor, ACTION_OFF, uuid,
                             loop_now() + LOOP_LIMIT_USEC, on_done, a, &a->waiter),
                0);
}

Test(operation, a_retransmission_joins_and_hears_the_same) {
        Fixture f = fixture();
        Asker a, b;
        RequestKey k = key(1);

        ask(&f, 1, SLOW, &a);
        loop_until(f.event, waiter_started(a.waiter));
        ask(&f, 1, SLOW, &b);
        cr_expect(operation_is_running(f.operations, &k));
        touch_go(&f);
        loop_until(f.event, a.n && b.n);
        cr_expect_eq(a.result.result, WORKER_OFF_PROVEN);
        cr_expect_eq(b.result.result, WORKER_OFF_PROVEN);
        cr_expect_eq(n_acts(&f), 1);
        cr_expect_not(operation_is_running(f.operations, &k));
        fixture_end(&f);
}

Test(operation, one_domain_is_acted_on_by_one_at_a_time_and_others_do_not_wait) {
        Fixture f = fixture();
        Asker a, b, other;

        ask(&f, 1, SLOW, &a);
        loop_until(f.event, waiter_started(a.waiter));
        ask(&f, 2, SLOW, &b);
        ask(&f, 3, VM1, &other);
        loop_until(f.event, other.n);
        cr_expect_eq(b.n, 0);
        cr_expect_not(waiter_started(b.waiter));
        touch_go(&f);
        loop_until(f.event, a.n && b.n);
        cr_expect_eq(n_acts(&f), 3);
        fixture_end(&f);
}

Test(operation, what_nobody_waits_for_does_not_happen) {
        Fixture f = fixture();
        Asker a, queued, other;

        ask(&f, 1, WAITING, &a); /* at a worker, not started */
        ask(&f, 2, WAITING, &queued); /* behind it */
        ask(&f, 3, VM1, &other);
        loop_until(f.event, other.n); /* so that the first is at its worker */
        queued.waiter = waiter_free(queued.waiter);
        a.waiter = waiter_free(a.waiter);
        touch_go(&f);
        ask(&f, 4, VM2, &other);
        loop_until(f.event, other.n);
        cr_expect_eq(n_acts(&f), 2, "only the two that were waited for");
        cr_expect_eq(a.n + queued.n, 0);
        fixture_end(&f);
}

Test(operation, when_the_first_leaves_the_next_for_that_domain_begins) {
        Fixture f = fixture();
        Asker a, b;

        ask(&f, 1, WAITING, &a);
        ask(&f, 2, WAITING, &b);
        a.waiter = waiter_free(a.waiter);
        touch_go(&f);
        loop_until(f.event, b.n);
        cr_expect_eq(b.result.result, WORKER_OFF_PROVEN);
        cr_expect_eq(n_acts(&f), 1);
        fixture_end(&f);
}

Test(operation, what_has_started_goes_on_without_its_requester) {
        Fixture f = fixture();
        Asker a;

        ask(&f, 1, SLOW, &a);
        loop_until(f.event, waiter_started(a.waiter));
        a.waiter = waiter_free(a.waiter);
        touch_go(&f);
        loop_until(f.event, n_acts(&f) == 1);
        cr_expect_eq(a.n, 0);
        fixture_end(&f);
}

Test(operation, one_that_misses_its_deadline_fails_and_is_not_done_later) {
        Fixture f = fixture();
        RequestKey k = key(1);
        Asker a = {}, b;

        cr_assert_eq(operation_join(f.operations, &k, f.hypervisor, ACTION_OFF, WAITING,
                             loop_now() + 200 * USEC_PER_MSEC, on_done, &a, &a.waiter),
                0);
        loop_until(f.event, a.n);
        cr_expect_eq(a.result.result, WORKER_FAILED);
        touch_go(&f);
        ask(&f, 2, VM1, &b);
        loop_until(f.event, b.n);
        cr_expect_eq(n_acts(&f), 1);
        fixture_end(&f);
}
