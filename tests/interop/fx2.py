# SPDX-License-Identifier: LGPL-2.1-or-later
"""FX2 written a second time, from docs/fx2.md alone: both ends, with nothing but the standard library.

Methods of Guest and Host are small, so that a test can override one of them and have an end that lies.
"""

import base64
import collections
import contextlib
import hashlib
import hmac
import os
import re
import socket
import struct
import threading
import time
import unicodedata
from socket import AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_IPV6

GROUPS = {AF_INET: '225.0.0.12', AF_INET6: 'ff05::3:1'}
NULL, OFF, REBOOT, ON, STATUS, MONITOR, LIST = range(7)
SUCCESS, FAILURE, IS_OFF, DENIED, LISTING = 0, 1, 2, 3, 0xFD
F2, IS_UUID, ONLY = 0x80, 0x01, 0x10
PORT, BEGIN = 1229, b'fx2guest'
HASHES = {1: 'sha1', 2: 'sha256', 3: 'sha512'}
JOIN = {AF_INET: (IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, '@4xi'), AF_INET6: (IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, '@I')}
FAMILIES = {(4, 2): AF_INET, (16, 10): AF_INET6}
LAYOUT = struct.Struct('<4B64s28sH6sII64s')
KEY_MARK, PURPOSES = b'FENCE-FX2-KEY', ('tag', 'host', 'guest', 'result', 'packet')
RECORD, MAX_RECORDS, REMEMBERED, DEADLINE = 130, 65536, 64, 20

Fields = collections.namedtuple('Fields', 'action hash addrlen flags target address port random sequence family mac')
Answer = collections.namedtuple('Answer', 'protocol status records')
same = hmac.compare_digest


class Refused(Exception):
    """The other end, a packet, or a file is not what the document asks for."""


def need(condition, why):
    if not condition:
        raise Refused(why)


class Key:
    """Sections 2 and 3."""

    def __init__(self, data):
        self.only = data.startswith(KEY_MARK)
        need(len(data) <= 4096, 'key too long')
        if self.only:
            form = re.fullmatch(KEY_MARK + rb'\n([A-Za-z0-9+/\n]+(=\n*){0,2})', data)
            need(form, 'not the form of an FX2-only key')
            text = form.group(1).replace(b'\n', b'')
            need(len(text) % 4 == 0, 'base64 without its padding')
            data = base64.b64decode(text, validate=True)
            need(base64.b64encode(data) == text, 'bits behind the end of the base64')
        need(len(data) >= (32 if self.only else 16), 'secret too short')
        self.secret = data
        self.prk = hmac.digest(b'fence-fx2', data, 'sha512')
        self.keys = {x: hmac.digest(self.prk, b'fx2 %s\1' % x.encode(), 'sha512') for x in PURPOSES}

    def prove(self, purpose, *parts):
        return hmac.digest(self.keys[purpose], b''.join(parts), 'sha512')

    def old(self, name, data):
        """H(secret || data), the only thing that v1 knows."""
        need(not self.only, 'v1 with an FX2-only key')
        return hashlib.new(name, self.secret + data).digest().ljust(64, b'\0')

    @staticmethod
    def like_packet(x):
        return x[0] <= 8 and x[1] in HASHES and x[2] in (0, 4, 16) and not x[3] & ~0x81

    def v1(self, name, challenge):
        need(not self.like_packet(challenge), 'v1 of what could be a packet')
        return self.old(name, challenge)

    def packet_mac(self, kind, packet):
        need(kind == ONLY if self.only else kind in HASHES, 'the hash of another kind of key')
        signed = packet[:112] + bytes(64)
        return self.prove('packet', signed) if self.only else self.old(HASHES[kind], signed)

    def host_challenge(self):
        n = os.urandom(32)
        ch = n + self.prove('tag', n)[:32]
        return self.host_challenge() if self.like_packet(ch) else ch

    def is_host_challenge(self, data):
        return same(self.prove('tag', data[:32])[:32], data[32:])


def parse_packet(data, stream):
    """Section 4: a packet is exactly of this form, or refused."""
    need(len(data) == LAYOUT.size, 'packet of another size')
    p = Fields._make(LAYOUT.unpack(data))
    place = (p.addrlen, p.family)
    need(p.action <= LIST, 'action')
    need(p.hash in HASHES or p.hash == ONLY and p.flags & F2, 'hash')
    need(not p.flags & ~(F2 | IS_UUID), 'flags')
    target = p.target.rstrip(b'\0')
    need(len(target) < 64 and b'\0' not in target, 'target not terminated, or not followed by zeros')
    text = target.decode(errors='replace')
    need(text.encode() == target, 'target not UTF-8')
    need(not any(unicodedata.category(c) == 'Cc' for c in text), 'control character')
    need(text or p.action in (NULL, MONITOR, LIST), 'no target')
    need(not (any(place) or p.port) if stream else place in FAMILIES and p.port, 'address')
    need(not any(p.address[p.addrlen :]), 'bytes behind the address')
    return p._replace(target=text)


