/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "job.h"
#include "proof.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A directory of the test, for pid files and for a /proc of its own. */
static char dir[] = "/tmp/worker-proof-XXXXXX";

/* The tests run side by side and see each other's processes: each has its own. */
static char uuid[37], other[37];

static void setup(void) {
        (void) snprintf(uuid, sizeof(uuid), "%08x-aaaa-4111-8111-111111111111", (unsigned) getpid());
        (void) snprintf(other, sizeof(other), "%08x-aaaa-4111-8111-222222222222", (unsigned) getpid());
        cr_assert_not_null(mkdtemp(dir));
}

static void teardown(void) {
        char command[64];

        (void) snprintf(command, sizeof(command), "rm -r %s", dir);
        cr_assert_eq(system(command), 0);
}

TestSuite(proof, .init = setup, .fini = teardown, .timeout = 120);

static ProofDomain domain(void) {
        return (ProofDomain){ .proc = "/proc", .pids = dir, .name = "vm", .uuid = uuid };
}

static void put(const char *path, const void *bytes, size_t n) {
        char full[256], *slash;
        int fd;

        (void) snprintf(full, sizeof(full), "%s/%s", dir, path);
        for (slash = full + sizeof(dir); (slash = strchr(slash, '/')); *slash++ = '/') {
                *slash = '\0';
                (void) mkdir(full, 0700);
        }
        fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        cr_assert_geq(fd, 0, "%s", full);
        cr_assert_eq(write(fd, bytes, n), (ssize_t) n);
        (void) close(fd);
}

static void put_text(const char *path, const char *text) {
        put(path, text, strlen(text));
}

static void put_pid(const char *path, pid_t pid) {
        char text[16];

        (void) snprintf(text, sizeof(text), "%d", (int) pid);
        put_text(path, text);
}

/* A child with "-uuid" and this UUID among its arguments, which lives until `*ret_end` is closed. */
static pid_t start(const char *its_uuid, int *ret_end) {
        int fds[2], ready[2];
        pid_t pid;
        char c;

        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                (void) dup2(fds[0], STDIN_FILENO);
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) execl("/bin/sh", "qemu-test", "-c", "read x", "sh", "-uuid", its_uuid, NULL);
                _exit(127);
        }
        cr_assert_geq(pid, 0);
        (void) close(ready[1]);
        cr_assert_eq(read(ready[0], &c, 1), 0); /* it has been executed */
        (void) close(ready[0]);
        (void) close(fds[0]);
        *ret_end = fds[1];
        return pid;
}

static void finish(pid_t pid, int end) {
        int status;

        (void) close(end);
        (void) kill(pid, SIGKILL);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
}

Test(proof, opens_the_process_that_carries_the_uuid_and_sees_it_exit) {
        ProofDomain d = domain();
        int end, pidfd;
        pid_t pid, named = 0;

        pid = start(uuid, &end);
        put_pid("vm.pid", pid);
        pidfd = proof_open(&d, &named);
        cr_assert_geq(pidfd, 0, "%s", strerror(-pidfd));
        cr_expect_eq(named, pid);
        cr_expect_eq(proof_wait(pidfd, 0), 0, "it lives");
        cr_expect_eq(proof_wait(pidfd, job_now() + 20 * USEC_PER_MSEC), 0, "it lives");
        cr_assert_eq(kill(pid, SIGSTOP), 0);
        cr_expect_eq(proof_wait(pidfd, job_now() + 20 * USEC_PER_MSEC), 0, "it is stopped, not dead");
        cr_assert_eq(kill(pid, SIGKILL), 0);
        cr_expect_eq(proof_wait(pidfd, job_now() + 60 * USEC_PER_SEC), 1);
        finish(pid, end);
}

