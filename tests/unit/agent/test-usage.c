/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Byte for byte what fence_virt 4.12 prints, but for the texts that did not tell the truth (tests/unit/agent/expected). */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "options-table.h"

static char *printed(void (*print)(const Program *p, FILE *f), const char *program) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        cr_assert(f);
        print(program_by_path(program), f);
        cr_assert_eq(fclose(f), 0);
        return text;
}

static char *expected(const char *name) {
        char path[512], *text = calloc(1, 32768);
        FILE *f;

        (void) snprintf(path, sizeof(path), EXPECTED_DIR "/%s", name);
        f = fopen(path, "re");
        cr_assert(f && text, "%s", path);
        cr_assert_gt(fread(text, 1, 32767, f), 0);
        cr_assert_eq(fclose(f), 0);
        return text;
}

Test(usage, prints_help_and_metadata_as_they_always_were) {
        static const struct {
                const char *file, *program;
                void (*print)(const Program *p, FILE *f);
        } table[] = {
                { "help-fence_virt.txt", "fence_virt", options_print_usage },
                { "help-fence_xvm.txt", "fence_xvm", options_print_usage },
                { "metadata-fence_virt.xml", "fence_virt", options_print_metadata },
                { "metadata-fence_xvm.xml", "fence_xvm", options_print_metadata },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                _cleanup_free_ char *is = printed(table[i].print, table[i].program);
                _cleanup_free_ char *should_be = expected(table[i].file);

                cr_expect_str_eq(is, should_be, "%s", table[i].file);
        }
}

Test(usage, the_help_about_standard_input_is_the_end_of_the_help) {
        static const char *const names[] = { "fence_virt", "fence_xvm" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *all = printed(options_print_usage, names[i]);
                _cleanup_free_ char *half = printed(options_print_input_usage, names[i]);

                cr_assert_gt(strlen(all), strlen(half));
                cr_expect_str_eq(all + strlen(all) - strlen(half), half);
                cr_expect_eq(all[strlen(all) - strlen(half) - 1], '\n');
        }
}

Test(usage, metadata_names_every_parameter_that_standard_input_takes) {
        static const char *const names[] = { "fence_virt", "fence_xvm" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const Program *p = program_by_path(names[i]);
                _cleanup_free_ char *xml = printed(options_print_metadata, names[i]);

                for (size_t k = 0; k < p->n_shown; k++) {
                        const OptionRow *row = option_rows + p->shown[k];
                        char tag[64];

                        if (!row->name)
                                continue;
                        (void) snprintf(tag, sizeof(tag), "<parameter name=\"%s\" ", row->name);
                        cr_expect(strstr(xml, tag), "%s: %s", names[i], row->name);
                        cr_expect_null(strpbrk(row->text, "<>&\""), "%s is no XML", row->text);
                }
        }
}
