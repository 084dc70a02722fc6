/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conf.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int read_file(const char *path, int fd, char **ret, size_t *ret_size, ConfError *ret_error) {
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t n = 0;

        if (fstat(fd, &st) < 0)
                return conf_refuse(ret_error, path, 0, "cannot be read: %m");
        if (!S_ISREG(st.st_mode))
                return conf_refuse(ret_error, path, 0, "is not a regular file");
        if (st.st_size > CONF_FILE_MAX)
                return conf_refuse(ret_error, path, 0, "the file is larger than %d bytes", CONF_FILE_MAX);
        text = malloc((size_t) st.st_size + 1);
        if (!text)
                return -ENOMEM;
        while (n < (size_t) st.st_size) {
                ssize_t k = read(fd, text + n, (size_t) st.st_size - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return conf_refuse(ret_error, path, 0, "cannot be read: %m");
                if (k == 0)
                        break;
                n += (size_t) k;
        }
        *ret_size = n;
        *ret = TAKE(text, NULL);
        return 0;
}

/* A link that leads nowhere was meant to lead somewhere: that is not "no file". */
static bool is_symlink(const char *path) {
        struct stat st;
        bool yes = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);

        errno = ENOENT;
        return yes;
}

int conf_parse_file(
        const char *path, const ConfItem *items, size_t n_items, void *userdata, ConfError *ret_error) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -1;
        size_t size = 0;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 && errno == ENOENT && !is_symlink(path))
                return -ENOENT;
        if (fd < 0)
                return conf_refuse(ret_error, path, 0, "cannot be opened: %m");
        r = read_file(path, fd, &text, &size, ret_error);
        if (r < 0)
                return r;
        return conf_parse(path, text, size, items, n_items, userdata, ret_error);
}

/* alphasort() would order by the user's language. */
static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int call_each(const char *directory, const char *name, size_t n_stem,
        int (*each)(const char *path, const char *stem, void *userdata), void *userdata) {
        char path[4096], stem[256];
        int n = snprintf(path, sizeof(path), "%s/%s", directory, name);

        if (n < 0 || (size_t) n >= sizeof(path) || n_stem >= sizeof(stem))
                return -ENAMETOOLONG;
        memcpy(stem, name, n_stem);
        stem[n_stem] = '\0';
        return each(path, stem, userdata);
}

int conf_each_file(const char *directory, const char *suffix,
        int (*each)(const char *path, const char *stem, void *userdata), void *userdata) {
        size_t n_suffix = strlen(suffix);
        struct dirent **entries;
        int n, r = 0;

        n = scandir(directory, &entries, NULL, compare_names);
        if (n < 0)
                return errno == ENOENT ? 0 : -errno;
        for (int i = 0; i < n; i++) {
                const char *name = entries[i]->d_name;
                size_t length = strlen(name);

                if (r >= 0 && name[0] != '.' && length > n_suffix &&
                        strcmp(name + length - n_suffix, suffix) == 0)
                        r = call_each(directory, name, length - n_suffix, each, userdata);
                free(entries[i]);
        }
        free(entries);
        return r < 0 ? r : 0;
}
