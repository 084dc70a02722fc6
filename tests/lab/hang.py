# SPDX-License-Identifier: LGPL-2.1-or-later
"""One thing after the other hangs, then all of them at once, and a good guest must be answered as if nothing were. The
bound is half of the shortest time-out there is: a request that waited for any time-out is beyond it."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts  # noqa: E402
from harness.stall import OTHER_URI, Stallers  # noqa: E402

BOUND = 1.5         # a packet may take 3 s to arrive, a call back 3 s to be taken, a conversation 10 s, an agent 20 s
LIST_SIZE = 5000


def agent(transport, action, target):
    """What the guest hears, and how long it took."""
    argv = ['fence_virt', '-T', '127.0.0.1'] if transport == 'tcp' else [
        'nsenter', '--net=' + hosts.GUEST_NETNS, '--', 'fence_xvm']
    begin = time.monotonic()
    done = subprocess.run([*argv, '-k', hosts.KEY, '-t', '20', '-o', action, '-H', target], capture_output=True, text=True,
                          check=False)
    return done.returncode, time.monotonic() - begin, done.stderr.strip()


def good_guest(while_what):
    """Asks and acts. The domain runs, so that every answer is one that can be given: a domain that is off here might
    be on where nobody answers."""
    for transport in ('tcp', 'multicast'):
        for action in ('status', 'reboot'):
            status, seconds, said = agent(transport, action, 'vm2')
            name = f'{action} by {transport} while {while_what}'
            if status != 0:
                print(f'FAIL {name}: exit status {status}, {said}')
            elif seconds > BOUND:
                print(f'FAIL {name}: {seconds:.1f} s')
            else:
                print(f'PASS {name}', flush=True)


def main():
    hosts.make_keys()
    hosts.make_guest_network()
    with open(hosts.KEY, 'rb') as file:
        key = file.read()
    domains = hosts.Domains()
    domains.start([(f'vm{i}', i, i <= 8) for i in range(1, LIST_SIZE + 1)])
    stallers = Stallers(key, 'vm1')
    stallers.other_libvirtd_up()
    host = hosts.Ours('tcp', uri=[hosts.URI, OTHER_URI])
    host.start()
    hosts.Ours('multicast').listen()
    good_guest('all is well')
    ways = [(stallers.silent, '200 tcp peers say nothing'),
            (stallers.callback, 'a guest does not take the call back'),
            (stallers.unread, f'a list of {LIST_SIZE} is not read'),
            (stallers.worker, 'all warm workers are stopped'),
            (stallers.other_libvirtd, "another hypervisor's libvirtd is stopped")]
    for stall, while_what in ways:
        stall()
        if stall == stallers.other_libvirtd:        # the first to act finds out, within ConnectTimeoutSec=
            agent('tcp', 'reboot', 'vm3')
        good_guest(while_what)
        stallers.relieve()
    for stall, _ in ways:
        stall()
    agent('tcp', 'reboot', 'vm3')
    good_guest('all of this hangs')
    stallers.relieve()


if __name__ == '__main__':
    main()
