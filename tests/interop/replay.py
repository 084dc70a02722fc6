# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replays tests/contract, what Debian's programs 4.12.1 were seen to print, return and take, with one agent against one
host. Runs as root in a lab host. Prints PASS and FAIL lines, one per row.

    replay.py AGENT HOST CONTRACT DIRECTORY     AGENT, HOST: debian, ours, ours-compatible; CONTRACT: tcp, mcast, none

What may differ is in differences.toml, and nothing else: an unlisted difference fails, and so does one that is listed
and not there."""

import fnmatch
import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from harness import hosts  # noqa: E402

CONTRACT = os.path.join(os.path.dirname(HERE), 'contract')
WAITS = 1.9        # the shortest time-out in the contract is two seconds
NEVER = 12.0       # more than any row without its own time-out may take
FIELDS = ('rc', 'stdout', 'stderr', 'pace')


def read(name):
    with open(os.path.join(CONTRACT, name), encoding='utf-8') as file:
        return file.read()


def normal(text):
    """Takes out what differs from run to run: addresses in memory and challenges."""
    return re.sub(r'[0-9a-f]{40,}', '<hex>', re.sub(r'0x[0-9a-f]+', '0x<address>', text))


def short(text):
    """For messages: usage texts are long, and equal beginnings say little."""
    text = repr(text)
    return text if len(text) < 300 else f'{text[:200]} ... {text[-90:]} ({len(text)})'


class Text:
    """An expected output: whole, or the first part and the size of all, where the contract shows no more."""

    def __init__(self, text, agent):
        cut = re.fullmatch(r'(.*)…\((\d+) bytes\)', text, re.DOTALL)
        self.size = int(cut[2]) if cut else None
        usage = read(f'help-{agent}.txt')
        if text != '<usage text>':      # -h, -? and -Q show all of it, an error the command line's part only
            usage = usage.split('With no command line argument')[0]
        self.text = cut[1] if cut else text.replace('<usage text>', usage)
        self.is_challenge = self.text.startswith('Hash mismatch')

    def matches(self, actual):
        if self.size is None:
            return normal(actual) == normal(self.text)
        if self.is_challenge:       # the first digest ends within what the contract shows
            return len(actual) == self.size and actual.startswith('Hash mismatch:\nC = ')
        return len(actual.encode()) == self.size and normal(actual).startswith(normal(self.text))

    def __repr__(self):
        return short(self.text) + (f' and more, {self.size} bytes' if self.size else '')


class Pattern:
    def __init__(self, text):
        self.text = text

    def matches(self, actual):
        return re.fullmatch(self.text, actual, re.DOTALL) is not None

    def __repr__(self):
        return 'r' + repr(self.text)


class Value:
    def __init__(self, value):
        self.value = value

    def matches(self, actual):
        return actual == self.value

    def __repr__(self):
        return repr(self.value)


class Row:
    def __init__(self, raw):
        self.raw = raw
        self.group, self.case = raw['group'], raw['case']
        self.name = f'{self.group}/{self.case}'
        self.agent = raw['argv'][0]
        never = raw['rc'] is None
        pace = 'never' if never else 'waits' if raw['seconds'] >= WAITS else 'now'
        self.expected = {'rc': Value(raw['rc']), 'pace': Value(pace),
                         'stdout': Text(raw['stdout'] or '', self.agent), 'stderr': Text(raw['stderr'], self.agent)}
        if never:
            del self.expected['stdout'], self.expected['stderr']

    def with_differences(self, differences):
        expected = dict(self.expected)
        for difference in differences:
            if difference.get('errors_move'):
                expected['stdout'], expected['stderr'] = Text('', self.agent), expected['stdout']
            for field in FIELDS:
                if field in difference:
                    value = difference[field]
                    expected[field] = Value(value) if field in ('rc', 'pace') else Text(value, self.agent)
                if f'{field}_matches' in difference:
                    expected[field] = Pattern(difference[f'{field}_matches'])
        return expected


def fields_of(difference):
    if difference.get('errors_move'):
        yield 'stdout'
        yield 'stderr'
    for field in FIELDS:
        if field in difference or f'{field}_matches' in difference:
            yield field


class Differences:
    def __init__(self, agent, host, contract):
        pair = f'{agent}>{host}'
        with open(os.path.join(HERE, 'differences.toml'), 'rb') as file:
            self.all = [d for d in tomllib.load(file)['difference']
                        if any(fnmatch.fnmatchcase(pair, p) for p in d['pairing'])]
        for difference in self.all:
            difference['rows'] = [r for r in difference['rows'] if r.startswith(contract)]
        self.met = {}      # (index of the difference, its row pattern) -> seen

    def of(self, row):
        found = []
        for index, difference in enumerate(self.all):
            for pattern in difference['rows']:
                if fnmatch.fnmatchcase(row.name, pattern):
                    self.met[index, pattern] = True
                    found.append(difference)
                    break
        return found

    def stale(self):
        return [(pattern, d['why']) for index, d in enumerate(self.all) for pattern in d['rows']
                if (index, pattern) not in self.met]


class Agents:
    """Runs agents: in the guests' network for multicast, on the host itself (127.0.0.1) otherwise, as the contract."""

    def __init__(self, directory, contract):
        self.environment = {'PATH': directory, 'LANG': 'C.UTF-8'}
        self.prefix = ['/usr/bin/nsenter', '--net=' + hosts.GUEST_NETNS, '--'] if contract == 'mcast' else []

    def run(self, row):
        limit = row.raw['seconds'] + NEVER if row.raw['rc'] is not None else NEVER
        begin = time.monotonic()
        process = subprocess.Popen(self.prefix + row.raw['argv'], env=self.environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate((row.raw['stdin'] or '').encode(), timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return {'rc': None, 'pace': 'never', 'stdout': '', 'stderr': ''}
        seconds = time.monotonic() - begin
        return {'rc': process.returncode, 'pace': 'waits' if seconds >= WAITS else 'now', 'seconds': seconds,
                'stdout': out.decode(errors='replace'), 'stderr': err.decode(errors='replace')}


def host_for(kind, contract, group):
    """The host that a group of rows talks to, None for nobody."""
    if kind == 'nobody' or contract == 'none':
        return None
    transport = {'tcp': 'tcp', 'mcast': 'multicast'}[contract]
    may = ['vm2'] if 'vm2 only' in group else []
    if kind == 'debian':
        return hosts.Debian(transport, may=may)
    conf = '[Compatibility]\nUnknownIsOff=yes\n' if kind == 'ours-compatible' else ''
    return hosts.Ours(transport, may=may, source='127.0.0.1', conf=conf)


def bystander(row):
    """What else must be there for a row: a peer that never speaks, or a program that holds the guest's port."""
    if 'never answers' in row.case:
        return socket.create_server(('127.0.0.1', 1229))
    if 'port 1229 taken' in row.case:
        holder = subprocess.Popen(['nsenter', '--net=' + hosts.GUEST_NETNS, sys.executable, '-c',
                                   'import socket; s = socket.create_server(("0.0.0.0", 1229)); print(flush=True); input()'],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdout.read(1)
        return holder
    return None


def end(thing):
    if isinstance(thing, subprocess.Popen):
        thing.kill()
        thing.wait()
    elif thing:
        thing.close()


def judge(row, actual, differences):
    """Every way in which a row is not as expected, as sentences."""
    wrong = []
    expected = row.with_differences(differences)
    for field, value in expected.items():
        if not value.matches(actual[field]):
            wrong.append(f'{field}: expected {value}, got {short(actual[field])}')
    for difference in differences:
        for field in fields_of(difference):
            if field in row.expected and row.expected[field].matches(actual[field]) and not wrong:
                if not (difference.get('errors_move') and row.expected['stdout'].text == ''):
                    wrong.append(f'{field} is listed as different ({difference["why"]}), but is as in the contract')
    delay = re.search(r'-w (\d+) -o off', ' '.join(row.raw['argv']))
    if delay and actual['seconds'] < int(delay[1]):
        wrong.append(f'took {actual["seconds"]:.2f} s in spite of the delay')
    return wrong


def main():
    agent, kind, contract, directory = sys.argv[1:]
    pair = f'{agent}>{kind}'
    rows = [Row(raw) for raw in json.loads(read(f'{contract}.json'))]
    differences = Differences(agent, kind, contract)
    agents = Agents(os.path.join(directory, agent), contract)
    domains = hosts.Domains()
    hosts.make_keys()
    hosts.make_guest_network()
    if kind.startswith('ours'):
        domains.start(hosts.CONTRACT_DOMAINS)
    failed = 0
    for group in dict.fromkeys(row.group for row in rows):
        alone = contract == 'none' or 'nodaemon' in group
        if alone != (kind == 'nobody'):
            continue
        if kind.startswith('ours'):
            for name, _, running in hosts.CONTRACT_DOMAINS:
                domains.set(name, running)
        host = host_for(kind, contract, group)
        if host:
            host.start()
        for row in (r for r in rows if r.group == group):
            thing = bystander(row)
            wrong = judge(row, agents.run(row), differences.of(row))
            end(thing)
            failed += bool(wrong)
            print(f'FAIL {pair}/{row.name}: {"; ".join(wrong)}' if wrong else f'PASS {pair}/{row.name}', flush=True)
        if host:
            host.stop()
    for pattern, why in differences.stale():
        failed += 1
        print(f'FAIL {pair}/{pattern}: listed as different ({why}), but there is no such row')
    domains.stop()
    return 2 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
