/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "settings.h"

#include <string.h>

enum { URIS_MAX = 16, WORKERS_MIN = 2, WORKERS_MAX = 64 };

#define DEFAULT_URI "qemu:///system"

/* One URI per line: it has no blanks, so two on a line are a mistake. What is there already counts once. */
static int parse_uri(const char *value, void *target, const char **reason) {
        char ***uris = target;
        size_t n = 0;

        if (strpbrk(value, " \t")) {
                *reason = "a URI has no blanks; write one URI= line for each";
                return -EINVAL;
        }
        for (; *uris && (*uris)[n]; n++)
                if (strcmp((*uris)[n], value) == 0)
                        return 0;
        if (n >= URIS_MAX) {
                *reason =
                        "there are 16 URIs already, which is all that is allowed; an empty URI= resets the list";
                return -EINVAL;
        }
        return conf_parse_words(value, uris, reason);
}

static int parse_default(const char *value, void *target, const char **reason) {
        bool allow = strcmp(value, "allow") == 0;

        if (!allow && strcmp(value, "deny") != 0) {
                *reason = "say deny or allow";
                return -EINVAL;
        }
        *(PolicyDefault *) target = allow ? POLICY_DEFAULT_ALLOW : POLICY_DEFAULT_DENY;
        return 0;
}

static int parse_never(const char *value, void *target, const char **reason) {
        _cleanup_(strv_freep) char **words = NULL;
        int r = conf_parse_words(value, &words, reason);

        for (size_t i = 0; r >= 0 && words && words[i]; i++)
                r = policy_check_member_word(words[i], reason);
        return r < 0 ? r : conf_parse_words(value, target, reason);
}

static int parse_hash(const char *value, void *target, const char **reason) {
        HashType h;

        if (hash_type_from_string(value, &h) < 0 || h == HASH_NONE) {
                *reason = "say sha1, sha256 or sha512";
                return -EINVAL;
        }
        *(HashType *) target = h;
        return 0;
}

static int parse_minimum_hash(const char *value, void *target, const char **reason) {
        if (strcmp(value, "fx2") == 0) {
                *(HashType *) target = HASH_FX2;
                return 0;
        }
        int r = parse_hash(value, target, reason);

        if (r < 0)
                *reason = "say sha1, sha256, sha512 or fx2";
        return r;
}

static int parse_sec_between(const char *value, uint64_t minimum, uint64_t maximum, const char *range,
        void *target, const char **reason) {
        uint64_t usec = 0;
        int r = conf_parse_sec(value, &usec, reason);

        if (r < 0)
                return r;
        if (usec < minimum || usec > maximum) {
                *reason = range;
                return -ERANGE;
        }
        *(uint64_t *) target = usec;
        return 0;
}

static int parse_operation_timeout(const char *value, void *target, const char **reason) {
        return parse_sec_between(value, USEC_PER_SEC, 600 * USEC_PER_SEC, "say 1s to 10min", target, reason);
}

static int parse_connect_timeout(const char *value, void *target, const char **reason) {
        return parse_sec_between(
                value, 100 * USEC_PER_MSEC, 60 * USEC_PER_SEC, "say 100ms to 1min", target, reason);
}

static int parse_unsigned_between(const char *value, unsigned minimum, unsigned maximum, const char *range,
        void *target, const char **reason) {
        unsigned n = 0;
        int r = conf_parse_unsigned(value, &n, reason);

        if (r < 0 || n < minimum || n > maximum) {
                *reason = range;
                return -ERANGE;
        }
        *(unsigned *) target = n;
        return 0;
}

static int parse_workers_max(const char *value, void *target, const char **reason) {
        return parse_unsigned_between(
                value, WORKERS_MIN, WORKERS_MAX, "say a number from 2 to 64", target, reason);
}

static int parse_per_second(const char *value, void *target, const char **reason) {
        return parse_unsigned_between(
                value, 0, RATE_MAX, "say a number up to 1000000, or 0 for no limit", target, reason);
}

static int parse_burst(const char *value, void *target, const char **reason) {
        return parse_unsigned_between(value, 1, RATE_MAX, "say a number from 1 to 1000000", target, reason);
}

static int parse_in_flight(const char *value, void *target, const char **reason) {
        return parse_unsigned_between(value, 0, LIMITS_IN_FLIGHT_MAX,
                "say a number up to 4096, or 0 for no limit", target, reason);
}

static int parse_fences(const char *value, void *target, const char **reason) {
        return parse_unsigned_between(
                value, 0, BRAKE_MAX, "say a number up to 10000, or 0 for no limit", target, reason);
}

