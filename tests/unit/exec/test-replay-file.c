/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "scratch.h"

#include "log.h"
#include "replay-file.h"

static void set_up(void) {
        scratch_set_up();
        log_set_max_level(LOG_EMERG);
}

TestSuite(replay_file, .init = set_up, .fini = scratch_tear_down);

static bool is_fresh(Replay *r, uint32_t number) {
        uint8_t packet[WIRE_PACKET_SIZE] = { 1, 2, 0, 0, 'v', 'm' };

        memcpy(packet + 98, &number, sizeof(number));
        return replay_is_fresh(r, packet);
}

static Replay *open_replay(void) {
        Replay *r = NULL;

        cr_assert_eq(replay_open(scratch_path("run"), scratch_path("state"), &r), 0);
        return r;
}

/* Sees packets from..to-1, each for the first time. */
static void see(Replay *r, uint32_t from, uint32_t to) {
        for (uint32_t i = from; i < to; i++)
                if (!is_fresh(r, i))
                        cr_assert(false, "packet %u", i);
}

static void expect_seen(Replay *r, uint32_t from, uint32_t to) {
        for (uint32_t i = from; i < to; i++)
                if (is_fresh(r, i))
                        cr_assert(false, "packet %u is forgotten", i);
}

static bool exists(const char *name) {
        return access(scratch_path(name), F_OK) == 0;
}

static size_t size_of(const char *name) {
        struct stat st;

        cr_assert_eq(stat(scratch_path(name), &st), 0, "%s", name);
        return (size_t) st.st_size;
}

static void overwrite(const char *name, off_t offset, const void *bytes, size_t size) {
        _cleanup_close_ int fd = open(scratch_path(name), O_WRONLY | O_CLOEXEC);

        cr_assert_geq(fd, 0);
        cr_assert_eq(pwrite(fd, bytes, size, offset), (ssize_t) size);
}

/* Less than a ring, a whole one, more than one, several. */
static const uint32_t counts[] = { 1, 2, 1000, REPLAY_MAX - 1, REPLAY_MAX, REPLAY_MAX + 1,
        2 * REPLAY_MAX + 12345 };

Test(replay_file, what_was_seen_outlives_an_end_without_a_warning) {
        for (size_t i = 0; i < ELEMENTSOF(counts); i++) {
                Replay *r = open_replay();
                uint32_t n = counts[i], kept = n < REPLAY_MAX ? n : REPLAY_MAX;

                see(r, 0, n);
                replay_free(r); /* nothing is written: as if it had been killed */
                r = open_replay();
                cr_expect_eq(replay_size(r), kept);
                expect_seen(r, n - kept, n);
                if (n > kept)
                        cr_expect(is_fresh(r, n - kept - 1), "%u: the oldest is forgotten", n);
                see(r, n + 1, n + 1000);
                replay_free(r);
                r = open_replay();
                expect_seen(r, n + 1, n + 1000);
                replay_free(r);
                cr_assert_eq(unlink(scratch_path("run")), 0);
        }
        cr_expect(!exists("state"), "only an orderly end writes it");
}

Test(replay_file, the_copy_on_disk_is_read_when_the_file_in_run_is_gone) {
        for (size_t i = 0; i < ELEMENTSOF(counts); i++) {
                Replay *r = open_replay();
                uint32_t n = counts[i], kept = n < REPLAY_MAX ? n : REPLAY_MAX;

                see(r, 0, n);
                cr_assert_eq(replay_save(r, scratch_path("state")), 0);
                cr_expect_eq(size_of("state"), 64 + REPLAY_DIGEST_SIZE * kept + 32);
                replay_free(r);
                cr_assert_eq(unlink(scratch_path("run")), 0);
                r = open_replay();
                cr_expect_eq(replay_size(r), kept);
                expect_seen(r, n - kept, n);
                replay_free(r);
                r = open_replay(); /* from the file in /run now */
                expect_seen(r, n - kept, n);
                replay_free(r);
                cr_assert_eq(unlink(scratch_path("run")), 0);
                cr_assert_eq(unlink(scratch_path("state")), 0);
        }
        cr_expect(!exists("state.new"));
}

Test(replay_file, the_file_in_run_is_newer_than_the_copy) {
        Replay *r = open_replay();

        see(r, 0, 10);
        cr_assert_eq(replay_save(r, scratch_path("state")), 0);
        see(r, 10, 20);
        replay_free(r);
        r = open_replay();
        expect_seen(r, 0, 20);
        replay_free(r);
}

