# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the scripts in tests/interop, tests/lab and tests/guest share. A script starts with
#
#       #!/bin/bash
#       . "$(dirname "$0")/../lib.sh"
#
# calls the functions below and ends with `finish`. It is run as root, by tools/check or by hand, and says PASS or FAIL for
# each thing it has tested; without any it counts as failed. Whatever it started is gone when it ends, however it ends.
#
# Results
#   pass NAME, fail NAME WHY...
#   check NAME CMD...              PASS when CMD succeeds; else FAIL with the last line of its output
#   check_not NAME CMD...          the other way round
#   check_equal NAME WANT GOT
#   adopt CMD...                   CMD says PASS and FAIL itself: they are passed on and counted; to say nothing is a failure
#   die WHY...                     nothing more can be tested: FAIL, cleans up, ends
#   finish                         ends the script: 0 when something passed and nothing failed
#   wait_until SECONDS CMD...      0 as soon as CMD succeeds, 1 after that time. CMD is tried 20 times a second
#   at_exit CMD...                 CMD is run when the script ends, the last one first
#
# Environment
#   BUILD                          the build directory [build-check/gcc]
#   LAB_TAG, LAB_DIR               as for tools/lab
#   $scratch                       a directory of the script's own, removed at the end
#   $top                           of the source tree
#
# Hosts (tools/lab: a real systemd as PID 1, on a common bridge; names up to 10 characters)
#   host_up NAME [ADDR/LEN]        boots a host with the product installed, nothing of it started
#   bare_up NAME [ADDR/LEN]        boots a host without it: Debian's programs, and our agent as /usr/local/sbin/fence_{virt,xvm}
#   host NAME CMD...               runs CMD there, with its exit status
#   put NAME PATH                  writes standard input to a file there (0644, root)
#   address NAME                   its address
#   root_of NAME                   its root, as a path here
#   lab CMD...                     tools/lab: cut, heal, kill, boot, down...
#   give_key HOST NAME             copies HOST's default.key to NAME's /etc/cluster/fence_xvm.key
#
# Domains (TCG, 32 MiB, no disk: QEMU sits in its firmware, and that is enough to be fenced)
#   libvirt_up HOST                starts libvirtd.socket and waits until libvirtd answers
#   domain_xml NAME [UUID]         prints XML
#   domain_define HOST NAME [UUID] defines; domain_start HOST NAME [UUID] defines and starts
#   domain_state HOST NAME         as virsh says it: "running", "shut off", ...
#   qemu_pid HOST NAME             pid of its QEMU as seen in HOST; fails when there is none
#   qemu_gone HOST PID             succeeds when no such process is there, or only its zombie
#
# Audit
#   audit HOST [FIELD=VALUE...]    the records that match, oldest first, one JSON object a line
#   audit_field HOST FIELD [FIELD=VALUE...]   that field of the newest record that matches
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$(realpath -m "${BUILD:-$top/build-check/gcc}")
export LAB_TAG=${LAB_TAG:-chk}
export LAB_DIR=${LAB_DIR:-/run/lab-$LAB_TAG}
export LAB_SHOW=$top
scratch=$(mktemp -d)
n_passed=0 n_failed=0 at_exit=() hosts_used=

pass() {
        n_passed=$((n_passed + 1))
        printf 'PASS %s\n' "$1"
}

fail() {
        local name=$1
        shift
        n_failed=$((n_failed + 1))
        printf 'FAIL %s: %s\n' "$name" "$(tr '\n' ' ' <<<"$*")"
}

check() {
        local name=$1 output rc
        shift
        output=$("$@" 2>&1)
        rc=$?
        if [ $rc = 0 ]; then
                pass "$name"
        else
                fail "$name" "$* ended with $rc: $(tail -n 1 <<<"$output")"
        fi
}

check_not() {
        local name=$1 output
        shift
        if output=$("$@" 2>&1); then
                fail "$name" "$* succeeded: $(tail -n 1 <<<"$output")"
        else
                pass "$name"
        fi
}

check_equal() {
        if [ "$2" = "$3" ]; then
                pass "$1"
        else
                fail "$1" "wanted '$2', got '$3'"
        fi
}

adopt() {
        local line before=$((n_passed + n_failed))
        while IFS= read -r line; do
                case $line in
                "PASS "*) pass "${line#PASS }" ;;
                "FAIL "*)
                        n_failed=$((n_failed + 1))
                        printf '%s\n' "$line"
                        ;;
                esac
        done < <("$@" 2>"$scratch/adopted" || echo "FAIL $*: ended with $?: $(tail -n 1 "$scratch/adopted")")
        [ $((n_passed + n_failed)) != $before ] || fail "$*" "tested nothing"
}

