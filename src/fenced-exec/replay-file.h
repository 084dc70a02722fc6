/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the packets that were seen outlive the executor. The ring is mapped from a file in /run, that is in memory: every packet is
 * in it at once, no request waits for a disk, and it survives a crash. An orderly end leaves a copy on disk, which is read when
 * there is no file in /run: after a boot. What was seen between the last orderly end and a power cut is forgotten. */

#include "replay.h"

/* Uses what is there, or begins anew: never fails for what is in a file or for want of one. A file that is none of ours is
 * logged and renamed to NAME.bad. Either path may be NULL: then nothing is kept there. -ENOMEM. */
int replay_open(const char *run_path, const char *state_path, Replay **ret);

/* Leaves the copy: all of it, or the old one stays. Waits for the disk. */
int replay_save(const Replay *r, const char *state_path);
