/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process whose first thread ends while another one goes on, until standard input does. */

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

static void *go_on(void *userdata) {
        char c;
        FILE *f;

        /* the first thread has really ended when the kernel says so: tell then */
        for (;;) {
                char state = 0;

                f = fopen("/proc/self/stat", "re");
                if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
                        _exit(1);
                (void) fclose(f);
                if (state == 'Z')
                        break;
        }
        if (write(STDOUT_FILENO, "x", 1) != 1)
                _exit(1);
        while (read(STDIN_FILENO, &c, 1) > 0)
                ;
        _exit(0);
}

int main(void) {
        pthread_t t;

        if (pthread_create(&t, NULL, go_on, NULL) != 0)
                return 1;
        pthread_exit(NULL);
}
