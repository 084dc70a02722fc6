/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program itself, in every case that needs no host: what it prints, where, and its exit status. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "address.h"
#include "config.h"
#include "host.h"

enum { ARGUMENTS_MAX = 16, OUTPUT_MAX = 32768 };

typedef struct Run {
        int status;
        char out[OUTPUT_MAX], err[OUTPUT_MAX];
} Run;

static void slurp(int fd, char *ret) {
        size_t n = 0;
        ssize_t k;

        cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
        while (n < OUTPUT_MAX - 1 && (k = read(fd, ret + n, OUTPUT_MAX - 1 - n)) > 0)
                n += (size_t) k;
        ret[n] = 0;
        (void) close(fd);
}

static int temporary(const char *text) {
        FILE *f = tmpfile();
        int fd;

        cr_assert(f);
        cr_assert_geq(fputs(text, f), 0);
        cr_assert_eq(fflush(f), 0);
        fd = dup(fileno(f));
        cr_assert_geq(fd, 0);
        cr_assert_eq(fclose(f), 0);
        cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
        return fd;
}

/* argv: the name and words separated by blanks; '' is an empty one. */
static void run(const char *words, const char *input, Run *ret) {
        char text[1024], *argv[ARGUMENTS_MAX] = {};
        int in = temporary(input), out = temporary(""), err = temporary(""), argc = 0, status;
        pid_t pid;

        strcpy(text, words);
        for (char *w = strtok(text, " "); w && argc < ARGUMENTS_MAX - 1; w = strtok(NULL, " "))
                argv[argc++] = strcmp(w, "''") == 0 ? w + 2 : w;
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
                        _exit(126);
                (void) execv(AGENT, argv);
                _exit(127);
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_assert(WIFEXITED(status), "%s", words);
        ret->status = WEXITSTATUS(status);
        (void) close(in);
        slurp(out, ret->out);
        slurp(err, ret->err);
}

