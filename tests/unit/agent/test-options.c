/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "options-table.h"
#include "transport.h"

enum { ARGUMENTS_MAX = 40 };

/* Words separated by blanks. */
static unsigned parse(Options *o, const char *program, const char *words) {
        static char text[4096]; /* options point into it */
        char *argv[ARGUMENTS_MAX] = { (char[]){ "agent" } };
        int argc = 1;

        cr_assert_lt(strlen(words), sizeof(text));
        strcpy(text, words);
        for (char *w = strtok(text, " "); w && argc < ARGUMENTS_MAX - 1; w = strtok(NULL, " "))
                argv[argc++] = w;
        options_init(o, program_by_path(program));
        return options_parse_arguments(o, argc, argv);
}

static unsigned parse_input(Options *o, const char *program, const char *lines) {
        static char text[4096];

        cr_assert_lt(strlen(lines), sizeof(text));
        strcpy(text, lines);
        options_init(o, program_by_path(program));
        return options_parse_input(o, text);
}

Test(options, has_the_defaults_that_help_names) {
        Options o;

        cr_assert_eq(parse(&o, "fence_virt", ""), 0);
        cr_expect_eq(o.task, TASK_ASK);
        cr_expect_eq(o.action, ACTION_REBOOT);
        cr_expect_null(o.target);
        cr_expect_eq(o.timeout_sec, 30);
        cr_expect_eq(o.delay_sec, 0);
        cr_expect_eq(o.retransmit_tenths, 20);
        cr_expect_eq(o.port, 1229);
        cr_expect_eq(o.hash, HASH_SHA256);
        cr_expect_eq(o.auth, HASH_SHA256);
        cr_expect_str_eq(o.key_file, "/etc/cluster/fence_xvm.key");
        cr_expect_not(o.has_key_file);
        cr_expect_eq(o.family, AF_UNSPEC);
        cr_expect_str_eq(o.line_parameters, "115200,8N1");
        cr_expect_str_eq(o.channel_address, "10.0.2.179");
        cr_expect_not(o.help || o.version || o.use_uuid);
        cr_expect_eq(o.debug, 0);
}

