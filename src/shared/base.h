/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole macro vocabulary of this project: ownership by cleanup attribute, hand-over by TAKE. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ELEMENTSOF(x)  (sizeof(x) / sizeof((x)[0]))
#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

/* Hands the value of an owning variable over and leaves `empty` behind: return TAKE(p, NULL); */
#define TAKE(var, empty)                    \
        ({                                  \
                typeof(var) _taken = (var); \
                (var) = (empty);            \
                _taken;                     \
        })

/* Defines type##p-style cleanup functions for pointers: DEFINE_CLEANUP(Peer *, peer_free). */
#define DEFINE_CLEANUP(type, func)            \
        static inline void func##p(type *p) { \
                if (*p)                       \
                        func(*p);             \
        }

#define USEC_PER_SEC  ((uint64_t) 1000000)
#define USEC_PER_MSEC ((uint64_t) 1000)

static inline void freep(void *p) {
        free(*(void **) p);
}

static inline int safe_close(int fd) {
        if (fd >= 0)
                (void) close(fd);
        return -1;
}

static inline void closep(int *fd) {
        (void) safe_close(*fd);
}

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