Test(proof, believes_the_lock_on_the_pid_file) {
        ProofDomain d = domain();
        int ready[2], pidfd;
        pid_t pid, named;
        char c;

        put_text("vm.pid", "");
        cr_assert_eq(pipe(ready), 0);
        pid = fork();
        if (pid == 0) {
                struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
                char path[64];
                int fd;

                (void) snprintf(path, sizeof(path), "%s/vm.pid", dir);
                fd = open(path, O_WRONLY);
                if (fd < 0 || dprintf(fd, "%d", (int) getpid()) < 0 || fcntl(fd, F_SETLK, &l) < 0)
                        _exit(1);
                (void) !write(ready[1], "x", 1);
                (void) pause();
                _exit(0);
        }
        cr_assert_eq(read(ready[0], &c, 1), 1);
        pidfd = proof_open(&d, &named);
        cr_expect_geq(pidfd, 0, "%s", strerror(-pidfd));
        cr_expect_eq(named, pid);
        /* the text names somebody else than the holder of the lock */
        put_pid("vm.pid", getpid());
        cr_expect_eq(proof_open(&d, &named), -EBADMSG);
        finish(pid, -1);
}

Test(proof, does_not_open_what_it_cannot_name) {
        ProofDomain d = domain();
        int end;
        pid_t pid, named = 4242;

        cr_expect_eq(proof_open(&d, &named), -ENOENT);
        pid = start(other, &end);
        put_pid("vm.pid", pid);
        cr_expect_eq(proof_open(&d, &named), -EBADMSG, "another domain's process");
        finish(pid, end);
        cr_expect_eq(proof_open(&d, &named), -ESRCH, "a process that is gone");
        put_text("vm.pid", "12 34");
        cr_expect_eq(proof_open(&d, &named), -EBADMSG);
        cr_expect_eq(named, 4242, "*ret was touched");
}

Test(proof, does_not_follow_links) {
        ProofDomain d = domain();
        char link[64];
        int end;
        pid_t pid, named;

        pid = start(uuid, &end);
        put_pid("real", pid);
        (void) snprintf(link, sizeof(link), "%s/vm.pid", dir);
        cr_assert_eq(symlink("real", link), 0);
        cr_expect_eq(proof_open(&d, &named), -ELOOP);
        finish(pid, end);
}

Test(proof, finds_a_process_until_it_is_gone) {
        ProofDomain d = domain();
        int end;
        pid_t pid, killer, found = 0;
        bool waited = true;

        cr_expect_eq(proof_find(&d, &found), PROOF_NONE);
        cr_expect_eq(proof_await_none(&d, 0, &found, &waited), PROOF_NONE);
        cr_expect_not(waited);
        pid = start(uuid, &end);
        cr_expect_eq(proof_find(&d, &found), PROOF_PROCESS);
        cr_expect_eq(found, pid);
        found = 0;
        cr_expect_eq(proof_await_none(&d, 0, &found, &waited), PROOF_PROCESS);
        cr_expect_eq(proof_await_none(&d, job_now() + 20 * USEC_PER_MSEC, &found, &waited), PROOF_PROCESS);
        cr_expect_eq(found, pid);
        killer = fork();
        if (killer == 0) {
                (void) poll(NULL, 0, 1000); /* it must still live when it is searched for */
                _exit(kill(pid, SIGKILL) < 0);
        }
        cr_expect_eq(proof_await_none(&d, job_now() + 60 * USEC_PER_SEC, &found, &waited), PROOF_NONE);
        cr_expect(waited);
        finish(killer, -1);
        finish(pid, end); /* until here it was a zombie, which is dead */
}