def receive(sock, size, deadline):
    data = b''
    while len(data) < size:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        part = sock.recv(size - len(data))
        need(part, 'connection closed')
        data += part
    return data


def read_body(sock, deadline):
    body = receive(sock, 1, deadline)
    if body[0] == LISTING:
        for _ in range(MAX_RECORDS + 1):
            body += receive(sock, RECORD, deadline)
            if not any(body[-RECORD:]):
                return body + receive(sock, 1, deadline)
        raise Refused('list without end')
    return body


def make_list(domains):
    """domains: (name, UUID, whether it is on)."""
    records = b''.join(struct.pack('<64s64sBB', n.encode(), u.encode(), on, 0) for n, u, on in domains)
    return bytes([LISTING]) + records + bytes(RECORD) + b'\0'


def understand(action, body):
    """(status, records) of a body that may be believed."""
    if body[0] == LISTING:
        need(action == LIST and body[-1] == 0, 'a list that nobody asked for, or without its zero')
        records = struct.iter_unpack('<64s64sBB', body[1 : -RECORD - 1])
        return SUCCESS, [(*(t.rstrip(b'\0').decode(errors='replace') for t in r[:2]), r[2] == 1) for r in records]
    allowed = {SUCCESS, FAILURE, DENIED} | ({IS_OFF} if action == STATUS else set())
    need(body[0] in allowed and (action, body[0]) != (LIST, SUCCESS), 'a status that does not exist')
    return body[0], None


class Guest:
    """`v1` is whether it goes on with an old host, `v1_hash` the hash that is configured for challenges."""

    def __init__(self, key, action, target='', *, uuid=False, kind=2, f2=True, v1=True, v1_hash='sha256'):
        self.key, self.action, self.target = key, action, target
        self.kind = ONLY if key.only else kind
        self.f2, self.v1, self.v1_hash = f2 or key.only, v1 and not key.only, v1_hash
        self.flags = (F2 if self.f2 else 0) | (IS_UUID if uuid else 0)
        self.sequence = struct.unpack('<I', os.urandom(4))[0]
        self.deadline, self.sent = time.monotonic() + DEADLINE, collections.deque(maxlen=REMEMBERED)
        self.lock, self.taken, self.answer, self.errors = threading.Lock(), None, None, []

    def packet(self, family=0, address=b'', port=0):
        number = {0: 0, AF_INET: 2, AF_INET6: 10}[family]
        place = (self.target.encode(), address, port, os.urandom(6), self.sequence, number, b'')
        data = LAYOUT.pack(self.action, self.kind, len(address), self.flags, *place)
        data = data[:112] + self.key.packet_mac(self.kind, data)
        self.sent.append(data)
        return data

    def challenge(self):
        return BEGIN + os.urandom(56) if self.f2 else os.urandom(64)

    def take_and_send(self, sock, proof):
        with self.lock:
            need(self.taken is None, 'another caller was first')
            self.taken = sock
        sock.sendall(proof)

    def converse(self, sock):
        """Sections 5 and 6, from Cg on."""
        cg = self.challenge()
        sock.sendall(cg)
        rh, ch = receive(sock, 64, self.deadline), receive(sock, 64, self.deadline)
        need(ch != cg, 'reflected')
        right = [(p, cg, ch) for p in list(self.sent) if same(rh, self.key.prove('host', p, cg, ch))]
        if self.f2 and right:
            self.take_and_send(sock, self.key.prove('guest', *right[0]))
            body = read_body(sock, self.deadline)
            need(same(receive(sock, 64, self.deadline), self.key.prove('result', *right[0], body)), 'T is wrong')
            return Answer('FX2', *understand(self.action, body))
        need(self.v1 and same(rh, self.key.v1(self.v1_hash, cg)), 'the host does not have the key')
        need(not self.f2 or not self.key.is_host_challenge(ch), 'a host of FX2 that speaks v1')
        need(not ch.startswith(BEGIN), 'the challenge of a guest')
        self.take_and_send(sock, self.key.v1(self.v1_hash, ch))
        return Answer('v1', *understand(self.action, read_body(sock, self.deadline)))

    def ask_stream(self, sock, ask=True):
        with sock:
            sock.sendall(self.packet() if ask else b'')
            return self.converse(sock)

    def ask_multicast(self, family=AF_INET, interval=0.5, port=PORT):
        with socket.socket(family, socket.SOCK_DGRAM) as group, socket.socket(family, socket.SOCK_STREAM) as listener:
            group.connect((GROUPS[family], port))
            own = group.getsockname()
            listener.bind((own[0], 0, *own[2:]))
            listener.listen()
            listener.settimeout(interval)
            place = (family, socket.inet_pton(family, own[0]), listener.getsockname()[1])
            while not self.taken and time.monotonic() < self.deadline:
                group.send(self.packet(*place))
                with contextlib.suppress(TimeoutError):
                    caller = threading.Thread(target=self.called, args=(listener.accept()[0],), daemon=True)
                    caller.start()
                time.sleep(0.1)     # which bounds the callers, too
        while self.taken and self.answer is None and time.monotonic() < self.deadline:
            time.sleep(0.02)
        need(isinstance(self.answer, Answer), f'no answer: {self.answer or self.errors}')
        return self.answer

    def called(self, sock):
        try:
            self.answer = self.ask_stream(sock, False)
        except (Refused, OSError) as error:
            self.errors.append(error)
            if self.taken is sock:
                self.answer = error


