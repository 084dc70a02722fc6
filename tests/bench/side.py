# SPDX-License-Identifier: LGPL-2.1-or-later
"""One side of the benchmark: runs as root in a lab host and measures what it is told, so that two hosts can be measured
in turns. Reads one JSON object a line from standard input, {"do": NAME, ...}, and answers with one.

    side.py debian|ours LOAD_PROGRAM"""

import glob
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts, wire  # noqa: E402
from harness.stall import Stallers, pids  # noqa: E402

TARGET = 'vm1'
GUESTS = 64                 # addresses of this machine, which is asked at each from itself: so many guests ask, not one
LIMIT = 10                  # seconds after which a raw client gives up


def pss_kib(pid):
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('Pss:'))


def switches(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        return sum(int(line.split()[1]) for line in file if 'ctxt_switches' in line)


class Side:
    def __init__(self, kind, load):
        self.kind, self.load_program = kind, load
        self.domains = hosts.Domains()
        self.host = None
        hosts.make_keys()
        hosts.make_guest_network()
        hosts.add_addresses(GUESTS, guests=True)
        with open(hosts.KEY, 'rb') as file:
            self.key = file.read()
        self.stallers = Stallers(self.key, TARGET)

    # --- set-up ---
    def domains_up(self, n, running):
        """vm1..vmN; only the first few run, since that is what takes memory in libvirtd."""
        self.domains.start([(f'vm{i}', i, i <= running) for i in range(1, n + 1)])
        return {}

    def host_up(self, transport, uris=(hosts.URI,), target=TARGET):
        self.host_down()
        make = hosts.Debian if self.kind == 'debian' else hosts.Ours
        self.host = make(transport, uri=uris)
        self.host.start()
        self.load(transport=transport, count=20, target=target)
        return {}

    def policy(self, groups, members):
        """So many groups, all of them for the key that asks: the first has vm1..vmM, and so on. None: everything is allowed."""
        for path in glob.glob('/etc/fence-virt/groups.d/*.conf'):
            os.unlink(path)
        for i in range(groups):
            names = ' '.join(f'vm{i * members + m}' for m in range(1, members + 1))
            hosts.write(f'/etc/fence-virt/groups.d/g{i:04}.conf', f'[Group]\nMembers={names}\nSources=key:contract\n')
        hosts.run('systemctl', 'reload', 'fence-virt-exec.service')
        return {}

    def machines_up(self, n):
        """qemu1..qemuN, real processes."""
        for i in range(1, n + 1):
            hosts.start_qemu(f'qemu{i}', 100 + i)
        return {}

    def also_up(self, transport):
        hosts.run('systemctl', 'start', f'fence-virt-listen@{transport}.socket')
        wire.ask(self.key, wire.STATUS, TARGET)
        return {}

    def machines_down(self, n):
        for i in range(1, n + 1):
            hosts.run('virsh', '-q', '-c', hosts.QEMU_URI, 'destroy', f'qemu{i}', check=False)
        return {}

    def host_down(self):
        if self.host:
            self.host.stop()
        self.host = None
        return {}

    # --- load ---
    def load(self, transport='tcp', agent=False, action='status', target=TARGET, clients=1, count=None, seconds=None,
             expect=None, guest=False):
        """Whole agents (True: this side's own, or the name of another's) or raw requests. guest: over the guests' link also
        for tcp."""
        argv = [self.load_program, '--clients', str(clients)]
        argv += ['--count', str(count)] if count else ['--seconds', str(seconds)]
        argv += ['--expect', str(expect if expect is not None else 253 if action == 'list' and not agent else 0)]
        argv += ['--host', '225.0.0.12'] if transport == 'multicast' else [
            '--host', hosts.FIRST_ADDRESS, '--addresses', str(GUESTS)]
        if transport == 'multicast' or guest:
            argv = ['nsenter', '--net=' + hosts.GUEST_NETNS, '--'] + argv
        if agent:
            program = 'fence_xvm' if transport == 'multicast' else 'fence_virt'
            kind = self.kind if agent is True else agent
            argv += ['--', f'/opt/agents/{kind}/{program}', '-k', hosts.KEY, '-o', action]
            argv += ['-H', target] if target else []
            argv += ['-T', '@'] if transport == 'tcp' else []
        else:
            argv += ['--transport', transport, '--key', hosts.KEY, '--action', action, '--target', target]
            argv += ['--own', hosts.GUEST_ADDRESS] if transport == 'multicast' else []
        return json.loads(hosts.run(*argv, timeout=900).stdout)

    def once(self, action=wire.STATUS, target=TARGET, limit=LIMIT):
        """One raw request over tcp, and how long it took, whatever came of it."""
        begin = time.monotonic()
        try:
            reply = wire.ask(self.key, action, target, timeout=limit)
        except OSError:
            reply = None
        return {'reply': reply, 'seconds': time.monotonic() - begin}

    def at_once(self, action, target, n):
        """One request about each of n domains, all at once: when the last answer came."""
        replies = [None] * n
        barrier = threading.Barrier(n + 1)

        def ask(index):
            barrier.wait()
            replies[index] = self.once(action, f'{target}{index + 1}', 60)['reply']

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        barrier.wait()
        begin = time.monotonic()
        for thread in threads:
            thread.join()
        return {'seconds': time.monotonic() - begin, 'failed': sum(r != 0 for r in replies)}

    def reboots(self, n):
        return self.at_once(wire.REBOOT, 'vm', n)

    def machines_off(self, n):
        answer = self.at_once(wire.OFF, 'qemu', n)
        for i in range(1, n + 1):
            hosts.run('virsh', '-q', '-c', hosts.QEMU_URI, 'start', f'qemu{i}', check=False)
        return answer

    # --- what hangs ---
    def stall(self, how):
        getattr(self.stallers, how)()
        return {}

    def other_libvirtd_up(self):
        self.stallers.other_libvirtd_up()
        return {}

    def relieve(self):
        self.stallers.relieve()
        return {}

    def quiet(self, seconds):
        time.sleep(seconds)
        return {}

    # --- others ---
    def libvirtd_down(self):
        self.domains.stop()
        hosts.run('systemctl', 'stop', 'libvirtd.socket', 'libvirtd-ro.socket', 'libvirtd-admin.socket',
                  'libvirtd.service')
        return {}

    def exposure(self, unit):
        out = hosts.run('systemd-analyze', 'security', '--no-pager', unit, check=False).stdout
        line = next(l for l in out.splitlines() if 'Overall exposure' in l)
        return {'exposure': float(line.split(': ')[1].split()[0])}

    def idle(self, seconds):
        """Nobody asks. What is there after it, and what it did."""
        names = {'debian': {'fence_virtd'}, 'ours': {'fenced-listen', 'fenced-exec', 'fenced-worker'}}[self.kind]
        ours = pids(names)
        before = {pid: switches(pid) for pid in ours}
        time.sleep(seconds)
        tcp = hosts.run('systemctl', 'show', '-P', 'MainPID', 'fence-virt-listen@tcp.service', check=False).stdout
        return {'processes': len(ours), 'same': sorted(pids(names)) == sorted(ours), 'tcp': int(int(tcp or 0) > 0),
                'pss_kib': sum(pss_kib(pid) for pid in ours),
                'wakeups': sum(switches(pid) - before[pid] for pid in ours)}



def main():
    side = Side(*sys.argv[1:])
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(side, order.pop('do'))(**order)
        except Exception as error:      # the other side goes on; the row says what went wrong
            answer = {'error': f'{type(error).__name__}: {error}'}
        print(json.dumps(answer), flush=True)
    side.relieve()
    side.host_down()
    side.domains.stop()


if __name__ == '__main__':
    main()
