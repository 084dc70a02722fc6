/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "host.h"
#include "io.h"
#include "serial-device.h"

static const char *const ports[][2] = {
        { "vport0p1", "org.qemu.guest_agent.0\n" },
        { "vport0p2", "org.fencevirt.0\n" },
        { "vport1p1", "org.fencevirt.00\n" },
        { "vport1p2", "\n" },
};

/* As the kernel's directory of virtio ports. */
static void make_sysfs(char dir[static 32]) {
        strcpy(dir, "/tmp/test-agent-XXXXXX");
        cr_assert(mkdtemp(dir));
        for (size_t i = 0; i < ELEMENTSOF(ports); i++) {
                char path[128];
                FILE *f;

                (void) snprintf(path, sizeof(path), "%s/%s", dir, ports[i][0]);
                cr_assert_eq(mkdir(path, 0700), 0);
                strcat(path, "/name");
                f = fopen(path, "w");
                cr_assert(f);
                cr_assert_geq(fputs(ports[i][1], f), 0);
                cr_assert_eq(fclose(f), 0);
        }
}

static void remove_sysfs(const char *dir) {
        for (size_t i = 0; i < ELEMENTSOF(ports); i++) {
                char path[128];

                (void) snprintf(path, sizeof(path), "%s/%s/name", dir, ports[i][0]);
                cr_assert_eq(unlink(path), 0);
                path[strlen(path) - strlen("/name")] = 0;
                cr_assert_eq(rmdir(path), 0);
        }
        cr_assert_eq(rmdir(dir), 0);
}

Test(serial_device, a_virtio_port_is_found_by_its_whole_name) {
        char dir[32], path[DEVICE_PATH_MAX] = "untouched";

        make_sysfs(dir);
        cr_expect_eq(virtio_port_find(dir, "org.fencevirt", path), -ENOENT);
        cr_expect_eq(virtio_port_find(dir, "org.fencevirt.000", path), -ENOENT);
        cr_expect_eq(virtio_port_find(dir, "", path), -ENOENT);
        cr_expect_eq(virtio_port_find("/nonexistent", "org.fencevirt.0", path), -ENOENT);
        cr_expect_str_eq(path, "untouched");
        cr_expect_eq(virtio_port_find(dir, "org.fencevirt.0", path), 0);
        cr_expect_str_eq(path, "/dev/vport0p2");
        cr_expect_eq(virtio_port_find(dir, "org.fencevirt.00", path), 0);
        cr_expect_str_eq(path, "/dev/vport1p1");
        remove_sysfs(dir);
}

Test(serial_device, a_device_is_a_path_or_the_name_of_a_port) {
        static const char *const table[][2] = {
                { "org.fencevirt.0", "/dev/vport0p2" },
                { "/dev/virtio-ports/org.fencevirt.0", "/dev/vport0p2" }, /* there is no udev in this test */
                { "/dev/virtio-ports/no.such", "/dev/virtio-ports/no.such" },
                { "/dev/vport0p1", "/dev/vport0p1" },
                { "/dev/ttyS1", "/dev/ttyS1" },
                { "ttyS1", "ttyS1" },
                { "./org.fencevirt.0", "./org.fencevirt.0" },
        };
        char dir[32];

        make_sysfs(dir);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char path[DEVICE_PATH_MAX];
                Options o;

                options_init(&o, program_by_path("fence_virt"));
                o.device = table[i][0];
                serial_device_find(&o, dir, path);
                cr_expect_str_eq(path, table[i][1]);
        }
        remove_sysfs(dir);
}

