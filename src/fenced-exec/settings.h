/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* /etc/fence-virt/fence-virt.conf and fence-virt.conf.d/NAME.conf: every key optional. */

#include "base.h"
#include "brake.h"
#include "conf.h"
#include "limits.h"
#include "policy.h"
#include "wire.h"

typedef struct Settings {
        char **uris; /* [Libvirt] URI=, repeatable; default qemu:///system */
        PolicyDefault policy_default; /* [Policy] Default=deny|allow */
        char **never; /* [Policy] Never=, words as in Members= of a group, repeatable; NULL for none */
        HashType minimum_hash; /* [Authentication] MinimumHash=sha1|sha256|sha512|fx2; default sha256 */
        HashType
                multicast_challenge; /* [Authentication] MulticastChallenge=sha1|sha256|sha512; default sha256 */
        bool multicast_local_only; /* [Multicast] LocalGuestsOnly=yes|no; default yes */
        bool tcp_local_only; /* [Tcp] LocalGuestsOnly=no|yes; default no */
        bool status_unknown_is_off; /* [Compatibility] UnknownIsOff=no|yes (H11); default no */
        uint64_t
                operation_timeout_usec; /* [Executor] OperationTimeoutSec=, 1 s .. 10 min; default 28 s: below the agent's 30 */
        uint64_t connect_timeout_usec; /* [Executor] ConnectTimeoutSec=, 100 ms .. 1 min; default 900 ms */
        unsigned workers_max; /* [Executor] WorkersMax=, 2 .. 64 per hypervisor URI; default 16 */
        LimitSettings
                limits; /* [Limits]; the defaults are LIMIT_SETTINGS_DEFAULT and BRAKE_SETTINGS_DEFAULT */
        BrakeSettings brake;
} Settings;

/* Reads conf_path (may be absent), then the drop-ins in order, later values winning; -EBADMSG with *ret_error filled. */
int settings_load(const char *conf_path, const char *dropin_dir, Settings **ret, ConfError *ret_error);
Settings *settings_free(Settings *s);
DEFINE_CLEANUP(Settings *, settings_free)
