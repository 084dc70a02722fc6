/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unit-name.h"

#include <stdio.h>
#include <string.h>

#define DIAL_PREFIX "fence-virt-dial@"
#define DIAL_SUFFIX ".service"

int path_normalize(const char *path, size_t n, char ret[static SOCKET_PATH_SIZE]) {
        static const char var_run[] = "/var/run/";
        char out[SOCKET_PATH_SIZE];
        size_t k = 0;

        if (n == 0 || path[0] != '/' || memchr(path, '\0', n))
                return -EINVAL;
        for (size_t i = 0; i < n;) {
                size_t length;

                if (path[i] == '/') {
                        i++;
                        continue;
                }
                for (length = 0; i + length < n && path[i + length] != '/';)
                        length++;
                if (length == 2 && path[i] == '.' && path[i + 1] == '.')
                        return -EINVAL;
                if (length != 1 || path[i] != '.') {
                        if (k + 1 + length >= sizeof(out))
                                return -ENAMETOOLONG;
                        out[k++] = '/';
                        memcpy(out + k, path + i, length);
                        k += length;
                }
                i += length;
        }
        if (k == 0)
                return -EINVAL;
        out[k] = '\0';
        (void) snprintf(ret, SOCKET_PATH_SIZE, "%s",
                strncmp(out, var_run, strlen(var_run)) == 0 ? out + strlen("/var") : out);
        return 0;
}

static bool is_plain(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c != '\0' && strchr(":_.", c));
}

int unit_name_dial(const char *path, char ret[static UNIT_NAME_SIZE]) {
        static const char digits[] = "0123456789abcdef";
        char out[UNIT_NAME_SIZE] = DIAL_PREFIX;
        size_t k = strlen(out);

        for (const char *p = path + 1; *p; p++) {
                unsigned char c = (unsigned char) *p;

                if (k + strlen("\\x00" DIAL_SUFFIX) >= sizeof(out))
                        return -ENAMETOOLONG;
                if (c == '/')
                        out[k++] = '-';
                else if (is_plain(*p) && (c != '.' || p > path + 1))
                        out[k++] = *p;
                else {
                        out[k++] = '\\';
                        out[k++] = 'x';
                        out[k++] = digits[c >> 4];
                        out[k++] = digits[c & 15];
                }
        }
        memcpy(out + k, DIAL_SUFFIX, sizeof(DIAL_SUFFIX));
        memcpy(ret, out, k + sizeof(DIAL_SUFFIX));
        return 0;
}

void unit_name_vm(const char *uuid, const char *suffix, char ret[static UNIT_NAME_SIZE]) {
        (void) snprintf(ret, UNIT_NAME_SIZE, "fence-virt-vm@%s%s", uuid, suffix);
}
