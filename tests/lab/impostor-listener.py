# SPDX-License-Identifier: LGPL-2.1-or-later
"""A listener that strangers have taken over, run as the user of one: tries what it should not, and prints one JSON
object about what came of it. From standard input it reads packets that guests have signed, in hexadecimal, one a line: what
passes through a listener it may keep.

    impostor-listener.py ATTACK [ARGUMENT...]
"""

import json
import os
import resource
import socket
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness.dbus import AUTH, Bus, Dropped, INTERFACE, SIGNAL, message, origin  # noqa: E402
from harness import wire  # noqa: E402

REFUSED = 'org.fencevirt1.Error.Refused'
BUSY = 'org.fencevirt1.Error.Busy'
FRAME = b'abba' + bytes([wire.OFF, 0]) + b'vm1'.ljust(64, b'\0') + b'seqn'
packets = []


def packet(multicast=False):
    """One that was not used yet: of those for multicast the third byte is the size of an address."""
    at = max(i for i, p in enumerate(packets) if (p[4:6] != '00') == multicast)
    return bytes.fromhex(packets.pop(at))


def tcp():
    """A connection over tcp, as of a guest; its address is ours."""
    s = socket.socket()
    s.connect(('127.0.0.1', 1229))
    return s


def is_error(answer):
    return isinstance(answer, str)


def survives(bus):
    """Whether the connection still is one: an Abort of nothing is answered."""
    try:
        return bus.call('Abort', 't', 1) == b''
    except (Dropped, TimeoutError):
        return False


def outcome(do):
    try:
        return do()
    except Dropped:
        return 'dropped'
    except TimeoutError:
        return 'no answer'


def next_bus():
    """After another was closed: the executor may not have noticed yet, and one process may have two."""
    for _ in range(100):
        try:
            return Bus()
        except Dropped:
            time.sleep(0.02)
    raise Dropped()


# --- sessions ---------------------------------------------------------------------------------------------------------
def sessions():
    """Sessions of others, used ones, guessed ones; calls out of order."""
    first, second, guest = Bus(), Bus(), tcp()
    challenge, proof = b'\xff' * 64, b'\x11' * 64
    found = {}

    theirs = first.open(packet(), guest.fileno(), origin('tcp'))
    found['opened'] = not is_error(theirs)
    found['foreign Prove'] = is_error(second.call('Prove', 't ay', theirs, challenge))
    found['foreign Commit'] = is_error(second.call('Commit', 't ay h', theirs, proof, 0, fds=[guest.fileno()]))
    second.call('Abort', 't', theirs)
    answer = first.call('Prove', 't ay', theirs, challenge)
    found['untouched by a foreign Abort'] = not is_error(answer)
    found['second Prove'] = first.call('Prove', 't ay', theirs, challenge) == REFUSED
    found['after a refusal it is gone'] = is_error(first.call('Prove', 't ay', theirs, challenge))

    mine = first.open(packet(), guest.fileno(), origin('tcp'))
    found['Commit without Prove'] = first.call('Commit', 't ay h', mine, proof, 0, fds=[guest.fileno()]) == REFUSED
    mine = first.open(packet(), guest.fileno(), origin('tcp'))
    first.call('Prove', 't ay', mine, challenge)
    found['wrong proof'] = first.call('Commit', 't ay h', mine, proof, 0, fds=[guest.fileno()]) == REFUSED
    found['reused after Commit'] = is_error(first.call('Commit', 't ay h', mine, proof, 0, fds=[guest.fileno()]))
    mine = first.open(packet(), guest.fileno(), origin('tcp'))
    found['Commit without a signature'] = first.call('Commit', 't ay h', mine, b'', 0, fds=[guest.fileno()]) == REFUSED
    mine = first.open(packet(), guest.fileno(), origin('tcp'))
    found['Prove with 63 bytes'] = is_error(first.call('Prove', 't ay', mine, challenge[:63]))
    found['guessed'] = all(is_error(first.call('Prove', 't ay', guess, challenge))
                           for guess in (0, 1, mine + 1, mine ^ 1, 2 ** 64 - 1, theirs))
    mine = first.open(packet(), guest.fileno(), origin('tcp'))
    first.close()
    found['gone with its connection'] = is_error(second.call('Prove', 't ay', mine, challenge))
    used = packet()
    second.open(used, guest.fileno(), origin('tcp'))
    found['a packet twice'] = second.open(used, guest.fileno(), origin('tcp')) == REFUSED
    return found


