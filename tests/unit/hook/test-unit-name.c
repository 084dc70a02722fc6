/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <string.h>

#include "unit-name.h"

Test(unit_name, a_path_is_written_in_one_way_only) {
        static const struct {
                const char *path, *want;
        } table[] = {
                { "/run/a.sock", "/run/a.sock" },
                { "//run///a.sock", "/run/a.sock" },
                { "/run/./a/.", "/run/a" },
                { "/run/a/", "/run/a" },
                { "/var/run/a", "/run/a" },
                { "//var/./run//a", "/run/a" },
                { "/var/runner/a", "/var/runner/a" },
                { "/var/run", "/var/run" },
                { "/a/var/run/b", "/a/var/run/b" },
                { "/run/...", "/run/..." },
                { "/run/.a/..b", "/run/.a/..b" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char path[SOCKET_PATH_SIZE];

                cr_assert_eq(
                        path_normalize(table[i].path, strlen(table[i].path), path), 0, "%s", table[i].path);
                cr_expect_str_eq(path, table[i].want);
        }
}

Test(unit_name, what_is_no_path_of_a_socket_is_refused) {
        static const char *const table[] = { "", "/", "//", "/.", "run/a", "./a", "/run/../a", "/..",
                "/run/.." };
        char path[SOCKET_PATH_SIZE] = "untouched", long_path[SOCKET_PATH_SIZE + 1];

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect_eq(path_normalize(table[i], strlen(table[i]), path), -EINVAL, "%s", table[i]);
        cr_expect_eq(path_normalize("/a\0b", 4, path), -EINVAL);
        cr_expect_str_eq(path, "untouched");

        memset(long_path, 'x', sizeof(long_path));
        long_path[0] = '/';
        cr_expect_eq(path_normalize(long_path, SOCKET_PATH_SIZE, path), -ENAMETOOLONG);
        cr_expect_str_eq(path, "untouched");
        cr_expect_eq(path_normalize(long_path, SOCKET_PATH_SIZE - 1, path), 0);
        cr_expect_eq(strlen(path), SOCKET_PATH_SIZE - 1);
}

/* As `systemd-escape --path --template=fence-virt-dial@.service` has them. */
Test(unit_name, a_path_becomes_an_instance_as_systemd_escape_makes_it) {
        static const struct {
                const char *path, *want;
        } table[] = {
                { "/a", "fence-virt-dial@a.service" },
                { "/run/a-b/c d.sock", "fence-virt-dial@run-a\\x2db-c\\x20d.sock.service" },
                { "/.hidden/x", "fence-virt-dial@\\x2ehidden-x.service" },
                { "/a/.b", "fence-virt-dial@a-.b.service" },
                { "/a/\303\251", "fence-virt-dial@a-\\xc3\\xa9.service" },
                { "/a\\b", "fence-virt-dial@a\\x5cb.service" },
                { "/a:b_c@d", "fence-virt-dial@a:b_c\\x40d.service" },
                { "/var/lib/libvirt/qemu/channel/target/domain-1-vm a/org.fencevirt.0",
                        "fence-virt-dial@var-lib-libvirt-qemu-channel-target-domain\\x2d1\\x2dvm\\x20a-"
                        "org.fencevirt.0.service" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char unit[UNIT_NAME_SIZE];

                cr_assert_eq(unit_name_dial(table[i].path, unit), 0, "%s", table[i].path);
                cr_expect_str_eq(unit, table[i].want);
        }
}

Test(unit_name, a_path_that_escaped_is_too_long_is_refused) {
        char path[SOCKET_PATH_SIZE] = "/", unit[UNIT_NAME_SIZE] = "untouched";
        size_t n = 0;

        /* each of these has four bytes */
        do {
                path[++n] = '-';
                path[n + 1] = '\0';
        } while (unit_name_dial(path, unit) >= 0);
        cr_expect_eq(unit_name_dial(path, unit), -ENAMETOOLONG);
        cr_expect_lt(strlen(unit), UNIT_NAME_SIZE);
        cr_expect_gt(strlen(unit), UNIT_NAME_SIZE - 6);
        cr_expect_str_eq(unit + strlen(unit) - 8, ".service");
}

Test(unit_name, a_domain_has_a_socket_and_a_service) {
        char unit[UNIT_NAME_SIZE];

        unit_name_vm("6ee9d9e2-43a5-4e8c-a0f6-f4f9bd2e3a11", ".socket", unit);
        cr_expect_str_eq(unit, "fence-virt-vm@6ee9d9e2-43a5-4e8c-a0f6-f4f9bd2e3a11.socket");
        unit_name_vm("6ee9d9e2-43a5-4e8c-a0f6-f4f9bd2e3a11", ".service", unit);
        cr_expect_str_eq(unit, "fence-virt-vm@6ee9d9e2-43a5-4e8c-a0f6-f4f9bd2e3a11.service");
}
