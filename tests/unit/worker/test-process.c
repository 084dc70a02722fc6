/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define UUID "11111111-aaaa-4111-8111-111111111111"

static int file_with(const void *bytes, size_t n) {
        int fd = memfd_create("test", 0);

        cr_assert_geq(fd, 0);
        cr_assert_eq(write(fd, bytes, n), (ssize_t) n);
        return fd;
}

static int carries(const void *bytes, size_t n) {
        char path[32];
        int fd = file_with(bytes, n), r;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = process_carries_uuid(AT_FDCWD, path, UUID);
        (void) close(fd);
        return r;
}

Test(process, finds_a_uuid_only_as_the_value_of_its_option) {
#define ROW(text, result) \
        { text, sizeof(text) - 1, result }
        static const struct {
                const char *bytes;
                size_t n;
                int result;
        } table[] = {
                ROW("qemu\0-uuid\0" UUID "\0-display\0none\0", 1),
                ROW("qemu\0-uuid\0" UUID "\0", 1),
                ROW("qemu\0-uuid\0" UUID, 1),
                ROW("qemu\0-uuid\0"
                    "11111111-AAAA-4111-8111-111111111111\0",
                        1),
                ROW("-uuid\0" UUID "\0", 1),
                ROW("qemu\0-uuid\0-uuid\0" UUID "\0", 1),
                ROW("virsh\0destroy\0" UUID "\0", 0),
                ROW("qemu\0-uuid\0x\0" UUID "\0", 0),
                ROW("qemu\0-uuid " UUID "\0", 0),
                ROW("qemu\0-uuid\0" UUID "0\0", 0),
                ROW("qemu\0-uuid\0"
                    "1" UUID "\0",
                        0),
                ROW("qemu\0x-uuid\0" UUID "\0", 0),
                ROW("qemu\0-uuid\0", 0),
                ROW("qemu\0-uuid\0\0" UUID "\0", 0),
                ROW("\0", 0),
                ROW("", -ENODATA),
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect_eq(carries(table[i].bytes, table[i].n), table[i].result, "row %zu", i);
}

Test(process, finds_a_uuid_wherever_the_reads_end) {
        enum { SIZE = 3 * 4096 };
        static const char tail[] = "\0-uuid\0" UUID;
        char bytes[SIZE + sizeof(tail)];

        for (size_t n = SIZE - sizeof(tail); n < SIZE; n++) {
                memset(bytes, 'x', n);
                memcpy(bytes + n, tail, sizeof(tail));
                cr_assert_eq(carries(bytes, n + sizeof(tail)), 1, "after %zu bytes", n);
        }
}

Test(process, reports_what_is_not_there) {
        cr_expect_eq(process_carries_uuid(AT_FDCWD, "/nonexistent", UUID), -ENOENT);
}

Test(process, reads_pid_files) {
        static const struct {
                const char *text;
                int result;
                pid_t pid;
        } table[] = {
                { "1", 0, 1 },
                { "4194304\n", 0, 4194304 },
                { "2147483647", 0, 2147483647 },
                { "2147483648", -EBADMSG, -1 },
                { "99999999999", -EBADMSG, -1 },
                { "", -EBADMSG, -1 },
                { "\n", -EBADMSG, -1 },
                { "0", -EBADMSG, -1 },
                { "-1", -EBADMSG, -1 },
                { " 1", -EBADMSG, -1 },
                { "1 2", -EBADMSG, -1 },
                { "1\n2", -EBADMSG, -1 },
                { "12x", -EBADMSG, -1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int fd = file_with(table[i].text, strlen(table[i].text));
                pid_t pid = -1;

                cr_expect_eq(process_read_pid(fd, &pid), table[i].result, "'%s'", table[i].text);
                cr_expect_eq(pid, table[i].pid, "'%s': %d", table[i].text, (int) pid);
                (void) close(fd);
        }
}

static int stat_of(const char *line, ProcessStat *ret) {
        char dir[] = "/tmp/worker-process-XXXXXX", path[64];
        int r, fd, d;

        cr_assert_not_null(mkdtemp(dir));
        d = open(dir, O_RDONLY | O_DIRECTORY);
        cr_assert_eq(mkdirat(d, "7", 0700), 0);
        fd = openat(d, "7/stat", O_WRONLY | O_CREAT, 0600);
        cr_assert_eq(write(fd, line, strlen(line)), (ssize_t) strlen(line));
        (void) close(fd);
        r = process_stat(d, 7, ret);
        (void) snprintf(path, sizeof(path), "%s/7/stat", dir);
        (void) unlink(path);
        (void) unlinkat(d, "7", AT_REMOVEDIR);
        (void) close(d);
        (void) rmdir(dir);
        return r;
}

Test(process, tells_kernel_threads_zombies_and_qemu) {
        static const struct {
                const char *line;
                const char *comm;
                bool no_process, qemu;
        } table[] = {
                { "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\n", "kthreadd", true,
                        false },
                { "7 (qemu-system-x86) S 1 6 6 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 4 0 9 0 0\n",
                        "qemu-system-x86", false, true },
                { "7 (qemu-system-x86) D 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 1 0 9 0 0\n",
                        "qemu-system-x86", false, true },
                { "7 (qemu-system-x86) Z 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 2 0 9 0 0\n",
                        "qemu-system-x86", false, true },
                { "7 (qemu-system-x86) Z 1 6 6 0 -1 4194564 1 0 0 0 1 1 0 0 20 0 1 0 9 0 0\n",
                        "qemu-system-x86", true, true },
                { "7 (kvm) S 1 6 6 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 4 0 9 0 0\n", "kvm", false, true },
                { "7 (kvmx) S 1 6 6 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 4 0 9 0 0\n", "kvmx", false, false },
                { "7 (a) Z 1 (b) S 1 6 6 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 4 0 9 0 0\n", "a) Z 1 (b", false,
                        false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                ProcessStat s = {};

                cr_assert_eq(stat_of(table[i].line, &s), 0, "row %zu", i);
                cr_expect_str_eq(s.comm, table[i].comm);
                cr_expect_eq(process_is_no_process(&s), table[i].no_process, "row %zu", i);
                cr_expect_eq(process_is_qemu(&s), table[i].qemu, "row %zu", i);
        }
}

Test(process, refuses_a_stat_that_is_none) {
        static const char *const lines[] = { "", "7 qemu S 1", "7 (qemu", "7 (qemu)", "7 (qemu) S 1 6 6",
                "7 )x( S 1" };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                ProcessStat s = { .n_threads = 42 };

                cr_expect_eq(stat_of(lines[i], &s), -EBADMSG, "row %zu", i);
                cr_expect_eq(s.n_threads, 42);
        }
}
