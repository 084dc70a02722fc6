/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options-table.h"
#include "names.h"

#include <string.h>
#include <strings.h>

#define TARGET    .parse = parse_target, .type = "string"
#define STRING(f) .parse = parse_string, .offset = offsetof(Options, f), .type = "string"
#define HASH(f)   .parse = parse_hash, .offset = offsetof(Options, f), .type = "string", .standard = "sha256"
#define NUMBER(f, n, min, max)                                                                \
        .parse = parse_number, .offset = offsetof(Options, f), .type = "string", .noun = (n), \
        .minimum = (min), .maximum = (max)

/* The wording is that of fence_virt 4.12 where that tells the truth. */
const OptionRow option_rows[_OPTION_MAX] = {
        [OPTION_DEBUG] = { 'd', "debug", .type = "boolean", .parse = parse_debug,
                .text = "Specify (stdin) or increment (command line) debug level" },
        [OPTION_FAMILY] = { 'i', "ip_family", .argument = "<family>", .type = "string", .standard = "auto",
                .parse = parse_family, .text = "IP Family ([auto], ipv4, ipv6)" },
        [OPTION_GROUP] = { 'a', "multicast_address", .argument = "<address>", .type = "string",
                .parse = parse_group, .text = "Multicast address (default=225.0.0.12 / ff05::3:1)" },
        [OPTION_DEVICE] = { 'D', "serial_device", .argument = "<device>", STRING(device),
                .noun = "serial device", .text = "Serial device" },
        [OPTION_LINE] = { 'P', "serial_params", .argument = "<param>", .type = "string",
                .standard = "115200,8N1", .parse = parse_line,
                .text = "Serial Parameters (default=115200,8N1)" },
        [OPTION_CHANNEL] = { 'A', "channel_address", .argument = "<address>", .type = "string",
                .standard = "10.0.2.179", .parse = parse_channel,
                .text = "VM Channel IP address (default=10.0.2.179)" },
        [OPTION_PORT] = { 'p', "ipport", .argument = "<port>", NUMBER(port, "port", 1, UINT16_MAX),
                .standard = "1229", .text = "TCP, Multicast, VMChannel, or VM socket port (default=1229)" },
        [OPTION_RETRANSMIT] = { 'r', "retrans", .argument = "<retrans>",
                NUMBER(retransmit_tenths, "retransmit time", 1, 864000), .standard = "20",
                .text = "Multicast retransmit time (in 1/10sec; default=20)" },
        [OPTION_HOST] = { 'T', "ipaddr", .argument = "<address>", STRING(host), .noun = "address",
                .text = "Host to ask by TCP: its IPv4 or IPv6 address, or its name" },
        [OPTION_CID] = { 'S', "vsock", .argument = "<cid>", .type = "integer", .parse = parse_cid,
                .text = "vm socket CID to connect to in vsock mode" },
        [OPTION_AUTH] = { 'C', "auth", .argument = "<auth>", HASH(auth),
                .text = "Authentication (sha1, [sha256], sha512)" },
        [OPTION_HASH] = { 'c', "hash", .argument = "<hash>", HASH(hash),
                .text = "Packet hash strength (sha1, [sha256], sha512)" },
        [OPTION_KEY] = { 'k', "key_file", .argument = "<file>", .type = "string",
                .standard = LEGACY_KEY_PATH, .parse = parse_key,
                .text = "Shared key file (default=" LEGACY_KEY_PATH ")" },
        [OPTION_TARGET] = { 'n', "plug", .argument = "<domain>", TARGET, .required = true,
                .obsoletes = "port", .text = "Virtual Machine (domain name) to fence" },
        [OPTION_TARGET_OLD] = { 'H', "port", .argument = "<domain>", TARGET, .required = true,
                .deprecated = true, .text = "Virtual Machine (domain name) to fence" },
        [OPTION_TARGET_OLDEST] = { 0, "domain", .argument = "<domain>", TARGET, .deprecated = true,
                .text = "Virtual Machine (domain name) to fence (deprecated; use port)" },
        [OPTION_UUID] = { 'u', "use_uuid", .type = "string", .standard = "0", .parse = parse_flag,
                .offset = offsetof(Options, use_uuid),
                .text = "Treat [domain] as UUID instead of domain name. This is provided for compatibility with "
                        "older fence_xvmd installations." },
        [OPTION_ACTION] = { 'o', "action", "option", .argument = "<operation>", .type = "string",
                .standard = "reboot", .parse = parse_action,
                .text = "Fencing action (null, off, on, [reboot], status, list, list-status, monitor, "
                        "validate-all, metadata)" },
        [OPTION_TIMEOUT] = { 't', "timeout", .argument = "<timeout>",
                NUMBER(timeout_sec, "timeout", 1, 86400), .standard = "30",
                .text = "Fencing timeout (in seconds; default=30)" },
        [OPTION_DELAY] = { 'w', "delay", .argument = "<delay>", NUMBER(delay_sec, "delay", 0, 86400),
                .standard = "0", .text = "Fencing delay (in seconds; default=0)" },
        [OPTION_HELP_OLD] = { '?', .parse = parse_flag, .offset = offsetof(Options, help),
                .text = "Help (alternate)" },
        [OPTION_HELP] = { 'h', .parse = parse_flag, .offset = offsetof(Options, help), .text = "Help" },
        [OPTION_VERSION] = { 'V', .parse = parse_flag, .offset = offsetof(Options, version),
                .text = "Display version and exit" },
};

