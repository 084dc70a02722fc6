/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log.h"
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The one piece of process-wide state: how talkative this process is. Set once, by main(). */
static int max_level = LOG_INFO;

void log_set_max_level(int level) {
        max_level = level;
}

/* systemd.exec(5): $JOURNAL_STREAM is "device:inode" of the stream that stderr was connected to. */
static bool stderr_is_journal(void) {
        const char *e = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!e || sscanf(e, "%llu:%llu", &device, &inode) != 2 || fstat(STDERR_FILENO, &st) < 0)
                return false;
        return st.st_dev == device && st.st_ino == inode;
}

static void log_internal(int level, int error, const char *format, va_list ap) _printf_(3, 0);

static void log_internal(int level, int error, const char *format, va_list ap) {
        char line[2048];
        int saved = errno, n, k;

        if (level > max_level)
                return;
        n = stderr_is_journal() ? snprintf(line, sizeof(line), "<%d>", level) : 0;
        errno = error;
        k = vsnprintf(line + n, sizeof(line) - (size_t) n - 1, format, ap);
        if (k < 0)
                k = 0;
        n += k;
        if ((size_t) n > sizeof(line) - 2)
                n = sizeof(line) - 2;
        wire_make_printable(line, (size_t) n);
        line[n++] = '\n';
        if (write(STDERR_FILENO, line, (size_t) n) < 0) {
                /* nowhere left to say it */
        }
        errno = saved;
}

void log_full(int level, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        log_internal(level, errno, format, ap);
        va_end(ap);
}

int log_full_errno(int level, int error, const char *format, ...) {
        va_list ap;

        if (error < 0)
                error = -error;
        va_start(ap, format);
        log_internal(level, error, format, ap);
        va_end(ap);
        return -error;
}
