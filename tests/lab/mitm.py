# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a man in the middle can do between agents and hosts: tests/harness/middle.py is his place, and here is what he tries.
Prints PASS and FAIL lines. An agent that reports success is right only when the domain is off by this very request, and a
host acts only when the guest asked for it; how domains are is asked from libvirt.

    mitm.py debian|raw|fx2 KEY_FILE AGENTS HOST=ROOT=PORT...
                debian: Debian's agents and hosts. The attacks have to succeed, or they prove nothing elsewhere.
                raw, fx2: our agents and hosts, with a key that both protocols may use, or with one for FX2 only.
                AGENTS: directory of fence_virt and fence_xvm. Two hosts: address, root (where libvirt's socket is), port"""

import collections
import concurrent.futures
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import middle  # noqa: E402

SUCCESS, IS_OFF = b'\0', b'\2'
UNKNOWN = 'vm9'         # no host has it: the true answer is a failure
DOMAINS = {'tcp': 'vm1', 'multicast': 'vm2'}
GUESTS = 8              # as one guest may not ask as often as this test does
LANES = 16
SIZES = {'packet': 176, 'challenge': 64, 'proof': 128, 'response': 64, 'answer': 65}
F2 = 0x80
Tape = collections.namedtuple('Tape', 'packet challenge proof response answer', defaults=(b'', b'', b'', b''))
Attempt = collections.namedtuple('Attempt', 'status said complaint result run')


class Host:
    def __init__(self, text):
        self.address, root, self.only_port = text.split('=')
        self.uri = f'test+unix:///default?socket={root}/run/libvirt/libvirt-sock'

    def port(self, _transport):
        return int(self.only_port)

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


# --- what he does ---
def refuse(talk):
    talk.hang_up()


def unchanged(_where, data):
    return data


def relay(talk, change=unchanged, host=None, other=None):
    """Passes a conversation on, and changes what he likes. other: the one whose packet the host gets."""
    packet = (other or talk).packet
    far = (other or talk).open(change('packet', packet), host)
    tape = Tape(talk.packet, talk.challenge() if far else b'')
    if tape.challenge:
        far.send(change('challenge', tape.challenge))
        tape = tape._replace(proof=far.read(SIZES['proof']))
    if len(tape.proof) == SIZES['proof']:
        talk.send(change('proof', tape.proof))
        tape = tape._replace(response=talk.read(SIZES['response']))
    if tape.response:
        far.send(change('response', tape.response))
        tape = tape._replace(answer=far.rest())
        talk.send(change('answer', tape.answer))
    talk.hang_up()
    if other:
        other.hang_up()
    return tape


def claim(answer):
    """The host's proof, and then an answer of his own: the host never hears of the guest again."""
    def cut(talk):
        far = talk.open(talk.packet)
        if far:
            far.send(talk.challenge())
            talk.send(far.read(SIZES['proof']))
            far.close()
            if talk.read(SIZES['response']):
                talk.send(answer)
        talk.hang_up()
    return cut


def forge(answer):
    return lambda talk: relay(talk, lambda where, data: answer if where == 'answer' else data)


# --- the test of one way between agents and hosts ---
class Bench:
    def __init__(self, name, transport, network, guests, hosts):
        self.name, self.transport, self.network, self.guests = f'{name}, {transport}', transport, network, guests
        self.host, self.other = hosts
        self.domain = DOMAINS[transport]
        self.lock = threading.Lock()
        self.numbers = {host: host.number(self.domain) for host in hosts}
        self.begin()

    def begin(self):
        self.conversations, self.wrong, self.unwanted = 0, [], []

    def passed(self, what):
        print(f'PASS {self.name}: {what}', flush=True)

    def failed(self, what, why):
        print(f'FAIL {self.name}: {what}: {why}', flush=True)

    def check(self, what, good, why):
        if good:
            self.passed(what)
        else:
            self.failed(what, why)

    def conclude(self, what):
        """PASS or FAIL for everything since the last time."""
        self.settle()
        text = (f'{what}: {self.conversations} conversations, {len(self.wrong)} false successes, '
                f'{len(self.unwanted)} unwanted actions')
        self.check(text, self.conversations and not self.wrong and not self.unwanted, (self.unwanted + self.wrong)[:4])
        self.begin()

    def settle(self, *wanted):
        """Compares what domains are with what they were, and starts them again. wanted: hosts that should have acted.
        Returns the hosts that did."""
        acted = []
        for host, before in self.numbers.items():
            if host.number(self.domain) != before:
                acted.append(host)
                if host not in wanted:
                    self.unwanted.append(f'{self.domain} on {host.address}')
            if not host.number(self.domain):
                host.virsh('start', self.domain)
            self.numbers[host] = host.number(self.domain)
        return acted

    def attempt(self, action, target, strategy, then=refuse, seconds=None, guest=0, hold=False):
        """One run of the agent. strategy: his first conversation with it; then: all further ones."""
        seconds = seconds or (1 if self.transport == 'multicast' else 10)
        run = middle.Run(self.network, self.guests[guest], self.host, self.transport, (action, target, seconds))
        talk = run.next()
        result = strategy(talk) if talk else None
        if hold:
            run.hold()
            return Attempt(None, '', '', result, run)
        while (talk := run.next()):
            then(talk)
        with self.lock:
            self.conversations += 1
        return Attempt(*run.end(), result, run)

    def no_success(self, what, *ask, **options):
        """Whatever the agent reports, it must be a failure."""
        attempt = self.attempt(*ask, **options)
        if attempt.status not in (1, 255) or attempt.said:
            with self.lock:
                self.wrong.append(f'{what}: status {attempt.status}, said "{attempt.said}"')
        return attempt

    def withhold(self, action, target):
        """A packet that no host has seen, and its agent is gone."""
        return self.attempt(action, target, lambda talk: talk, hold=True).result


# --- Debian's pair ---
def off_succeeds(attempt):
    return attempt.status == 0


def debian(b):
    def bites(what, attempt, *acted):
        ours = b.settle(*acted)
        b.check(f'{what} succeeds', off_succeeds(attempt) and ours == list(acted),
                f'status {attempt.status}, {len(ours)} hosts acted: {attempt.complaint.strip()}')

    bites('an honest request', b.attempt('off', b.domain, relay, seconds=10), b.host)
    bites('a forged success', b.attempt('off', UNKNOWN, forge(SUCCESS), seconds=10))
    bites('a flip of the status byte', b.attempt('off', UNKNOWN, flip('answer', 0), seconds=10))
    bites('cut and claim', b.attempt('off', b.domain, claim(SUCCESS), seconds=10))
    held = b.withhold('off', b.domain)
    bites('a withheld off in place of a status',
          b.attempt('status', b.domain, lambda talk: relay(talk, other=held), seconds=10), b.host)
    held = b.withhold('status', b.domain)
    bites('a withheld status in place of an off',
          b.attempt('off', b.domain, lambda talk: relay(talk, other=held), seconds=10))
    tape = b.attempt('off', b.domain, lambda talk: (talk, relay(talk)), seconds=10, hold=True).result
    b.settle(b.host)
    bites('a recorded off, replayed to another host',
          b.attempt('status', b.domain, lambda talk: relay(talk, host=b.other, other=tape[0]), seconds=10), b.other)


# --- flips ---
def flip(where, position, mask=1):
    def change(part, data):
        if part != where or len(data) <= position:
            return data
        return data[:position] + bytes([data[position] ^ mask]) + data[position + 1:]
    return lambda talk: relay(talk, change)


def main():
    kind, key, agents, *hosts = sys.argv[1:]
    hosts = [Host(text) for text in hosts]
    guests = [middle.Guest(f'10.77.0.{100 + i}', agents, key) for i in range(GUESTS)]
    switch = f'/run/netns/{os.environ["LAB_TAG"]}-sw'
    network = middle.Network(switch, [host.address for host in hosts], guests)
    names = {'debian': "Debian's pair", 'raw': 'ours, raw key', 'fx2': 'ours, FX2-only key'}
    benches = [Bench(names[kind], transport, network, guests, hosts) for transport in DOMAINS]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(debian, benches))


if __name__ == '__main__':
    main()
