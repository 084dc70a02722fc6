/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "115200,8N1" */

#include "serial-device.h"

#include <string.h>

static const struct {
        unsigned baud;
        speed_t speed;
} speeds[] = {
        { 300, B300 },
        { 600, B600 },
        { 1200, B1200 },
        { 2400, B2400 },
        { 4800, B4800 },
        { 9600, B9600 },
        { 19200, B19200 },
        { 38400, B38400 },
        { 57600, B57600 },
        { 115200, B115200 },
        { 230400, B230400 },
        { 460800, B460800 },
        { 921600, B921600 },
};

static int parse_frame(char bits, char parity, char stop, tcflag_t *ret) {
        tcflag_t flags = 0;

        if (bits < '5' || bits > '8' || (stop != '1' && stop != '2'))
                return -EINVAL;
        flags |= bits == '8' ? CS8 : bits == '7' ? CS7 : bits == '6' ? CS6 : CS5;
        if (stop == '2')
                flags |= CSTOPB;
        switch (parity) {
        case 'N':
        case 'n':
                break;
        case 'E':
        case 'e':
                flags |= PARENB;
                break;
        case 'O':
        case 'o':
                flags |= PARENB | PARODD;
                break;
        default:
                return -EINVAL;
        }
        *ret = flags;
        return 0;
}

int serial_line_parse(const char *text, SerialLine *ret) {
        SerialLine l = {};
        unsigned baud = 0;
        const char *p = text;

        for (; *p >= '0' && *p <= '9' && baud < 1000000; p++)
                baud = baud * 10 + (unsigned) (*p - '0');
        if (*p++ != ',' || strlen(p) != 3 || parse_frame(p[0], p[1], p[2], &l.flags) < 0)
                return -EINVAL;
        for (size_t i = 0; i < ELEMENTSOF(speeds); i++)
                if (speeds[i].baud == baud) {
                        l.speed = speeds[i].speed;
                        if (ret)
                                *ret = l;
                        return 0;
                }
        return -EINVAL;
}
