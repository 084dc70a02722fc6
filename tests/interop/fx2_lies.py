# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every way of lying that sections 4 to 6 of docs/fx2.md forbid, on top of fx2.py. A liar holds the key, which is more
than most have, and says one thing that is wrong; a guest or host that does not notice gets on as if nothing was."""

import base64
import hashlib
import os
import socket
import time

import fx2

# --- hosts ------------------------------------------------------------------------------------------------------------


def another_key(key):
    """Of the same kind."""
    secret = os.urandom(48)
    return fx2.Key(b'FENCE-FX2-KEY\n' + base64.b64encode(secret) if key.only else secret)


class Conversation:
    """What a lying host knows when it speaks; the values of the document as properties."""

    def __init__(self, key, p, cg, ch, body):
        self.key, self.p, self.cg, self.ch, self.body = key, p, cg, ch, body

    def prove(self, purpose, *parts):
        return self.key.prove(purpose, *(parts or (self.p, self.cg, self.ch)))

    def tag(self, body=None, purpose='result', p=None, cg=None, ch=None):
        return self.key.prove(purpose, p or self.p, cg or self.cg, ch or self.ch, self.body if body is None else body)

    def v1(self, challenge, name='sha256'):
        """Whatever the document says about the key and the challenge."""
        return hashlib.new(name, self.key.secret + challenge).digest().ljust(64, b'\0')

    def other(self, **changes):
        """P with something changed, and the right MAC."""
        fields = fx2.Fields._make(fx2.LAYOUT.unpack(self.p))._replace(**changes)
        data = fx2.LAYOUT.pack(*fields)
        return data[:112] + self.key.packet_mac(fields.hash, data)


def flip(data, at, bit=0):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


# name -> what is sent instead of Rh || Ch
FIRST = {
    'Rh is random': lambda c: os.urandom(64) + c.ch,
    'Rh is zeros': lambda c: bytes(64) + c.ch,
    'Rh has its first bit flipped': lambda c: flip(c.prove('host'), 0, 7) + c.ch,
    'Rh has its last bit flipped': lambda c: flip(c.prove('host'), 63) + c.ch,
    'Rh is cut to 32 bytes': lambda c: c.prove('host')[:32] + bytes(32) + c.ch,
    'Rh is the Cg': lambda c: c.cg + c.ch,
    'Rh is the Rg': lambda c: c.prove('guest') + c.ch,
    'Rh is made with k_result': lambda c: c.prove('result') + c.ch,
    'Rh is made with k_packet': lambda c: c.prove('packet') + c.ch,
    'Rh is of a repetition that was not sent': lambda c: c.prove('host', c.other(random=bytes(6)), c.cg, c.ch) + c.ch,
    'Rh is of another action': lambda c: c.prove('host', c.other(action=fx2.LIST), c.cg, c.ch) + c.ch,
    'Rh is of another target': lambda c: c.prove('host', c.other(target=b'vm9'), c.cg, c.ch) + c.ch,
    'Rh is of P without its MAC': lambda c: c.prove('host', c.p[:112] + bytes(64), c.cg, c.ch) + c.ch,
    'Rh is of another Cg': lambda c: c.prove('host', c.p, b'fx2guest' + bytes(56), c.ch) + c.ch,
    'Rh is of another Ch': lambda c: c.prove('host') + c.key.host_challenge(),
    'Rh is of another key': lambda c: another_key(c.key).prove('host', c.p, c.cg, c.ch) + c.ch,
    'Ch is the Cg': lambda c: c.prove('host', c.p, c.cg, c.cg) + c.cg,
    'Rh alone': lambda c: c.prove('host'),
    'Rh and half of Ch': lambda c: c.prove('host') + c.ch[:32],
    'nothing': lambda c: b'',
    'silence': lambda c: b'',
    'v1, with the Ch of a host of FX2': lambda c: c.v1(c.cg) + c.ch,
    'v1, with the Ch of another conversation': lambda c: c.v1(c.cg) + c.key.host_challenge(),
    'v1, with a Ch that could be a packet': lambda c: c.v1(c.cg) + b'\x01\x02\x00\x80' + os.urandom(60),
    'v1, with the Cg as Ch': lambda c: c.v1(c.cg) + c.cg,
    'v1, with the Cg of another guest': lambda c: c.v1(c.cg) + b'fx2guest' + os.urandom(56),
    'v1 with another hash': lambda c: c.v1(c.cg, 'sha512') + os.urandom(64),
    'v1 with another key': lambda c: hashlib.sha256(os.urandom(64) + c.cg).digest() + bytes(32) + os.urandom(64),
}
# an honest host of v1, as (Rh || Ch, body)
OLD_HOST = (lambda c: c.v1(c.cg) + os.urandom(64), lambda c: c.body)

# name -> what is sent instead of body || T, where body is a success
RESULT = {
    'no T': lambda c: c.body,
    'T is random': lambda c: c.body + os.urandom(64),
    'T is zeros': lambda c: c.body + bytes(64),
    'T has its first bit flipped': lambda c: c.body + flip(c.tag(), 0, 7),
    'T has its last bit flipped': lambda c: c.body + flip(c.tag(), 63),
    'T lacks a byte': lambda c: c.body + c.tag()[:63],
    'T is of a failure': lambda c: c.body + c.tag(b'\x01'),
    'T is of a denial': lambda c: c.body + c.tag(b'\x03'),
    'T is of no body': lambda c: c.body + c.tag(b''),
    'T is of the body twice': lambda c: c.body + c.tag(c.body * 2),
    'T is of another Cg': lambda c: c.body + c.tag(cg=b'fx2guest' + bytes(56)),
    'T is of another Ch': lambda c: c.body + c.tag(ch=c.key.host_challenge()),
    'T is of a repetition that was not sent': lambda c: c.body + c.tag(p=c.other(random=bytes(6))),
    'T is of another action': lambda c: c.body + c.tag(p=c.other(action=fx2.MONITOR)),
    'T is of another target': lambda c: c.body + c.tag(p=c.other(target=b'vm9')),
    'T is the Rh': lambda c: c.body + c.prove('host'),
    'T is the Rg': lambda c: c.body + c.prove('guest'),
    'T is made with k_host': lambda c: c.body + c.tag(purpose='host'),
    'T is made with k_guest': lambda c: c.body + c.tag(purpose='guest'),
    'T is of another key': lambda c: c.body + another_key(c.key).prove('result', c.p, c.cg, c.ch, c.body),
    'T comes before the body': lambda c: c.tag() + c.body,
    'nothing after Rg': lambda c: b'',
    'silence after Rg': lambda c: b'',
    'silence instead of T': lambda c: c.body,
    'silence in the midst of T': lambda c: c.body + c.tag()[:60],
    'a body that does not exist': lambda c: b'\x04' + c.tag(b'\x04'),
}
RESULT_OFF = {
    '"is off" in answer to off': lambda c: b'\x02' + c.tag(b'\x02'),
    'a list in answer to off': lambda c: fx2.make_list([]) + c.tag(fx2.make_list([])),
}
RESULT_STATUS = {
    'on became off': lambda c: b'\x02' + c.tag(b'\x00'),
}
RESULT_LIST = {
    'a status in answer to list': lambda c: b'\x00' + c.tag(b'\x00'),
    'the list is cut, T stays': lambda c: c.body[:131] + c.body[-131:] + c.tag(),
    'records are exchanged': lambda c: c.body[:1] + c.body[131:261] + c.body[1:131] + c.body[261:] + c.tag(),
    'a state is flipped': lambda c: flip(c.body, 129) + c.tag(),
    'a name is changed': lambda c: flip(c.body, 3) + c.tag(),
    'the list ends with an error': lambda c: c.body[:-1] + b'\x01' + c.tag(c.body[:-1] + b'\x01'),
    'a record is added': lambda c: c.body[:131] + c.body[1:] + c.tag(),
    'the list does not end': lambda c: c.body[:-131],
    'the list ends without a zero': lambda c: c.body[:-1] + c.tag(c.body[:-1]),
    'the list has too many records': lambda c: b'\xfd' + c.body[1:131] * 70000 + bytes(131) + c.tag(),
}

# after these the host hangs up although it has not said everything; after those it does not hang up
SHORT = [FIRST[name] for name in ('Rh alone', 'Rh and half of Ch', 'nothing')]
SILENT = [RESULT[name] for name in ('silence after Rg', 'silence instead of T', 'silence in the midst of T')]


class Liar(fx2.Host):
    """Goes on as if it had been believed. `proofs` counts what guests have answered to Rh || Ch, `told` the lies."""

    def __init__(self, keys, answer, first=None, result=None):
        super().__init__(keys, answer, log=lambda line: None)
        self.lie_first, self.lie_result, self.proofs, self.told = first, result, 0, 0

    def converse(self, sock, key, fields, packet):
        deadline = time.monotonic() + fx2.DEADLINE
        cg = fx2.receive(sock, 64, deadline)
        c = Conversation(key, packet, cg, key.host_challenge(), self.answer(fields))
        self.told += self.lie_first is not None
        sock.sendall(self.lie_first(c) if self.lie_first else c.prove('host') + c.ch)
        if self.lie_first in SHORT:
            sock.shutdown(socket.SHUT_WR)
        fx2.receive(sock, 64, deadline)
        self.proofs += 1
        self.told += self.lie_result is not None
        sock.sendall(self.lie_result(c) if self.lie_result else c.body + c.tag())
        if self.lie_result in SILENT:
            fx2.receive(sock, 1, deadline)


class Garbage(Liar):
    """Random bytes in one of the fields, and sometimes the wrong number of them."""

    FIELDS = ('Rh', 'Ch', 'body', 'T', 'Rh || Ch', 'body || T')

    def __init__(self, keys, answer, field, random):
        super().__init__(keys, answer, self.garbled_first, self.garbled_result)
        self.field, self.random = field, random

    def garble(self, name, value):
        if name != self.field:
            return value
        while True:
            size = self.random.choice((len(value), len(value), len(value), self.random.randrange(300)))
            garbage = self.random.randbytes(size)
            if not garbage.startswith(value):
                return garbage

    def garbled_first(self, c):
        return self.garble('Rh || Ch', self.garble('Rh', c.prove('host')) + self.garble('Ch', c.ch))

    def garbled_result(self, c):
        return self.garble('body || T', self.garble('body', c.body) + self.garble('T', c.tag()))


# --- guests -----------------------------------------------------------------------------------------------------------


class Mumbler:
    """One conversation with a host, of which one part is wrong; `bytes_of` says what came back."""

    def __init__(self, key, address, multicast, target):
        self.key, self.address, self.multicast, self.target = key, address, multicast, target
        self.listener = None

    def packet(self, change=None, sign=None, **options):
        """A packet of the guest's, with changed fields, signed as its hash says or by `sign`."""
        guest = fx2.Guest(self.key, fx2.STATUS, self.target, **options)
        if not self.multicast:
            data = guest.packet()
        else:
            own = self.listen()
            data = guest.packet(socket.AF_INET, socket.inet_aton(own[0]), own[1])
        if not change:
            return data
        data = fx2.LAYOUT.pack(*fx2.Fields._make(fx2.LAYOUT.unpack(data))._replace(mac=b'', **change))
        return data[:112] + (sign or self.sign)(data)

    def sign(self, data):
        return self.key.packet_mac(data[1], data)

    def sign_v1(self, data):
        """Also with a key that must not."""
        return hashlib.sha256(self.key.secret + data[:112] + bytes(64)).digest().ljust(64, b'\0')

    def sign_fx2(self, data):
        return self.key.prove('packet', data[:112] + bytes(64))

    def listen(self):
        if not self.listener:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect((self.address, fx2.PORT))
                self.listener = socket.create_server((probe.getsockname()[0], 0))
        return self.listener.getsockname()

    def reach(self, packet):
        if not self.multicast:
            sock = socket.create_connection((self.address, fx2.PORT), 5)
            sock.sendall(packet)
            return sock
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as group:
            group.sendto(packet, (fx2.GROUPS[socket.AF_INET], fx2.PORT))
        self.listener.settimeout(1)
        return self.listener.accept()[0]

    def bytes_of(self, packet, cg, proof=None):
        """What the host says from Cg on; proof(Rh || Ch) makes the guest's answer."""
        said = b''
        try:
            with self.reach(packet) as sock:
                sock.settimeout(5)
                sock.sendall(cg)
                while len(said) < 128:
                    part = sock.recv(128 - len(said))
                    if not part:
                        return said
                    said += part
                if not proof:
                    return said
                sock.sendall(proof(said))
                while part := sock.recv(4096):
                    said += part
        except ConnectionError:
            pass
        except TimeoutError:
            said += b'' if self.multicast and not said else b' and then silence'
        return said

    def own_cg(self):
        return b'fx2guest' + os.urandom(56)

    def host_challenge(self, **options):
        """A Ch that the host itself has made."""
        return self.bytes_of(self.packet(**options), self.own_cg())[64:]

    def wrong_proof(self, make):
        packet, cg = self.packet(), self.own_cg()
        return self.bytes_of(packet, cg, lambda said: make(packet, cg, said[:64], said[64:], self.key))

    def twice(self):
        packet = self.packet()
        first = self.bytes_of(packet, self.own_cg())
        if len(first) != 128:
            return b'the first one was refused'
        return self.bytes_of(packet, self.own_cg())