def origins():
    """Claims about where a request comes from."""
    guest, udp = tcp(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tricks = {
        'no transport': ([], guest),
        'an unknown one': (origin('fax'), guest),
        'an empty one': (origin(''), guest),
        'a long one': (origin('tcp' * 500), guest),
        'no string': ([('transport', 'u', 1)], guest),
        'multicast on a connection': (origin('multicast', b'\x0a\x4f\0\2'), guest),
        'tcp on a datagram socket': (origin('tcp'), udp),
        'vsock on tcp': (origin('vsock'), guest),
        'serial on tcp': (origin('serial'), guest),
        'multicast without a source': (origin('multicast'), udp),
        'a source of 3 bytes': (origin('multicast', b'\x0a\x4f\0'), udp),
        'a source of 17 bytes': (origin('multicast', bytes(17)), udp),
        'a source of a string': ([('transport', 's', 'multicast'), ('source', 's', '10.79.0.2')], udp),
        'another source than the packet says': (origin('multicast', b'\x0a\x4f\0\2'), udp),
    }
    found = {}
    for name, (claim, proof) in tricks.items():
        bus = next_bus()
        data = packet(multicast=name.startswith('another source'))
        found[name] = is_error(outcome(lambda: bus.open(data, proof.fileno(), claim)))
        bus.close()
    # what is not known is passed over, and a source over tcp decides nothing: the kernel's word does
    bus = next_bus()
    claim = origin('tcp') + [('source', 'ay', b'\x0a\x4f\0\2'), ('uid', 'u', 0), ('uuid', 's', 'x' * 36)]
    found['opened with the kernel\'s word'] = not is_error(bus.open(packet(), guest.fileno(), claim))
    return found


def evidence():
    """Descriptors that are no guest's."""
    directory = tempfile.mkdtemp()
    own = socket.socket(socket.AF_UNIX)
    own.bind(directory + '/own')
    own.listen(64)
    to_myself, pair = socket.socket(socket.AF_UNIX), socket.socketpair(socket.AF_UNIX)
    to_myself.connect(directory + '/own')
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind('\0impostor')
    abstract.listen(1)
    to_abstract = socket.socket(socket.AF_UNIX)
    to_abstract.connect('\0impostor')
    bus_of_executor, journal, dbus = (socket.socket(socket.AF_UNIX) for _ in range(3))
    bus_of_executor.connect('/run/fence-virt/exec.sock')
    journal.connect('/run/systemd/journal/stdout')
    dbus.connect('/run/dbus/system_bus_socket')
    unconnected, listening, pipe = socket.socket(), socket.socket(), os.pipe()
    listening.bind(('127.0.0.1', 0))
    listening.listen(1)
    guest = tcp()
    tricks = {
        'a file, serial': ('serial', FRAME, os.open('/etc/passwd', os.O_RDONLY)),
        'a file, tcp': ('tcp', None, os.open('/etc/passwd', os.O_RDONLY)),
        'a directory': ('tcp', None, os.open('/', os.O_RDONLY)),
        'a pipe': ('serial', FRAME, pipe[0]),
        '/dev/null': ('serial', FRAME, os.open('/dev/null', os.O_RDWR)),
        'a socket to itself': ('serial', FRAME, to_myself.fileno()),
        'the other end of it': ('serial', FRAME, own.accept()[0].detach()),
        'a listening socket': ('serial', FRAME, own.fileno()),
        'a pair': ('serial', FRAME, pair[0].fileno()),
        'an abstract socket': ('serial', FRAME, to_abstract.fileno()),
        "the executor's socket": ('serial', FRAME, bus_of_executor.fileno()),
        "the journal's socket": ('serial', FRAME, journal.fileno()),
        "the bus's socket": ('serial', FRAME, dbus.fileno()),
        'no connection': ('tcp', None, unconnected.fileno()),
        'a socket that listens': ('tcp', None, listening.fileno()),
        'a frame over tcp': ('tcp', FRAME, guest.fileno()),
        'a packet over serial': ('serial', None, to_myself.fileno()),
        'a packet with zeros over serial': ('serial', bytes(74), to_myself.fileno()),
    }
    found = {}
    for name, (transport, data, fd) in tricks.items():
        bus = next_bus()
        found[name] = is_error(outcome(lambda: bus.open(data or packet(), fd, origin(transport))))
        bus.close()
    bus = next_bus()
    found['no descriptor'] = is_error(outcome(lambda: bus.call('Open', 'ay h a{sv}', packet(), 0, origin('tcp'))))
    bus.close()
    bus = next_bus()
    found['a descriptor that did not come'] = is_error(outcome(
        lambda: bus.call('Open', 'ay h a{sv}', packet(), 7, origin('tcp'), fds=[guest.fileno()])))
    bus.close()
    # the request came by one connection and is to be answered on another: only of the same guest
    bus = next_bus()
    session = bus.open(packet(), guest.fileno(), origin('tcp'))
    bus.call('Prove', 't ay', session, b'\xff' * 64)
    found['Commit with another socket'] = bus.call('Commit', 't ay h', session, b'\1' * 64, 0, fds=[pair[0].fileno()]) == REFUSED
    return found


# --- amounts ----------------------------------------------------------------------------------------------------------
def many():
    """As many sessions, on as many connections as there are."""
    buses, opened, busy, other = [], 0, 0, 0
    for _ in range(16):
        try:
            buses.append(Bus())
        except Dropped:
            pass
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    total = len(packets)
    while packets:
        data = packet(multicast=True)
        answer = outcome(lambda: buses[len(packets) % len(buses)].open(data, udp.fileno(), origin('multicast', data[68:72])))
        opened += not is_error(answer)
        busy += answer == BUSY
        other += is_error(answer) and answer != BUSY
    return buses, {'connections': len(buses), 'asked': total, 'opened': opened, 'busy': busy, 'other': other}


def hold(marker):
    """Takes all it may, says so, and keeps it until its standard output is closed."""
    buses, found = many()
    print(json.dumps(found), flush=True)
    while not os.path.exists(marker):
        time.sleep(0.05)
    found['kept'] = all(survives(bus) for bus in buses)
    return found


def huge():
    """Messages that are too large, in all their parts; a long authentication. Each costs the connection."""
    m = message('Abort', 't', 1)
    filler = bytes(1024 * 1024)
    tricks = {
        'a body of 128 MB': m[:4] + struct.pack('<I', 128 << 20) + m[8:16] + filler,
        'fields of 128 MB': m[:12] + struct.pack('<I', 128 << 20) + filler,
        'a body of 4 GB': m[:4] + b'\xff' * 4 + m[8:16] + filler,
        'one of 4097 bytes': message('Open', 'ay', bytes(4096)),
        'the other endianness': b'B' + m[1:],
        'garbage': os.urandom(64) + filler,
    }
    found = {}
    for name, data in tricks.items():
        for _ in range(20):
            bus = next_bus()
            outcome(lambda: bus.send(data))
            found[name] = not survives(bus)
            bus.close()
    for name, data in {'an authentication without an end': b'\0' + b'AUTH EXTERNAL\r\n' * 100000,
                       'a line of it': b'\0AUTH ' + filler, 'a request of the web': b'GET / HTTP/1.0\r\n\r\n' + filler,
                       'messages before it': AUTH.replace(b'DATA', b'DATA ' + b'f' * 1000) + m}.items():
        bus = Bus(auth=None)
        outcome(lambda: bus.send(data))
        bus.input = b''
        found[name] = outcome(lambda: [bus.receive() for _ in range(1000)]) == 'dropped'
        bus.close()
    bus = next_bus()
    found['the largest allowed is read, and refused'] = is_error(bus.call('Open', 'ay', bytes(3900)))
    found['and costs nothing'] = survives(bus)
    return found


def others():
    """What sd-bus itself would answer, at length: costs the connection."""
    found = {}
    for name, data in {
            'Introspect': message('Introspect', interface='org.freedesktop.DBus.Introspectable'),
            'Ping': message('Ping', interface='org.freedesktop.DBus.Peer'),
            'GetAll': message('GetAll', 's', INTERFACE, interface='org.freedesktop.DBus.Properties'),
            'a signal': message('Open', kind=SIGNAL),
    }.items():
        bus = next_bus()
        outcome(lambda: bus.send(data))
        found[name] = not survives(bus)
        bus.close()
    bus = next_bus()
    for name, data in {
            'an answer to nothing': message('Open', kind=2),
            'an end that is not its own to say': message(
                'Disconnected', kind=SIGNAL, interface='org.freedesktop.DBus.Local', path='/org/freedesktop/DBus/Local'),
    }.items():
        bus.send(data)
        found[f'{name} is passed over'] = survives(bus)
    found['a method that there is not'] = is_error(outcome(lambda: bus.call('Fence', 's', 'vm1')))
    found['another path'] = is_error(outcome(lambda: (bus.send(message('Abort', 't', 1, path='/', serial=9)), bus.answer())[1][1]))
    return found


def drip():
    """One byte at a time, and nothing whole: the connection may stay, it holds nobody up."""
    buses = [Bus(), Bus(auth=None)]
    start = time.monotonic()
    m = message('Abort', 't', 1)
    while time.monotonic() - start < 3:
        for data, bus in zip((m[:-1], AUTH[:-1]), buses):
            for i in range(len(data)):
                bus.send(data[i:i + 1])
                time.sleep(0.002)
            bus.close()
        buses = [Bus(), Bus(auth=None)]
    return {'done': True}


def descriptors():
    """Thousands of them, in the messages and stuck in sockets of its own."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))    # as LimitNOFILE= of listeners
    null = os.open('/dev/null', os.O_RDWR)
    found, refused = {}, 0
    for n in (3, 100, 253):
        for _ in range(20):
            bus = next_bus()
            outcome(lambda: bus.send(message('Abort', 't', 1, n_fds=n), [null] * n))
            refused += not survives(bus)
            bus.close()
    found['more than two in a message'] = refused == 60
    bus = next_bus()
    m = message('Abort', 't', 1)
    for i in range(3):
        outcome(lambda: bus.send(m[i:i + 1], [null]))
    outcome(lambda: bus.send(m[3:]))
    found['more than two in parts of one'] = not survives(bus)
    return found


def stuck(marker):
    """As many descriptors on their way as the kernel lets one user have, in sockets that nobody reads."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    null = os.open('/dev/null', os.O_RDWR)
    pairs, n = [], 0
    try:
        while True:
            pairs.append(socket.socketpair())
            pairs[-1][0].setblocking(False)
            try:
                while True:
                    socket.send_fds(pairs[-1][0], [b'x'], [null] * 253)
                    n += 253
            except BlockingIOError:
                pass
    except OSError as error:
        found = {'stuck': n, 'errno': error.errno}
    print(json.dumps(found), flush=True)
    while not os.path.exists(marker):
        time.sleep(0.05)
    return found


def unread():
    """Calls whose answers it does not read, as fast as it can."""
    bus = Bus(timeout=5)
    sent = 0
    data = b''.join(message('Prove', 't ay', i, bytes(64), serial=i + 1) for i in range(100))
    start = time.monotonic()
    try:
        while time.monotonic() - start < 60:
            bus.send(data)
            sent += 100
    except (Dropped, TimeoutError) as error:
        return {'sent': sent, 'dropped': isinstance(error, Dropped)}
    return {'sent': sent, 'dropped': False}


def knock(seconds):
    """Connects and hangs up, as fast as it can."""
    n, start = 0, time.monotonic()
    while time.monotonic() - start < float(seconds):
        with socket.socket(socket.AF_UNIX) as s:
            s.setblocking(False)
            n += s.connect_ex('/run/fence-virt/exec.sock') == 0
    return {'connections': n}


def identify(seconds):
    """Frames that are nobody's: libvirt is asked about each."""
    directory = tempfile.mkdtemp()
    own = socket.socket(socket.AF_UNIX)
    own.bind(directory + '/own')
    own.listen(64)
    s = socket.socket(socket.AF_UNIX)
    s.connect(directory + '/own')
    bus, n, start = Bus(), 0, time.monotonic()
    while time.monotonic() - start < float(seconds):
        for _ in range(32):
            bus.post('Open', 'ay h a{sv}', FRAME, 0, origin('serial'), fds=[s.fileno()])
        for _ in range(32):
            n += bus.answer()[1] is None
    return {'opened': n}


def main():
    attack, *arguments = sys.argv[1:]
    packets.extend(sys.stdin.read().split())
    print(json.dumps(globals()[attack](*arguments)), flush=True)


if __name__ == '__main__':
    main()
