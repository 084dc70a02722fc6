# SPDX-License-Identifier: LGPL-2.1-or-later
"""The policy table (table.json), multiplied out: every requester, action and target, with the verdict and the reason that
must be said. As a program it writes the table as a C header, for the unit test:

    table.py TABLE.json HEADER.h"""

import json
import os
import sys

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'table.json')


def load(path=PATH):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def group_text(group):
    return '[Group]\n' + ''.join(f'{key}={" ".join(words)}\n' for key, words in group.items())


def expectation(table, requester, target, action):
    """The one row that speaks of it."""
    rows = [e for e in table['expect'] if e['requester'] == requester['is'] and
            ('*' in e['target'] or target['is'] in e['target']) and ('*' in e['action'] or action in e['action'])]
    if len(rows) != 1:
        raise ValueError(f'{len(rows)} rows speak of {requester["is"]}, {target["is"]}, {action}')
    return rows[0]


def domain_of(table, target):
    """The domain that the text means, by its name or by its UUID; None when there is none, or more than one."""
    if 'found' not in target:
        return None
    text = target['text'].lower()
    found = [d for d in table['domains'] if d['name'] == target['found'] and
             (d['uuid'] == text or target['text'] == d['name'])]
    if len(found) != 1:
        raise ValueError(f'{target["text"]}: {len(found)} domains')
    return found[0]


def rows(table):
    """Dictionaries: kind, key, words, action, text; allowed, group, reason, name, uuid."""
    for requester in table['requesters']:
        for target in table['targets']:
            domain = domain_of(table, target)
            for action in table['actions']:
                e = expectation(table, requester, target, action)
                looked_up = '{target}' in e['reason'] or e['allowed'] or (requester['is'] == 'full')
                shown = domain['name'] if domain else target['text']
                found = domain if looked_up and domain else {'name': '', 'uuid': ''}
                yield {'kind': requester['kind'], 'key': requester.get('key'), 'words': requester['words'],
                       'action': action, 'text': target['text'], 'allowed': e['allowed'], 'group': e['group'],
                       'reason': e['reason'].format(target=shown, action=action, requester=requester.get('shown')),
                       'name': found['name'], 'uuid': found['uuid'], 'target_class': target['is']}


def c_string(text):
    return json.dumps(text)     # ASCII, and its escapes are those of C


def header(table):
    uris = sorted({d['uri'] for d in table['domains']}, reverse=True)
    yield '/* made by tests/policy/table.py */'
    yield 'static const char *const table_never[] = {' + ', '.join(map(c_string, table['never'])) + '};'
    yield 'static const struct { const char *name, *text; } table_groups[] = {'
    for name, group in sorted(table['groups'].items()):
        yield f'{{{c_string(name)}, {c_string(group_text(group))}}},'
    yield '};'
    yield f'enum {{ TABLE_URIS = {len(uris)} }};'
    yield 'static const struct { const char *name, *uuid, *labels; unsigned uri; } table_domains[] = {'
    for d in table['domains']:
        yield f'{{{c_string(d["name"])}, {c_string(d["uuid"])}, {c_string(d.get("labels", ""))}, {uris.index(d["uri"])}}},'
    yield '};'
    yield ('static const struct { const char *words, *action, *text; bool allowed; const char *group, *reason, *name, '
           '*uuid; } table_rows[] = {')
    for r in rows(table):
        texts = ', '.join(c_string(r[key]) for key in ('group', 'reason', 'name', 'uuid'))
        yield (f'{{{c_string(r["words"])}, {c_string(r["action"])}, {c_string(r["text"])}, '
               f'{str(r["allowed"]).lower()}, {texts}}},')
    yield '};'


if __name__ == '__main__':
    with open(sys.argv[2], 'w', encoding='utf-8') as output:
        output.writelines(line + '\n' for line in header(load(sys.argv[1])))
