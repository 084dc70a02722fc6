# SPDX-License-Identifier: LGPL-2.1-or-later
"""The wire protocol as an attacker, a stalled peer or a careful guest speaks it. Independent of the product's own codec
on purpose. Only what Debian's agents do by default: SHA-256."""

import hashlib
import os
import socket
import struct

PORT = 1229
NULL, OFF, REBOOT, ON, STATUS, MONITOR, LIST = range(7)
IP_TRANSPARENT = 19     # from linux/in.h


def response(key, challenge):
    return hashlib.sha256(key + challenge).digest().ljust(64, b'\0')


def unsigned(action, target, callback=None, seqno=None):
    """The first 112 bytes. callback: (address, port) for multicast."""
    address, port, family = b'', 0, 0
    if callback:
        address, port, family = socket.inet_aton(callback[0]), callback[1], socket.AF_INET
    return struct.pack('<BBBB64s28sH6s4sI', action, 2, len(address), 0, target.encode(), address, port, os.urandom(6),
                       seqno or os.urandom(4), family)


def packet(key, action, target='', callback=None, seqno=None):
    head = unsigned(action, target, callback, seqno)
    return head + hashlib.sha256(key + head + bytes(64)).digest().ljust(64, b'\0')


def read(peer, size):
    """Exactly size bytes; fewer when the peer hangs up."""
    data = b''
    while len(data) < size:
        try:
            part = peer.recv(size - len(data))
        except ConnectionError:
            break
        if not part:
            break
        data += part
    return data


def connect(address='127.0.0.1', port=PORT, timeout=10.0):
    return socket.create_connection((address, port), timeout=timeout)


def handshake(peer, key):
    """From the guest's challenge to the guest's proof. False when the host hung up, ValueError when it has not the key."""
    challenge = os.urandom(64)
    peer.sendall(challenge)
    answer = read(peer, 128)
    if len(answer) < 128:
        return False
    if answer[:64] != response(key, challenge):
        raise ValueError('the host does not have the key')
    peer.sendall(response(key, answer[64:]))
    return True


def ask(key, action, target='', address='127.0.0.1', port=PORT, timeout=10.0, source=None):
    """One request over tcp. The reply byte, or None when the host hung up without one."""
    with socket.create_connection((address, port), timeout=timeout, source_address=source) as peer:
        peer.sendall(packet(key, action, target))
        if not handshake(peer, key):
            return None
        reply = read(peer, 1)
        return reply[0] if reply else None


def send_datagram(data, source, group='225.0.0.12', port=PORT, interface='eth0'):
    """From an address that need not be this host's, as a guest that has died or lies would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack('=iii', 0, 0, socket.if_nametoindex(interface)))
        udp.bind((source, 0))
        udp.sendto(data, (group, port))
