# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the stages of tools/check share.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"
export LAB_TAG=${LAB_TAG:-chk}

# build NAME MESON-OPTION...: builds build-check/NAME, with the compiler of $CC. Two stages may ask for the same one.
build() {
        local name=$1 dir=build-check/$1
        shift
        mkdir -p build-check
        (
                flock 9
                if [ ! -e "$dir/build.ninja" ]; then
                        rm -rf "$dir" # a setup that was interrupted
                        meson setup "$dir" "$@" 9>&-
                fi
                ninja -C "$dir" 9>&-
        ) 9>"build-check/$name.lock"
}

build_gcc() {
        CC=gcc build gcc -Dtests=enabled
}

build_sanitize() {
        CC=clang build sanitize -Dtests=enabled -Db_sanitize=address,undefined -Db_lundef=false
}

# meson_test NAME SUITE [OPTION...]: one line for each case, as far as the tests name their cases.
meson_test() {
        local dir=build-check/$1 rc=0
        shift
        # the machine may be busy: time is for tests that hang
        meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier 10 --suite "$@" || rc=$?
        tools/check.d/results-to-lines "$dir/meson-logs/testlog.json"
        return $rc
}

# run_scripts DIRECTORY: every executable file there is a test; it says PASS NAME or FAIL NAME: WHY, and its exit status
# tells. One that says nothing has failed.
run_scripts() {
        local script name log rc failed=0
        mkdir -p build-check/logs
        for script in "$1"/*; do
                name=$(basename "$1")/$(basename "$script")
                if [ ! -f "$script" ] || [ ! -x "$script" ]; then
                        if [ -f "$script" ] && head -n 1 "$script" | grep -q '^#!'; then
                                echo "FAIL $name: a script that is not executable"
                                failed=1
                        fi
                        continue
                fi
                log=build-check/logs/${name//\//-}.log
                rc=0
                tools/lab down-all --force # what a script that was killed has left
                timeout --foreground -k 30 900 "$script" >"$log" 2>"$log.err" || rc=$?
                sed -nE "s|^(PASS\|FAIL) |&$name: |p" "$log"
                if ! grep -qE '^(PASS|FAIL) ' "$log"; then
                        echo "FAIL $name: tested nothing, and ended with $rc: $(tail -n 1 "$log.err")"
                elif [ $rc != 0 ] && ! grep -q '^FAIL ' "$log"; then
                        echo "FAIL $name: ended with $rc: $(tail -n 1 "$log.err")"
                fi
                [ $rc = 0 ] || failed=1
        done
        return $failed
}