/* The first thread of a killed QEMU is a zombie without arguments while another one waits for its disk. */
Test(proof, finds_a_process_whose_first_thread_has_ended) {
        ProofDomain d = domain();
        pid_t pid, found = 0;
        int in[2], out[2], pidfd;
        char c;

        cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
        cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                (void) dup2(in[0], STDIN_FILENO);
                (void) dup2(out[1], STDOUT_FILENO);
                (void) execl(HEADLESS_PROGRAM, "qemu-test", "-uuid", uuid, NULL);
                _exit(127);
        }
        (void) close(out[1]);
        cr_assert_eq(read(out[0], &c, 1), 1);
        put_pid("vm.pid", pid);
        cr_expect_eq(proof_find(&d, &found), PROOF_PROCESS);
        cr_expect_eq(found, pid);
        pidfd = pidfd_open(pid, 0);
        cr_assert_geq(pidfd, 0);
        cr_expect_eq(proof_wait(pidfd, job_now() + 20 * USEC_PER_MSEC), 0, "a thread of it lives");
        (void) close(in[1]);
        cr_expect_eq(proof_wait(pidfd, job_now() + 60 * USEC_PER_SEC), 1);
        cr_expect_eq(proof_find(&d, &found), PROOF_NONE);
        finish(pid, -1);
}

/* What the kernel shows cannot be arranged with live processes here: a /proc of files. */
static ProofFound find_in_files(const char *stat, pid_t *ret_pid) {
        ProofDomain d = domain();

        d.proc = dir;
        put_text("1/cmdline", "init");
        put_text("77/cmdline", "");
        put_text("77/stat", stat);
        put_text("77/task/77/cmdline", "");
        return proof_find(&d, ret_pid);
}

Test(proof, doubts_a_qemu_that_is_ending_and_does_not_say_whose_it_is) {
        static const struct {
                const char *stat;
                ProofFound found;
        } table[] = {
                { "77 (qemu-system-x86) D 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 1 0 9 0 0", PROOF_ENDING },
                { "77 (qemu-system-x86) Z 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 2 0 9 0 0", PROOF_ENDING },
                { "77 (qemu-system-x86) Z 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 1 0 9 0 0", PROOF_NONE },
                { "77 (bash) D 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 1 0 9 0 0", PROOF_NONE },
                { "77 (qemu-kthread) S 2 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0", PROOF_NONE },
                { "what is this", PROOF_CANNOT_TELL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                pid_t pid = 0;

                cr_expect_eq(find_in_files(table[i].stat, &pid), table[i].found, "row %zu", i);
                cr_expect_eq(pid, table[i].found == PROOF_ENDING ? 77 : 0, "row %zu", i);
        }
}

Test(proof, does_not_doubt_a_qemu_that_is_ending_and_named_by_another_domain) {
        static const char ending[] =
                "77 (qemu-system-x86) D 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 1 0 9 0 0";
        pid_t pid;

        put_text("vm.pid", "77");
        cr_expect_eq(find_in_files(ending, &pid), PROOF_ENDING, "it is our own");
        put_text("vm2.pid", "78");
        cr_expect_eq(find_in_files(ending, &pid), PROOF_ENDING);
        put_text("vm2.pid", "77");
        cr_expect_eq(find_in_files(ending, &pid), PROOF_NONE);
}

Test(proof, prefers_the_process_that_says_whose_it_is) {
        static const char ending[] =
                "77 (qemu-system-x86) D 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 1 0 9 0 0";
        char arguments[sizeof("qemu\0-uuid\0") + sizeof(uuid)] = "qemu\0-uuid\0";
        pid_t pid;

        memcpy(arguments + sizeof("qemu\0-uuid"), uuid, sizeof(uuid));
        put("9/cmdline", arguments, sizeof(arguments));
        cr_expect_eq(find_in_files(ending, &pid), PROOF_PROCESS);
        cr_expect_eq(pid, 9);
}

Test(proof, cannot_tell_when_processes_are_hidden) {
        ProofDomain d = domain();
        pid_t pid;

        d.proc = dir;
        errno = 0;
        cr_expect_eq(proof_find(&d, &pid), PROOF_CANNOT_TELL, "no process 1");
        cr_expect_eq(errno, EACCES);
        d.proc = "/nonexistent";
        errno = 0;
        cr_expect_eq(proof_find(&d, &pid), PROOF_CANNOT_TELL);
        cr_expect_eq(errno, ENOENT);
}