Test(serial_device, a_terminal_is_made_raw_and_emptied) {
        SerialDevice d = { .fd = -1 };
        struct termios t;
        int host, line;
        char name[128], byte;
        Options o;

        cr_assert_eq(openpty(&host, &line, name, NULL, NULL), 0);
        cr_assert_eq(write(host, "login\n", 6), 6);
        options_init(&o, program_by_path("fence_virt"));
        o.device = name;
        o.line_parameters = "9600,7E2";
        cr_assert_eq(serial_device_open(&o, now_usec() + 60 * USEC_PER_SEC, &d), 0);
        cr_expect(d.is_tty);
        cr_expect(d.before.c_lflag & ECHO, "what was set before is not known");
        cr_assert_eq(tcgetattr(line, &t), 0);
        cr_expect_eq(t.c_lflag & (tcflag_t) (ECHO | ICANON | ISIG), 0);
        cr_expect_eq(t.c_iflag & (tcflag_t) (ICRNL | IXON), 0);
        cr_expect_eq(t.c_oflag & (tcflag_t) OPOST, 0);
        cr_expect(t.c_cflag & CLOCAL);
        cr_expect_eq(t.c_cflag & (tcflag_t) CRTSCTS, 0);
        cr_expect_eq(cfgetospeed(&t), B9600);
        cr_expect_lt(read(d.fd, &byte, 1), 0, "what was there before is still there");
        cr_expect_eq(errno, EAGAIN);
        cr_expect(fcntl(d.fd, F_GETFL) & O_NONBLOCK);
        cr_expect(fcntl(d.fd, F_GETFD) & FD_CLOEXEC);
        serial_device_close(&d);
        cr_expect_eq(d.fd, -1);
        (void) close(line);
        (void) close(host);
}

Test(serial_device, a_terminal_does_not_become_ours) {
        int host, line;
        char name[128];
        pid_t pid;
        Options o;

        cr_assert_eq(openpty(&host, &line, name, NULL, NULL), 0);
        options_init(&o, program_by_path("fence_virt"));
        o.device = name;
        pid = fork(); /* a child leads nothing, and can lead a session that has no terminal yet */
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                SerialDevice d;

                if (setsid() < 0 || serial_device_open(&o, now_usec() + 60 * USEC_PER_SEC, &d) < 0)
                        _exit(1);
                _exit(open("/dev/tty", O_RDWR | O_CLOEXEC) < 0 && errno == ENXIO ? 0 : 2);
        }
        cr_expect_eq(fake_host_wait(pid), 0);
        (void) close(line);
        (void) close(host);
}

Test(serial_device, what_is_no_terminal_is_left_as_it_is) {
        char dir[] = "/tmp/test-agent-XXXXXX", path[64];
        SerialDevice d = { .fd = -1 };
        Options o;

        cr_assert(mkdtemp(dir));
        (void) snprintf(path, sizeof(path), "%s/port", dir);
        cr_assert_eq(mkfifo(path, 0600), 0);
        options_init(&o, program_by_path("fence_virt"));
        o.device = path;
        cr_assert_eq(serial_device_open(&o, now_usec() + 60 * USEC_PER_SEC, &d), 0);
        cr_expect_not(d.is_tty);
        serial_device_close(&d);
        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(rmdir(dir), 0);
        cr_expect_eq(serial_device_open(&o, now_usec() + 60 * USEC_PER_SEC, &d), -ENOENT);
}

Test(serial_device, a_device_that_another_has_is_waited_for) {
        SerialDevice first = { .fd = -1 }, second = { .fd = -1 };
        int host, line;
        char name[128];
        pid_t pid;
        Options o;

        cr_assert_eq(openpty(&host, &line, name, NULL, NULL), 0);
        options_init(&o, program_by_path("fence_virt"));
        o.device = name;
        cr_assert_eq(serial_device_open(&o, now_usec() + 60 * USEC_PER_SEC, &first), 0);
        cr_expect_eq(serial_device_open(&o, now_usec() + 150 * USEC_PER_MSEC, &second), -EBUSY);
        cr_expect_eq(second.fd, -1);
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) { /* has it open as well, and lets it go while the other waits */
                (void) io_poll(NULL, 0, now_usec() + 50 * USEC_PER_MSEC);
                _exit(0);
        }
        serial_device_close(&first);
        cr_expect_eq(serial_device_open(&o, now_usec() + 60 * USEC_PER_SEC, &second), 0);
        serial_device_close(&second);
        (void) close(line);
        (void) close(host);
}
