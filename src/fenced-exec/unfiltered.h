/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One notice in the log, for the operator who relies on LocalGuestsOnly=: which running domains may pretend to be others. */

#include "manager.h"

/* After settings were loaded: asks the hypervisors if the setting holds for a transport that is in use, as far as can be seen.
 * What an earlier call has asked is forgotten. */
void unfiltered_loaded(Manager *m);

/* A transport for which it holds is in use: asks unless it was done since settings were loaded. */
void unfiltered_notice(Manager *m);
