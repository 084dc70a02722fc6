/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Help and metadata, from the option table. Layout and order are those of fence_virt 4.12: scripts compare them. */

#include "options-table.h"

#include <string.h>

enum { HELP_WIDTH = 55 }; /* of the text; what precedes it has 24 columns */

#define REBOOT_NOTE "NOTE: reboot-action does not power on nodes that are powered off."

/* Writes text in lines padded to HELP_WIDTH, the second and later ones behind 24 blanks. */
static void print_text(const char *text, FILE *f) {
        for (bool first = true; *text; first = false) {
                int n = (int) strlen(text);

                if (n > HELP_WIDTH) {
                        n = HELP_WIDTH;
                        while (n > 0 && text[n] != ' ')
                                n--;
                }
                fprintf(f, "%*s%-*.*s\n", first ? 0 : 24, "", HELP_WIDTH, n, text);
                text += n;
                while (*text == ' ')
                        text++;
        }
}

void options_print_usage(const Program *p, FILE *f) {
        fprintf(f, "usage: %s [args]\n\n" REBOOT_NOTE "\n\n", p->name);
        for (size_t i = 0; i < p->n_shown; i++) {
                const OptionRow *row = option_rows + p->shown[i];

                if (row->deprecated || !row->letter)
                        continue;
                fprintf(f, "  -%c %-17s  ", row->letter, row->argument ? row->argument : "");
                print_text(row->text, f);
        }
        fprintf(f, "\nWith no command line argument, arguments are read from standard input.\n"
                   "Arguments read from standard input take the form of:\n\n"
                   "    arg1=value1\n"
                   "    arg2=value2\n\n");
        options_print_input_usage(p, f);
}

void options_print_input_usage(const Program *p, FILE *f) {
        for (size_t i = 0; i < p->n_shown; i++) {
                const OptionRow *row = option_rows + p->shown[i];

                if (row->deprecated || !row->name)
                        continue;
                fprintf(f, "  %-20s  ", row->name);
                print_text(row->text, f);
        }
        fputc('\n', f);
}

static void print_parameter(const OptionRow *row, FILE *f) {
        fprintf(f, "\t<parameter name=\"%s\" unique=\"0\" required=\"%d\"", row->name, row->required);
        if (row->obsoletes)
                fprintf(f, " obsoletes=\"%s\"", row->obsoletes);
        if (row->deprecated)
                fputs(" deprecated=\"1\"", f);
        fputs(">\n\t\t<getopt mixed=\"", f);
        if (row->letter)
                fprintf(f, "-%c", row->letter);
        fprintf(f, "\" />\n\t\t<content type=\"%s\"", row->type);
        if (row->standard)
                fprintf(f, " default=\"%s\"", row->standard);
        fprintf(f, " />\n\t\t<shortdesc lang=\"en\">%s</shortdesc>\n\t</parameter>\n", row->text);
}

void options_print_metadata(const Program *p, FILE *f) {
        static const char *const actions[] = { "null", "on", "off", "reboot", "metadata", "status",
                "monitor", "list", "list-status", "validate-all" };

        fprintf(f,
                "<?xml version=\"1.0\" ?>\n"
                "<resource-agent name=\"%s\" shortdesc=\"Fence agent for virtual machines\">\n"
                "<longdesc>%s is an I/O Fencing agent which can be used with virtual machines.\n\n" REBOOT_NOTE
                "</longdesc>\n<vendor-url>https://libvirt.org</vendor-url>\n<parameters>\n",
                p->name, p->name);
        for (size_t i = 0; i < p->n_shown; i++)
                if (option_rows[p->shown[i]].name)
                        print_parameter(option_rows + p->shown[i], f);
        fputs("</parameters>\n<actions>\n", f);
        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                fprintf(f, "\t<action name=\"%s\" />\n", actions[i]);
        fputs("</actions>\n</resource-agent>\n", f);
}