class Host:
    """Answers with `answer(fields)`, a body; `log` gets a line for each conversation that was refused."""

    def __init__(self, keys, answer, *, v1=False, v1_hash='sha256', log=print):
        self.keys, self.answer, self.v1, self.v1_hash, self.log = keys, answer, v1, v1_hash, log
        self.seen = collections.deque(maxlen=4096)

    def admit(self, packet, stream):
        fields = parse_packet(packet, stream)
        for key in self.keys:
            if key.only == (fields.hash == ONLY) and same(fields.mac, key.packet_mac(fields.hash, packet)):
                need(packet not in self.seen, 'seen before')
                self.seen.append(packet)
                return key, fields
        raise Refused('no key verifies the MAC')

    def first(self, key, p, cg, ch):
        return key.prove('host', p, cg, ch) + ch

    def result(self, key, p, cg, ch, body):
        return body + key.prove('result', p, cg, ch, body)

    def converse(self, sock, key, fields, packet):
        deadline = time.monotonic() + DEADLINE
        cg, ch = receive(sock, 64, deadline), key.host_challenge()
        need(not any(k.is_host_challenge(cg) for k in self.keys), 'reflected')
        two = bool(fields.flags & F2)
        need(two == cg.startswith(BEGIN), 'Cg is not what the packet says')
        need(two or self.v1, 'v1')
        sock.sendall(self.first(key, packet, cg, ch) if two else key.v1(self.v1_hash, cg) + ch)
        right = key.prove('guest', packet, cg, ch) if two else key.v1(self.v1_hash, ch)
        need(same(receive(sock, 64, deadline), right), 'the guest does not have the key')
        body = self.answer(fields)
        sock.sendall(self.result(key, packet, cg, ch, body) if two else body)

    def stream(self, sock):
        with sock:
            packet = receive(sock, LAYOUT.size, time.monotonic() + DEADLINE)
            self.converse(sock, *self.admit(packet, True), packet)

    def datagram(self, family, packet, source):
        key, fields = self.admit(packet, False)
        need(FAMILIES[fields.addrlen, fields.family] == family, 'an address of another family')
        need(socket.inet_ntop(family, fields.address[: fields.addrlen]) == source[0].split('%')[0], 'another address')
        with socket.socket(family) as sock:
            sock.connect((source[0], fields.port, *source[2:]))
            self.converse(sock, key, fields, packet)

    def guarded(self, run, *args):
        try:
            run(*args)
        except (Refused, OSError) as error:
            self.log(f'refused: {error}')

    def serve(self, sock, ended):
        sock.settimeout(0.02)
        while not ended():
            with contextlib.suppress(TimeoutError):
                tcp = sock.type == socket.SOCK_STREAM
                work = (self.stream, sock.accept()[0]) if tcp else (self.datagram, sock.family, *sock.recvfrom(65536))
                threading.Thread(target=self.guarded, args=work, daemon=True).start()


def group_socket(family, interface, port=PORT):
    sock, (level, option, form) = socket.socket(family, socket.SOCK_DGRAM), JOIN[family]
    sock.bind((GROUPS[family], port))
    index = struct.pack(form, socket.if_nametoindex(interface))
    sock.setsockopt(level, option, socket.inet_pton(family, GROUPS[family]) + index)
    return sock
