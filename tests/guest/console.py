# SPDX-License-Identifier: LGPL-2.1-or-later
"""console.py SOCKET SECONDS COMMAND: runs COMMAND in a guest whose first serial port is SOCKET, see tools/guest-init.

Output, errors and exit status are the command's, except: 124, no answer in time; 125, there is no such guest, or it went
away before it had answered."""

import base64
import os
import re
import socket
import sys
import time


class Gone(Exception):
    pass


class Console:
    def __init__(self, path, seconds):
        self.deadline = time.monotonic() + seconds
        self.received = b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.limit(self.deadline)
        try:
            self.socket.connect(path)
        except OSError as error:
            raise Gone from error

    def limit(self, until):
        left = min(until, self.deadline) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)

    def more(self, until):
        self.limit(until)
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Gone
        self.received += data

    def answer(self, nonce, until):
        """What the guest has to say, waiting for it for a while."""
        head = re.compile(rb"\n" + nonce + rb" (\d+) (\d+) (\d+)\n")
        while True:
            for found in head.finditer(self.received):
                status, output, errors = map(int, found.groups())
                said = self.received[found.end() :][: output + errors]
                if len(said) == output + errors:
                    return status, said[:output], said[output:]
            self.more(until)

    def run(self, command):
        """Exit status, output, errors. Asks again, and again after twice the time, in case something was lost."""
        nonce = os.urandom(8).hex().encode()
        word = base64.b64encode(command.encode())
        wait = 2
        while True:
            self.limit(self.deadline)
            self.socket.sendall(b"\n%s %d %s\n" % (nonce, len(word), word))
            try:
                return self.answer(nonce, time.monotonic() + wait)
            except TimeoutError:
                wait *= 2


def main():
    path, seconds, command = sys.argv[1:]
    try:
        status, output, errors = Console(path, float(seconds)).run(command)
    except TimeoutError:
        print("the guest does not answer", file=sys.stderr)
        return 124
    except (Gone, BrokenPipeError):
        print("the guest is gone", file=sys.stderr)
        return 125
    sys.stdout.buffer.write(output)
    sys.stderr.buffer.write(errors)
    return status


sys.exit(main())
