# SPDX-License-Identifier: LGPL-2.1-or-later
"""The second implementation of FX2, fx2.py, as guest and as host. Prints PASS and FAIL lines.

    fx2_talk.py python KEY...               our guest in Python and our host in Python
    fx2_talk.py guest ADDRESS ADDRESS6 KEY...           the guest asks a real host: what has to be answered
    fx2_talk.py mumble ADDRESS KEY...       it does what a host must not answer: one JSON object for each time
    fx2_talk.py judge MUMBLED AUDIT         was that so, and did each leave one record of a refusal?
    fx2_talk.py agent KEY...                the real agent asks hosts: honest ones and liars
    fx2_talk.py garbage RUNS KEY...         the real agent asks a host that says random bytes in one field"""

import concurrent.futures
import contextlib
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

import fx2
import fx2_lies as lies

TCP, MULTICAST, TCP6, MULTICAST6 = 'tcp', 'multicast', 'tcp6', 'multicast6'
INTERFACE = 'eth0'
FAMILY = {TCP: socket.AF_INET, MULTICAST: socket.AF_INET, TCP6: socket.AF_INET6, MULTICAST6: socket.AF_INET6}
ACTIONS = {'null': fx2.NULL, 'off': fx2.OFF, 'reboot': fx2.REBOOT, 'on': fx2.ON, 'status': fx2.STATUS,
           'monitor': fx2.MONITOR, 'list': fx2.LIST}
WORKERS = 6
PATIENCE, IMPATIENCE = 20, 3    # seconds that an agent has, and one that waits in vain
PACE = 0.5      # seconds; the executor records ten refusals for one reason in ten seconds
ports = itertools.count(2000)


def say(name, problem):
    print(f'FAIL {name}: {problem}' if problem else f'PASS {name}', flush=True)


def load(paths):
    """{'raw': Key, 'only': Key} with the path as an attribute."""
    keys = {}
    for path in paths:
        with open(path, 'rb') as file:
            key = fx2.Key(file.read())
        key.path = path
        keys['only' if key.only else 'raw'] = key
    return keys


class Domains:
    """What a host in Python has: vm1 to vm3, and vm4, about which nobody may ask."""

    def __init__(self):
        self.on = {f'vm{i}': True for i in range(1, 4)}

    @staticmethod
    def uuid(name):
        return f'00000000-0000-4000-8000-{int(name[2:]):012d}'

    def __call__(self, fields):
        action, target = fields.action, fields.target
        target = next((name for name in self.on if self.uuid(name) == target), target)
        if action == fx2.LIST:
            return fx2.make_list([(name, self.uuid(name), on) for name, on in self.on.items()])
        if target == 'vm4':
            return bytes([fx2.DENIED])
        if action == fx2.MONITOR:
            return bytes([fx2.SUCCESS])
        if action == fx2.NULL or target not in self.on:
            return bytes([fx2.FAILURE])
        if action == fx2.STATUS:
            return bytes([fx2.SUCCESS if self.on[target] else fx2.IS_OFF])
        self.on[target] = action != fx2.OFF
        return bytes([fx2.SUCCESS])


@contextlib.contextmanager
def serving(host, transport, port):
    """The host listens for as long as this lasts."""
    ended = threading.Event()
    family = FAMILY[transport]
    if transport in (TCP, TCP6):
        sock = socket.create_server(('', port), family=family)
    else:
        sock = fx2.group_socket(family, INTERFACE, port)
    with sock:
        thread = threading.Thread(target=host.serve, args=(sock, ended.is_set), daemon=True)
        thread.start()
        yield
        ended.set()
        thread.join()


def ask(guest, transport, address, port=fx2.PORT):
    if transport in (TCP, TCP6):
        return guest.ask_stream(socket.create_connection((address, port), 10))
    return guest.ask_multicast(FAMILY[transport], port=port)


# --- the guest in Python ----------------------------------------------------------------------------------------------

# what is asked in this order, and what has to be answered: domains are on in the beginning
QUESTIONS = [
    ('status', 'vm1', 0), ('off', 'vm1', 0), ('status', 'vm1', 2), ('on', 'vm1', 0), ('status', 'vm1', 0),
    ('reboot', 'vm2', 0), ('status', Domains.uuid('vm2'), 0), ('off', 'vm4', 3), ('status', 'vm4', 3),
    ('monitor', '', 0), ('null', '', 1), ('list', '', 0),
]


