/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "key-file.h"
#include "log.h"
#include "names.h"
#include "transport.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

KeyPlaces key_places(void) {
        return (KeyPlaces){
                .service_credentials = getenv("CREDENTIALS_DIRECTORY"),
                .system_credentials = KEY_SYSTEM_CREDENTIALS,
                .file = LEGACY_KEY_PATH,
        };
}

/* Also when it is a symbolic link to nowhere, or in a directory that we may not search. */
static bool may_be_there(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0 || errno != ENOENT;
}

int key_file_find(const KeyPlaces *places, char **ret) {
        const char *const directories[] = { places->service_credentials, places->system_credentials };

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = NULL;

                if (!directories[i] || !*directories[i])
                        continue;
                if (asprintf(&path, "%s/" KEY_CREDENTIAL, directories[i]) < 0)
                        return -ENOMEM;
                if (may_be_there(path)) {
                        *ret = TAKE(path, NULL);
                        return 1;
                }
        }
        if (!places->file || !may_be_there(places->file))
                return 0;
        *ret = strdup(places->file);
        return *ret ? 1 : -ENOMEM;
}

/* systemd gives credentials the mode that they need, and nobody can change it. */
static bool is_credential(const char *path) {
        static const char directory[] = "/run/credentials/";

        return strncmp(path, directory, strlen(directory)) == 0;
}

/* A key that others may read is taken, as it always was: fence_xvm never looked at the mode, and dd makes 0644. */
int key_file_load(const Options *o, AuthKey **ret) {
        _cleanup_close_ int fd = open(o->key_file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        int r;

        r = fd < 0 ? -errno : auth_key_load_fd(fd, 0, ret, NULL);
        if (r == -ENOENT && !o->has_key_file && transport_choose(o)->key == KEY_UNLESS_ABSENT) {
                log_debug("There is no %s; going on without a key", o->key_file);
                return 0;
        }
        if (r < 0)
                return log_error_errno(
                        r, "Invalid key file: '%s' (%s)", o->key_file, auth_key_error_hint(r));
        log_debug(
                "The key is that of %s%s", o->key_file, auth_key_is_fx2_only(*ret) ? ", for FX2 only" : "");
        if (fstat(fd, &st) >= 0 && st.st_mode & (S_IRWXG | S_IRWXO) && !is_credential(o->key_file) &&
                (o->task == TASK_VALIDATE || o->debug > 0))
                log_warning("Others have access to key file %s; chmod 0600 it", o->key_file);
        return 0;
}
