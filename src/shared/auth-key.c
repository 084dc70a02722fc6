/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "auth-key.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

/* HKDF (RFC 5869) with SHA-512, one block: k_x = HKDF-Expand(HKDF-Extract("fence-fx2", key), "fx2 x", 64). */
static void derive(const AuthKey *k, const char *label, uint8_t ret[static 64]) {
        static const char salt[] = "fence-fx2";
        uint8_t prk[64], info[32] = {};
        size_t n = strlen(label);

        auth_hmac_sha512(salt, strlen(salt), k->bytes, k->size, prk);
        memcpy(info, label, n);
        info[n] = 1;
        auth_hmac_sha512(prk, sizeof(prk), info, n + 1, ret);
        OPENSSL_cleanse(prk, sizeof(prk));
}

/* A prefix MAC of one hash block can be extended when the key leaves room for a whole packet prefix in it. */
static unsigned questionable(size_t size) {
        unsigned w = 0;

        if (size < AUTH_KEY_RECOMMENDED)
                w |= AUTH_KEY_SHORT;
        if ((size % 64 >= 16 && size % 64 <= 55) || (size % 128 >= 16 && size % 128 <= 47))
                w |= AUTH_KEY_LENGTH_EXTENSION;
        return w;
}

int auth_key_new(const void *bytes, size_t size, AuthKey **ret, unsigned *ret_warnings) {
        AuthKey *k;

        if (size < AUTH_KEY_MIN || size > AUTH_KEY_MAX)
                return -EINVAL;
        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        memcpy(k->bytes, bytes, size);
        k->size = size;
        derive(k, "fx2 tag", k->tag_key);
        if (ret_warnings)
                *ret_warnings = questionable(size);
        *ret = k;
        return 0;
}

AuthKey *auth_key_free(AuthKey *k) {
        if (k)
                OPENSSL_cleanse(k, sizeof(*k));
        free(k);
        return NULL;
}

static ssize_t read_all(int fd, uint8_t *buffer, size_t size) {
        size_t n = 0;

        while (n < size) {
                ssize_t k = read(fd, buffer + n, size - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t) k;
        }
        return (ssize_t) n;
}

bool auth_key_equal(const AuthKey *a, const AuthKey *b) {
        return a->size == b->size && auth_equal(a->bytes, b->bytes, a->size);
}

int auth_key_load_fd(int fd, mode_t forbidden, AuthKey **ret, unsigned *ret_warnings) {
        uint8_t buffer[AUTH_KEY_MAX + 1];
        struct stat st;
        ssize_t n;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_mode & forbidden)
                return -EPERM;
        n = read_all(fd, buffer, sizeof(buffer)); /* one byte more than allowed, to see that there is more */
        r = n < 0 ? (int) n : auth_key_new(buffer, (size_t) n, ret, ret_warnings);
        OPENSSL_cleanse(buffer, sizeof(buffer));
        return n >= 0 && r == -EINVAL ? -EMSGSIZE : r;
}

int auth_key_load(int dir_fd, const char *path, AuthKey **ret, unsigned *ret_warnings) {
        _cleanup_close_ int fd = -1;

        /* non-blocking: the name may be that of a FIFO or a tty */
        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        return auth_key_load_fd(fd, S_IRWXG | S_IRWXO, ret, ret_warnings);
}

const char *auth_key_error_hint(int error) {
        switch (error < 0 ? -error : error) {
        case ENOENT:
                return "the file does not exist; copy the key of the other side to it, with mode 0600";
        case EACCES:
                return "the file cannot be read; give it to the user that reads it, with mode 0600";
        case EISDIR:
                return "this is a directory; a key is a regular file of 16 to 4096 bytes";
        case EINVAL:
                return "this is not a regular file; a key is a regular file of 16 to 4096 bytes";
        case EPERM:
                return "group or others have access to it; chmod 0600, and make a new key if it may have been read";
        case EMSGSIZE:
                return "a key has 16 to 4096 bytes; make one with: head -c 64 /dev/urandom";
        default:
                return "it cannot be read";
        }
}
