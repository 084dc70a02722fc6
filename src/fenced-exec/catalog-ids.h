/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* MESSAGE_ID per kind of decision; data/fence-virt.catalog tells the operator what to do. */

#define MESSAGE_ID_DONE      "66d7d859dbe0d4bdf932c108238ad001"
#define MESSAGE_ID_FAILED    "66d7d859dbe0d4bdf932c108238ad002"
#define MESSAGE_ID_DENIED    "66d7d859dbe0d4bdf932c108238ad003"
#define MESSAGE_ID_REFUSED   "66d7d859dbe0d4bdf932c108238ad004"
#define MESSAGE_ID_CANCELLED "66d7d859dbe0d4bdf932c108238ad005"
#define MESSAGE_ID_STORM     "66d7d859dbe0d4bdf932c108238ad006"
