# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts and domains for tests: Debian's fence_virtd, the product's units, and libvirt's test driver behind a real
libvirtd. Runs as root inside a lab host, whose state is thrown away: nothing is cleaned up that dies with it."""

import glob
import ipaddress
import os
import pwd
import subprocess
import time

URI = 'test+unix:///default?socket=/run/libvirt/libvirt-sock'
QEMU_URI = 'qemu:///system'
KEY = '/etc/test/key'
BAD_KEY = '/etc/test/badkey'
GUEST_NETNS = '/run/netns/guest'
HOST_ADDRESS = '10.78.0.1'
GUEST_ADDRESS = '10.78.0.2'
FIRST_ADDRESS = '10.79.0.1'
MODULES = '/usr/lib/*/fence-virt'     # of fence_virtd


def run(*argv, check=True, text=True, timeout=60, **options):
    return subprocess.run(argv, check=check, text=text, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def wait_until(what, condition, seconds=20.0):
    """Waits for an event that has no descriptor; the limit is generous, and passing it is an error."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f'{what}: not within {seconds:.0f} s')
        time.sleep(0.01)


def port_is_open(kind, port=1229):
    """Does a socket of this network namespace listen (tcp) or receive (udp) on the port?"""
    for family in ('', '6'):
        with open(f'/proc/net/{kind}{family}', encoding='ascii') as table:
            for line in list(table)[1:]:
                fields = line.split()
                if int(fields[1].rsplit(':', 1)[1], 16) == port and (kind == 'udp' or fields[3] == '0A'):
                    return True
    return False


def background(unit, *argv):
    """A program in a unit of its own, which outlives this process; end() ends it."""
    end(unit)
    run('systemd-run', '--quiet', '--collect', f'--unit={unit}', '--property=StandardOutput=null',
        '--property=StandardError=null', '--property=TimeoutStopSec=3', '--', *argv)


def end(unit):
    run('systemctl', 'stop', f'{unit}.service', check=False)


def write(path, content, mode=0o644, owner=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, mode)
    if owner:
        entry = pwd.getpwnam(owner)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def make_keys():
    """64 bytes: a length at which a key is safe with every hash."""
    write(KEY, bytes(range(64)), 0o600)
    write(BAD_KEY, bytes(range(100, 164)), 0o600)


def make_guest_network():
    """A network namespace for guests, on a link of its own: a host calls back other addresses than its own only."""
    if os.path.exists(GUEST_NETNS):
        return
    for command in ('ip netns add guest',
                    'ip link add g0 type veth peer name eth0 netns guest',
                    f'ip addr add {HOST_ADDRESS}/24 dev g0',
                    'ip link set g0 up',
                    'ip -n guest link set lo up',
                    f'ip -n guest addr add {GUEST_ADDRESS}/24 dev eth0',
                    'ip -n guest link set eth0 up',
                    'ip -n guest route add 224.0.0.0/4 dev eth0'):
        run(*command.split())


def add_addresses(n, guests=False):
    """n addresses of this host, from FIRST_ADDRESS on. Whoever asks at one of them asks from an address of its own: that one
    here, in the guests' network namespace another for each."""
    first, guest = (int(ipaddress.IPv4Address(a)) for a in (FIRST_ADDRESS, '10.80.0.1'))
    here, there = [], []
    for i in range(n):
        at, source = ipaddress.IPv4Address(first + i), ipaddress.IPv4Address(guest + i)
        here.append(f'addr replace {at}/32 dev lo')
        if guests:
            here.append(f'route replace {source} via {GUEST_ADDRESS}')
            there.append(f'addr replace {source}/32 dev eth0')
            there.append(f'route replace {at} via {HOST_ADDRESS} src {source}')
    run('ip', '-batch', '-', input='\n'.join(here))
    if guests:
        run('ip', '-n', 'guest', '-batch', '-', input='\n'.join(there))


def uuid(number):
    return f'00000000-0000-4000-8000-{number:012d}'


def domain_xml(name, number):
    return (f"<domain type='test'><name>{name}</name><uuid>{uuid(number)}</uuid><memory>8192</memory>"
            f"<vcpu>1</vcpu><os><type>hvm</type></os></domain>")


def qemu_xml(name, number):
    """A real process: it sits in its firmware, which is enough to be fenced."""
    return (f"<domain type='qemu'><name>{name}</name><uuid>{uuid(number)}</uuid><memory unit='MiB'>32</memory>"
            f"<os><type arch='x86_64'>hvm</type></os><devices/></domain>")


def start_qemu(name, number):
    write(f'/run/domains/{name}.xml', qemu_xml(name, number))
    run('virsh', '-q', '-c', QEMU_URI, 'define', f'/run/domains/{name}.xml')
    run('virsh', '-q', '-c', QEMU_URI, 'start', name)


def node_xml(domains):
    """For test:///FILE. domains: list of (name, number, running)."""
    body = ''.join(domain_xml(name, number).replace(
        "<domain type='test'>",
        "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>").replace(
        '</domain>', f"<test:runstate>{1 if running else 5}</test:runstate></domain>")
        for name, number, running in domains)
    return f'<node>{body}</node>'


CONTRACT_DOMAINS = [(f'vm{i}', i, i != 5) for i in range(1, 6)]


