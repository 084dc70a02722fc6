/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unfiltered.h"
#include "inquiry.h"
#include "log.h"
#include "names.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_SHOWN = 800 }; /* bytes */

static void on_listed(const InquiryResult *result, void *userdata) {
        Manager *m = userdata;
        char names[NAMES_SHOWN] = "";
        size_t shown = 0, used = 0;

        m->unfiltered = NULL;
        for (; shown < result->n_records; shown++) {
                const char *name = result->records[shown].name;
                size_t size = strlen(name) + 2;

                if (used + size >= sizeof(names))
                        break;
                (void) snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "", name);
                used = strlen(names);
        }
        if (result->n_records > 0)
                log_notice(
                        "LocalGuestsOnly=yes proves little on a bridge where domains may take the addresses of "
                        "others: these have no filter clean-traffic, and so no right that depends on which "
                        "domain they are: %s%s",
                        names, shown < result->n_records ? ", and more" : "");
}

void unfiltered_notice(Manager *m) {
        JobRequest request = { .kind = WORKER_JOB_LIST_UNFILTERED,
                .deadline_usec = manager_now(m) + m->settings->operation_timeout_usec };

        if (m->unfiltered_asked)
                return;
        m->unfiltered_asked = true;
        /* a notice is not worth the trouble of trying again */
        (void) inquiry_new(m->hypervisors, m->n_hypervisors, &request, NULL, on_listed, m, &m->unfiltered);
}

/* Who listens is systemd's business. By tcp, whoever wants it has said so; the other is the default, but nobody is called
 * back where nobody listens. */
void unfiltered_loaded(Manager *m) {
        const Settings *s = m->settings;

        m->unfiltered = inquiry_free(m->unfiltered);
        m->unfiltered_asked = false;
        if (s->tcp_local_only || (s->multicast_local_only && access(CALLBACK_SOCKET_PATH, F_OK) == 0))
                unfiltered_notice(m);
}
