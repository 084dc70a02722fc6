/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "port-survey.h"
#include "inquiry.h"
#include "log.h"
#include "names.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_SHOWN = 800 }; /* bytes */

static void say(const WorkerRecord *records, size_t n) {
        char names[NAMES_SHOWN] = "";
        size_t used = 0;

        for (size_t i = 0; i < n; i++) {
                const char *name = records[i].name;

                if (records[i].state != 0 || (i > 0 && strcmp(name, records[i - 1].name) == 0))
                        continue;
                if (used + strlen(name) + sizeof(", and others") > sizeof(names)) {
                        used += (size_t) snprintf(names + used, sizeof(names) - used, ", and others");
                        break;
                }
                used += (size_t) snprintf(
                        names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "", name);
        }
        if (used > 0)
                log_notice(
                        "LocalGuestsOnly=yes: these domains may take the addresses of others on their bridge, "
                        "where therefore no right depends on which domain somebody is (no filter clean-traffic "
                        "with IP=): %s",
                        names);
}

static void on_listed(const InquiryResult *result, void *userdata) {
        Manager *m = userdata;

        m->survey = NULL;
        if (result->n_answered == 0)
                return;
        ports_replace(&m->ports, result->records, result->n_records);
        if (!m->survey_said)
                say(result->records, result->n_records);
        m->survey_said = true;
}

/* What is not answered is not asked again: it is of use, but nobody waits for it. */
static void ask(Manager *m) {
        JobRequest request = { .kind = WORKER_JOB_LIST_PORTS,
                .deadline_usec = manager_now(m) + m->settings->operation_timeout_usec };

        if (!m->survey)
                (void) inquiry_new(
                        m->hypervisors, m->n_hypervisors, &request, NULL, on_listed, m, &m->survey);
}

void port_survey_outdated(Manager *m) {
        ask(m);
}

void port_survey_in_use(Manager *m) {
        if (!m->survey_asked)
                ask(m);
        m->survey_asked = true;
}

/* Who listens is systemd's business. By tcp, whoever wants it has said so; for multicast it is the default, but nobody is called
 * back where nobody listens. */
void port_survey_loaded(Manager *m) {
        const Settings *s = m->settings;

        m->survey = inquiry_free(m->survey);
        m->survey_asked = m->survey_said = false;
        if (s->tcp_local_only || (s->multicast_local_only && access(CALLBACK_SOCKET_PATH, F_OK) == 0))
                port_survey_in_use(m);
}