Test(options, the_name_decides_which_program_it_is) {
        static const struct {
                const char *path, *name;
        } table[] = {
                { "/usr/sbin/fence_xvm", "fence_xvm" },
                { "fence_xvm", "fence_xvm" },
                { "./fence_virt", "fence_virt" },
                { "", "fence_virt" },
                { "/usr/sbin/fence_xvm/fence_virt", "fence_virt" },
                { "fence_xvm2", "fence_virt" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect_str_eq(
                        program_name(program_by_path(table[i].path)), table[i].name, "%s", table[i].path);
}

Test(options, every_letter_is_taken) {
        Options o;

        cr_assert_eq(parse(&o, "fence_virt",
                             "-d -d -D /dev/x -P 9600,7E2 -A 1.2.3.4 -p 7 -n vm1 -o OFF -t 5 -T h "
                             "-S 3 -C sha1 -c SHA512 -k /k -w 9 -u"),
                0);
        cr_expect_eq(o.debug, 2);
        cr_expect_str_eq(o.device, "/dev/x");
        cr_expect_str_eq(o.line_parameters, "9600,7E2");
        cr_expect_str_eq(o.channel_address, "1.2.3.4");
        cr_expect_eq(o.port, 7);
        cr_expect_str_eq(o.target, "vm1");
        cr_expect_eq(o.action, ACTION_OFF);
        cr_expect_eq(o.timeout_sec, 5);
        cr_expect_str_eq(o.host, "h");
        cr_expect_eq(o.cid, 3);
        cr_expect_eq(o.auth, HASH_SHA1);
        cr_expect_eq(o.hash, HASH_SHA512);
        cr_expect_str_eq(o.key_file, "/k");
        cr_expect(o.has_key_file);
        cr_expect_eq(o.delay_sec, 9);
        cr_expect(o.use_uuid);

        cr_assert_eq(parse(&o, "fence_xvm", "-i ipv6 -a ff05::7 -r 5 -H vm2"), 0);
        cr_expect_eq(o.family, AF_INET6);
        cr_expect_str_eq(o.group, "ff05::7");
        cr_expect_eq(o.retransmit_tenths, 5);
        cr_expect_str_eq(o.target, "vm2");
        cr_assert_eq(parse(&o, "fence_xvm", "-?"), 0);
        cr_expect(o.help);
        cr_assert_eq(parse(&o, "fence_xvm", "-h"), 0);
        cr_expect(o.help);
        cr_assert_eq(parse(&o, "fence_xvm", "-V"), 0);
        cr_expect(o.version);
}

Test(options, every_action_in_the_help_is_taken) {
        static const struct {
                const char *name;
                Task task;
                Action action;
        } table[] = {
                { "null", TASK_ASK, ACTION_NULL },
                { "off", TASK_ASK, ACTION_OFF },
                { "on", TASK_ASK, ACTION_ON },
                { "reboot", TASK_ASK, ACTION_REBOOT },
                { "status", TASK_ASK, ACTION_STATUS },
                { "list", TASK_ASK, ACTION_LIST },
                { "list-status", TASK_ASK, ACTION_LIST },
                { "monitor", TASK_ASK, ACTION_MONITOR },
                { "validate-all", TASK_VALIDATE, ACTION_NULL },
                { "metadata", TASK_METADATA, ACTION_NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char words[64];
                Options o;

                cr_expect(strstr(option_rows[OPTION_ACTION].text, table[i].name));
                (void) snprintf(words, sizeof(words), "-o %s", table[i].name);
                cr_assert_eq(parse(&o, "fence_virt", words), 0);
                cr_expect_eq(o.task, table[i].task, "%s", table[i].name);
                cr_expect_eq(o.action, table[i].action, "%s", table[i].name);
        }
}

Test(options, counts_the_mistakes_on_the_command_line) {
        static const struct {
                const char *program, *words;
                unsigned mistakes;
        } table[] = {
                { "fence_virt", "-t x", 1 },
                { "fence_virt", "-t 5x", 1 },
                { "fence_virt", "-t 0", 1 },
                { "fence_virt", "-t -3", 1 },
                { "fence_virt", "-t 86401", 1 },
                { "fence_virt", "-t 99999999999999999999", 1 },
                { "fence_virt", "-p 0 -t x", 2 },
                { "fence_virt", "-p 65536", 1 },
                { "fence_virt", "-w -1", 1 },
                { "fence_virt", "-w x", 1 },
                { "fence_xvm", "-r 0", 1 },
                { "fence_xvm", "-i ipx", 1 },
                { "fence_xvm", "-a 10.0.0.1", 1 },
                { "fence_xvm", "-a fe80::1", 1 },
                { "fence_xvm", "-a group", 1 },
                { "fence_virt", "-o frob", 1 },
                { "fence_virt", "-o devstatus", 1 },
                { "fence_virt", "-c md5", 1 },
                { "fence_virt", "-C md5", 1 },
                { "fence_virt", "-S 1", 1 },
                { "fence_virt", "-S 0", 1 },
                { "fence_virt", "-S -1", 1 },
                { "fence_virt", "-S 4294967295", 1 },
                { "fence_virt", "-S 4294967294", 0 },
                { "fence_virt", "-P 115200", 1 },
                { "fence_virt", "-n a -n b", 1 },
                { "fence_virt", "-n a -H b", 1 },
                { "fence_virt", "-n web 1", 1 },
                { "fence_virt", "-Q", 1 },
                { "fence_virt", "-o", 1 },
                { "fence_virt", "-i ipv4", 2 }, /* the value is left over */
                { "fence_xvm", "-D /dev/x", 2 },
                { "fence_xvm", "-S 2", 2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Options o;

                cr_expect_eq(parse(&o, table[i].program, table[i].words), table[i].mistakes, "%s %s",
                        table[i].program, table[i].words);
        }
}

Test(options, a_domain_is_1_to_63_bytes_of_printable_utf8) {
        static const struct {
                const char *name;
                unsigned mistakes;
        } table[] = {
                { "x", 0 },
                { "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", 0 },
                { "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", 1 },
                { "k\xc3\xb6ln", 0 },
                { "k\xf6ln", 1 },
                { "a\033b", 1 },
                { "", 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char name[128], *argv[] = { (char[]){ "agent" }, (char[]){ "-n" }, name, NULL };
                Options o;

                strcpy(name, table[i].name);
                options_init(&o, program_by_path("fence_virt"));
                cr_expect_eq(options_parse_arguments(&o, 3, argv), table[i].mistakes, "row %zu", i);
                cr_expect_eq(o.target != NULL, table[i].mistakes == 0, "row %zu", i);
        }
}

Test(options, standard_input_is_lines_of_name_and_value) {
        Options o;

        cr_assert_eq(
                parse_input(&o, "fence_virt",
                        "# comment\n\n  action = off  \nPORT=vm1\nipaddr=10.0.0.1\nipport=7\nkey_file=/k\n"
                        "hash=sha512\nauth=sha1\ntimeout=9\ndelay=2\nvsock=3\nserial_device=/dev/x\n"
                        "serial_params=9600,8N1\nchannel_address=1.2.3.4\ndebug=3\nuse_uuid=1"),
                0);
        cr_expect_eq(o.action, ACTION_OFF);
        cr_expect_str_eq(o.target, "vm1");
        cr_expect_str_eq(o.host, "10.0.0.1");
        cr_expect_eq(o.port, 7);
        cr_expect_str_eq(o.key_file, "/k");
        cr_expect_eq(o.hash, HASH_SHA512);
        cr_expect_eq(o.auth, HASH_SHA1);
        cr_expect_eq(o.timeout_sec, 9);
        cr_expect_eq(o.delay_sec, 2);
        cr_expect_eq(o.cid, 3);
        cr_expect_str_eq(o.device, "/dev/x");
        cr_expect_str_eq(o.line_parameters, "9600,8N1");
        cr_expect_str_eq(o.channel_address, "1.2.3.4");
        cr_expect_eq(o.debug, 3);
        cr_expect(o.use_uuid);

        cr_assert_eq(
                parse_input(&o, "fence_xvm", "ip_family=ipv4\nmulticast_address=225.0.0.13\nretrans=7\r\n"),
                0);
        cr_expect_eq(o.family, AF_INET);
        cr_expect_str_eq(o.group, "225.0.0.13");
        cr_expect_eq(o.retransmit_tenths, 7);
}

Test(options, standard_input_knows_the_old_names) {
        static const char *const lines[] = { "plug=vm1\noption=status", "port=vm1\naction=status",
                "domain=vm1\naction=status",
                "nodename=a\nself=b\nagent=fence_xvm\nplug=vm1\naction=status" };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                Options o;

                cr_assert_eq(parse_input(&o, "fence_xvm", lines[i]), 0, "%s", lines[i]);
                cr_expect_str_eq(o.target, "vm1");
                cr_expect_eq(o.action, ACTION_STATUS);
        }
}

Test(options, an_unknown_name_on_standard_input_is_passed_over) {
        Options o;

        cr_assert_eq(parse_input(&o, "fence_xvm", "foo=bar\nbaz\nserial_device=/dev/x\n=\nport=vm1\n"), 0);
        cr_expect_str_eq(o.target, "vm1");
        cr_expect_null(o.device, "fence_xvm has no serial device");
}

Test(options, counts_the_mistakes_on_standard_input) {
        static const struct {
                const char *lines;
                unsigned mistakes;
        } table[] = {
                { "port=vm1\nplug=vm2\n", 1 },
                { "port=\n", 1 },
                { "port\n", 1 },
                { "action=\n", 1 },
                { "action=\"off\"\n", 1 },
                { "timeout=x\nipport=0\n", 2 },
                { "vsock=1\n", 1 },
                { "key_file=\n", 1 },
                { "ipaddr=\n", 1 },
                { "debug\nuse_uuid\n", 0 },
                { "", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Options o;

                cr_expect_eq(parse_input(&o, "fence_virt", table[i].lines), table[i].mistakes, "%s",
                        table[i].lines);
        }
}

Test(options, a_domain_is_needed_where_one_is_acted_upon) {
        static const struct {
                const char *words;
                unsigned mistakes;
        } table[] = {
                { "-o off", 1 },
                { "-o on", 1 },
                { "-o reboot", 1 },
                { "-d", 1 },
                { "-o status", 1 },
                { "-o validate-all", 1 },
                { "-o list", 0 },
                { "-o list-status", 0 },
                { "-o monitor", 0 },
                { "-o null", 0 },
                { "-o metadata", 0 },
                { "-o off -n vm1", 0 },
                { "-o validate-all -n vm1", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Options o;

                cr_assert_eq(parse(&o, "fence_xvm", table[i].words), 0);
                cr_expect_eq(options_check(&o), table[i].mistakes, "%s", table[i].words);
        }
}

Test(options, no_transport_with_keys_goes_without_a_hash) {
        static const struct {
                const char *program, *words;
                unsigned mistakes;
        } table[] = {
                { "fence_xvm", "-o list -c none", 1 },
                { "fence_xvm", "-o list -C none", 1 },
                { "fence_virt", "-o list -T h -c none -C none", 1 },
                { "fence_virt", "-o list -S 2 -C none", 1 },
                { "fence_virt", "-o list -D /dev/x -c none -C none", 0 },
                { "fence_virt", "-o list -c none -C none", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Options o;

                cr_assert_eq(parse(&o, table[i].program, table[i].words), 0);
                cr_expect_eq(
                        options_check(&o), table[i].mistakes, "%s %s", table[i].program, table[i].words);
        }
}

Test(options, family_and_group_have_to_agree) {
        Options o;

        cr_assert_eq(parse(&o, "fence_xvm", "-o list -i ipv4 -a ff05::3:1"), 0);
        cr_expect_eq(options_check(&o), 1);
        cr_assert_eq(parse(&o, "fence_xvm", "-o list -i ipv6 -a 225.0.0.12"), 0);
        cr_expect_eq(options_check(&o), 1);
        cr_assert_eq(parse(&o, "fence_xvm", "-o list -i auto -a ff05::3:1"), 0);
        cr_expect_eq(options_check(&o), 0);
}

Test(options, decide_the_way_to_the_host) {
        static const struct {
                const char *program, *words, *transport;
        } table[] = {
                { "fence_virt", "", "VM channel" },
                { "fence_virt", "-A 10.0.2.180", "VM channel" },
                { "fence_virt", "-A 10.0.2.179 -D /dev/x", "serial device" },
                { "fence_virt", "-T h", "tcp" },
                { "fence_virt", "-S 2", "vsock" },
                { "fence_virt", "-D /dev/x", "serial device" },
                { "fence_virt", "-D /dev/x -T h", "tcp" },
                { "fence_virt", "-S 2 -T h", "tcp" },
                { "fence_xvm", "", "multicast" },
                { "fence_xvm", "-T h", "tcp" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Options o;

                cr_assert_eq(parse(&o, table[i].program, table[i].words), 0);
                cr_expect_str_eq(transport_choose(&o)->name, table[i].transport, "%s %s", table[i].program,
                        table[i].words);
        }
}

Test(options, say_when_no_way_was_chosen) {
        static const struct {
                const char *program, *words;
                bool chosen;
        } table[] = {
                { "fence_virt", "-o list", false },
                { "fence_virt", "-k /x -p 1 -P 9600,8N1 -c none", false },
                { "fence_virt", "-T h", true },
                { "fence_virt", "-S 2", true },
                { "fence_virt", "-D /dev/x", true },
                { "fence_virt", "-A 10.0.2.179", true },
                { "fence_xvm", "-o list", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Options o;

                cr_assert_eq(parse(&o, table[i].program, table[i].words), 0);
                cr_expect_eq(
                        transport_is_chosen(&o), table[i].chosen, "%s %s", table[i].program, table[i].words);
        }
}
