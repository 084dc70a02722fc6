/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parameters on standard input. Whatever they say, what is taken is within its limits. */

#include "log.h"
#include "options-table.h"
#include "transport.h"

#include <string.h>

#define check(x) ((x) ? (void) 0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_program(const char *name, const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = malloc(size + 1);
        Options o;

        check(text);
        memcpy(text, data, size);
        text[size] = 0;
        options_init(&o, program_by_path(name));
        (void) options_parse_input(&o, text);
        (void) options_check(&o);
        check((unsigned) o.action < _ACTION_MAX);
        check(!o.target || wire_target_is_valid(o.target));
        check(o.timeout_sec >= 1 && o.timeout_sec <= 86400 && o.delay_sec <= 86400);
        check(o.port >= 1 && o.port <= UINT16_MAX && o.retransmit_tenths >= 1);
        check((unsigned) o.hash < _HASH_MAX && (unsigned) o.auth < _HASH_MAX);
        check(o.key_file && *o.key_file && o.line_parameters && o.channel_address && *o.channel_address);
        check(transport_choose(&o)->ask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        log_set_max_level(-1);
        fuzz_program("fence_virt", data, size);
        fuzz_program("fence_xvm", data, size);
        return 0;
}
