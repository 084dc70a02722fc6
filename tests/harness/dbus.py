# SPDX-License-Identifier: LGPL-2.1-or-later
"""The executor's private bus as a listener speaks it, and as none should: just enough of D-Bus to say anything."""

import array
import socket
import struct

SOCKET = '/run/fence-virt/exec.sock'
PATH = '/org/fencevirt1'
INTERFACE = 'org.fencevirt1.Session'
AUTH = b'\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n'
CALL, RETURN, ERROR, SIGNAL = range(1, 5)


class Writer:
    """Little-endian, with D-Bus's alignment."""

    def __init__(self):
        self.data = bytearray()

    def pad(self, to):
        self.data += bytes(-len(self.data) % to)

    def number(self, kind, value):
        self.pad({'y': 1, 'u': 4, 'b': 4, 't': 8}[kind])
        self.data += struct.pack({'y': '<B', 'u': '<I', 'b': '<I', 't': '<Q'}[kind], value)

    def string(self, text):
        self.number('u', len(text.encode()))
        self.data += text.encode() + b'\0'

    def signature(self, text):
        self.data += bytes([len(text)]) + text.encode() + b'\0'

    def octets(self, value):
        self.number('u', len(value))
        self.data += value

    def value(self, kind, value):
        if kind in ('s', 'o'):
            self.string(value)
        elif kind == 'g':
            self.signature(value)
        elif kind == 'ay':
            self.octets(value)
        elif kind == 'a{sv}':
            self.dictionary(value)
        else:
            self.number('u' if kind == 'h' else kind, value)

    def dictionary(self, entries):
        """entries: a list of (key, signature, value), so that a key can be there twice."""
        self.number('u', 0)
        at = len(self.data)
        self.pad(8)
        begin = len(self.data)
        for key, kind, value in entries:
            self.pad(8)
            self.string(key)
            self.signature(kind)
            self.value(kind, value)
        struct.pack_into('<I', self.data, at - 4, len(self.data) - begin)


def message(member, kinds='', *values, n_fds=0, kind=CALL, serial=1, interface=INTERFACE, path=PATH):
    """kinds: one word for each argument, e.g. 'ay h a{sv}'."""
    kinds = kinds.split()
    body, fields = Writer(), Writer()
    for k, value in zip(kinds, values):
        body.value(k, value)
    entries = [(1, 'o', path), (2, 's', interface), (3, 's', member)]
    entries += [(8, 'g', ''.join(kinds))] if kinds else []
    entries += [(9, 'u', n_fds)] if n_fds else []
    for code, k, value in entries:
        fields.pad(8)
        fields.number('y', code)
        fields.signature(k)
        fields.value(k, value)
    size = len(fields.data)
    fields.pad(8)
    return struct.pack('<BBBBIII', ord('l'), kind, 0, 1, len(body.data), serial, size) + fields.data + body.data


class Dropped(Exception):
    """The executor hung up."""


class Bus:
    def __init__(self, auth=AUTH, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.serial = 0
        self.input = b''
        self.socket.connect(SOCKET)
        if auth:
            try:
                self.socket.sendall(auth)
                while b'AGREE_UNIX_FD\r\n' not in self.input:
                    self.receive()
                self.input = b''
            except (ConnectionError, Dropped):
                self.socket.close()
                raise Dropped() from None

    def receive(self):
        try:
            part = self.socket.recv(65536)
        except ConnectionError:
            part = b''
        if not part:
            raise Dropped()
        self.input += part

    def send(self, data, fds=()):
        try:
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
            sent = self.socket.sendmsg([data], control)
            self.socket.sendall(data[sent:])
        except ConnectionError:
            raise Dropped() from None

    def post(self, member, kinds='', *values, fds=()):
        """Sends a call; its serial number."""
        self.serial += 1
        self.send(message(member, kinds, *values, n_fds=len(fds), serial=self.serial), fds)
        return self.serial

    def answer(self):
        """The next message: (serial of the call, name of the error or None, body)."""
        while len(self.input) < 16:
            self.receive()
        kind, body, fields = self.input[1], *struct.unpack_from('<I4xI', self.input, 4)
        size = 16 + -(-fields // 8) * 8 + body
        while len(self.input) < size:
            self.receive()
        data, self.input = self.input[:size], self.input[size:]
        serial, error = 0, None
        at = 16
        while at < 16 + fields:
            at += -at % 8
            code, signature = data[at], chr(data[at + 2])
            at += 4
            if signature == 'g':
                at += data[at] + 2
                continue
            at += -at % 4
            number, = struct.unpack_from('<I', data, at)
            if signature == 'u':
                serial = number if code == 5 else serial
                at += 4
            else:
                error = data[at + 4:at + 4 + number].decode() if code == 4 else error
                at += 4 + number + 1
        return serial, error if kind == ERROR else None, data[size - body:]

    def call(self, member, kinds='', *values, fds=()):
        """The body of the answer, or the name of an error."""
        serial = self.post(member, kinds, *values, fds=fds)
        while True:
            answered, error, body = self.answer()
            if answered == serial:
                return error if error else body

    def open(self, packet, fd, origin):
        """The id of the session, or the name of an error."""
        answer = self.call('Open', 'ay h a{sv}', packet, 0, origin, fds=[fd])
        return answer if isinstance(answer, str) else struct.unpack('<Q', answer)[0]

    def close(self):
        self.socket.close()


def origin(transport, source=None):
    return [('transport', 's', transport)] + ([('ifindex', 'u', 2), ('source', 'ay', source)] if source else [])
