# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of the listener, the executor and the workers at random moments while guests ask. A guest may hear a failure;
what else it hears must be true. Afterwards everything must be back without help.

Half of the domains are real QEMU processes, half are those of libvirt's test driver, which are quick."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts  # noqa: E402
from harness.stall import pids  # noqa: E402

REQUESTS = 200
GUESTS = 8              # each with a domain of its own, so that nobody else changes what it looks at
QEMU_GUESTS = 2
PROGRAMS = ('fenced-listen', 'fenced-exec', 'fenced-worker')
PAUSE = (0.1, 1.2)    # seconds between two kills
BACK = 20.0             # seconds within which services are back
SEED = random.randrange(1 << 32)


class Machine:
    """A domain, and the truth about it, which does not come from the product."""

    def __init__(self, name, number, uri):
        self.name, self.uri = name, uri
        self.random = random.Random(SEED + number)

    def virsh(self, *argv):
        return hosts.run('virsh', '-q', '-c', self.uri, *argv, self.name).stdout.strip()

    def is_running(self):
        return self.virsh('domstate') == 'running'

    def run_id(self):
        """Another one for each time that the domain was started."""
        return self.virsh('domid')


def ask(machine, action, transport):
    argv = ['fence_virt', '-T', '127.0.0.1'] if transport == 'tcp' else [
        'nsenter', '--net=' + hosts.GUEST_NETNS, '--', 'fence_xvm']
    return subprocess.run([*argv, '-k', hosts.KEY, '-t', '10', '-o', action, '-H', machine.name],
                          capture_output=True, check=False).returncode


def lie(machine, action, status, before, id_before):
    """What is untrue about an answer, or None. A failure claims nothing, and what failed may still come to its end: a
    call to libvirt goes on when the worker that made it is killed."""
    after = machine.is_running()
    if action == 'status' and status in (0, 2) and (status == 0) not in (before, after):
        return f'status {status}, but it is {"on" if after else "off"}'
    if status != 0:
        return None
    if action == 'off' and after:
        return 'off succeeded, but it runs'
    if action == 'on' and not after:
        return 'on succeeded, but it does not run'
    if action == 'reboot' and before and after and machine.run_id() == id_before:
        return 'reboot succeeded, but it was never off'
    return None


class Chaos:
    def __init__(self, machines):
        self.machines = machines
        self.left = REQUESTS
        self.lock = threading.Lock()
        self.lies, self.statuses = [], []
        self.killed = dict.fromkeys(PROGRAMS, 0)
        self.over = threading.Event()

    def take(self):
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def guest(self, machine):
        # multicast agents need port 1229 for themselves: one guest uses it
        transport = 'multicast' if machine is self.machines[0] else 'tcp'
        while self.take():
            action = machine.random.choice(['off', 'on', 'reboot', 'status'])
            before = machine.is_running()
            id_before = machine.run_id()
            status = ask(machine, action, transport)
            untrue = lie(machine, action, status, before, id_before)
            with self.lock:
                self.statuses.append(status)
                if untrue:
                    self.lies.append(f'{machine.name} {action}: {untrue}')

    def killer(self):
        dice = random.Random(SEED)
        while not self.over.wait(dice.uniform(*PAUSE)):
            program = dice.choice(PROGRAMS)
            victims = pids({program})
            if victims:
                try:
                    os.kill(dice.choice(victims), signal.SIGKILL)
                    self.killed[program] += 1
                except ProcessLookupError:
                    pass

    def run(self):
        killer = threading.Thread(target=self.killer)
        guests = [threading.Thread(target=self.guest, args=(machine,)) for machine in self.machines]
        killer.start()
        for guest in guests:
            guest.start()
        for guest in guests:
            guest.join()
        self.over.set()
        killer.join()


def check(name, ok, why):
    print(f'PASS {name}' if ok else f'FAIL {name}: {why} (seed {SEED})', flush=True)


def main():
    hosts.make_keys()
    hosts.make_guest_network()
    machines = []
    hosts.Domains().start([(f'vm{i}', i, True) for i in range(QEMU_GUESTS + 1, GUESTS + 1)])
    for i in range(1, GUESTS + 1):
        machine = Machine(f'vm{i}', i, hosts.QEMU_URI if i <= QEMU_GUESTS else hosts.URI)
        if i <= QEMU_GUESTS:
            hosts.start_qemu(machine.name, i)
        machines.append(machine)
    hosts.Ours('tcp', uri=[hosts.QEMU_URI, hosts.URI]).start()
    hosts.Ours('multicast').listen()
    check('all is well before', all(ask(m, 'status', 'tcp') == 0 for m in machines), 'a status failed')

    chaos = Chaos(machines)
    begin = time.monotonic()
    chaos.run()
    seconds = time.monotonic() - begin
    good = sum(status in (0, 2) for status in chaos.statuses)
    print(f'{len(chaos.statuses)} requests in {seconds:.0f} s, {good} answered; killed: {chaos.killed}', file=sys.stderr)
    check(f'{REQUESTS} requests, and every answer is true', not chaos.lies, '; '.join(chaos.lies))
    check('each of the programs was killed', min(chaos.killed.values()) >= 3, chaos.killed)
    check('not everything failed', good >= REQUESTS // 10, f'{good} of {REQUESTS} answered')

    end = time.monotonic() + BACK
    for machine in machines:
        transport = 'multicast' if machine is machines[0] else 'tcp'
        while (status := ask(machine, 'status', transport)) not in (0, 2) and time.monotonic() < end:
            pass
        check(f'{machine.name} is answered again', status == (0 if machine.is_running() else 2), f'status {status}')
    failed = hosts.run('systemctl', 'list-units', '--failed', '--plain', '--no-legend', 'fence*').stdout.strip()
    check('no unit has failed', not failed, failed)


if __name__ == '__main__':
    main()
