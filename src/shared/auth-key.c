/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "auth-key.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

/* HKDF (RFC 5869) with SHA-512, one block: k_x = HKDF-Expand(HKDF-Extract("fence-fx2", key), "fx2 x", 64). */
static void derive(AuthKey *k) {
        static const char salt[] = "fence-fx2";
        const struct {
                const char *info; /* with HKDF's counter behind it */
                uint8_t *key;
        } purposes[] = {
                { "fx2 tag\x01", k->tag_key },
                { "fx2 host\x01", k->host_key },
                { "fx2 guest\x01", k->guest_key },
                { "fx2 result\x01", k->result_key },
                { "fx2 packet\x01", k->packet_key },
        };
        uint8_t prk[64];

        auth_hmac_sha512(salt, strlen(salt), k->bytes, k->size, prk);
        for (size_t i = 0; i < ELEMENTSOF(purposes); i++)
                auth_hmac_sha512(
                        prk, sizeof(prk), purposes[i].info, strlen(purposes[i].info), purposes[i].key);
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

static int base64_value(uint8_t c) {
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *p = c ? strchr(alphabet, c) : NULL;

        return p ? (int) (p - alphabet) : -1;
}

/* RFC 4648, lines of any length, padded; the only text that stands for those bytes. */
static int decode_base64(const uint8_t *text, size_t n_text, uint8_t *ret, size_t *ret_size) {
        unsigned n_values = 0, n_padding = 0;
        uint32_t bits = 0;
        size_t n = 0;

        for (size_t i = 0; i < n_text; i++) {
                int value = base64_value(text[i]);

                if (text[i] == '\n')
                        continue;
                if (text[i] == '=')
                        n_padding++;
                else if (value < 0 || n_padding > 0)
                        return -EBADMSG;
                bits = bits << 6 | (uint32_t) (value < 0 ? 0 : value);
                if (++n_values % 4 != 0)
                        continue;
                for (int shift = 16; shift >= 0; shift -= 8)
                        ret[n++] = (uint8_t) (bits >> shift);
        }
        if (n_values % 4 != 0 || n_padding > 2 || n_padding > n)
                return -EBADMSG;
        for (unsigned i = 0; i < n_padding; i++)
                if (ret[--n] != 0)
                        return -EBADMSG;
        *ret_size = n;
        return 0;
}

static bool is_fx2_file(const void *bytes, size_t size) {
        return size >= strlen(AUTH_KEY_FX2) && memcmp(bytes, AUTH_KEY_FX2, strlen(AUTH_KEY_FX2)) == 0;
}

/* What begins like such a file is one, or nothing: taken for a raw key it would make v1 values. */
static int take_bytes(AuthKey *k, const uint8_t *bytes, size_t size) {
        const size_t n_line = strlen(AUTH_KEY_FX2);
        int r;

        if (!is_fx2_file(bytes, size)) {
                memcpy(k->bytes, bytes, size);
                k->size = size;
                return 0;
        }
        if (size == n_line || bytes[n_line] != '\n')
                return -EBADMSG;
        k->fx2_only = true;
        r = decode_base64(bytes + n_line, size - n_line, k->bytes, &k->size);
        return r >= 0 && k->size < AUTH_KEY_RECOMMENDED ? -EBADMSG : r;
}

int auth_key_new(const void *bytes, size_t size, AuthKey **ret, unsigned *ret_warnings) {
        _cleanup_(auth_key_freep) AuthKey *k = NULL;
        int r;

        if (size < AUTH_KEY_MIN || size > AUTH_KEY_MAX)
                return -EINVAL;
        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        r = take_bytes(k, bytes, size);
        if (r < 0)
                return r;
        derive(k);
        if (ret_warnings)
                *ret_warnings = k->fx2_only ? 0 : questionable(size);
        *ret = TAKE(k, NULL);
        return 0;
}

bool auth_key_is_fx2_only(const AuthKey *k) {
        return k->fx2_only;
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

bool auth_key_same_bytes(const AuthKey *a, const AuthKey *b) {
        return a->size == b->size && auth_equal(a->bytes, b->bytes, a->size);
}

bool auth_key_equal(const AuthKey *a, const AuthKey *b) {
        return auth_key_same_bytes(a, b) && a->fx2_only == b->fx2_only;
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
        case EBADMSG:
                return "after the line " AUTH_KEY_FX2
                       " comes base64 of at least 32 bytes, and nothing else; make one with "
                       "fence-virt-keygen --fx2";
        case EMSGSIZE:
                return "a key has 16 to 4096 bytes; make one with: head -c 64 /dev/urandom";
        default:
                return "it cannot be read";
        }
}
