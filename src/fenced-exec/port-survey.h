/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks the hypervisors which domain is at which port, ahead of the requests for which LocalGuestsOnly= holds, and tells the operator
 * who relies on it which of them may pretend to be others: one notice in the log, after each load of the settings. */

#include "manager.h"

/* Settings were loaded: asks if LocalGuestsOnly= holds for a transport that is in use, as far as can be seen. */
void port_survey_loaded(Manager *m);

/* A transport for which it holds is in use: asks unless that was done since settings were loaded. */
void port_survey_in_use(Manager *m);

/* Somebody was found at a port that was not known: there may be others. */
void port_survey_outdated(Manager *m);
