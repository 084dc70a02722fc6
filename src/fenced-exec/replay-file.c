/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "replay-file.h"
#include "auth.h"
#include "log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { CHECKSUM_SIZE = 32, HEADER_SIZE = offsetof(ReplayRing, digests) };

static size_t copy_size(const ReplayRing *ring) {
        return HEADER_SIZE + replay_ring_size(ring) * REPLAY_DIGEST_SIZE;
}

static void set_aside(const char *path) {
        char aside[4096];

        (void) snprintf(aside, sizeof(aside), "%s.bad", path);
        log_warning(
                "%s does not hold what fenced-exec wrote; set aside as %s. Packets it names could be used a second time.",
                path, aside);
        if (rename(path, aside) < 0)
                log_warning_errno(errno, "Cannot rename %s: %m", path);
}

/* A regular file, not a link. -ENOENT, -EBADMSG when it is something else. */
static int open_file(const char *path, int flags, struct stat *ret) {
        _cleanup_close_ int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return errno == ELOOP || errno == EISDIR ? -EBADMSG : -errno;
        if (fstat(fd, ret) < 0)
                return -errno;
        if (!S_ISREG(ret->st_mode))
                return -EBADMSG;
        return TAKE(fd, -1);
}

static int map(int fd, ReplayRing **ret) {
        ReplayRing *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (ring == MAP_FAILED)
                return -errno;
        *ret = ring;
        return 0;
}

static int map_existing(const char *path, ReplayRing **ret) {
        struct stat st = {};
        ReplayRing *ring = NULL;
        _cleanup_close_ int fd = open_file(path, O_RDWR, &st);

        if (fd < 0)
                return fd;
        if (st.st_size != sizeof(*ring))
                return -EBADMSG;
        int r = map(fd, &ring);
        if (r < 0)
                return r;
        if (!replay_ring_is_valid(ring)) {
                (void) munmap(ring, sizeof(*ring));
                return -EBADMSG;
        }
        *ret = ring;
        return 0;
}

/* All of its memory is taken now: a page that cannot be had later would be a fatal signal. */
static int map_new(const char *path, ReplayRing **ret) {
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        int r = -posix_fallocate(fd, 0, sizeof(**ret));
        if (r >= 0)
                r = map(fd, ret);
        if (r < 0)
                (void) unlink(path);
        return r;
}

static int read_all(int fd, void *buffer, size_t size) {
        for (size_t done = 0; done < size;) {
                ssize_t n = read(fd, (uint8_t *) buffer + done, size - done);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return -EBADMSG;
                done += n > 0 ? (size_t) n : 0;
        }
        return 0;
}

/* The copy as it was written: the used part of a ring, and its SHA-256. */
static int read_copy(const char *path, ReplayRing *ret) {
        uint8_t expected[CHECKSUM_SIZE], found[CHECKSUM_SIZE];
        struct stat st = {};
        _cleanup_close_ int fd = open_file(path, O_RDONLY, &st);

        if (fd < 0)
                return fd;
        int r = read_all(fd, ret, HEADER_SIZE);
        if (r < 0)
                return r;
        if (!replay_ring_is_valid(ret) || st.st_size != (off_t) (copy_size(ret) + CHECKSUM_SIZE))
                return -EBADMSG;
        r = read_all(fd, ret->digests, copy_size(ret) - HEADER_SIZE);
        if (r >= 0)
                r = read_all(fd, found, sizeof(found));
        if (r < 0)
                return r;
        auth_sha256(ret, copy_size(ret), expected);
        return memcmp(expected, found, sizeof(found)) == 0 ? 0 : -EBADMSG;
}

static void fill_from_copy(ReplayRing *ring, const char *path) {
        ReplayRing *copy = malloc(sizeof(*copy));
        int r = copy ? read_copy(path, copy) : -ENOMEM;

        if (r >= 0) {
                memcpy(ring->digests, copy->digests, copy_size(copy) - HEADER_SIZE);
                ring->n = copy->n;
        } else if (r == -EBADMSG)
                set_aside(path);
        else if (r != -ENOENT)
                log_warning_errno(
                        r, "Cannot read %s: %m. Packets it names could be used a second time.", path);
        free(copy);
}

/* The file in /run, or a new one; memory of its own when neither can be had. NULL: nor can that. */
static ReplayRing *get_ring(const char *path, bool *ret_new) {
        ReplayRing *ring = NULL;
        int r = map_existing(path, &ring);

        *ret_new = !ring;
        if (ring)
                return ring;
        if (r == -EBADMSG)
                set_aside(path);
        if (r == -EBADMSG || r == -ENOENT)
                r = map_new(path, &ring);
        if (ring)
                return ring;
        log_warning_errno(r,
                "Cannot use %s: %m. Packets seen from now on are forgotten if the executor is killed.",
                path);
        (void) replay_ring_new(&ring);
        return ring;
}

int replay_open(const char *run_path, const char *state_path, Replay **ret) {
        ReplayRing *ring = NULL;
        bool is_new = true;

        if (run_path)
                ring = get_ring(run_path, &is_new);
        else
                (void) replay_ring_new(&ring);
        if (!ring)
                return -ENOMEM;
        if (is_new) {
                replay_ring_init(ring);
                ring->magic = 0; /* no ring before all of the copy is in it */
                if (state_path)
                        fill_from_copy(ring, state_path);
                __atomic_store_n(&ring->magic, REPLAY_MAGIC, __ATOMIC_RELEASE);
        }
        return replay_new(ring, ret);
}

static int write_all(int fd, const void *buffer, size_t size) {
        for (size_t done = 0; done < size;) {
                ssize_t n = write(fd, (const uint8_t *) buffer + done, size - done);

                if (n < 0 && errno != EINTR)
                        return -errno;
                done += n > 0 ? (size_t) n : 0;
        }
        return 0;
}

static int sync_directory_of(const char *path) {
        char directory[4096];
        const char *slash = strrchr(path, '/');

        (void) snprintf(
                directory, sizeof(directory), "%.*s", slash ? (int) (slash - path) : 1, slash ? path : ".");
        _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int replay_save(const Replay *r, const char *state_path) {
        const ReplayRing *ring = replay_ring(r);
        uint8_t checksum[CHECKSUM_SIZE];
        char temporary[4096];

        if ((size_t) snprintf(temporary, sizeof(temporary), "%s.new", state_path) >= sizeof(temporary))
                return -ENAMETOOLONG;
        _cleanup_close_ int fd =
                open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        auth_sha256(ring, copy_size(ring), checksum);
        int k = write_all(fd, ring, copy_size(ring));
        if (k >= 0)
                k = write_all(fd, checksum, sizeof(checksum));
        if (k >= 0 && (fsync(fd) < 0 || rename(temporary, state_path) < 0))
                k = -errno;
        if (k < 0) {
                (void) unlink(temporary);
                return k;
        }
        return sync_directory_of(state_path);
}
