# SPDX-License-Identifier: LGPL-2.1-or-later
"""A man in the middle between guests and the hosts of a lab. To the guests he has the addresses of the hosts, to the hosts those
of the guests, and nothing gets from one side to the other but by him:

    guest ---+                              +--- host
             +-- near [he] [he] far -- switch
    guest ---+                              +--- host

His networks and the guests' belong to this process and vanish with it. Runs as root on the machine, not in a host."""

import contextlib
import ctypes
import itertools
import os
import select
import socket
import struct
import subprocess
import threading
import time

from . import wire

CLONE_NEWNET = 0x40000000
GROUP = '225.0.0.12'
PATIENCE = 20.0     # for what comes at once, on a busy machine
libc = ctypes.CDLL(None, use_errno=True)


def set_namespace(fd):
    if libc.setns(fd, CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), 'setns')


class Namespace:
    """A network; `with` one, the calling thread opens sockets and starts programs there."""
    own = os.open('/proc/self/ns/net', os.O_RDONLY | os.O_CLOEXEC)

    def __init__(self, path=None):
        if path:
            self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            return
        if libc.unshare(CLONE_NEWNET) < 0:
            raise OSError(ctypes.get_errno(), 'unshare')
        self.fd = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        set_namespace(self.own)

    def __enter__(self):
        set_namespace(self.fd)

    def __exit__(self, *_):
        set_namespace(self.own)

    def ip(self, command, *others):
        """others: namespaces that the command calls {0}, {1}..."""
        with self:
            subprocess.run(['ip'] + command.format(*(f'/proc/self/fd/{o.fd}' for o in others)).split(), check=True,
                           pass_fds=[o.fd for o in others], stdout=subprocess.PIPE, timeout=PATIENCE)

    def listen(self, address, port):
        with self:
            return socket.create_server((address, port))


class Guest:
    """agents: the directory of its fence_virt and fence_xvm."""

    def __init__(self, address, agents, key):
        self.address, self.agents, self.key = address, agents, key
        self.namespace = Namespace()

    def start(self, transport, ask, port, host):
        """ask: (action, target, seconds)"""
        action, target, seconds = ask
        program = ['fence_virt', '-T', host] if transport == 'tcp' else ['fence_xvm', '-r', '10']
        program[0] = os.path.join(self.agents, program[0])
        what = ['-n', target] if target else []
        with self.namespace:
            return subprocess.Popen(program + ['-k', self.key, '-p', str(port), '-t', str(seconds), '-o', action] + what,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Network:
    """hosts: their addresses. switch: path of the network namespace with the bridge br0 that they are on."""

    def __init__(self, switch, hosts, guests):
        self.near, self.far = Namespace(), Namespace()
        self.ports = itertools.count(2000)      # a new one for each run: nothing of another can be mistaken for it
        self.lock = threading.Lock()
        self.near.ip('link add br0 type bridge mcast_snooping 0 stp_state 0 forward_delay 0')
        for address in hosts:
            self.near.ip(f'addr add {address}/24 dev br0')
        self.near.ip('link set br0 up')
        plug, switch = f'p-{os.getpid()}', Namespace(switch)
        # always the same MAC: hosts remember it longer than a network lives
        switch.ip(f'link add {plug} master br0 type veth peer name eth0 address 02:00:00:00:00:fe netns {{0}}', self.far)
        switch.ip(f'link set {plug} up')
        for i, guest in enumerate(guests):
            self.near.ip(f'link add p{i} master br0 type veth peer name eth0 netns {{0}}', guest.namespace)
            self.near.ip(f'link set p{i} up')
            self.plug_in(guest.namespace, guest.address)
            self.far.ip(f'addr add {guest.address}/24 dev eth0')
        self.far.ip('link set eth0 up')
        self.far.ip('route add 224.0.0.0/4 dev eth0')

    @staticmethod
    def plug_in(namespace, address):
        namespace.ip('link set lo up')
        namespace.ip(f'addr add {address}/24 dev eth0')
        namespace.ip('link set eth0 up')
        namespace.ip('route add 224.0.0.0/4 dev eth0')

    def port(self):
        with self.lock:
            return next(self.ports)

    def group(self, port):
        """What guests send to the group."""
        with self.near:
            heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                             struct.pack('=4sii', socket.inet_aton(GROUP), 0, socket.if_nametoindex('br0')))
        heard.bind((GROUP, port))
        return heard


class Stream:
    """A connection whose end is an expected outcome: then less is read, or nothing sent. peer: None when there is none."""

    def __init__(self, peer):
        self.peer = peer
        if peer:
            peer.settimeout(PATIENCE)

    def send(self, data):
        with contextlib.suppress(OSError):
            if self.peer:
                self.peer.sendall(data)

    def read(self, size):
        try:
            return wire.read(self.peer, size) if self.peer else b''
        except OSError:
            return b''

    def rest(self):
        return self.read(1 << 24)

    def close(self):
        if self.peer:
            self.peer.close()