static bool begins_with(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

#define N63 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

Test(program, says_its_mistakes_on_standard_error_and_how_it_is_used) {
        static const struct {
                const char *words, *input, *err;
                const char *usage; /* how the usage behind it begins */
        } table[] = {
                { "fence_xvm -o status", "", "No domain specified!\n", "usage: fence_xvm [args]\n" },
                { "fence_virt -o status", "", "No domain specified!\n", "usage: fence_virt [args]\n" },
                { "fence_xvm -o status -H ''", "", "Invalid domain name\n", "No domain" },
                { "fence_virt -o status -H " N63 "n", "",
                        "Invalid domain name: '" N63 "n' (File name too long)\n", "No domain" },
                { "fence_xvm -o frob -H vm1", "", "Unsupported operation: frob\n", "usage:" },
                { "fence_xvm -t x -o list", "", "Invalid timeout: 'x'\n", "usage:" },
                { "fence_xvm -p 0 -o list", "", "Invalid port: '0'\n", "usage:" },
                { "fence_xvm -o status -H vm1 -H vm2", "",
                        "Domain/UUID may not be specified more than once\n", "usage:" },
                { "fence_xvm -c md5 -o list", "", "Unsupported hash: md5\n", "usage:" },
                { "fence_virt -S1 -o list", "", "Invalid CID: '1'\n", "usage:" },
                { "fence_xvm -Q -o list", "", "fence_xvm: invalid option -- 'Q'\n", "usage:" },
                { "fence_xvm -o list -n", "", "fence_xvm: option requires an argument -- 'n'\n", "usage:" },
                { "fence_virt -o off -n web 1", "", "fence_virt: unexpected argument '1'\n", "usage:" },
                { "fence_xvm", "", "No domain specified!\n", "  debug                 Specify (stdin)" },
                { "fence_xvm", "action=off\n", "No domain specified!\n",
                        "  debug                 Specify (stdin)" },
                { "fence_virt", "action=off\nport=vm1\nplug=vm2\n",
                        "Domain/UUID may not be specified more than once\n",
                        "  debug                 Specify (stdin)" },
                { "fence_virt", "action=frob\nport=vm1\n", "Unsupported operation: frob\n", "  debug " },
                { "fence_xvm -o list -c none", "", "Unsupported hash: none (", "an answer that is not" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Run r;

                run(table[i].words, table[i].input, &r);
                cr_expect_eq(r.status, 1, "%s: %d", table[i].words, r.status);
                cr_expect_str_empty(r.out, "%s", table[i].words);
                cr_expect(begins_with(r.err, table[i].err), "%s: %s", table[i].words, r.err);
                cr_expect(begins_with(r.err + strlen(table[i].err), table[i].usage), "%s: %s",
                        table[i].words, r.err);
        }
}

Test(program, prints_what_it_was_asked_for_on_standard_output) {
        static const struct {
                const char *words, *input, *out;
        } table[] = {
                { "fence_xvm -h", "", "usage: fence_xvm [args]\n" },
                { "fence_virt -?", "", "usage: fence_virt [args]\n" },
                { "fence_xvm -V", "", "fence_xvm " PROJECT_VERSION "\n" },
                { "fence_virt -V", "", "fence_virt " PROJECT_VERSION "\n" },
                { "fence_xvm -o metadata", "",
                        "<?xml version=\"1.0\" ?>\n<resource-agent name=\"fence_xvm\" " },
                { "fence_virt -o metadata -H x", "",
                        "<?xml version=\"1.0\" ?>\n<resource-agent name=\"fence_virt\" " },
                { "fence_virt", "action=metadata\n",
                        "<?xml version=\"1.0\" ?>\n<resource-agent name=\"fence_virt\" " },
                { "fence_virt -o metadata -k /nonexistent", "", "<?xml " },
                { "/usr/sbin/fence_xvm -h", "", "usage: fence_xvm [args]\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Run r;

                run(table[i].words, table[i].input, &r);
                cr_expect_eq(r.status, 0, "%s", table[i].words);
                cr_expect(begins_with(r.out, table[i].out), "%s: %s", table[i].words, r.out);
                cr_expect_str_empty(r.err, "%s: %s", table[i].words, r.err);
        }
}

Test(program, validates_without_a_host) {
        static const struct {
                const char *words, *input;
                int status;
                const char *err;
        } table[] = {
                { "fence_virt -D /dev/x -o validate-all -H vm1", "", 0, "" },
                { "fence_virt", "action=validate-all\nport=vm1\n", 0, "" },
                { "fence_virt -D /dev/x -o validate-all", "", 1, "No domain specified!\n" },
                { "fence_xvm -o validate-all", "", 1, "No domain specified!\n" },
                { "fence_xvm -o validate-all -H vm1 -k /dev/null", "", 1,
                        "Invalid key file: '/dev/null' (" },
                { "fence_virt", "foo=bar\naction=validate-all\nport=vm1", 0,
                        "Parse error: Ignoring unknown option 'foo'\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Run r;

                run(table[i].words, table[i].input, &r);
                cr_expect_eq(r.status, table[i].status, "%s", table[i].words);
                cr_expect_str_empty(r.out, "%s", table[i].words);
                cr_expect(table[i].err[0] ? begins_with(r.err, table[i].err) : !r.err[0], "%s: %s",
                        table[i].words, r.err);
        }
}

Test(program, asks_nobody_without_a_key) {
        static const char *const table[] = { "fence_xvm -k /nonexistent -o off -n vm1",
                "fence_xvm -k / -o off -n vm1", "fence_virt -T 127.0.0.1 -p 1 -k /dev/null -o off -n vm1",
                "fence_virt -S 3 -k /nonexistent -o list" };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Run r;

                run(table[i], "", &r);
                cr_expect_eq(r.status, 1, "%s", table[i]);
                cr_expect(begins_with(r.err, "Invalid key file: '/"), "%s: %s", table[i], r.err);
                cr_expect_null(strstr(r.err, "connect"), "%s: %s", table[i], r.err);
        }
}

/* What a service was given, and is of no use, is not replaced by a key that is older. */
Test(program, a_bad_credential_is_an_error_unless_another_key_is_named) {
        char directory[] = "/tmp/test-agent-XXXXXX", path[128];
        int fd;
        Run r;

        cr_assert(mkdtemp(directory));
        cr_assert_eq(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
        (void) snprintf(path, sizeof(path), "%s/fence-virt.key", directory);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        cr_assert_eq(write(fd, "FENCE-FX2-KEY\n", 14), 14);
        (void) close(fd);
        run("fence_virt -T 127.0.0.1 -p 1 -o list", "", &r);
        cr_expect_eq(r.status, 1);
        cr_expect(strstr(r.err, path), "%s", r.err);
        run("fence_virt -S 3 -o list", "", &r);
        cr_expect_eq(r.status, 1);
        cr_expect(strstr(r.err, path), "%s", r.err);
        run("fence_virt -T 127.0.0.1 -o validate-all -n vm1", "", &r);
        cr_expect_eq(r.status, 1);
        cr_expect(strstr(r.err, path), "%s", r.err);
        run("fence_virt -T 127.0.0.1 -k /dev/null -o list", "", &r);
        cr_expect(begins_with(r.err, "Invalid key file: '/dev/null'"), "%s", r.err);
        cr_assert_eq(unlink(path), 0);
        run("fence_virt -T 127.0.0.1 -o validate-all -n vm1", "", &r);
        cr_expect_eq(r.status, 0, "%s", r.err);
        cr_assert_eq(rmdir(directory), 0);
}

Test(program, a_serial_line_that_is_not_there_is_no_answer) {
        Run r;

        run("fence_virt -D /dev/nosuch -t 3 -o status -H vm1", "", &r);
        cr_expect_eq(r.status, 255);
        cr_expect_str_eq(r.err,
                "Cannot open serial device /dev/nosuch: No such file or directory\nUnknown response (-1)\n");
        cr_expect_str_empty(r.out);
        run("fence_virt -A 127.0.0.1 -p 1 -t 3 -o status -H vm1", "", &r);
        cr_expect_eq(r.status, 255);
        cr_expect_str_eq(
                r.err, "Failed to connect to 127.0.0.1:1: Connection refused\nUnknown response (-1)\n");
}

Test(program, refuses_input_that_is_no_text) {
        static const char zeros[] = { 'a', 'c', 't', 'i', 'o', 'n', '=', 'l', 'i', 's', 't', '\n', 0, 'x' };
        char path[] = "/tmp/test-agent-XXXXXX", command[512];
        int fd = mkstemp(path);

        cr_assert_geq(fd, 0);
        cr_assert_eq(write(fd, zeros, sizeof(zeros)), (ssize_t) sizeof(zeros));
        (void) snprintf(command, sizeof(command), "%s <%s 2>/dev/null", AGENT, path);
        cr_expect_eq(WEXITSTATUS(system(command)), 1);
        cr_assert_eq(ftruncate(fd, 1024 * 1024), 0);
        cr_expect_eq(WEXITSTATUS(system(command)), 1);
        (void) close(fd);
        cr_assert_eq(unlink(path), 0);
}

Test(program, a_list_that_could_not_be_written_is_no_success) {
        char command[512];

        (void) snprintf(command, sizeof(command), "%s -o metadata >/dev/full 2>/dev/null", AGENT);
        cr_expect_eq(WEXITSTATUS(system(command)), 1);
}

Test(program, debug_goes_to_standard_error) {
        Run r;

        run("fence_virt -d -D /dev/nosuch -o status -H vm1", "", &r);
        cr_expect_eq(r.status, 255);
        cr_expect(strstr(r.err, "Asking by serial device: status vm1"), "%s", r.err);
        cr_expect_str_empty(r.out);
}

/* A key file, and these hosts behind a port, one connection each, which all hold the key of the first; the words end in both. */
static pid_t serve(const FakeHost *hosts, size_t n, const char *words, char ret[static 1024]) {
        Address at = { .v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char path[] = "/tmp/test-agent-key-XXXXXX", file[FAKE_FILE_MAX] = { 1 };
        bool only = auth_key_is_fx2_only(hosts->key);
        size_t n_file = only ? fake_fx2_file(1, file) : 64;
        int fd = mkstemp(path);
        socklen_t size = sizeof(at.v4);
        pid_t pid;

        cr_assert_eq(write(fd, file, n_file), (ssize_t) n_file);
        (void) close(fd);
        cr_assert_eq(bind(listener, &at.any, size), 0);
        cr_assert_eq(getsockname(listener, &at.any, &size), 0);
        cr_assert_eq(listen(listener, 8), 0);
        (void) snprintf(ret, 1024, "%s -T 127.0.0.1 -p %u -k %s", words, ntohs(at.v4.sin_port), path);
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                int result = 0;

                for (size_t i = 0; i < n; i++) {
                        int peer = accept(listener, NULL, NULL);

                        result |= fake_host_wait(fake_host_start(peer, -1, hosts + i));
                        (void) close(peer);
                }
                (void) unlink(path);
                _exit(result);
        }
        (void) close(listener);
        return pid;
}

Test(program, the_exit_status_is_what_the_host_said) {
        static const struct {
                const char *words;
                uint8_t replies[2];
                size_t n;
                int status;
                const char *out, *err;
        } table[] = {
                { "fence_virt -n vm1 -o status", { 0 }, 1, 0, "Status: ON\n", "" },
                { "fence_virt -n vm1 -o status", { 2 }, 1, 2, "Status: OFF\n", "" },
                { "fence_virt -n vm1 -o status", { 1 }, 1, 1, "", "Operation failed\n" },
                { "fence_virt -n vm1 -o status", { 3 }, 1, 3, "", "Permission denied\n" },
                { "fence_virt -n vm1 -o off", { 0, 2 }, 2, 0, "", "" },
                { "fence_virt -n vm1 -o off", { 0, 3 }, 2, 0, "", "" },
                { "fence_virt -n vm1 -o off", { 0, 0 }, 2, 1, "",
                        "The host said that the domain is off, but its status is on\nOperation failed\n" },
                { "fence_virt -n vm1 -o off", { 1 }, 1, 1, "", "Operation failed\n" },
                { "fence_virt -n vm1 -o off", { 2 }, 1, 1, "",
                        "The host's answer (2) does not fit the question (off)\nOperation failed\n" },
                { "fence_virt -n vm1 -o off", { 253 }, 1, 1, "",
                        "The host's answer (253) does not fit the question (off)\nOperation failed\n" },
                { "fence_virt -n vm1", { 0 }, 1, 0, "", "" },
                { "fence_xvm -n vm1 -o on", { 0 }, 1, 0, "", "" },
                { "fence_virt -o monitor", { 0 }, 1, 0, "", "" },
                { "fence_virt -o null -n vm1", { 1 }, 1, 1, "", "Operation failed\n" },
                { "fence_virt -o list", { 0 }, 1, 1, "",
                        "The host's answer (0) does not fit the question (list)\nOperation failed\n" },
        };

        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const FakeHost hosts[] = { FAKE_HOST(.key = k, .has_packet = true,
                                                   .answer = &table[i].replies[0], .n_answer = 1),
                        FAKE_HOST(.key = k, .has_packet = true, .answer = &table[i].replies[1],
                                .n_answer = 1) };
                char words[1024];
                pid_t pid = serve(hosts, table[i].n, table[i].words, words);
                Run r;

                run(words, "", &r);
                cr_expect_eq(r.status, table[i].status, "%s: %d", words, r.status);
                cr_expect_str_eq(r.out, table[i].out, "%s", words);
                cr_expect_str_eq(r.err, table[i].err, "%s", words);
                cr_expect_eq(fake_host_wait(pid), 0);
        }
}

/* Whatever the options say about hashes, which are those of v1. */
Test(program, in_fx2_the_exit_status_is_what_the_host_said_and_proved) {
        static const struct {
                const char *words;
                uint8_t reply;
                int status;
                const char *out, *err;
        } table[] = {
                { "fence_virt -n vm1 -o status", 0, 0, "Status: ON\n", "" },
                { "fence_virt -n vm1 -o status", 2, 2, "Status: OFF\n", "" },
                { "fence_virt -n vm1 -o status -c sha1 -C sha512", 1, 1, "", "Operation failed\n" },
                { "fence_xvm -n vm1 -o off -C sha1", 0, 0, "", "" },
                { "fence_virt -n vm1 -o off", 3, 3, "", "Permission denied\n" },
                { "fence_virt -n vm1 -o off", 2, 1, "",
                        "The host's answer (2) does not fit the question (off)\nOperation failed\n" },
        };
        _cleanup_(auth_key_freep) AuthKey *k = fake_fx2_key(1);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const FakeHost h = FAKE_HOST(.key = k, .fx2 = true, .has_packet = true,
                        .answer = &table[i].reply, .n_answer = 1);
                char words[1024];
                pid_t pid = serve(&h, 1, table[i].words, words);
                Run r;

                run(words, "", &r);
                cr_expect_eq(r.status, table[i].status, "%s: %d", words, r.status);
                cr_expect_str_eq(r.out, table[i].out, "%s", words);
                cr_expect_str_eq(r.err, table[i].err, "%s", words);
                cr_expect_eq(fake_host_wait(pid), 0);
        }
}

/* Replies and lists alike: the last bytes are another, or missing. */
Test(program, prints_nothing_of_an_answer_that_was_forged_or_cut) {
        enum { LIST = 2 + 2 * WIRE_RECORD_SIZE };
        uint8_t list[LIST] = { REPLY_LIST }, off = REPLY_OFF, on = REPLY_SUCCESS;
        const struct {
                const char *words;
                const uint8_t *answer;
                size_t n;
                size_t change;
        } table[] = {
                { "fence_virt -n vm1 -o status", &on, 1, 0 },
                { "fence_virt -n vm1 -o status", &off, 1, 1 },
                { "fence_virt -n vm1 -o off", &on, 1, WIRE_MAC_SIZE },
                { "fence_virt -o list", list, LIST, 1 },
                { "fence_virt -o list", list, LIST, 129 },
                { "fence_virt -o list", list, LIST, LIST + 7 },
        };
        _cleanup_(auth_key_freep) AuthKey *k = fake_fx2_key(1);
        Record record = { .name = "vm1", .state = 1 };

        cr_assert_eq(wire_encode_record(&record, list + 1), 0);
        for (size_t i = 0; i < 2 * ELEMENTSOF(table); i++) {
                bool cut = i >= ELEMENTSOF(table);
                size_t row = i % ELEMENTSOF(table), place = CLIENT_PROOF_SIZE + table[row].change;
                FakeHost h = FAKE_HOST(.key = k, .fx2 = true, .has_packet = true,
                        .answer = table[row].answer, .n_answer = table[row].n);
                char words[1024];
                pid_t pid;
                Run r;

                *(cut ? &h.cut : &h.flip) = place;
                pid = serve(&h, 1, table[row].words, words);
                run(words, "", &r);
                cr_expect_eq(r.status, cut ? 255 : 1, "row %zu: %d", row, r.status);
                cr_expect_str_empty(r.out, "row %zu", row);
                cr_expect(strstr(r.err, cut ? "hung up" : "forged"), "row %zu: %s", row, r.err);
                cr_expect_eq(fake_host_wait(pid), 0);
        }
}

Test(program, says_to_who_wants_to_know_that_an_answer_could_have_been_forged) {
        _cleanup_(auth_key_freep) AuthKey *k = fake_key(1);

        for (unsigned fx2 = 0; fx2 < 2; fx2++) {
                uint8_t yes = 0;
                const FakeHost h =
                        FAKE_HOST(.key = k, .fx2 = fx2, .has_packet = true, .answer = &yes, .n_answer = 1);
                char words[1024];
                pid_t pid = serve(&h, 1, "fence_virt -d -o monitor", words);
                Run r;

                run(words, "", &r);
                cr_expect_eq(r.status, 0);
                cr_expect(strstr(r.err, fx2 ? "(FX2: its answer cannot be forged)"
                                            : "(v1: whoever is in between can forge its answer)"),
                        "%s", r.err);
                cr_expect_eq(fake_host_wait(pid), 0);
        }
}
