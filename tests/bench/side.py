# SPDX-License-Identifier: LGPL-2.1-or-later
"""One side of the benchmark: runs as root in a lab host and measures what it is told, so that two hosts can be measured
in turns. Reads one JSON object a line from standard input, {"do": NAME, ...}, and answers with one.

    side.py debian|ours LOAD_PROGRAM"""

import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts, wire  # noqa: E402

TARGET = 'vm1'
OTHER_URI = 'test+unix:///default?socket=/run/other/libvirt/libvirt-sock'
DEAD = '10.78.0.66'         # a guest that has died: its datagram was sent, nothing answers a call back
LIMIT = 10                  # seconds after which a raw client gives up


def pids(names):
    """Processes by the name of their program, in this host (its pid namespace)."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            program = os.path.basename(os.readlink(f'/proc/{pid}/exe'))
        except OSError:
            continue
        if program in names:
            found.append(int(pid))
    return found


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
        self.stallers = []
        self.stopped = []
        self.other = None
        hosts.make_keys()
        hosts.make_guest_network()
        with open(hosts.KEY, 'rb') as file:
            self.key = file.read()

    # --- set-up ---
    def domains_up(self, n, running):
        """vm1..vmN; only the first few run, since that is what takes memory in libvirtd."""
        self.domains.start([(f'vm{i}', i, i <= running) for i in range(1, n + 1)])
        return {}

    def host_up(self, transport, two_uris=False):
        self.host_down()
        make = hosts.Debian if self.kind == 'debian' else hosts.Ours
        self.host = make(transport, uri=[hosts.URI, OTHER_URI] if two_uris else [hosts.URI])
        self.host.start()
        self.load(transport=transport, count=20)
        return {}

    def also_up(self, transport):
        hosts.run('systemctl', 'start', f'fence-virt-listen@{transport}.socket')
        wire.ask(self.key, wire.STATUS, TARGET)
        return {}

    def host_down(self):
        if self.host:
            self.host.stop()
        self.host = None
        return {}

    # --- load ---
    def load(self, transport='tcp', agent=False, action='status', target=TARGET, clients=1, count=None, seconds=None,
             expect=None, guest=False):
        """Whole agents (this side's own) or raw requests. guest: over the guests' link also for tcp."""
        argv = [self.load_program, '--clients', str(clients)]
        argv += ['--count', str(count)] if count else ['--seconds', str(seconds)]
        argv += ['--expect', str(expect if expect is not None else 253 if action == 'list' and not agent else 0)]
        address = hosts.HOST_ADDRESS if guest else '127.0.0.1'
        if transport == 'multicast' or guest:
            argv = ['nsenter', '--net=' + hosts.GUEST_NETNS, '--'] + argv
        if agent:
            program = 'fence_xvm' if transport == 'multicast' else 'fence_virt'
            argv += ['--', f'/opt/agents/{self.kind}/{program}', '-k', hosts.KEY, '-o', action]
            argv += ['-H', target] if target else []
            argv += ['-T', address] if transport == 'tcp' else []
        else:
            argv += ['--transport', transport, '--key', hosts.KEY, '--action', action, '--target', target]
            argv += ['--host', '225.0.0.12', '--own', hosts.GUEST_ADDRESS] if transport == 'multicast' else [
                '--host', address]
        return json.loads(hosts.run(*argv, timeout=900).stdout)

    def once(self, action='status', target=TARGET):
        """One raw request over tcp, and how long it took, whatever came of it."""
        begin = time.monotonic()
        try:
            reply = wire.ask(self.key, {'status': wire.STATUS, 'reboot': wire.REBOOT}[action], target, timeout=LIMIT)
        except OSError:
            reply = None
        return {'reply': reply, 'seconds': time.monotonic() - begin}

    # --- what hangs ---
    def stall(self, how, transport='tcp'):
        getattr(self, f'stall_{how}')()
        time.sleep(0.3)     # until what is stalled is
        return {}

    def stall_silent(self):
        for _ in range(200):
            peer = socket.socket()
            peer.setblocking(False)
            peer.connect_ex(('127.0.0.1', wire.PORT))
            self.stallers.append(peer)

    def stall_callback(self):
        mac = hosts.run('ip', '-n', 'guest', '-br', 'link', 'show', 'eth0').stdout.split()[2]
        hosts.run('ip', 'neigh', 'replace', DEAD, 'lladdr', mac, 'dev', 'g0', 'nud', 'permanent')
        data = wire.packet(self.key, wire.STATUS, TARGET, callback=(DEAD, wire.PORT))
        hosts.run('nsenter', '--net=' + hosts.GUEST_NETNS, '--', sys.executable, '-c',
                  f'import sys; sys.path.insert(0, {sys.path[0]!r})\n'
                  f'from harness import wire; wire.send_datagram(bytes.fromhex("{data.hex()}"), "{DEAD}")')

    def stall_unread(self):
        """A list that is asked for and not read, over the guests' link: more than its buffers hold."""
        reader = subprocess.Popen(
            ['nsenter', '--net=' + hosts.GUEST_NETNS, '--', sys.executable, '-c',
             f'import socket, sys; sys.path.insert(0, {sys.path[0]!r})\n'
             f'from harness import wire\n'
             f's = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)\n'
             f's.connect(("{hosts.HOST_ADDRESS}", wire.PORT)); key = open("{hosts.KEY}", "rb").read()\n'
             f's.sendall(wire.packet(key, wire.LIST)); wire.handshake(s, key); print(flush=True); input()'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        reader.stdout.read(1)
        self.stallers.append(reader)

    def other_libvirtd_up(self):
        """A second hypervisor: another libvirtd, of which the host's second URI speaks."""
        os.makedirs('/run/other/libvirt', exist_ok=True)
        hosts.write('/run/other/libvirtd.conf', 'unix_sock_dir = "/run/other/libvirt"\nauth_unix_rw = "none"\n'
                    'unix_sock_rw_perms = "0777"\n')
        self.other = subprocess.Popen(
            ['unshare', '--mount', 'sh', '-c', 'for d in /var/lib/libvirt /etc/libvirt /run/libvirt; do mkdir -p $d; '
             'mount -t tmpfs tmpfs $d; done; exec libvirtd -f /run/other/libvirtd.conf -p /run/other/pid'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        hosts.wait_until('the other libvirtd', lambda: os.path.exists('/run/other/libvirt/libvirt-sock'))
        return {}

    def stop_process(self, pid):
        os.kill(pid, 19)
        self.stopped.append(pid)

    def stall_other_libvirtd(self):
        self.stop_process(self.other.pid)

    def stall_worker(self):
        for pid in pids({'fenced-worker'})[:1]:
            self.stop_process(pid)

    def relieve(self):
        for staller in self.stallers:
            if isinstance(staller, subprocess.Popen):
                staller.kill()
                staller.wait()
            else:
                staller.close()
        for pid in self.stopped:
            try:
                os.kill(pid, 18)
            except ProcessLookupError:
                pass
        self.stallers, self.stopped = [], []
        return {}

    # --- others ---
    def reboots(self, n):
        """n machines rebooted at once: when the last answer came. The machines are asked for by n raw clients."""
        for i in range(1, n + 1):
            self.domains.set(f'vm{i}', True)
        replies = [None] * n
        barrier = threading.Barrier(n + 1)

        def reboot(index):
            barrier.wait()
            replies[index] = self.once('reboot', f'vm{index + 1}')['reply']

        threads = [threading.Thread(target=reboot, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        barrier.wait()
        begin = time.monotonic()
        for thread in threads:
            thread.join()
        return {'seconds': time.monotonic() - begin, 'failed': sum(r != 0 for r in replies)}

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
        """After a minute of quiet, in which workers and tcp listeners end."""
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