# name -> what a guest does that a host must not answer; for which kinds of key, and whether its form alone is wrong, so
# that no record says what it wanted. Such ones are not neighbours.
NO_BYTE = {
    'F2 without the sentinel': ('raw only', lambda m: m.bytes_of(m.packet(), os.urandom(64))),
    '0x10 without F2': ('only form', lambda m: m.bytes_of(m.packet({'flags': 0}), os.urandom(64))),
    'F2 with half a sentinel': ('raw only', lambda m: m.bytes_of(m.packet(), b'fx2g' + bytes(60))),
    'the sentinel without F2': ('raw', lambda m: m.bytes_of(m.packet(f2=False), m.own_cg())),
    'a raw key with 0x10': ('raw', lambda m: m.bytes_of(m.packet({'hash': 0x10}, m.sign_fx2), m.own_cg())),
    'a raw key with 0x10 and the MAC of v1': (
        'raw', lambda m: m.bytes_of(m.packet({'hash': 0x10}, m.sign_v1), m.own_cg())),
    'an FX2-only key with a hash of v1': ('only', lambda m: m.bytes_of(m.packet({'hash': 2}, m.sign_v1), m.own_cg())),
    'an unknown flag': ('only form', lambda m: m.bytes_of(m.packet({'flags': 0x82}), m.own_cg())),
    'an FX2-only key in v1': (
        'only', lambda m: m.bytes_of(m.packet({'hash': 2, 'flags': 0}, m.sign_v1), os.urandom(64))),
    'an FX2-only key with a hash of v1 and its own MAC': (
        'only', lambda m: m.bytes_of(m.packet({'hash': 2}, m.sign_fx2), m.own_cg())),
    'a port over tcp, or none over multicast': (
        'only form', lambda m: m.bytes_of(m.packet({'port': 0 if m.multicast else 1}), m.own_cg())),
    'a reflected challenge': ('raw only', lambda m: m.bytes_of(m.packet(), m.host_challenge())),
    'a reflected challenge in v1': ('raw', lambda m: m.bytes_of(m.packet(f2=False), m.host_challenge())),
    'a challenge that could be a packet': (
        'raw', lambda m: m.bytes_of(m.packet(f2=False), b'\x01\x02\x00\x00' + os.urandom(60))),
    'F2 was removed': ('raw', lambda m: m.bytes_of(flip(m.packet(), 3, 7), m.own_cg())),
    'F2 was added': ('raw', lambda m: m.bytes_of(flip(m.packet(f2=False), 3, 7), m.own_cg())),
    'the action was changed': ('raw only', lambda m: m.bytes_of(flip(m.packet(), 0), m.own_cg())),
    'an address that is too long': ('only form', lambda m: m.bytes_of(m.packet({'addrlen': 16}), m.own_cg())),
    'the last bit of the MAC': ('only', lambda m: m.bytes_of(flip(m.packet(), 175), m.own_cg())),
    'a byte behind the MAC of v1': ('raw', lambda m: m.bytes_of(flip(m.packet(), 175), m.own_cg())),
    'a packet that was seen': ('raw only', lambda m: m.twice()),
    'another key': ('raw only', lambda m: Mumbler.bytes_of(m, stranger(m).packet(), m.own_cg())),
}


def stranger(m):
    """As m, with another key of the same kind."""
    other = Mumbler(another_key(m.key), m.address, m.multicast, m.target)
    m.listen()
    other.listener = m.listener
    return other


# name -> what is sent instead of Rg: the host has said 128 bytes, and says nothing more
NO_ANSWER = {
    'Rg is random': lambda p, cg, rh, ch, k: os.urandom(64),
    'Rg has a bit flipped': lambda p, cg, rh, ch, k: flip(k.prove('guest', p, cg, ch), 63),
    'Rg is the Rh': lambda p, cg, rh, ch, k: rh,
    'Rg is the Ch': lambda p, cg, rh, ch, k: ch,
    'Rg is made with k_host of Ch': lambda p, cg, rh, ch, k: k.prove('host', ch),
    'Rg is of another packet': lambda p, cg, rh, ch, k: k.prove('guest', flip(p, 0), cg, ch),
    'Rg is of another Cg': lambda p, cg, rh, ch, k: k.prove('guest', p, flip(cg, 63), ch),
    'Rg is of v1': lambda p, cg, rh, ch, k: hashlib.sha256(k.secret + ch).digest().ljust(64, b'\0'),
}
