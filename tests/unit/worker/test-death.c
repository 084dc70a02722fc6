/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-backend.h"

#include <criterion/criterion.h>

Test(death, is_proven_by_what_the_connection_allows) {
        static const struct {
                const char *driver;
                const char *uri;
                unsigned long version;
                Death death;
        } table[] = {
                { "QEMU", "qemu:///system", 9000000, DEATH_PIDFD },
                { "QEMU", "qemu:///system", 11003000, DEATH_PIDFD },
                { "QEMU", "qemu+unix:///system", 9000000, DEATH_PIDFD },
                { "QEMU", "qemu:///session", 9000000, DEATH_UNPROVABLE },
                { "QEMU", "qemu:///session", 11003000, DEATH_STATE },
                { "QEMU", "qemu:///embed?root=/x", 9000000, DEATH_UNPROVABLE },
                { "QEMU", "qemu://localhost/system", 9000000, DEATH_UNPROVABLE },
                { "QEMU", "qemu+ssh://host/system", 9000000, DEATH_UNPROVABLE },
                { "QEMU", "qemu+ssh://host/system", 11002999, DEATH_UNPROVABLE },
                { "QEMU", "qemu+ssh://host/system", 11003000, DEATH_STATE },
                { "QEMU", "qemu+tls:///system", 9000000, DEATH_UNPROVABLE },
                /* a socket may lead anywhere */
                { "QEMU", "qemu:///system?socket=/x", 9000000, DEATH_UNPROVABLE },
                { "QEMU", "qemu:///system/", 9000000, DEATH_UNPROVABLE },
                { "QEMU", "", 0, DEATH_UNPROVABLE },
                { "LXC", "lxc:///system", 9000000, DEATH_STATE },
                { "Test", "test:///default", 9000000, DEATH_STATE },
                { "Xen", "xen+ssh://host/system", 9000000, DEATH_STATE },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                cr_expect_eq(libvirt_death(table[i].driver, table[i].uri, table[i].version), table[i].death,
                        "%s %s %lu", table[i].driver, table[i].uri, table[i].version);
}