def question(name, wanted, guest, transport, address, port=fx2.PORT):
    """wanted: (protocol, status), or None for a refusal."""
    try:
        answer = ask(guest, transport, address, port)
    except (fx2.Refused, OSError) as error:
        say(name, f'no answer: {error}' if wanted else None)
        return
    problem = None if (answer.protocol, answer.status) == wanted else f'{answer} instead of {wanted}'
    if not problem and guest.action == fx2.LIST:
        expected = {(f'vm{i}', Domains.uuid(f'vm{i}')) for i in range(1, 4)}
        names = {record[:2] for record in answer.records}
        problem = None if names == expected and all(on for *_, on in answer.records) else f'records {answer.records}'
    say(name, problem)


def guest_asks(who, keys, addresses, port=fx2.PORT):
    for (kind, key), (transport, address) in itertools.product(keys.items(), addresses.items()):
        where = f'{who}: {kind} key, {transport}'
        for action, target, status in QUESTIONS:
            guest = fx2.Guest(key, ACTIONS[action], target, uuid=len(target) == 36)
            question(f'{where}: {action} {target}'.strip(), ('FX2', status), guest, transport, address, port)
        guest = fx2.Guest(lies.another_key(key), fx2.STATUS, 'vm1')
        guest.deadline = time.monotonic() + 1.5
        question(f'{where}: another key is refused', None, guest, transport, address, port)
        if not key.only:
            for number in (2, 3):
                guest = fx2.Guest(key, fx2.STATUS, 'vm1', kind=number, v1=False)
                question(f'{where}: {fx2.HASHES[number]}', ('FX2', 0), guest, transport, address, port)
            guest = fx2.Guest(key, fx2.STATUS, 'vm1', f2=False)
            question(f'{where}: an old guest', ('v1', 0), guest, transport, address, port)


def python(keys):
    addresses = {TCP: '127.0.0.1', TCP6: '::1', MULTICAST: '', MULTICAST6: ''}
    for transport, address in addresses.items():
        port = next(ports)
        host = fx2.Host(list(keys.values()), Domains(), v1=True, log=lambda line: None)
        with serving(host, transport, port):
            guest_asks('python > python', keys, {transport: address}, port)


def mumble(address, keys):
    """With pauses, so that no record is left out. Each names a target of its own."""
    number = itertools.count(1)
    for transport, (kind, key) in itertools.product((TCP, MULTICAST), keys.items()):
        cases = [(name, 0, 'form' in kinds, do) for name, (kinds, do) in lies.NO_BYTE.items() if kind in kinds.split()]
        cases += [(name, 128, False, lambda m, make=make: m.wrong_proof(make)) for name, make in lies.NO_ANSWER.items()]
        for name, wanted, form, do in cases:
            begin = time.time()
            target = f'mumble{next(number)}'
            said = do(lies.Mumbler(key, address, transport == MULTICAST, target))
            case = {'name': f'ours > mumbler: {kind} key, {transport}: {name}', 'target': target, 'form': form}
            print(json.dumps(case | {'wanted': wanted, 'said': len(said), 'begin': begin * 1e6}), flush=True)
            time.sleep(max(0, begin + PACE - time.time()))
    time.sleep(1)


def read_lines(path):
    with open(path, encoding='utf-8') as file:
        return [json.loads(line) for line in file]


def judge(mumbled, audit):
    """What is wrong by its form leaves a record without a target, before the next of its kind is said."""
    begins = [case['begin'] for case in mumbled if case['form']] + [float('inf')]
    for case in mumbled:
        if case['form']:
            end = min(begin for begin in begins if begin > case['begin'])
            records = sum('FENCE_TARGET' not in record and case['begin'] <= int(record['__REALTIME_TIMESTAMP']) < end
                          for record in audit)
        else:
            records = sum(record.get('FENCE_TARGET') == case['target'] for record in audit)
        problem = None
        if (case['said'], records) != (case['wanted'], 1):
            problem = f'{case["said"]} bytes instead of {case["wanted"]}, and {records} records'
        say(case['name'], problem)


# --- the agent --------------------------------------------------------------------------------------------------------


def agent(host, key, transport, action, target, timeout):
    """(exit status, standard output, standard error) of the real one against that host."""
    port = next(ports)
    argv = ['fence_virt', '-T', '127.0.0.1'] if transport == TCP else ['fence_xvm', '-r', '5', '-i', 'ipv4']
    if transport == MULTICAST6:
        argv[-1] = 'ipv6'
    argv += ['-p', str(port), '-k', key.path, '-o', action, '-t', str(timeout)] + (['-H', target] if target else [])
    with serving(host, transport, port):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors='replace').strip()


