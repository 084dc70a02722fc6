# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every row of tests/policy/table.json, asked of an executor that runs, about domains that libvirt has: by Explain over the
system bus, and those that a key over tcp can ask, as requests. Runs as root in a lab host, with the product installed."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts, wire  # noqa: E402
from harness.explain import Explainer  # noqa: E402
from policy import table as policy_table  # noqa: E402

URIS = {'test': hosts.URI, 'other': hosts.QEMU_URI}
METADATA = 'https://fence-virt.org/xmlns/libvirt/1'
ACTIONS = {'off': wire.OFF, 'reboot': wire.REBOOT, 'on': wire.ON, 'status': wire.STATUS}
SUCCESS, FAILURE, OFF, DENIED = range(4)
NO_LIMITS = ''.join(f'{key}=0\n' for key in (
    'QuestionsPerSec', 'ActionsPerSec', 'ListenerPerSec', 'FencesPerMinuteRequester', 'FencesPerMinuteKey',
    'FencesPerMinuteHost'))


def check(name, failures, n):
    print(f'PASS {name}, {n} rows' if n and not failures else
          f'FAIL {name}: {len(failures)} of {n} rows: ' + '; '.join(failures[:3]), flush=True)


def domain_xml(domain):
    kind = 'test' if domain['uri'] == 'test' else 'qemu'
    arch = "arch='x86_64'" if kind == 'qemu' else ''
    labels = domain.get('labels')
    metadata = (f"<metadata><fence:labels xmlns:fence='{METADATA}'>{labels}</fence:labels></metadata>" if labels else '')
    return (f"<domain type='{kind}'><name>{domain['name']}</name><uuid>{domain['uuid']}</uuid>{metadata}"
            f"<memory unit='MiB'>32</memory><os><type {arch}>hvm</type></os></domain>")


def define(table):
    hosts.Domains().start([])
    for uri, address in URIS.items():
        script = []
        for domain in table['domains']:
            if domain['uri'] != uri:
                continue
            path = f'/run/domains/{domain["uuid"]}.xml'
            hosts.write(path, domain_xml(domain))
            script.append(f'define {path}\n')
        hosts.run('virsh', '-q', '-c', address, input=''.join(script))
    # one of them as the man page says
    label = next(d for d in table['domains'] if d.get('labels') and d['uri'] == 'other')
    hosts.write(f'/run/domains/{label["uuid"]}.xml', domain_xml({**label, 'labels': ''}))
    hosts.run('virsh', '-q', '-c', URIS['other'], 'define', f'/run/domains/{label["uuid"]}.xml')
    hosts.run('virsh', '-q', '-c', URIS['other'], 'metadata', label['uuid'], METADATA, '--key', 'fence', '--config',
              '--set', f'<labels>{label["labels"]}</labels>')


def set_up(table):
    define(table)
    hosts.write('/etc/fence-virt/fence-virt.conf',
                '[Libvirt]\n' + ''.join(f'URI={uri}\n' for uri in URIS.values()) +
                '[Policy]\n' + ''.join(f'Never={word}\n' for word in table['never']) + '[Limits]\n' + NO_LIMITS)
    for name, group in table['groups'].items():
        hosts.write(f'/etc/fence-virt/groups.d/{name}.conf', policy_table.group_text(group))
    keys = {}
    for requester in table['requesters']:
        name = requester.get('key')
        if name:
            keys[name] = os.urandom(64)
            hosts.write(f'/etc/fence-virt/keys/{name}.key', keys[name], 0o600, 'fence-virt')
    hosts.run('systemctl', 'start', 'fence-virt-exec.socket', 'fence-virt-exec.service', 'fence-virt-listen@tcp.socket')
    return keys


def explain_all(rows):
    """One line for each requester."""
    explain = Explainer()
    hosts.wait_until('the executor on the bus', explain.is_there)
    for words in dict.fromkeys(row['words'] for row in rows):
        mine, failures = [row for row in rows if row['words'] == words], []
        for row in mine:
            got = explain(words, row['action'], row['text'])
            want = tuple(row[key] for key in ('allowed', 'group', 'reason', 'name', 'uuid'))
            if got != want:
                failures.append(f'{row["action"]} {row["text"]}: {got} instead of {want}')
        check(f'Explain says what the table says of "{words}", {mine[0]["kind"]}', failures, len(mine))


def expected_reply(row):
    """Every domain is off, and stays so."""
    if not row['allowed']:
        return DENIED
    if not row['name']:
        return FAILURE
    return OFF if row['action'] == 'status' else SUCCESS


def audit():
    hosts.run('journalctl', '--sync')
    lines = hosts.run('journalctl', '-t', 'fence-virt', '-o', 'json', '--no-pager').stdout
    return [json.loads(line) for line in lines.splitlines()]


def request_all(rows, keys):
    """What would start a domain is left out."""
    for name, key in keys.items():
        mine = [row for row in rows if row['key'] == name and not (row['action'] == 'on' and row['allowed'])]
        before, failures = len(audit()), []
        for row in mine:
            reply = wire.ask(key, ACTIONS[row['action']], row['text'])
            if reply != expected_reply(row):
                failures.append(f'{row["action"]} {row["text"]}: {reply} instead of {expected_reply(row)}')
        check(f'requests with key:{name} are answered as the table says', failures, len(mine))

        records, failures = audit()[before:], []
        if len(records) != len(mine):
            failures.append(f'{len(records)} records')
        for row, record in zip(mine, records):
            got = record.get('FENCE_DECISION'), record.get('FENCE_REASON')
            acted = row['allowed'] and row['name'] and row['action'] != 'status'     # then the reason is the outcome
            want = 'allow' if row['allowed'] else 'deny', got[1] if acted else row['reason']
            if got != want:
                failures.append(f'{row["action"]} {row["text"]}: {got} instead of {want}')
        check(f'the audit of requests with key:{name} says what the table says', failures, len(mine))


def main():
    table = policy_table.load()
    rows = list(policy_table.rows(table))
    keys = set_up(table)
    explain_all(rows)
    request_all(rows, keys)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f'{error}: {error.stderr}')
