# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replays tests/contract, what Debian's programs 4.12.1 were seen to print, return and take, with one agent against one
host. Runs as root in a lab host. Prints PASS and FAIL lines, one per row.

    replay.py table             is what is listed as different part of the contract?
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
from xml.etree import ElementTree

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


def short(text):
    """For messages: usage texts are long, and equal beginnings say little."""
    text = repr(text)
    return text if len(text) < 300 else f'{text[:200]} ... {text[-90:]} ({len(text)})'


def option_names(text):
    return re.findall(r'^  (-\S|[a-z_]+) ', text, re.MULTILINE)


def metadata_names(text):
    """What a cluster manager reads of the metadata: parameters with their options and types, and actions."""
    tree = ElementTree.fromstring(text)
    parameters = {p.get('name'): (p.get('required'), p.find('getopt').get('mixed'), p.find('content').get('type'))
                  for p in tree.iter('parameter')}
    return tree.get('name'), parameters, {a.get('name') for a in tree.iter('action')}


class Text:
    """An expected output. It may contain: <reset>, either of the errors of a connection that the other side has closed,
    depending on who was faster; <usage>, all of the help text, <options>, its part about the command line,
    <parameters>, the one about standard input; <metadata>; <hex>, a digest; <address> in memory; <version>. With
    same_names usage needs to have the same options only, in any words, and metadata the same parameters and actions."""

    def __init__(self, text, agent, same_names=False):
        self.text, self.same_names = text, same_names
        usage = read(f'help-{agent}.txt')
        options, parameters = re.split(r'With no command line argument[^=]*=value1\n    arg2=value2\n\n', usage)
        self.known = {'usage': usage, 'options': options, 'parameters': parameters,
                      'metadata': read(f'metadata-{agent}.xml')}
        self.pattern = re.sub('<(usage|options|parameters|metadata)>', r'(?P<\1>.*)',
                              re.sub('<(hex|address|version)>', '[0-9a-f.]+',
                                     re.escape(text).replace('<reset>', r'(?:Connection reset by peer|Broken pipe)')))

    def matches(self, actual):
        match = re.fullmatch(self.pattern, actual, re.DOTALL)
        return match is not None and all(self.is_known(name, part) for name, part in match.groupdict().items())

    def is_known(self, name, part):
        if not self.same_names:
            return part == self.known[name]
        if name != 'metadata':
            return option_names(part) == option_names(self.known[name])
        try:
            return metadata_names(part) == metadata_names(self.known[name])
        except (ElementTree.ParseError, AttributeError):
            return False

    def __repr__(self):
        return short(self.text)


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
        if any(d.get('same_names') for d in differences):
            for field in ('stdout', 'stderr'):
                expected[field] = Text(expected[field].text, self.agent, same_names=True)
        return expected


def fields_of(difference, row):
    """The fields of a row that a difference says are not as in the contract."""
    if difference.get('errors_move') and row.expected['stdout'].text:
        yield from ('stdout', 'stderr')
    elif difference.get('same_names'):
        yield 'stdout'
    yield from (field for field in FIELDS if field in difference and field in row.expected)


def matching(patterns, name):
    return [p for p in patterns if fnmatch.fnmatchcase(name, p)]


class Differences:
    def __init__(self):
        with open(os.path.join(HERE, 'differences.toml'), 'rb') as file:
            self.all = tomllib.load(file)['difference']

    def of(self, pair, row):
        return [d for d in self.all if matching(d['pairing'], pair) and matching(d['rows'], row.name)]

    def stale(self, names):
        """Patterns that no row of the contract has."""
        return [(pattern, d['why']) for d in self.all for pattern in d['rows']
                if not any(matching([pattern], name) for name in names)]


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


def wait_for_host(agents, contract):
    """The rows are about a host that is up: not about the first start of a worker, or of polkit."""
    program = ['fence_virt', '-T', '127.0.0.1'] if contract == 'tcp' else ['fence_xvm']
    monitor = Row({'group': '', 'case': '', 'argv': [*program, '-k', hosts.KEY, '-o', 'monitor'], 'stdin': None, 'rc': 0,
                   'seconds': 0, 'stdout': '', 'stderr': ''})
    hosts.wait_until('an answer of the host', lambda: agents.run(monitor)['rc'] == 0)


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
            if field == 'pace':
                wrong.append(f'took {actual.get("seconds", NEVER):.1f} s')
    for difference in differences if not wrong else []:
        for field in fields_of(difference, row):
            if row.expected[field].matches(actual[field]):
                wrong.append(f'{field} is listed as different ({difference["why"]}), but is as in the contract')
    delay = re.search(r'-w (\d+) -o off', ' '.join(row.raw['argv']))
    if delay and actual['seconds'] < int(delay[1]):
        wrong.append(f'took {actual["seconds"]:.2f} s in spite of the delay')
    return wrong


def check_table():
    """Every pattern in the table of differences must mean a row."""
    names = [Row(raw).name for contract in ('tcp', 'mcast', 'none') for raw in json.loads(read(f'{contract}.json'))]
    stale = Differences().stale(names)
    for pattern, why in stale:
        print(f'FAIL the differences name rows that exist: {pattern} ({why}) does not')
    if not stale:
        print(f'PASS the differences name rows that exist, of {len(names)}')
    return 2 if stale else 0


def main():
    if sys.argv[1:] == ['table']:
        return check_table()
    agent, kind, contract, directory = sys.argv[1:]
    pair = f'{agent}>{kind}'
    rows = [Row(raw) for raw in json.loads(read(f'{contract}.json'))]
    differences = Differences()
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
            wait_for_host(agents, contract)
        for row in (r for r in rows if r.group == group):
            thing = bystander(row)
            wrong = judge(row, agents.run(row), differences.of(pair, row))
            end(thing)
            failed += bool(wrong)
            print(f'FAIL {pair}/{row.name}: {"; ".join(wrong)}' if wrong else f'PASS {pair}/{row.name}', flush=True)
        if host:
            host.stop()
    domains.stop()
    return 2 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
