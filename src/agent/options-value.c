/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parsers of single values. */

#include "address.h"
#include "log.h"
#include "options-table.h"
#include "serial-device.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* Digits only, as strtoul() alone takes "-1", " 1" and "0x1". */
static int parse_digits(const char *value, unsigned long maximum, unsigned long *ret) {
        unsigned long n = 0;

        if (!*value)
                return -EINVAL;
        for (const char *p = value; *p; p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                n = n * 10 + (unsigned long) (*p - '0');
                if (n > maximum)
                        return -ERANGE;
        }
        *ret = n;
        return 0;
}

static int invalid(const char *noun, const char *value) {
        log_error("Invalid %s: '%s'", noun, value);
        return -EINVAL;
}

int parse_number(const OptionRow *row, const char *value, Options *o) {
        unsigned long n;

        if (parse_digits(value, row->maximum, &n) < 0 || n < row->minimum)
                return invalid(row->noun, value);
        *(unsigned *) ((char *) o + row->offset) = (unsigned) n;
        return 0;
}

int parse_string(const OptionRow *row, const char *value, Options *o) {
        if (!*value)
                return invalid(row->noun, value);
        *(const char **) ((char *) o + row->offset) = value;
        return 0;
}

/* Without a value on the command line; "name=1", or just "name", on standard input. */
int parse_flag(const OptionRow *row, const char *value, Options *o) {
        static const char *const off[] = { "0", "no", "off", "false" };
        bool on = true;

        for (size_t i = 0; value && i < ELEMENTSOF(off); i++)
                if (strcasecmp(value, off[i]) == 0)
                        on = false;
        *(bool *) ((char *) o + row->offset) = on;
        return 0;
}

int parse_debug(const OptionRow *row, const char *value, Options *o) {
        unsigned long n = 1;

        if (!value) {
                o->debug++;
                return 0;
        }
        if (*value && parse_digits(value, 1000, &n) < 0)
                n = 1; /* "debug=yes" */
        o->debug = (unsigned) n;
        return 0;
}

int parse_action(const OptionRow *row, const char *value, Options *o) {
        static const struct {
                const char *name;
                Task task;
                Action action;
        } names[] = {
                { "null", TASK_ASK, ACTION_NULL },
                { "off", TASK_ASK, ACTION_OFF },
                { "reboot", TASK_ASK, ACTION_REBOOT },
                { "on", TASK_ASK, ACTION_ON },
                { "status", TASK_ASK, ACTION_STATUS },
                { "monitor", TASK_ASK, ACTION_MONITOR },
                { "list", TASK_ASK, ACTION_LIST },
                { "list-status", TASK_ASK, ACTION_LIST },
                { "metadata", TASK_METADATA, ACTION_NULL },
                { "validate-all", TASK_VALIDATE, ACTION_NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcasecmp(value, names[i].name) == 0) {
                        o->task = names[i].task;
                        o->action = names[i].action;
                        return 0;
                }
        log_error("Unsupported operation: %s", value);
        return -EINVAL;
}

int parse_target(const OptionRow *row, const char *value, Options *o) {
        if (o->target) {
                log_error("Domain/UUID may not be specified more than once");
                return -EINVAL;
        }
        if (!*value) {
                log_error("Invalid domain name");
                return -EINVAL;
        }
        if (strlen(value) > WIRE_TARGET_MAX)
                return log_error_errno(ENAMETOOLONG, "Invalid domain name: '%s' (%m)", value);
        if (!wire_target_is_valid(value)) {
                log_error("Invalid domain name: '%s' (not UTF-8, or with control characters)", value);
                return -EINVAL;
        }
        o->target = value;
        return 0;
}

/* "none" is taken, as transports that carry no hash ignore it; options_check() refuses it for the others. */
int parse_hash(const OptionRow *row, const char *value, Options *o) {
        for (HashType h = HASH_NONE; h < _HASH_MAX; h++)
                if (strcasecmp(value, hash_type_to_string(h)) == 0) {
                        *(HashType *) ((char *) o + row->offset) = h;
                        return 0;
                }
        log_error("Unsupported hash: %s", value);
        return -EINVAL;
}

int parse_key(const OptionRow *row, const char *value, Options *o) {
        if (!*value)
                return invalid("key file", value);
        o->key_file = value;
        o->has_key_file = true;
        return 0;
}

int parse_channel(const OptionRow *row, const char *value, Options *o) {
        if (!*value)
                return invalid("channel address", value);
        o->channel_address = value;
        o->channel_given = true;
        return 0;
}

int parse_family(const OptionRow *row, const char *value, Options *o) {
        if (strcasecmp(value, "auto") == 0)
                o->family = AF_UNSPEC;
        else if (strcasecmp(value, "ipv4") == 0)
                o->family = AF_INET;
        else if (strcasecmp(value, "ipv6") == 0)
                o->family = AF_INET6;
        else {
                log_error("Unsupported family: '%s'", value);
                return -EINVAL;
        }
        return 0;
}

int parse_group(const OptionRow *row, const char *value, Options *o) {
        struct in_addr v4;
        struct in6_addr v6;

        if (inet_pton(AF_INET, value, &v4) == 1
                        ? !IN_MULTICAST(ntohl(v4.s_addr))
                        : inet_pton(AF_INET6, value, &v6) != 1 || !IN6_IS_ADDR_MULTICAST(&v6))
                return invalid("multicast address", value);
        o->group = value;
        return 0;
}

int parse_cid(const OptionRow *row, const char *value, Options *o) {
        unsigned long n;

        if (parse_digits(value, UINT32_MAX - 1, &n) < 0 || n < VSOCK_CID_MIN)
                return invalid("CID", value);
        o->cid = (unsigned) n;
        return 0;
}

int parse_line(const OptionRow *row, const char *value, Options *o) {
        if (serial_line_parse(value, NULL) < 0)
                return invalid("serial parameters", value);
        o->line_parameters = value;
        return 0;
}
