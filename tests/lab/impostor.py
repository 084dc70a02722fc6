# SPDX-License-Identifier: LGPL-2.1-or-later
"""A listener that strangers have taken over (impostor-listener.py, as the user of serial ones) against the executor, while a
guest asks by a genuine one. It may drop and delay what passes through itself. It must not do more: no action, no answer for
others, no memory, no descriptor, no room that another listener needs."""

import ipaddress
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts, wire  # noqa: E402

IMPOSTOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'impostor-listener.py')
GUEST = '10.79.0.2'
DOMAINS = 3
CONNECTIONS, SESSIONS = 2, 512      # of one process
MEMORY_MARGIN = 4096                # KiB of PSS; allocators keep something
LATE = 5.0                          # seconds: agents wait six times as long


def check(name, ok, why=''):
    print(f'PASS {name}' if ok else f'FAIL {name}: {why}', flush=True)


def main_pid():
    return int(hosts.run('systemctl', 'show', '-P', 'MainPID', 'fence-virt-exec.service').stdout)


def pss_kib(pid):
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('Pss:'))


def n_fds(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


class Guest:
    """Asks all the time, by the genuine tcp listener."""

    def __init__(self, key):
        self.key = key
        self.replies, self.slowest = [], 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.05):
            begin = time.monotonic()
            try:
                self.replies.append(wire.ask(self.key, wire.STATUS, 'vm1', address=GUEST, timeout=20))
            except OSError as error:
                self.replies.append(str(error))
            self.slowest = max(self.slowest, time.monotonic() - begin)

    def end(self):
        self.over.set()
        self.thread.join()


