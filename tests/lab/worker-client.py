# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sends jobs to a worker by hand, as the executor would (src/shared/worker-protocol.h), and prints the events.

    worker-client.py [--uri URI] [--worker PATH] [--deadline SEC] [--kill] [--labels] JOB...

A JOB is ping, list, resolve:TARGET, off:UUID, on:UUID, reboot:UUID; run:COMMAND runs a shell command between two jobs. All
go to one worker, one after the other. One line for each: RESULT name=... uuid=... power=... state=... proof=... n=... ms=...
started=... labels=... message. With --kill a worker that has not answered at the deadline is killed, which prints KILLED.
The exit status is that of the last worker when it ended by itself, 0 after a kill, 2 for a protocol error."""

import argparse
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

JOB = struct.Struct("=IIQQQQ256s37s3x")
EVENT = struct.Struct("=IIQIIII256s37s128s32s256s3x")
RECORD = struct.Struct("=256s37s16sB2s")
RESULTS = ("failed", "unreachable", "ok", "not-found", "ambiguous", "found", "off-proven", "already-off", "on",
           "already-on", "rebooted", "off-start-failed")
POWER = ("unknown", "on", "off")
KINDS = {"ping": (1, 0), "resolve": (2, 0), "list": (4, 0), "off": (3, 1), "reboot": (3, 2), "on": (3, 3)}


def text(field):
    return field.split(b"\0", 1)[0].decode()


class Worker:
    def __init__(self, args):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock = ours
        ours.settimeout(args.deadline + 60)  # this file and the protocol have parted
        self.process = subprocess.Popen([args.worker, "--backend=libvirt", "--uri=" + args.uri], pass_fds=(3,),
                                        preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
        theirs.close()

    def read(self, size, until):
        data = bytearray()
        while len(data) < size:
            left = until - time.monotonic() if until else None
            if until and (left <= 0 or not select.select([self.sock], [], [], left)[0]):
                raise TimeoutError
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def event(self, until):
        e = EVENT.unpack(self.read(EVENT.size, until))
        return dict(kind=e[0], result=e[1], id=e[2], power=e[3], state=e[4], n=e[5], name=text(e[7]), uuid=text(e[8]),
                    labels=text(e[9]), proof=text(e[10]), message=text(e[11]))


def do_job(worker, job, number, args):
    name, _, target = job.partition(":")
    flags = 1 if args.labels and name in ("resolve", "list") else 0
    kind, action = KINDS[name]
    begin = time.monotonic()
    until = begin + args.deadline
    worker.sock.sendall(JOB.pack(kind, action, number, int(until * 1e6), 0, flags, target.encode(), b""))
    started = False
    try:
        while True:
            e = worker.event(until if args.kill else None)
            if e["id"] != number:
                sys.exit(2)
            if e["kind"] == 2:
                break
            started = True
        records = worker.read(e["n"] * RECORD.size, None)
        end = time.monotonic()
    except TimeoutError:
        worker.process.send_signal(signal.SIGKILL)
        print("KILLED started=%s" % started, flush=True)
        worker.process.wait()
        sys.exit(0)
    print("%s name=%s uuid=%s power=%s state=%d proof=%s n=%d ms=%.2f started=%s labels=%s %s" % (
        RESULTS[e["result"]], e["name"], e["uuid"], POWER[e["power"]], e["state"], e["proof"], e["n"],
        (end - begin) * 1e3, started, e["labels"], e["message"]), flush=True)
    for r in RECORD.iter_unpack(records) if e["n"] <= 100 else ():
        print("  %s %s %d" % (text(r[0]), text(r[1]), r[3]), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--uri", default="qemu:///system")
    p.add_argument("--worker", default="/usr/lib/fence-virt/fenced-worker")
    p.add_argument("--deadline", type=float, default=28)
    p.add_argument("--kill", action="store_true")
    p.add_argument("--labels", action="store_true")
    p.add_argument("job", nargs="+")
    args = p.parse_args()
    worker = Worker(args)
    for number, job in enumerate(args.job, 1):
        if job.startswith("run:"):
            subprocess.run(job[4:], shell=True, check=False)
            continue
        try:
            do_job(worker, job, number, args)
        except EOFError:
            print("EOF", flush=True)
            sys.exit(worker.process.wait() or 2)
    worker.sock.close()
    sys.exit(worker.process.wait())


main()