static const ConfItem items[] = {
        { "Libvirt", "URI", parse_uri, offsetof(Settings, uris), CONF_REPEATABLE },
        { "Policy", "Default", parse_default, offsetof(Settings, policy_default), 0 },
        { "Policy", "Never", parse_never, offsetof(Settings, never), CONF_REPEATABLE },
        { "Authentication", "MinimumHash", parse_minimum_hash, offsetof(Settings, minimum_hash), 0 },
        { "Authentication", "MulticastChallenge", parse_hash, offsetof(Settings, multicast_challenge), 0 },
        { "Multicast", "LocalGuestsOnly", conf_parse_bool, offsetof(Settings, multicast_local_only), 0 },
        { "Tcp", "LocalGuestsOnly", conf_parse_bool, offsetof(Settings, tcp_local_only), 0 },
        { "Compatibility", "UnknownIsOff", conf_parse_bool, offsetof(Settings, status_unknown_is_off), 0 },
        { "Executor", "OperationTimeoutSec", parse_operation_timeout,
                offsetof(Settings, operation_timeout_usec), 0 },
        { "Executor", "ConnectTimeoutSec", parse_connect_timeout, offsetof(Settings, connect_timeout_usec),
                0 },
        { "Executor", "WorkersMax", parse_workers_max, offsetof(Settings, workers_max), 0 },
        { "Limits", "QuestionsPerSec", parse_per_second,
                offsetof(Settings, limits.requester[LIMIT_QUESTION].per_second), 0 },
        { "Limits", "QuestionsBurst", parse_burst,
                offsetof(Settings, limits.requester[LIMIT_QUESTION].burst), 0 },
        { "Limits", "ActionsPerSec", parse_per_second,
                offsetof(Settings, limits.requester[LIMIT_ACTION].per_second), 0 },
        { "Limits", "ActionsBurst", parse_burst, offsetof(Settings, limits.requester[LIMIT_ACTION].burst),
                0 },
        { "Limits", "ListenerPerSec", parse_per_second, offsetof(Settings, limits.listener.per_second), 0 },
        { "Limits", "ListenerBurst", parse_burst, offsetof(Settings, limits.listener.burst), 0 },
        { "Limits", "InFlight", parse_in_flight, offsetof(Settings, limits.in_flight), 0 },
        { "Limits", "FencesPerMinuteRequester", parse_fences, offsetof(Settings, brake.requester), 0 },
        { "Limits", "FencesPerMinuteKey", parse_fences, offsetof(Settings, brake.key), 0 },
        { "Limits", "FencesPerMinuteHost", parse_fences, offsetof(Settings, brake.host), 0 },
};

/* What conf_each_file() carries along. */
typedef struct Loading {
        Settings *settings;
        ConfError *error;
} Loading;

static int parse_dropin(const char *path, const char *stem, void *userdata) {
        Loading *l = userdata;
        int r = conf_parse_file(path, items, ELEMENTSOF(items), l->settings, l->error);

        return r == -ENOENT ? conf_refuse(l->error, path, 0, "went away while it was read") : r;
}

static int load_dropins(const char *directory, Settings *s, ConfError *ret_error) {
        Loading l = { .settings = s, .error = ret_error };
        int r = conf_each_file(directory, ".conf", parse_dropin, &l);

        if (r >= 0 || r == -EBADMSG || r == -ENOMEM)
                return r;
        errno = -r;
        return conf_refuse(ret_error, directory, 0, "the directory cannot be read: %m");
}

int settings_load(const char *conf_path, const char *dropin_dir, Settings **ret, ConfError *ret_error) {
        _cleanup_(settings_freep) Settings *s = calloc(1, sizeof(*s));
        const char *reason;
        int r;

        if (!s)
                return -ENOMEM;
        s->minimum_hash = HASH_SHA256;
        s->multicast_challenge = HASH_SHA256;
        s->multicast_local_only = true;
        s->operation_timeout_usec = 28 * USEC_PER_SEC;
        s->connect_timeout_usec = 900 * USEC_PER_MSEC;
        s->workers_max = 16;
        s->limits = LIMIT_SETTINGS_DEFAULT;
        s->brake = BRAKE_SETTINGS_DEFAULT;
        r = conf_parse_file(conf_path, items, ELEMENTSOF(items), s, ret_error);
        if (r < 0 && r != -ENOENT)
                return r;
        r = load_dropins(dropin_dir, s, ret_error);
        if (r < 0)
                return r;
        if (!s->uris) {
                r = conf_parse_words(DEFAULT_URI, &s->uris, &reason);
                if (r < 0)
                        return r;
        }
        *ret = TAKE(s, NULL);
        return 0;
}

Settings *settings_free(Settings *s) {
        if (s) {
                s->uris = strv_free(s->uris);
                s->never = strv_free(s->never);
        }
        free(s);
        return NULL;
}
