# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that ask without pause, each with its own key file, which it reads anew for every request, as the agent does.

    rotation.py HOST DIRECTORY RATE

Every file NAME.key in the directory is a guest; together they ask RATE times a second. What NAME begins with says what a guest
is: "old" speaks v1 as long as its key is raw, "new" FX2 always, "agent" is our agent. Ends when the directory has a file
"stop", and says how many requests there were, by protocol, and which failed."""

import collections
import glob
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'interop'))
import fx2  # noqa: E402

QUESTIONS = [(fx2.STATUS, 'vm1'), (fx2.LIST, ''), (fx2.STATUS, 'vm2'), (fx2.MONITOR, '')]


def run_agent(host, path):
    done = subprocess.run(['fence_virt', '-T', host, '-k', path, '-o', 'status', '-n', 'vm1'], timeout=60, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise fx2.Refused(f'fence_virt ended with {done.returncode}: {done.stderr.strip()}')
    return 'agent', True


def ask(host, path, number):
    """(protocol, whether the answer is the right one)"""
    if os.path.basename(path).startswith('agent'):
        return run_agent(host, path)
    with open(path, 'rb') as file:
        key = fx2.Key(file.read())
    action, target = QUESTIONS[number % len(QUESTIONS)]
    old = os.path.basename(path).startswith('old')
    guest = fx2.Guest(key, action, target, f2=not old, v1=old)
    answer = guest.ask_stream(socket.create_connection((host, fx2.PORT), timeout=fx2.DEADLINE))
    return answer.protocol, answer.status == fx2.SUCCESS


def run(host, path, interval, offset, stop, results):
    due = time.monotonic() + offset
    number = 0
    while not os.path.exists(stop):
        time.sleep(max(due - time.monotonic(), 0))
        due += interval
        try:
            protocol, ok = ask(host, path, number)
            results.append((protocol, '' if ok else 'the host did not succeed'))
        except (fx2.Refused, OSError) as error:
            results.append(('?', f'{os.path.basename(path)}: {error}'))
        number += 1


def main():
    host, directory, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
    paths = sorted(glob.glob(f'{directory}/*.key'))
    results, interval, begin = [], len(paths) / rate, time.monotonic()
    guests = [threading.Thread(target=run, args=(host, path, interval, i / rate, f'{directory}/stop', results))
              for i, path in enumerate(paths)]
    for guest in guests:
        guest.start()
    for guest in guests:
        guest.join()
    failures = [why for _, why in results if why]
    print('seconds', round(time.monotonic() - begin))
    print('requests', len(results))
    for protocol, n in collections.Counter(protocol for protocol, _ in results).items():
        print(protocol, n)
    print('failures', len(failures), *failures[:3], sep=' ')


if __name__ == '__main__':
    main()
