# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges runs of agents that a man in the middle tampers with (middle.py): an agent that reports success is right only when
the domain is off by this very request, and a host acts only when the guest asked for it. How domains are is asked from
libvirt."""

import collections
import concurrent.futures
import subprocess
import sys
import threading

from . import middle

TRANSPORTS = 'tcp', 'multicast'
DOMAINS = {'tcp': 'vm1', 'multicast': 'vm2'}    # both transports are tried at once
LANES = 32
FAILURES = 1, 255       # exit statuses of an agent that has learned nothing
Attempt = collections.namedtuple('Attempt', 'status said complaint result run')


class Host:
    """text: ADDRESS=ROOT=PORT; libvirt's socket is below ROOT."""

    def __init__(self, text):
        self.address, root, port = text.split('=')
        self.port = int(port)
        self.uri = f'test+unix:///default?socket={root}/run/libvirt/libvirt-sock'

    def virsh(self, *argv):
        return subprocess.run(['virsh', '-q', '-c', self.uri, *argv], check=True, stdout=subprocess.PIPE, text=True,
                              timeout=60).stdout

    def number(self, domain):
        """Its number while it runs, a new one with every start; None while it is off."""
        for line in self.virsh('list').splitlines():
            number, name, _ = line.split(maxsplit=2)
            if name == domain:
                return number
        return None


class Bench:
    """One way between agents and hosts. hosts: the one that is asked, and another."""

    def __init__(self, name, transport, network, guests, hosts):
        self.name, self.transport, self.network, self.guests = f'{name}, {transport}', transport, network, guests
        self.host, self.other = hosts
        self.domain = DOMAINS[transport]
        self.lock = threading.Lock()
        self.numbers = {host: host.number(self.domain) for host in hosts}
        self.total = [0, 0, 0]
        self.begin()

    def begin(self):
        self.conversations, self.wrong, self.unwanted = 0, [], []

    def verdict(self, what, numbers, why):
        text = '{}: {} conversations, {} false successes, {} unwanted actions'.format(what, *numbers)
        self.check(text, numbers[0] and not any(numbers[1:]), why)

    def check(self, what, good, why=''):
        line = f'PASS {self.name}: {what}\n' if good else f'FAIL {self.name}: {what}: {why}\n'
        sys.stdout.write(line)      # in one piece, as two write at once
        sys.stdout.flush()

    def conclude(self, what):
        """PASS or FAIL for everything since the last time."""
        self.settle()
        numbers = self.conversations, len(self.wrong), len(self.unwanted)
        self.verdict(what, numbers, (self.unwanted + self.wrong)[:4])
        self.total = [x + y for x, y in zip(self.total, numbers)]
        self.begin()

    def settle(self, *wanted):
        """Compares what domains are with what they were, and starts them again. wanted: hosts that had reason to act.
        Returns the hosts that did."""
        acted = []
        for host, before in self.numbers.items():
            now = host.number(self.domain)
            if now != before:
                acted.append(host)
                if host not in wanted:
                    self.unwanted.append(f'{self.domain} on {host.address}')
            if not now:
                host.virsh('start', self.domain)
                now = host.number(self.domain)
            self.numbers[host] = now
        return acted

    def count(self):
        with self.lock:
            self.conversations += 1

    def blame(self, what):
        with self.lock:
            self.wrong.append(what)

    def attempt(self, action, target, strategy, then=middle.Talk.hang_up, seconds=10, guest=None, hold=False):
        """One run of the agent. strategy: his first conversation with it; then: all further ones. hold: the agent is gone
        after the first, and its packet can still be used."""
        run = middle.Run(self.network, guest or self.guests[0], self.host, self.transport, (action, target, seconds))
        talk = run.next()
        result = strategy(talk) if talk else None
        if hold:
            run.hold()
            return Attempt(None, '', '', result, run)
        while (talk := run.next()):
            then(talk)
        self.count()
        return Attempt(*run.end(), result, run)

    def fails(self, what, action, target, strategy, seconds=None, guest=None):
        """Whatever the agent reports, it must be a failure. strategy returns whether it came so far as to do its harm; if
        not, the machine was too busy, and it is tried again with more time."""
        first = seconds or (10 if self.transport == 'tcp' else 1)
        for limit in (first, 3 * first, 9 * first):
            attempt = self.attempt(action, target, strategy, seconds=limit, guest=guest)
            if attempt.status not in FAILURES or attempt.said:
                self.blame(f'{what}: status {attempt.status}, said "{attempt.said}"')
            if attempt.result:
                return
        self.blame(f'{what}: he never came so far')

    def called_once(self, what, action, target, strategy, guest):
        """The agent succeeds, by the true datagram. strategy returns whether the changed one was answered as well."""
        attempt = self.attempt(action, target, strategy, guest=guest)
        if attempt.status != 0 or attempt.result:
            self.blame(f'{what}: called back twice {attempt.result}, status {attempt.status}')

    def each(self, test, cases):
        """test(*case, guest=...) for all of them, many at once, and by all guests: one alone may not ask so often."""
        def one(numbered):
            number, case = numbered
            test(*case, guest=self.guests[number % len(self.guests)])
        with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
            list(lanes.map(one, enumerate(cases)))

    def withhold(self, action, target, guest=None):
        """A conversation whose packet no host has seen, and its agent is gone."""
        return self.attempt(action, target, lambda talk: talk, guest=guest, hold=True).result

    def nothing(self, what, data):
        """What a host must not have said."""
        if data:
            self.blame(f'{what}: the host said something')