def refuses(name, host, key, transport, action, timeout, proofs=None):
    """The agent must have been lied to, believe nothing, and have proved itself so many times."""
    rc, out, err = agent(host, key, transport, action, '' if action == 'list' else 'vm1', timeout)
    problem = None
    if rc not in (1, 255) or out:
        problem = f'exit status {rc}, prints {out!r}, {err}'
    elif not err:
        problem = 'says nothing about it'
    elif not host.told:
        problem = f'was not told a lie: {err}'
    elif proofs is not None and host.proofs != proofs:
        problem = f'has proved itself {host.proofs} times: {err}'
    return name, problem


def is_answered(name, host, key, transport, action, target, wanted):
    rc, out, err = agent(host, key, transport, action, target, PATIENCE)
    problem = None if rc == wanted else f'exit status {rc} instead of {wanted}: {err}'
    if not problem and action == 'list':
        lines = ''.join(f'{n:32} {Domains.uuid(n)} on\n' for n in ('vm1', 'vm2', 'vm3'))
        problem = None if out.decode() == lines else f'prints {out!r}'
    return name, problem


# Generators of jobs that can be run at once: each is a function and its arguments.

def honest(keys):
    for (kind, key), transport in itertools.product(keys.items(), (TCP, MULTICAST, MULTICAST6)):
        for action, target, status in QUESTIONS:
            name = f'agent > python: {kind} key, {transport}: {action} {target} ({status})'
            domains = Domains()
            domains.on['vm1'] = (action, status) != ('status', 2)
            host = fx2.Host(list(keys.values()), domains, log=lambda line: None)
            yield is_answered, name, host, key, transport, action, target, status


def old(keys):
    """A host of v1, which ignores F2."""
    for (kind, key), transport in itertools.product(keys.items(), (TCP, MULTICAST)):
        name = f'agent > python: {kind} key, {transport}: an old host'
        host = lies.Liar([key], Domains(), *lies.OLD_HOST)
        if key.only:
            yield refuses, f'{name} is refused', host, key, transport, 'off', IMPATIENCE, 0
        else:
            yield is_answered, f'{name} is taken', host, key, transport, 'status', 'vm1', 0


def liars(keys):
    for (kind, key), transport in itertools.product(keys.items(), (TCP, MULTICAST)):
        where = f'agent > liar: {kind} key, {transport}'
        for name, lie in lies.FIRST.items():
            yield refuses, f'{where}: {name}', lies.Liar([key], Domains(), lie), key, transport, 'off', IMPATIENCE, 0
        for action, more in (('off', lies.RESULT_OFF), ('status', lies.RESULT_STATUS), ('list', lies.RESULT_LIST)):
            for name, lie in (lies.RESULT | more).items():
                host = lies.Liar([key], Domains(), None, lie)
                limit = IMPATIENCE if lie in lies.SILENT else PATIENCE
                yield refuses, f'{where}: {action}: {name}', host, key, transport, action, limit, 1


def garbage(runs, keys, seed):
    fuzz = random.Random(seed)
    for _ in range(runs):
        key = fuzz.choice(list(keys.values()))
        transport = MULTICAST if fuzz.randrange(5) == 0 else TCP
        action = fuzz.choice(('off', 'status', 'list', 'monitor', 'on', 'reboot'))
        field = fuzz.choice(lies.Garbage.FIELDS)
        host = lies.Garbage([key], Domains(), field, random.Random(fuzz.randrange(1 << 32)))
        yield refuses, f'{field}, {action} by {transport}', host, key, transport, action, IMPATIENCE


def in_parallel(*jobs):
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(lambda job: job[0](*job[1:]), itertools.chain(*jobs))


def say_garbage(runs, keys):
    seed = random.SystemRandom().randrange(1 << 32)
    problems = [f'{name}: {problem}' for name, problem in in_parallel(garbage(runs, keys, seed)) if problem]
    say(f'agent > garbage: {runs} times, never a success', problems and f'seed {seed}: {problems}')


def main():
    command, *arguments = sys.argv[1:]
    if command == 'python':
        python(load(arguments))
    elif command == 'guest':
        address, address6, *paths = arguments
        guest_asks('python > ours', load(paths), {TCP: address, TCP6: address6, MULTICAST: '', MULTICAST6: ''})
    elif command == 'mumble':
        mumble(arguments[0], load(arguments[1:]))
    elif command == 'judge':
        judge(*map(read_lines, arguments))
    elif command == 'agent':
        keys = load(arguments)
        for name, problem in in_parallel(honest(keys), old(keys), liars(keys)):
            say(name, problem)
    elif command == 'garbage':
        say_garbage(int(arguments[0]), load(arguments[1:]))
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