static const OptionId virt_shown[] = {
        OPTION_DEBUG,
        OPTION_DEVICE,
        OPTION_LINE,
        OPTION_CHANNEL,
        OPTION_PORT,
        OPTION_TARGET,
        OPTION_TARGET_OLD,
        OPTION_ACTION,
        OPTION_TIMEOUT,
        OPTION_HELP_OLD,
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_HOST,
        OPTION_CID,
        OPTION_AUTH,
        OPTION_HASH,
        OPTION_KEY,
        OPTION_DELAY,
        OPTION_TARGET_OLDEST,
};

static const OptionId xvm_shown[] = {
        OPTION_DEBUG,
        OPTION_FAMILY,
        OPTION_GROUP,
        OPTION_PORT,
        OPTION_RETRANSMIT,
        OPTION_AUTH,
        OPTION_HASH,
        OPTION_KEY,
        OPTION_TARGET,
        OPTION_TARGET_OLD,
        OPTION_UUID,
        OPTION_ACTION,
        OPTION_TIMEOUT,
        OPTION_HELP_OLD,
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_DELAY,
        OPTION_TARGET_OLDEST,
};

static const Program programs[] = {
        { "fence_xvm", xvm_shown, ELEMENTSOF(xvm_shown), .also = { OPTION_HOST }, .n_also = 1,
                .multicast = true },
        { "fence_virt", virt_shown, ELEMENTSOF(virt_shown), .also = { OPTION_UUID }, .n_also = 1 },
};

const Program *program_by_path(const char *path) {
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;

        for (size_t i = 0; i < ELEMENTSOF(programs); i++)
                if (strcmp(programs[i].name, name) == 0)
                        return programs + i;
        return programs + ELEMENTSOF(programs) - 1;
}

const char *program_name(const Program *p) {
        return p->name;
}

bool program_is_multicast(const Program *p) {
        return p->multicast;
}

static const OptionRow *find(
        const Program *p, bool (*matches)(const OptionRow *row, const void *what), const void *what) {
        for (size_t i = 0; i < p->n_shown; i++)
                if (matches(option_rows + p->shown[i], what))
                        return option_rows + p->shown[i];
        for (size_t i = 0; i < p->n_also; i++)
                if (matches(option_rows + p->also[i], what))
                        return option_rows + p->also[i];
        return NULL;
}

static bool has_letter(const OptionRow *row, const void *letter) {
        return row->letter && row->letter == *(const int *) letter;
}

static bool has_name(const OptionRow *row, const void *name) {
        return row->name &&
               (strcasecmp(row->name, name) == 0 || (row->alias && strcasecmp(row->alias, name) == 0));
}

const OptionRow *option_by_letter(const Program *p, int letter) {
        return find(p, has_letter, &letter);
}

const OptionRow *option_by_name(const Program *p, const char *name) {
        return find(p, has_name, name);
}
