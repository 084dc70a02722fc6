/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "transport.h"

/* Asks, and after an "off" that succeeded asks for the status as well: an "off" whose domain is still on has failed. Only
 * that contradiction counts, as the status may be forbidden, a domain that is gone has none, and a host that was lost
 * meanwhile takes nothing back. An old host says "off" without a proof, and we cannot tell which is one, but that an answer
 * in FX2 is not of one: there the status would be the same host's word again, and a domain that was rightly started again in
 * between would make a failure of a success. The caller ends *ret with answer_done(). */
void ask_host(const Transport *t, const Question *q, Answer *ret);