class Talk(Stream):
    """One conversation, seen from him: Stream is what leads to the guest. He has read the packet, and no more."""

    def __init__(self, run, packet, peer=None):
        super().__init__(peer)
        self.run, self.packet = run, packet
        self.hosts = []

    def challenge(self):
        """Of the guest. By multicast it gets a call first, from the address of the host."""
        if not self.peer:
            self.peer = self.run.call_guest()
        return self.read(64)

    def open(self, packet, host=None, wait=None):
        """Lets a host have the packet, as if from the guest. None when it does not call back before `wait` seconds or the
        end of the agent."""
        host = host or self.run.host
        peer = self.run.dial(packet, host) if self.run.transport == 'tcp' else self.run.announce(packet, host, wait)
        if not peer:
            return None
        self.hosts.append(Stream(peer))
        return self.hosts[-1]

    def open_also(self, host):
        """Another host, with the packet that one has had from open() already."""
        peer = self.run.dial(self.packet, host) if self.run.transport == 'tcp' else self.run.called(host)
        self.hosts.append(Stream(peer))
        return self.hosts[-1]

    def hang_up(self):
        for stream in self.hosts:
            stream.close()
        self.close()


class Run:
    """One run of an agent that wants to ask `host`, with him in the middle."""

    def __init__(self, network, guest, host, transport, ask):
        self.network, self.guest, self.host, self.transport = network, guest, host, transport
        self.port = network.port()
        if transport == 'tcp':
            self.listener, self.heard = network.near.listen(host.address, self.port), None
        else:
            self.listener, self.heard = network.far.listen(guest.address, self.port), network.group(self.port)
        self.process = guest.start(transport, ask, self.port, host.address)
        self.ended = os.pidfd_open(self.process.pid)
        self.callers = {}       # hosts that have called back, by address

    def wait(self, for_what, seconds=None):
        """False when the agent ended first, or after that time."""
        poll = select.poll()
        poll.register(for_what, select.POLLIN)
        if self.ended is not None:
            poll.register(self.ended, select.POLLIN)
        ready = poll.poll(None if seconds is None else 1000 * seconds)
        return any(fd == for_what.fileno() for fd, _ in ready)

    def next(self):
        """The next conversation; None when there is none any more. Repetitions by multicast are conversations, too."""
        if not self.wait(self.heard or self.listener):
            return None
        if self.heard:
            return Talk(self, self.heard.recv(2048))
        peer = self.listener.accept()[0]
        peer.settimeout(PATIENCE)
        return Talk(self, wire.read(peer, 176), peer)

    def call_guest(self):
        with self.network.near:
            try:
                return socket.create_connection((self.guest.address, self.port), PATIENCE, (self.host.address, 0))
            except OSError:
                return None     # it does not listen any more

    def dial(self, packet, host):
        with self.network.far:
            peer = socket.create_connection((host.address, host.port), PATIENCE, (self.guest.address, 0))
        peer.sendall(packet)
        return peer

    def announce(self, packet, host, seconds):
        with self.network.far:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
                sender.bind((self.guest.address, 0))
                sender.sendto(packet, (GROUP, host.port))
        return self.called(host, seconds)

    def called(self, host, seconds=None):
        """By this host. All that hear the group call back, and another that did so meanwhile is kept until it is asked for."""
        end = time.monotonic() + (PATIENCE if seconds is None else seconds)
        while host.address not in self.callers and self.wait(self.listener, max(end - time.monotonic(), 0)):
            peer, (address, _) = self.listener.accept()
            self.callers[address] = peer
        return self.callers.pop(host.address, None)

    def call_guest(self):
        with self.network.near:
            try:
                return socket.create_connection((self.guest.address, self.port), PATIENCE, (self.host.address, 0))
            except OSError:
                return None     # it does not listen any more

    def dial(self, packet, host):
        with self.network.far:
            peer = socket.create_connection((host.address, host.port), PATIENCE, (self.guest.address, 0))
        peer.sendall(packet)
        return peer

    def announce(self, packet, host, seconds):
        with self.network.far:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
                sender.bind((self.guest.address, 0))
                sender.sendto(packet, (GROUP, host.port))
        return self.called(host, seconds)

    def hold(self):
        """Ends the agent and keeps its packets usable: hosts may still call back its port."""
        self.process.kill()
        self.process.communicate()
        os.close(self.ended)
        self.ended = None

    def end(self):
        """(exit status, what it said, what it complained of). Nothing is answered any more."""
        for stream in (self.listener, self.heard, *self.callers.values()):
            if stream:
                stream.close()
        said, complaint = self.process.communicate()
        if self.ended is not None:
            os.close(self.ended)
            self.ended = None
        return self.process.returncode, said, complaint