die() {
        fail "$(basename "$0")" "$@"
        exit 1
}

finish() {
        [ $n_passed -gt 0 ] && [ $n_failed = 0 ]
        exit
}

wait_until() {
        local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
        shift
        until "$@" >/dev/null 2>&1; do
                ((${EPOCHREALTIME/./} < end)) || return 1
                read -rt 0.05 <> <(:) || :
        done
}

at_exit() {
        at_exit+=("$(printf '%q ' "$@")")
}

clean_up() {
        local rc=$? i
        trap '' HUP INT TERM
        for ((i = ${#at_exit[@]} - 1; i >= 0; i--)); do
                eval "${at_exit[i]}" || :
        done
        [ -z "$hosts_used" ] || lab down-all --force
        rm -rf "$scratch"
        exit $rc
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# --- hosts -----------------------------------------------------------------------------------------------------------
lab() {
        "$top/tools/lab" "$@"
}

boot() {
        hosts_used=yes
        lab up "$@" >"$scratch/up" 2>&1 || die "host $1 does not boot: $(tail -n 1 "$scratch/up")"
}

host_up() {
        boot "$@"
        DESTDIR=$(root_of "$1") meson install -C "$BUILD" --no-rebuild --quiet >"$scratch/install" 2>&1 ||
                die "cannot install on $1: $(tail -n 1 "$scratch/install")"
        host "$1" sh -c 'systemd-sysusers && systemd-tmpfiles --create fence-virt.conf && systemctl daemon-reload && systemctl try-reload-or-restart dbus' \
                >"$scratch/install" 2>&1 || die "cannot set up $1: $(tail -n 1 "$scratch/install")"
        # what is copied into a running host is not yet known to its journal
        host "$1" journalctl --update-catalog
}

bare_up() {
        local agent
        boot "$@"
        for agent in fence_virt fence_xvm; do
                install -m 0755 "$BUILD/src/agent/fence_virt" "$(root_of "$1")/usr/local/sbin/$agent" ||
                        die "no agent in $BUILD"
        done
}

host() {
        lab exec "$@"
}

put() {
        local path
        path=$(root_of "$1")$2
        mkdir -p "$(dirname "$path")" && cat >"$path"
}

address() {
        cut -d/ -f1 "$LAB_DIR/$1/addr"
}

root_of() {
        lab root "$1"
}

give_key() {
        put "$2" /etc/cluster/fence_xvm.key <"$(root_of "$1")/etc/fence-virt/keys/default.key" &&
                chmod 0600 "$(root_of "$2")/etc/cluster/fence_xvm.key"
}

# --- domains ---------------------------------------------------------------------------------------------------------
libvirt_up() {
        host "$1" systemctl start libvirtd.socket || die "libvirtd.socket does not start on $1"
        host "$1" timeout 60 virsh -q list >/dev/null || die "libvirtd does not answer on $1"
}

domain_xml() {
        cat <<XML
<domain type='qemu'>
  <name>$1</name>${2:+<uuid>$2</uuid>}
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64'>hvm</type></os>
  <devices/>
</domain>
XML
}

domain_define() {
        domain_xml "$2" "${3:-}" | put "$1" "/run/$2.xml"
        host "$1" virsh -q define "/run/$2.xml" >/dev/null || die "cannot define $2 on $1"
}

domain_start() {
        domain_define "$@"
        host "$1" virsh -q start "$2" >/dev/null || die "cannot start $2 on $1"
}

domain_state() {
        host "$1" virsh -q domstate "$2"
}

qemu_pid() {
        local pid
        pid=$(host "$1" cat "/run/libvirt/qemu/$2.pid" 2>/dev/null) && ! qemu_gone "$1" "$pid" && echo "$pid"
}

qemu_gone() {
        ! host "$1" grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$2/status"
}

# --- audit -----------------------------------------------------------------------------------------------------------
audit() {
        local name=$1
        shift
        host "$name" journalctl --sync
        host "$name" journalctl -t fence-virt -o json --no-pager "$@"
}

audit_field() {
        local name=$1 field=$2
        shift 2
        audit "$name" "$@" | tail -n 1 | python3 -c '
import json, sys
print(json.load(sys.stdin).get(sys.argv[1], ""))' "$field"
}