class Domains:
    """Domains of the test driver inside a libvirtd, which shares their state between all its connections as long as
    one of them is open: a unit of its own holds one."""

    def virsh(self, *argv, check=True, **options):
        return run('virsh', '-q', '-c', URI, *argv, check=check, **options)

    def start(self, domains):
        run('systemctl', 'start', 'libvirtd.socket')
        self.hold()
        wait_until('the holder', self.stock_is_gone)
        script = []
        for name, number, running in domains:
            write(f'/run/domains/{name}.xml', domain_xml(name, number))
            script.append(f'define /run/domains/{name}.xml\n' + (f'start {name}\n' if running else ''))
        self.virsh(input=''.join(script), timeout=300)
        found = len(self.virsh('list', '--all', '--name').stdout.split())
        if found != len(domains):
            raise RuntimeError(f'{found} domains instead of {len(domains)}')

    def hold(self):
        wait_until('libvirtd', lambda: self.virsh('list', check=False).returncode == 0)
        background('holder', 'virsh', '-q', '-c', URI, 'event', '--loop', '--event', 'lifecycle')

    def stock_is_gone(self):
        """Removes the domain that the driver comes with. That lasts as soon as the holder has connected."""
        self.virsh('destroy', 'test', check=False)
        self.virsh('undefine', 'test', check=False)
        return 'test' not in self.virsh('list', '--all', '--name').stdout.split()

    def set(self, name, running):
        if self.is_running(name) != running:
            self.virsh('start' if running else 'destroy', name)

    def is_running(self, name):
        return self.virsh('domstate', name).stdout.strip() == 'running'

    def stop(self):
        end('holder')


class Debian:
    """Debian's fence_virtd. transport: 'tcp' or 'multicast'."""

    def __init__(self, transport, uri=None, key=KEY, may=(), source='127.0.0.1', port=1229, interface='g0'):
        self.transport, self.uri, self.key, self.may, self.source = transport, uri, key, may, source
        self.port, self.interface = port, interface
        self.unit = f'debian-{transport}-{port}'

    def start(self):
        domains = f'/run/{self.unit}.xml'
        if self.uri is None:
            write(domains, node_xml(CONTRACT_DOMAINS))
        uris = [f'test://{domains}'] if self.uri is None else self.uri
        backend = ' '.join(f'uri{i or ""} = "{uri}";' for i, uri in enumerate(uris))
        where = ('address = "0.0.0.0";' if self.transport == 'tcp' else
                 f'address = "225.0.0.12"; interface = "{self.interface}";')
        members = ' '.join(f'uuid = "{name}";' for name in self.may)
        groups = f'groups {{ group {{ ip = "{self.source}"; {members} }} }}' if self.may else ''
        write(f'/run/{self.unit}.conf', f'''
fence_virtd {{ listener = "{self.transport}"; backend = "libvirt"; module_path = "{glob.glob(MODULES)[0]}"; }}
listeners {{ {self.transport} {{ key_file = "{self.key}"; port = "{self.port}"; {where} }} }}
backends {{ libvirt {{ {backend} }} }}
{groups}
''')
        background(self.unit, '/usr/sbin/fence_virtd', '-F', '-f', f'/run/{self.unit}.conf', '-p', f'/run/{self.unit}.pid')
        kind = 'tcp' if self.transport == 'tcp' else 'udp'
        wait_until('fence_virtd', lambda: port_is_open(kind, self.port))
        return self

    def stop(self):
        end(self.unit)


class Ours:
    """The installed product under systemd, as shipped. One group file; transports are sockets of the template.
    Its guests are network namespaces and other hosts, not domains: that has to be allowed for multicast."""

    def __init__(self, transport, uri=(URI,), key=KEY, may=(), source='key:contract', conf=''):
        self.transport, self.uri, self.key, self.may, self.source, self.conf = transport, uri, key, may, source, conf

    @property
    def listener(self):
        return f'fence-virt-listen@{self.transport}'

    def start(self):
        with open(self.key, 'rb') as file:
            write('/etc/fence-virt/keys/contract.key', file.read(), 0o600, 'fence-virt')
        policy = '' if self.may else '[Policy]\nDefault=allow\n'
        write('/etc/fence-virt/fence-virt.conf',
              '[Libvirt]\n' + ''.join(f'URI={u}\n' for u in self.uri) + policy +
              '[Multicast]\nLocalGuestsOnly=no\n' + self.conf)
        group = '/etc/fence-virt/groups.d/contract.conf'
        if self.may:
            write(group, f'[Group]\nMembers={" ".join(self.may)}\nSources={self.source}\n')
        elif os.path.exists(group):
            os.unlink(group)
        self.stop()     # a socket cannot be restarted under its service
        run('systemctl', 'start', 'fence-virt-exec.socket', 'fence-virt-exec.service')
        return self.listen()

    def listen(self):
        run('systemctl', 'start', f'{self.listener}.socket')
        if self.transport == 'multicast':       # joins when it starts
            run('systemctl', 'start', f'{self.listener}.service')
        return self

    def stop(self):
        run('systemctl', 'stop', f'{self.listener}.socket', f'{self.listener}.service',
            'fence-virt-exec.socket', 'fence-virt-exec.service', check=False)