def start(attack, *arguments, packets=()):
    process = subprocess.Popen(['setpriv', '--reuid=fence-virt-serial', '--regid=fence-virt-listen', '--clear-groups', '--',
                                sys.executable, IMPOSTOR, attack, *arguments],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write('\n'.join(p.hex() for p in packets))
    process.stdin.close()
    return process


def report(process):
    """The next line that an impostor prints."""
    line = process.stdout.readline()
    if not line:
        process.wait()
        raise RuntimeError(process.stderr.read().strip().splitlines()[-1:])
    return json.loads(line)


class Test:
    def __init__(self, key):
        self.key = key
        self.pid = main_pid()

    def packets(self, n, action=wire.OFF):
        return [wire.packet(self.key, action, 'vm1') for _ in range(n)]

    def datagrams(self, n):
        """Of as many guests: each from an address of its own."""
        first = int(ipaddress.IPv4Address('10.81.0.1'))
        return [wire.packet(self.key, wire.OFF, 'vm1', callback=(str(ipaddress.IPv4Address(first + i)), 1229))
                for i in range(n)]

    def attack(self, name, do):
        """Runs it while the guest asks."""
        guest = Guest(self.key)
        begin = time.monotonic()
        try:
            do()
        except Exception as error:      # the others are tried all the same
            check(name, False, f'{type(error).__name__}: {error}')
        while time.monotonic() - begin < 2:
            time.sleep(0.05)
        guest.end()
        print(f'{name}: the guest asked {len(guest.replies)} times, at most {guest.slowest * 1000:.0f} ms', file=sys.stderr)
        check(f'{name}: the guest is answered', guest.replies and set(guest.replies) == {0}, set(guest.replies))
        check(f'{name}: in time', guest.slowest < LATE, f'{guest.slowest:.1f} s')
        check(f'{name}: the executor is the same', main_pid() == self.pid)

    def each(self, attack, *arguments, packets=()):
        """An attack that reports name -> whether it came to nothing."""
        def do():
            process = start(attack, *arguments, packets=packets)
            for name, ok in report(process).items():
                check(f'{attack}: {name}', ok, ok)
            process.wait()
        self.attack(attack, do)

    # --- attacks that take what they can get ---
    def hold(self):
        marker = '/tmp/release-sessions'
        if os.path.exists(marker):
            os.unlink(marker)
        process = start('hold', marker, packets=self.datagrams(10000))
        found = report(process)
        check(f'10,000 sessions: {SESSIONS} are opened, on {CONNECTIONS} connections',
              (found['connections'], found['opened']) == (CONNECTIONS, SESSIONS), found)
        check('10,000 sessions: the others are told to wait', found['busy'] == found['asked'] - SESSIONS, found)
        # another process of the same user
        second = start('hold', marker, packets=self.datagrams(600))
        check('a second process of the same user has as much', report(second)['opened'] == SESSIONS)
        # a genuine listener begins
        hosts.run('systemctl', 'restart', 'fence-virt-listen@tcp.service')
        check('a listener that starts now gets in', wire.ask(self.key, wire.STATUS, 'vm1', address=GUEST) == 0)
        check('and can act', [wire.ask(self.key, action, 'vm3', address=GUEST) for action in (wire.REBOOT, wire.STATUS)] == [0, 0])
        hosts.write(marker, '')
        check('the sessions were kept', report(process)['kept'])
        process.wait()
        second.wait()

    def stuck(self):
        marker = '/tmp/release-descriptors'
        if os.path.exists(marker):
            os.unlink(marker)
        process = start('stuck', marker)
        found = report(process)
        check('descriptors that are stuck: the kernel lets its user have no more', found['stuck'] > 4000, found)
        time.sleep(2)
        hosts.write(marker, '')
        process.wait()

    def unread(self):
        found = report(start('unread'))
        check('answers that are not read: it is dropped', found['dropped'], found)

    def knock(self):
        found = report(start('knock', '4'))
        check('connections as fast as they can be made', found['connections'] > 100, found)

    def identify(self):
        found = report(start('identify', '4'))
        check('frames of nobody: none is believed', found['opened'] == 0, found)

    def run(self):
        self.attack('10,000 sessions', self.hold)
        self.each('sessions', packets=self.packets(20))
        self.each('origins', packets=self.packets(30) + self.datagrams(1))
        self.each('evidence', packets=self.packets(40))
        self.each('huge')
        self.each('others')
        self.each('drip')
        self.each('descriptors')
        self.attack('answers that are not read', self.unread)
        self.attack('connections without end', self.knock)
        self.attack('frames of nobody', self.identify)
        self.attack('descriptors that are stuck', self.stuck)


def main():
    hosts.make_keys()
    hosts.add_addresses(3)
    with open(hosts.KEY, 'rb') as file:
        key = file.read()
    domains = hosts.Domains()
    domains.start([(f'vm{i}', i, True) for i in range(1, DOMAINS + 1)])
    # the sessions that are opened are to be the private bus's to bound, not the requester's limits
    hosts.Ours('tcp', conf='[Limits]\nActionsPerSec=0\n').start()
    check('all is well', wire.ask(key, wire.STATUS, 'vm1', address=GUEST) == 0)
    ids = [domains.virsh('domid', f'vm{i}').stdout for i in (1, 2)]

    test = Test(key)
    test.hold()         # once before, so that what is kept for reuse is there
    memory, fds = pss_kib(test.pid), n_fds(test.pid)
    test.run()
    try:
        # workers are kept for a minute
        hosts.wait_until('the executor to settle',
                         lambda: n_fds(test.pid) <= fds and pss_kib(test.pid) <= memory + MEMORY_MARGIN, 120)
    except TimeoutError:
        pass
    check('its descriptors are as many as before', n_fds(test.pid) <= fds, f'{n_fds(test.pid)} instead of {fds}')
    check('its memory is as before', pss_kib(test.pid) <= memory + MEMORY_MARGIN, f'{pss_kib(test.pid)} KiB instead of {memory}')
    print(f'{memory} KiB before, {pss_kib(test.pid)} KiB after', file=sys.stderr)
    check('no domain was touched', [domains.virsh('domid', f'vm{i}').stdout for i in (1, 2)] == ids)


if __name__ == '__main__':
    main()
