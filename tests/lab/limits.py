# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holders of a key who have gone wild, on a host with the limits as shipped: who loops is stopped, others are not, and a
flood of monitors does not keep its own guest from fencing. Each guest asks from an address of its own."""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts, wire  # noqa: E402

FENCES = 120            # FencesPerMinuteRequester= as shipped
ACTIONS = (20, 100)     # ActionsPerSec=, ActionsBurst=
QUESTIONS = (50, 200)
MINUTE = 60
WILD, CALM, MONITOR = '10.79.0.1', '10.79.0.2', '10.79.0.3'


def check(name, ok, why=''):
    print(f'PASS {name}' if ok else f'FAIL {name}: {why}', flush=True)


def ask(key, address, action, target=''):
    """The reply, or None when the host hung up: who is over a limit of requests gets no answer."""
    try:
        return wire.ask(key, action, target, address=address)
    except ConnectionError:
        return None


def act(key, address, action, target):
    """As a guest that waits and tries again when it was refused."""
    while (reply := ask(key, address, action, target)) is None:
        time.sleep(1 / ACTIONS[0])
    return reply


def storm(key):
    """Off and on, as fast as it goes. How many offs succeeded before one failed, and how long that took."""
    begin = time.monotonic()
    n = 0
    while act(key, WILD, wire.OFF, 'vm1') == 0:
        n += 1
        if act(key, WILD, wire.ON, 'vm1') != 0:
            raise RuntimeError('on failed')
    return n, time.monotonic() - begin


def flood(key, over, counts):
    while not over.is_set():
        counts.append(ask(key, MONITOR, wire.MONITOR))


def main():
    hosts.make_keys()
    hosts.add_addresses(3)
    with open(hosts.KEY, 'rb') as file:
        key = file.read()
    domains = hosts.Domains()
    domains.start([(f'vm{i}', i, True) for i in range(1, 4)])
    hosts.write('/etc/fence-virt/keys/other.key', other := bytes(range(1, 65)), 0o600, 'fence-virt')
    hosts.Ours('tcp').start()
    check('all is well', ask(key, WILD, wire.STATUS, 'vm1') == 0)

    n, seconds = storm(key)
    check(f'off in a loop is stopped after {FENCES}', n == FENCES, f'{n} in {seconds:.0f} s')
    check('within a minute, or this shows nothing', seconds < MINUTE, f'{seconds:.0f} s')
    check('what is held back was not done', domains.is_running('vm1'))
    replies = {act(key, WILD, wire.OFF, f'vm{1 + i % 3}') for i in range(30)}
    check('it stays so, for every domain, and the answer is failure', replies == {1}, replies)
    check('reboot is held back as well', act(key, WILD, wire.REBOOT, 'vm1') == 1)
    check('on is not', act(key, WILD, wire.ON, 'vm1') == 0)
    check('nor is a question', ask(key, WILD, wire.STATUS, 'vm2') == 0)
    check('another guest with the same key fences', act(key, CALM, wire.OFF, 'vm2') == 0)
    check('another key fences', act(other, CALM, wire.REBOOT, 'vm3') == 0)

    over, counts = threading.Event(), []
    threads = [threading.Thread(target=flood, args=(key, over, counts)) for _ in range(8)]
    for thread in threads:
        thread.start()
    hosts.wait_until('a monitor that is refused', lambda: None in counts, 30)
    mine = [ask(key, MONITOR, wire.ON, 'vm2'), ask(key, MONITOR, wire.OFF, 'vm2'), ask(key, MONITOR, wire.REBOOT, 'vm3')]
    others = [ask(key, CALM, wire.MONITOR) for _ in range(10)]
    over.set()
    for thread in threads:
        thread.join()
    check('a flood of monitors does not keep its own guest from fencing', mine == [0, 0, 0], mine)
    check('nor others from asking', others == [0] * 10, others)
    check('of the flood most is refused', counts.count(None) > counts.count(0) > 0,
          f'{counts.count(None)} refused, {counts.count(0)} answered')


if __name__ == '__main__':
    main()
