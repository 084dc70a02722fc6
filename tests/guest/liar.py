# SPDX-License-Identifier: LGPL-2.1-or-later
"""liar.py KEY-FILE HOST GUEST GUEST-MAC ACTION TARGET: asks HOST by tcp with the address of GUEST, which must not answer
(it hangs, or its firewall is silent), from another port of the same bridge.

Whenever the host looks for the guest, its neighbour table says where the guest really is; whenever it answers, it says that
the guest is here. To be run where eth0 has the guest's address, and answers no question for it. Prints the reply byte."""

import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import wire  # noqa: E402

LOCKED = 1.2    # seconds during which the kernel does not change an entry of its neighbour table again


def mac_bytes(text):
    return bytes.fromhex(text.strip().replace(':', ''))


class Liar:
    def __init__(self, host, guest, guest_mac):
        self.host, self.guest, self.guest_mac = socket.inet_aton(host), socket.inet_aton(guest), mac_bytes(guest_mac)
        with open('/sys/class/net/eth0/address', encoding='ascii') as file:
            self.own_mac = mac_bytes(file.read())
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.raw.bind(('eth0', 0))

    def say(self, mac):
        """The guest has this MAC address. A question, which everybody takes a hint from."""
        time.sleep(LOCKED)
        self.raw.send(b'\xff' * 6 + self.own_mac + struct.pack('>HHHBBH', 0x806, 1, 0x800, 6, 4, 1) +
                      mac + self.guest + bytes(6) + self.host)

    def here(self):
        self.say(self.own_mac)

    def there(self):
        self.say(self.guest_mac)


def main():
    key_file, host, guest, guest_mac, action, target = sys.argv[1:]
    with open(key_file, 'rb') as file:
        key = file.read()
    liar = Liar(host, guest, guest_mac)
    liar.here()
    with socket.create_connection((host, wire.PORT), timeout=10) as peer:
        liar.there()
        peer.sendall(wire.packet(key, getattr(wire, action.upper()), target))
        liar.here()
        challenge = os.urandom(64)
        peer.sendall(challenge)
        answer = wire.read(peer, 128)
        if answer[:64] != wire.response(key, challenge):
            sys.exit('the host does not answer')
        liar.there()
        peer.sendall(wire.response(key, answer[64:]))
        liar.here()
        reply = wire.read(peer, 1)
    print(reply[0] if reply else 'none')


main()
