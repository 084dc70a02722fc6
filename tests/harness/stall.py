# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can hang: peers, guests, libvirtd, workers. For asking whether anybody else notices."""

import os
import signal
import socket
import subprocess
import sys
import time

from . import hosts, wire

DEAD = '10.78.0.66'         # a guest that has died: its datagram was sent, nothing answers a call back
OTHER_URI = 'test+unix:///default?socket=/run/other/libvirt/libvirt-sock'


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


def in_guest(code):
    """Python in the guests' network."""
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return ['nsenter', '--net=' + hosts.GUEST_NETNS, '--', sys.executable, '-c',
            f'import socket, sys; sys.path.insert(0, {tests!r})\nfrom harness import wire\n{code}']


class Stallers:
    def __init__(self, key, target):
        self.key, self.target = key, target
        self.peers, self.programs, self.stopped = [], [], []
        self.other = None

    def silent(self):
        """200 tcp peers that say nothing."""
        for _ in range(200):
            peer = socket.socket()
            peer.setblocking(False)
            peer.connect_ex(('127.0.0.1', wire.PORT))
            self.peers.append(peer)
        time.sleep(0.3)     # until the host has taken in what it takes in

    def callback(self):
        """A signed request by multicast from a guest that does not answer any more: SYNs vanish."""
        mac = hosts.run('ip', '-n', 'guest', '-br', 'link', 'show', 'eth0').stdout.split()[2]
        hosts.run('ip', 'neigh', 'replace', DEAD, 'lladdr', mac, 'dev', 'g0', 'nud', 'permanent')
        data = wire.packet(self.key, wire.STATUS, self.target, callback=(DEAD, wire.PORT))
        hosts.run(*in_guest(f'wire.send_datagram(bytes.fromhex("{data.hex()}"), "{DEAD}")'))
        time.sleep(0.3)     # until the host calls back

    def unread(self):
        """A list that is asked for and not read, over the guests' link: more than its buffers hold."""
        reader = subprocess.Popen(in_guest(
            f's = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)\n'
            f's.connect(("{hosts.HOST_ADDRESS}", wire.PORT)); key = bytes.fromhex("{self.key.hex()}")\n'
            f's.sendall(wire.packet(key, wire.LIST)); wire.handshake(s, key); s.recv(1); print(flush=True); input()'),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        reader.stdout.read(1)
        self.programs.append(reader)

    def other_libvirtd_up(self):
        """A second hypervisor, at OTHER_URI."""
        os.makedirs('/run/other/libvirt', exist_ok=True)
        hosts.write('/run/other/libvirtd.conf', 'unix_sock_dir = "/run/other/libvirt"\nauth_unix_rw = "none"\n'
                    'unix_sock_rw_perms = "0777"\n')
        hosts.background('other-libvirtd', 'unshare', '--mount', 'sh', '-c',
                         'for d in /var/lib/libvirt /etc/libvirt /run/libvirt; do mkdir -p $d; mount -t tmpfs tmpfs $d; '
                         'done; exec libvirtd -f /run/other/libvirtd.conf -p /run/other/pid')
        hosts.wait_until('the other libvirtd', lambda: os.path.exists('/run/other/libvirt/libvirt-sock'))

    def stop(self, pid):
        os.kill(pid, signal.SIGSTOP)
        self.stopped.append(pid)

    def other_libvirtd(self):
        self.stop(int(hosts.run('systemctl', 'show', '-P', 'MainPID', 'other-libvirtd').stdout))

    def worker(self):
        """All workers that are warm."""
        for pid in pids({'fenced-worker'}):
            self.stop(pid)

    def relieve(self):
        for peer in self.peers:
            peer.close()
        for program in self.programs:
            program.kill()
            program.wait()
        for pid in self.stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass        # a stopped worker was killed and replaced
        self.peers, self.programs, self.stopped = [], [], []
