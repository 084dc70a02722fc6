/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Operational messages, to stderr with the <N> prefix of sd-daemon(3) when stderr is the journal (JOURNAL_STREAM,
 * systemd.exec(5)), plain otherwise. Decisions about requests are not messages: see the executor's audit.h. */

#include "base.h"

#include <syslog.h>

/* Writes one line at a syslog level; messages above the maximum level are dropped. Control characters and
 * bad UTF-8 in the formatted text are replaced by '?', so that nobody can forge a line. errno is preserved. */
void log_full(int level, const char *format, ...) _printf_(2, 3);

/* As log_full(), with errno set to |error| so that the format may use %m; returns -|error|. */
int log_full_errno(int level, int error, const char *format, ...) _printf_(3, 4);

/* The highest level that is written; LOG_INFO when never called. */
void log_set_max_level(int level);

#define log_error(...)   log_full(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_full(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_full(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_full(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_full(LOG_DEBUG, __VA_ARGS__)

#define log_error_errno(e, ...)   log_full_errno(LOG_ERR, e, __VA_ARGS__)
#define log_warning_errno(e, ...) log_full_errno(LOG_WARNING, e, __VA_ARGS__)
