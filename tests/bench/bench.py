# SPDX-License-Identifier: LGPL-2.1-or-later
"""The benchmark's rows and its table. Drives side.py in the two lab hosts `debian` and `ours`, which tools/bench has
booted; every comparison is measured in turns.

    bench.py TOP LOAD_PROGRAM [--quick] [--json FILE]"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness.hosts import QEMU_URI, URI  # noqa: E402
from harness.stall import OTHER_URI  # noqa: E402


class Side:
    def __init__(self, top, name, load):
        self.name = name
        self.process = subprocess.Popen(
            [f'{top}/tools/lab', 'exec', name, 'python3', f'{top}/tests/bench/side.py', name, load],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, do, **order):
        self.process.stdin.write(json.dumps({'do': do, **order}) + '\n')
        self.process.stdin.flush()

    def end(self, what):
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {'error': 'ended'}
        if 'error' in answer:
            raise RuntimeError(f'{self.name}: {what}: {answer["error"]}')
        return answer

    def __call__(self, do, **order):
        self.begin(do, **order)
        return self.end(do)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def median(values):
    return statistics.median(values)


def show(value, unit):
    if value is None:
        return '-'
    if isinstance(value, str):
        return value
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f'{value:.{digits}f}' + (f' {unit}' if unit else '')


class Bench:
    def __init__(self, top, load, quick):
        self.quick = quick
        self.debian, self.ours = (Side(top, name, load) for name in ('debian', 'ours'))
        self.rows = []
        self.begin = time.monotonic()

    def n(self, full, quick):
        return quick if self.quick else full

    def both(self, do, **order):
        """At the same time: for what is not measured."""
        for side in (self.debian, self.ours):
            side.begin(do, **order)
        return [side.end(do) for side in (self.debian, self.ours)]

    def turns(self, rounds, do, pause=0, **order):
        """Alternating, beginning with each in turn. Two lists of answers."""
        answers = {self.debian: [], self.ours: []}
        for i in range(rounds):
            for side in (self.debian, self.ours) if i % 2 == 0 else (self.ours, self.debian):
                time.sleep(pause)
                answers[side].append(side(do, **order))
        return answers[self.debian], answers[self.ours]

    def row(self, name, unit, debian, ours, goal='', met=None, n='', ratio=None):
        if ratio is None and all(isinstance(v, (int, float)) for v in (debian, ours)) and debian:
            ratio = ours / debian
        self.rows.append({'row': name, 'unit': unit, 'debian': debian, 'ours': ours, 'ratio': ratio, 'goal': goal,
                          'met': met, 'n': n})
        print(f'bench: {time.monotonic() - self.begin:4.0f} s  {name}', file=sys.stderr)

    # --- rows ---
    def latency(self, name, goal, rounds, count, pause=0, **load):
        debian, ours = self.turns(rounds, 'load', pause, count=count, **load)
        d, o = (median([r['p50_us'] for r in side]) / 1000 for side in (debian, ours))
        failed = sum(r['failed'] for r in ours)
        self.row(name, 'ms', d, o, f'<= {goal} x' if goal else '', o <= goal * d and not failed if goal else None,
                 f'{rounds} x {count}')

    def fx2(self, name, rounds, count, pause=0, **load):
        """What FX2 costs: our agent, and the same without it, in turns against our host and with one key."""
        v1, fx2 = [], []
        for i in range(rounds):
            for agent, answers in (('v1', v1), ('ours', fx2)) if i % 2 == 0 else (('ours', fx2), ('v1', v1)):
                time.sleep(pause)
                answers.append(self.ours('load', count=count, agent=agent, **load))
        old, new = (median([r['p50_us'] for r in answers]) / 1000 for answers in (v1, fx2))
        failed = sum(r['failed'] for r in v1 + fx2)
        self.row(name, 'ms', None, f'{failed} failed' if failed else new, '<= 1.1 x v1', not failed and new <= 1.1 * old,
                 f'{rounds} x {count}', ratio=f'{new / old:.2f} x v1')

    def agents(self):
        rounds, count = self.n(3, 2), self.n(10, 5)
        debian, ours = self.turns(rounds, 'load', agent=True, clients=64, count=count)
        n = f'{rounds} x {64 * count}'
        d, o = (sum(r['failed'] for r in side) for side in (debian, ours))
        self.row('64 agents at once, tcp: failures', '', d, o, '0', o == 0, n, ratio='')
        d, o = (median([r['rate'] for r in side]) for side in (debian, ours))
        self.row('64 agents at once, tcp: answers per second', '/s', d, o, '>= 2 x', o >= 2 * d, n)
        d, o = (median([r['p99_us'] for r in side]) / 1000 for side in (debian, ours))
        self.row('64 agents at once, tcp: p99', 'ms', d, o, '<= 0.2 x', o <= 0.2 * d, n)

    def policy(self, name, rounds, count, n_domains, **load):
        """What a large policy costs: the same question without any group, and with 1000 that all are the requester's."""
        without, with_groups = [], []
        for i in range(rounds):
            turns = [(0, without), (1000, with_groups)]
            for groups, answers in turns if i % 2 == 0 else turns[::-1]:
                self.ours('policy', groups=groups, members=50)
                self.ours('load', count=20, **load)
                answers.append(self.ours('load', count=count, **load))
        old, new = (median([r['p50_us'] for r in answers]) / 1000 for answers in (without, with_groups))
        failed = sum(r['failed'] for r in without + with_groups)
        self.row(f'{name}: 1000 groups of 50, {n_domains} domains', 'ms', None, f'{failed} failed' if failed else new,
                 '<= 1.05 x none', not failed and new <= 1.05 * old, f'{rounds} x {count}', ratio=f'{new / old:.2f} x none')

    def hang(self, what, how, sides=None, pause=0, count=50, **load):
        """One good request while something else hangs, and the same request while nothing does, in turns. Debian is
        asked once: its answer takes seconds, if it comes."""
        shown = {}
        for side in sides or (self.debian, self.ours):
            unloaded, loaded = [], []
            for _ in range(1 if side is self.debian else 3):
                unloaded.append(side('load', count=count, **load))
                side('stall', how=how)
                loaded.append(side('load', count=1 if side is self.debian else count, **load))
                side('relieve')
                time.sleep(pause)
            before, during = (median([r['p50_us'] for r in answers]) for answers in (unloaded, loaded))
            failed = sum(r['failed'] for r in loaded)
            shown[side] = during / 1000
        if self.debian in shown and shown[self.debian] >= 10000:
            shown[self.debian] = 'none in 10 s'
        self.row(f'a good request while {what}', 'ms', shown.get(self.debian),
                 f'{failed} failed' if failed else shown[self.ours], '<= 2 x unloaded', not failed and during <= 2 * before,
                 f'3 x {count}', ratio=f'{during / before:.2f} x unloaded')

    def at_once(self, one_name, eight_name, do, rounds):
        """Eight at once, held against one of the same side."""
        one, eight = ([], []), ([], [])
        for _ in range(rounds):
            for answers, n in ((one, 1), (eight, 8)):
                for all_of_side, new in zip(answers, self.turns(1, do, n=n)):
                    all_of_side += new
        d1, o1, d8, o8 = (median([r['seconds'] for r in side]) * 1000 for side in (*one, *eight))
        failed = sum(r['failed'] for r in (*one[1], *eight[1]))
        self.row(one_name, 'ms', d1, o1, n=rounds)
        self.row(eight_name, 'ms', d8, o8, '<= 1.3 x one', o8 <= 1.3 * o1 and not failed, rounds, ratio=f'{d8 / d1:.1f} / {o8 / o1:.1f} x one')

    def steady(self):
        seconds, rounds = self.n(60, 16), self.n(2, 1)
        quarter = seconds // 4
        first, last, failed = [], [], []
        for side in self.turns(rounds, 'load', seconds=seconds):
            first.append(statistics.mean(n for r in side for n in r['per_second'][:quarter]))
            last.append(statistics.mean(n for r in side for n in r['per_second'][-quarter:]))
            failed.append(sum(r['failed'] for r in side))
        debian, ours = (end / begin for begin, end in zip(first, last))
        n = f'{rounds} x {seconds} s'
        self.row('steady load: last quarter / first quarter', '', debian, ours, '>= 0.9', ours >= 0.9 and not failed[1], n,
                 ratio='')
        self.row('steady load: answers per second at the end', '/s', *last, '>= 1 x', last[1] >= last[0], n)

    def down(self):
        self.both('libvirtd_down')
        d, o = self.debian('once'), self.ours('once')
        self.row('libvirtd down: a clear failure after', 's', d['seconds'] if d['reply'] == 1 else 'none in 10 s',
                 o['seconds'] if o['reply'] == 1 else 'none', '<= 1 s', o['reply'] == 1 and o['seconds'] <= 1, 1, ratio='')

    def exposure(self):
        d = self.debian('exposure', unit='fence_virtd.service')['exposure']
        for unit, goal in (('fence-virt-listen@tcp.service', 0.5), ('fence-virt-listen@multicast.service', 0.5),
                           ('fence-virt-exec.service', 1.5)):
            o = self.ours('exposure', unit=unit)['exposure']
            self.row(f'exposure of {unit}', '', d, o, f'<= {goal}', o <= goal, ratio='')

    def idle(self):
        """Both transports enabled here, one fence_virtd there; quiet for long enough that what may end has ended."""
        quiet = 70
        self.both('host_up', transport='multicast')
        self.ours('also_up', transport='tcp')
        self.both('quiet', seconds=quiet)
        d, o = self.both('idle', seconds=self.n(20, 10))
        n = f'after {quiet} s'
        self.row('idle: processes', '', d['processes'], o['processes'], n=n, ratio='')
        self.row('idle: processes for tcp', '', 1, o['tcp'], '0', o['tcp'] == 0, n, ratio='')
        self.row('idle: memory (PSS)', 'KiB', d['pss_kib'], o['pss_kib'], '<= 0.5 x', o['pss_kib'] <= 0.5 * d['pss_kib'], n)
        self.row('idle: wakeups', '', d['wakeups'], o['wakeups'], '0', o['wakeups'] == 0 and o['same'], n, ratio='')

    def run(self):
        rounds = self.n(5, 3)
        self.exposure()
        self.both('domains_up', n=8, running=8)

        self.both('host_up', transport='tcp')
        self.latency('agent and host, status, tcp', 0.6, rounds, self.n(200, 50), agent=True)
        self.fx2('FX2: agent and host, status, tcp', rounds, self.n(200, 50))
        self.latency('raw status, tcp', None, rounds, self.n(2000, 500))
        self.agents()
        self.hang('200 peers are silent, tcp', 'silent')
        self.hang('a worker is stopped', 'worker', sides=[self.ours])
        # The test driver's reboots are all processor and no waiting, so that eight on few cores take longer than one.
        self.at_once('one reboot', '8 reboots at once', 'reboots', self.n(5, 3))
        self.steady()

        # Our listener calls one address back 100 times at once, then 50 times a second; agents ask again after two seconds.
        self.both('host_up', transport='multicast')
        burst = {'transport': 'multicast', 'count': 80, 'pause': 3}
        self.latency('agent and host, status, multicast', 0.6, rounds, agent=True, **burst)
        self.fx2('FX2: agent and host, status, multicast', rounds, **burst)
        self.latency('raw status, multicast', None, rounds, **burst)
        time.sleep(3)
        self.hang('a guest does not answer the call back', 'callback', transport='multicast', count=20, pause=6)

        self.both('machines_up', n=8)
        self.both('host_up', transport='tcp', uris=[QEMU_URI], target='qemu1')
        self.at_once('one QEMU machine off', '8 QEMU machines off at once', 'machines_off', self.n(5, 3))
        self.both('machines_down', n=8)

        self.both('other_libvirtd_up')
        self.both('host_up', transport='tcp', uris=[URI, OTHER_URI])
        self.hang("another hypervisor's libvirtd is stopped", 'other_libvirtd')

        self.idle()

        self.both('domains_up', n=5000, running=8)
        self.both('host_up', transport='tcp')
        self.latency('list of 5000', 0.1, self.n(3, 2), self.n(10, 5), action='list', target='')
        self.hang('a list of 5000 is not read', 'unread', guest=True)

        n = 10000
        self.ours('domains_up', n=n, running=8)
        self.policy('raw status, tcp', rounds, self.n(2000, 500), n, target=f'vm{n}', expect=2)
        self.policy('list', self.n(5, 3), self.n(10, 5), n, action='list', target='')
        self.ours('policy', groups=0, members=0)
        self.down()

    def table(self):
        print(f'{"":58} {"Debian":>13} {"this tree":>12} {"ratio":>16}  goal')
        for r in self.rows:
            ratio = r['ratio'] if isinstance(r['ratio'], str) else '' if r['ratio'] is None else f'{r["ratio"]:.2f} x'
            mark = '' if r['met'] is None else 'met' if r['met'] else 'MISSED'
            print(f'{r["row"]:58} {show(r["debian"], r["unit"]):>13} {show(r["ours"], r["unit"]):>12} {ratio:>16}'
                  f'  {r["goal"]:21} {mark}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('top')
    parser.add_argument('load')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--json')
    arguments = parser.parse_args()
    bench = Bench(arguments.top, arguments.load, arguments.quick)
    try:
        bench.run()
    finally:
        bench.debian.close()
        bench.ours.close()
        bench.table()
    if arguments.json:
        lines = ''.join(json.dumps(row) + '\n' for row in bench.rows)
        if arguments.json == '-':
            print(lines, end='')
        else:
            with open(arguments.json, 'w', encoding='utf-8') as file:
                file.write(lines)
    goals = [r['met'] for r in bench.rows if r['met'] is not None]
    print(f'bench: {sum(goals)} of {len(goals)} goals met')
    return 0 if all(goals) else 1


if __name__ == '__main__':
    os.environ.setdefault('LC_ALL', 'C.UTF-8')
    sys.exit(main())
