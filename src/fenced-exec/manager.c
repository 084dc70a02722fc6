/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "manager.h"
#include "conversation.h"
#include "log.h"
#include "port-survey.h"
#include "replay-file.h"

#include <stdio.h>
#include <string.h>

int manager_new(
        sd_event *event, const ManagerPaths *paths, AuditSink sink, void *sink_userdata, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->event = sd_event_ref(event);
        m->paths = *paths;
        int r = replay_open(paths->replay_run, paths->replay_state, &m->replay);
        if (r >= 0)
                r = audit_new(sink, sink_userdata, &m->audit);
        if (r >= 0)
                r = operations_new(&m->operations);
        if (r >= 0)
                r = limits_new(&m->limits);
        if (r >= 0)
                r = brake_new(&m->brake);
        if (r < 0)
                return r;
        *ret = TAKE(m, NULL);
        return 0;
}

static void drop_hypervisors(Manager *m) {
        for (size_t i = 0; i < m->n_hypervisors; i++)
                hypervisor_unref(m->hypervisors[i]);
        m->n_hypervisors = 0;
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;
        while (m->conversations)
                conversation_free(m->conversations);
        inquiry_free(m->survey);
        ports_done(&m->ports);
        ports_done(&m->cids);
        operations_free(m->operations);
        drop_hypervisors(m);
        settings_free(m->settings);
        policy_unref(m->policy);
        keyring_unref(m->keyring);
        memory_clear(&m->memory);
        replay_free(m->replay);
        limits_free(m->limits);
        brake_free(m->brake);
        audit_free(m->audit);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}

static Hypervisor *find_hypervisor(const Manager *m, const char *uri) {
        for (size_t i = 0; i < m->n_hypervisors; i++)
                if (strcmp(hypervisor_uri(m->hypervisors[i]), uri) == 0)
                        return m->hypervisors[i];
        return NULL;
}

static bool same_worker_limits(const Settings *a, const Settings *b) {
        return a && b && a->workers_max == b->workers_max &&
               a->connect_timeout_usec == b->connect_timeout_usec;
}

static int load_hypervisors(Manager *m, const Settings *s) {
        Hypervisor *list[HYPERVISOR_URIS_MAX];
        size_t n = 0;
        int r = 0;

        for (; s->uris[n] && n < ELEMENTSOF(list); n++) {
                Hypervisor *old = same_worker_limits(m->settings, s) ? find_hypervisor(m, s->uris[n]) : NULL;
                HypervisorConfig config = { m->paths.worker, s->uris[n], s->workers_max,
                        s->connect_timeout_usec };

                if (old)
                        list[n] = hypervisor_ref(old);
                else if ((r = hypervisor_new(m->event, &config, &list[n])) < 0)
                        break;
        }
        if (r < 0) {
                while (n > 0)
                        hypervisor_unref(list[--n]);
                return r;
        }
        drop_hypervisors(m);
        memcpy(m->hypervisors, list, n * sizeof(*list));
        m->n_hypervisors = n;
        memory_clear(&m->memory);
        return 0;
}

/* Said when it begins, not for each request: what it costs to go on with v1. */
static void say_what_v1_costs(const Settings *s, const Keyring *k) {
        char files[512];
        size_t n = s->minimum_hash == HASH_FX2 ? 0 : keyring_v1_files(k, files, sizeof(files));

        if (n > 0)
                log_notice(
                        "%s %s: v1 is allowed, whose answers can be forged by whoever is on the path; see "
                        "fence-virt-keys(5), FX2.",
                        n == 1 ? "Key" : "Keys", files);
}

int manager_load(Manager *m, ConfError *ret_error) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_(policy_unrefp) Policy *policy = NULL;
        _cleanup_(keyring_unrefp) Keyring *keyring = NULL;
        int r;

        r = settings_load(m->paths.conf, m->paths.conf_dropins, &settings, ret_error);
        if (r < 0)
                return r;
        r = policy_load(m->paths.groups, settings->policy_default, settings->never, &policy, ret_error);
        if (r < 0)
                return r;
        r = keyring_load(m->paths.keys, m->paths.credentials, &keyring, ret_error);
        if (r < 0)
                return r;
        r = load_hypervisors(m, settings);
        if (r < 0)
                return conf_refuse(
                        ret_error, m->paths.conf, 0, "Cannot set up the hypervisors: %s", strerror(-r));

        settings_free(m->settings);
        policy_unref(m->policy);
        keyring_unref(m->keyring);
        m->settings = TAKE(settings, NULL);
        m->policy = TAKE(policy, NULL);
        m->keyring = TAKE(keyring, NULL);
        say_what_v1_costs(m->settings, m->keyring);
        port_survey_loaded(m);
        return 0;
}

size_t manager_status(const Manager *m, char *buffer, size_t size) {
        const char *trouble = "", *uri = "";

        for (size_t i = 0; i < m->n_hypervisors && !trouble[0]; i++) {
                uri = hypervisor_uri(m->hypervisors[i]);
                trouble = hypervisor_is_silent(m->hypervisors[i]) ? "does not answer"
                                                                  : hypervisor_trouble(m->hypervisors[i]);
        }
        int n;
        if (m->reload_trouble[0])
                n = snprintf(buffer, size, "Old configuration in force: %s", m->reload_trouble);
        else if (keyring_size(m->keyring) == 0)
                n = snprintf(buffer, size,
                        "No key: nobody who asks over a network can be believed. See fence-virt-keys(5).");
        else if (trouble[0])
                n = snprintf(buffer, size, "%s: %s", uri, trouble);
        else if (policy_n_groups(m->policy) == 0 && m->settings->policy_default == POLICY_DEFAULT_DENY)
                n = snprintf(buffer, size, "No group: nobody may fence anything. See fence-virt-groups(5).");
        else
                n = snprintf(buffer, size, "Ready: %zu keys, %zu groups, %zu hypervisors.",
                        keyring_size(m->keyring), policy_n_groups(m->policy), m->n_hypervisors);
        return n < 0 ? 0 : (size_t) n;
}

uint64_t manager_now(const Manager *m) {
        uint64_t now = 0;

        (void) sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        return now;
}
