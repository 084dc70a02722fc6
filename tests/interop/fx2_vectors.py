# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks fx2.py against the vectors in docs/fx2.md and tests/vectors/fx2.json, and its rules for files and packets."""

import json
import pathlib
import re
import sys

import fx2

ROOT = pathlib.Path(__file__).resolve().parents[2]


def document():
    """{section: {name: bytes}}, and the text of the key file, of the last chapter of the document."""
    text = (ROOT / 'docs/fx2.md').read_text(encoding='utf-8').split('\n## 9.')[1]
    raw, only = text.split('\n### ')[1:]
    chapters = {'raw': raw, 'only': only.split('\nA list')[0], 'list': only.split('\nA list')[1]}
    value = re.compile(r'^(\w+)[^=\n]*=\n((?:  [0-9a-f ]+\n)+)', re.M)
    key_file = re.search(r'^FENCE-FX2-KEY\n.*\n', only, re.M)[0].encode()
    return {n: {k: bytes.fromhex(v) for k, v in value.findall(c)} for n, c in chapters.items()}, key_file


def check(name, got, expected):
    if got != expected:
        sys.exit(f'FAIL {name}:\n  {got!r}\n  {expected!r}')
    print(f"PASS fx2.py, vectors: {name}")


def refused(name, function, *args):
    try:
        function(*args)
    except fx2.Refused:
        print(f"PASS fx2.py refuses: {name}")
    else:
        sys.exit(f"FAIL fx2.py takes: {name}")


def conversation(name, key, vector, cg, ch):
    packet = vector['P']
    check(f'{name}: MAC', key.packet_mac(packet[1], packet), packet[112:])
    fx2.parse_packet(packet, True)
    check(f'{name}: Rh', key.prove('host', packet, cg, ch), vector['Rh'])
    check(f'{name}: Rg', key.prove('guest', packet, cg, ch), vector['Rg'])
    check(f'{name}: T', key.prove('result', packet, cg, ch, vector['body']), vector['T'])


def vectors():
    doc, key_file = document()
    raw, only = doc['raw'], doc['only']
    cg, ch = raw['Cg'], raw['Ch']
    key, key_only = fx2.Key(raw['secret']), fx2.Key(key_file)
    check('kinds', (key.only, key_only.only), (False, True))
    check('secret in the file', key_only.secret, raw['secret'])
    check('PRK', key.prk, raw['PRK'])
    for purpose, value in key.keys.items():
        check(f'k_{purpose}', value, raw[f'k_{purpose}'])
    check('Ch is a challenge of a host', key.is_host_challenge(ch), True)
    check('Cg is not', key.is_host_challenge(cg), False)
    conversation('raw', key, raw, cg, ch)
    conversation('FX2-only', key_only, only, cg, ch)
    listing = fx2.make_list([('vm1', '4dea22b3-1d52-d8f3-2516-782e98ab3fa0', 1)])
    check('list: T', key.prove('result', only['P'], cg, ch, listing), doc['list']['T'])

    stored = json.loads((ROOT / 'tests/vectors/fx2.json').read_text(encoding='utf-8'))
    names = {'P': 'packet', 'Rh': 'host_proof', 'Rg': 'guest_proof', 'T': 'result_tag', 'body': 'body'}
    for name, other in names.items():
        check(f'json {name}', stored[other], raw[name].hex())
        check(f'json fx2_only {name}', stored['fx2_only'][other], only[name].hex())
    check('json list', stored['fx2_only']['list_body'], listing.hex())
    check('json key file', stored['fx2_only']['key_file'], key_file.decode())


def key_files():
    mark, text = b'FENCE-FX2-KEY', b'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
    for name, data in {
        'no newline at the end': mark + b'\n' + text,
        'newlines before the base64': mark + b'\n\n\n' + text,
        'wrapped': mark + b'\n' + text[:20] + b'\n' + text[20:43] + b'\n\n' + text[43:] + b'\n\n',
    }.items():
        check(name, fx2.Key(data).secret, bytes(range(32)))
    for name, data in {
        'only the mark': mark,
        'no base64': mark + b'\n',
        'CRLF': mark + b'\r\n' + text + b'\r\n',
        'a blank': mark + b'\n' + text[:8] + b' ' + text[8:],
        'no padding': mark + b'\n' + text[:-1],
        'bits behind the end': mark + b'\n' + text[:-2] + b'9=',
        '31 bytes': mark + b'\n' + text[:-4] + b'Hg==',
        'mark in the line': mark + b'S\n' + text,
        'bytes behind': mark + b'\n' + text + b'\n#',
        'base64 behind the padding': mark + b'\n' + text + text,
        'URL alphabet': mark + b'\n' + text[:-4] + b'-_8=',
        '4097 bytes': mark + b'\n' + text + b'\n' * 4096,
        'raw, 15 bytes': bytes(15),
        'raw, 4097 bytes': bytes(4097),
    }.items():
        refused(name, fx2.Key, data)
    check('raw with a newline', fx2.Key(b'0123456789abcde\n').secret, b'0123456789abcde\n')


def packets():
    key = fx2.Key(bytes(range(32)))
    good = fx2.Guest(key, fx2.STATUS, 'vm1').packet()
    fx2.parse_packet(good, True)
    for name, at, value in (
        ('action 7', 0, 7), ('hash 0', 1, 0), ('hash 4', 1, 4), ('an address length', 2, 4), ('flag 0x02', 3, 0x82),
        ('no target', 4, 0), ('control character', 5, 9), ('bytes behind the target', 9, 1), ('not UTF-8', 4, 0xFF),
        ('address', 68, 1), ('port', 96, 1), ('family', 108, 2),
    ):
        data = bytearray(good)
        data[at] = value
        if name == 'no target':
            data[4:68] = bytes(64)
        refused(name, fx2.parse_packet, bytes(data), True)
    refused('64 bytes of target', fx2.parse_packet, good[:4] + b'x' * 64 + good[68:], True)
    refused('0x10 without F2', fx2.parse_packet, good[:1] + b'\x10\0\0' + good[4:], True)
    refused('short', fx2.parse_packet, good[:-1], True)
    refused('0x10 with a raw key', key.packet_mac, 0x10, good)
    refused('over multicast without an address', fx2.parse_packet, good, False)


if __name__ == '__main__':
    vectors()
    key_files()
    packets()
