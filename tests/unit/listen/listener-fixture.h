/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the tests of a listener: each of these ends the test when it cannot be done. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fake-executor.h"
#include "listener.h"
#include "names.h"
#include "vectors.h"

/* A listener in a process of its own between a guest (the test) and a fake executor. */
typedef struct Fixture {
        char dir[64];
        FakeExecutor executor;
        struct sockaddr_in address;
        pid_t listener;
} Fixture;

void setup_with(Fixture *f, ListenerOptions *o, rlim_t nofile);
void setup(Fixture *f);
void teardown(Fixture *f);
void ask(int fd, const char *target);
void converse(int fd, const char *target);
void expect_success(Fixture *f);
void expect_events(Fixture *f, const char *events);