Test(replay_file, files_are_for_its_user_only_and_all_memory_is_taken_at_once) {
        Replay *r = open_replay();
        struct stat st;

        cr_assert_eq(replay_save(r, scratch_path("state")), 0);
        cr_assert_eq(stat(scratch_path("run"), &st), 0);
        cr_expect_eq(st.st_mode & 07777, 0600);
        cr_expect_eq(st.st_size, (off_t) sizeof(ReplayRing));
        cr_expect_geq(st.st_blocks * 512, (off_t) sizeof(ReplayRing));
        cr_assert_eq(stat(scratch_path("state"), &st), 0);
        cr_expect_eq(st.st_mode & 07777, 0600);
        replay_free(r);
}

/* Makes a good pair of files of ten packets, and nothing aside. */
static void make_good(void) {
        static const char *const names[] = { "run", "state", "run.bad", "state.bad" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                (void) remove(scratch_path(names[i]));
        Replay *r = open_replay();
        see(r, 0, 10);
        cr_assert_eq(replay_save(r, scratch_path("state")), 0);
        replay_free(r);
}

static const struct {
        const char *name;
        off_t offset;
        uint8_t byte;
} damages[] = {
        { "another magic number", 0, 'x' },
        { "another version", 8, 2 },
        { "another capacity", 14, 2 },
        { "what is not used", 24, 1 },
};

Test(replay_file, a_bad_file_in_run_is_set_aside_and_the_copy_taken) {
        for (size_t i = 0; i <= ELEMENTSOF(damages) + 2; i++) {
                make_good();
                if (i < ELEMENTSOF(damages))
                        overwrite("run", damages[i].offset, &damages[i].byte, 1);
                else if (i == ELEMENTSOF(damages))
                        cr_assert_eq(truncate(scratch_path("run"), 1000), 0);
                else if (i == ELEMENTSOF(damages) + 1)
                        scratch_write_text("run", "");
                else {
                        cr_assert_eq(unlink(scratch_path("run")), 0);
                        cr_assert_eq(symlink("state", scratch_path("run")), 0);
                }
                Replay *r = open_replay();
                expect_seen(r, 0, 10);
                see(r, 10, 20);
                replay_free(r);
                struct stat st;
                cr_expect_eq(lstat(scratch_path("run.bad"), &st), 0, "%zu", i);
                r = open_replay();
                expect_seen(r, 0, 20);
                replay_free(r);
        }
}

Test(replay_file, a_bad_copy_is_set_aside_and_nothing_of_it_believed) {
        size_t size;

        make_good();
        size = size_of("state");
        for (size_t i = 0; i <= size; i++) { /* every byte, and a file that was cut there */
                uint8_t byte;
                _cleanup_close_ int fd = -1;

                make_good();
                cr_assert_eq(unlink(scratch_path("run")), 0);
                fd = open(scratch_path("state"), O_RDONLY | O_CLOEXEC);
                if (i < size && i % 2 == 0) {
                        cr_assert_eq(pread(fd, &byte, 1, (off_t) i), 1);
                        byte ^= 0x10;
                        overwrite("state", (off_t) i, &byte, 1);
                } else if (i < size)
                        cr_assert_eq(truncate(scratch_path("state"), (off_t) i), 0);
                else
                        cr_assert_eq(truncate(scratch_path("state"), (off_t) size + 1), 0);
                Replay *r = open_replay();
                cr_expect_eq(replay_size(r), 0, "byte %zu", i);
                cr_expect(exists("state.bad"), "byte %zu", i);
                see(r, 0, 10);
                replay_free(r);
        }
}

Test(replay_file, without_a_place_in_run_it_remembers_as_long_as_it_lives) {
        Replay *r = NULL;

        cr_assert_eq(replay_open(scratch_path("no/such/directory"), scratch_path("state"), &r), 0);
        see(r, 0, 100);
        expect_seen(r, 0, 100);
        cr_assert_eq(replay_save(r, scratch_path("state")), 0);
        replay_free(r);
        cr_assert_eq(replay_open(NULL, scratch_path("state"), &r), 0);
        expect_seen(r, 0, 100);
        replay_free(r);
        cr_assert_eq(replay_open(NULL, NULL, &r), 0);
        see(r, 0, 100);
        replay_free(r);
}

Test(replay_file, a_copy_that_cannot_be_written_leaves_the_old_one) {
        Replay *r = open_replay();

        see(r, 0, 10);
        cr_expect_lt(replay_save(r, scratch_path("no/such/directory")), 0);
        cr_assert_eq(replay_save(r, scratch_path("state")), 0);
        scratch_mkdir("state.new");
        cr_expect_lt(replay_save(r, scratch_path("state")), 0);
        replay_free(r);
        cr_assert_eq(unlink(scratch_path("run")), 0);
        r = open_replay();
        expect_seen(r, 0, 10);
        replay_free(r);
}
