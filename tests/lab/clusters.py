# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two guest clusters on one host, each with a key and a group. Who holds the key of red can neither act on blue's domains, nor
list them, nor learn that they exist: every answer about one is byte for byte that about a name nobody has, whatever is true of
it. And names that change hands. Runs as root in a lab host, with the product installed."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts, wire  # noqa: E402
from harness.stall import pids  # noqa: E402

ACTIONS = {'off': wire.OFF, 'reboot': wire.REBOOT, 'on': wire.ON, 'status': wire.STATUS}
DENIED = b'\x03'
OTHER = hosts.QEMU_URI
# name, number, hypervisor, running
DOMAINS = [('red1', 1, hosts.URI, True), ('red2', 2, hosts.URI, False),
           ('blue1', 11, hosts.URI, True), ('blue2', 12, hosts.URI, False), ('blue3', 13, hosts.URI, True),
           ('blue-two', 14, hosts.URI, True), ('blue-two', 15, OTHER, False),            # ambiguous by name
           ('blue4', 16, hosts.URI, True), (hosts.uuid(16), 17, hosts.URI, True),       # ambiguous by UUID
           ('protected', 18, hosts.URI, True)]
BLUE = ['blue1', 'blue2', 'blue3', hosts.uuid(11), hosts.uuid(12), hosts.uuid(13), 'blue-two', hosts.uuid(14),
        hosts.uuid(15), 'blue4', hosts.uuid(16), hosts.uuid(17), 'protected', hosts.uuid(18)]
NOBODY = ['green1', hosts.uuid(99)]


def check(name, ok, why=''):
    print(f'PASS {name}' if ok else f'FAIL {name}: {why}', flush=True)


def check_equal(name, want, got):
    check(name, want == got, f'wanted {want!r}, got {got!r}')


def answer(key, action, target=''):
    """Every byte after the handshake."""
    with wire.connect(timeout=20) as peer:
        peer.sendall(wire.packet(key, action, target))
        if not wire.handshake(peer, key):
            return None
        return wire.read(peer, 1 << 20)


def define(name, number, uri, running):
    kind = hosts.domain_xml if uri == hosts.URI else hosts.qemu_xml
    path = f'/run/domains/{number}.xml'
    hosts.write(path, kind(name, number))
    hosts.run('virsh', '-q', '-c', uri, 'define', path)
    if running:
        hosts.run('virsh', '-q', '-c', uri, 'start', hosts.uuid(number))


def undefine(number, running):
    if running:
        hosts.run('virsh', '-q', '-c', hosts.URI, 'destroy', hosts.uuid(number))
    hosts.run('virsh', '-q', '-c', hosts.URI, 'undefine', hosts.uuid(number))


def states():
    """By UUID, since names are ambiguous here."""
    return {(uri, number): hosts.run('virsh', '-q', '-c', uri, 'domstate', hosts.uuid(number)).stdout.strip()
            for _, number, uri, _ in DOMAINS}


def set_group(name, members, never='protected'):
    hosts.write(f'/etc/fence-virt/groups.d/{name}.conf', f'[Group]\nMembers={" ".join(members)}\nSources=key:{name}\n')
    hosts.write('/etc/fence-virt/fence-virt.conf',
                f'[Libvirt]\nURI={hosts.URI}\nURI={OTHER}\n[Policy]\nNever={never}\n'
                '[Limits]\nQuestionsPerSec=0\nActionsPerSec=0\n')
    hosts.run('systemctl', 'reload-or-restart', 'fence-virt-exec.service')


def set_up():
    hosts.Domains().start([])
    for domain in DOMAINS:
        define(*domain)
    keys = {}
    for name in ('red', 'blue'):
        keys[name] = os.urandom(64)
        hosts.write(f'/etc/fence-virt/keys/{name}.key', keys[name], 0o600, 'fence-virt')
    hosts.run('systemctl', 'start', 'fence-virt-exec.socket')
    set_group('red', ['red1', hosts.uuid(2)])
    set_group('blue', ['blue1', hosts.uuid(12), 'blue3', 'blue-two', hosts.uuid(16), 'protected'])
    hosts.run('systemctl', 'start', 'fence-virt-listen@tcp.socket')
    return keys


def learn_nothing(red, when):
    """All of blue's names, in every way, against names that nobody has."""
    before = states() if 'silent' not in when else None
    for action, number in ACTIONS.items():
        answers = {target: answer(red, number, target) for target in NOBODY + BLUE}
        wrong = {target: got for target, got in answers.items() if got != DENIED}
        check(f'{when}: {action} of any of blue\'s domains is answered like that of a name nobody has', not wrong, wrong)
    if before:
        check_equal(f'{when}: none of them has changed', before, states())


def show_nothing(keys):
    red, blue = answer(keys['red'], wire.LIST), answer(keys['blue'], wire.LIST)
    check('the list of red has no byte of a name or UUID of blue',
          red[:1] == b'\xfd' and not any(text.encode() in red for text in BLUE), red)
    check('it has red\'s', b'red1' in red and b'red2' in red, red)
    check('the list of blue has its own and nothing of red', b'blue1' in blue and b'blue3' in blue and b'red' not in blue, blue)


def own_rights(keys):
    """What red is denied is there to be had: the test would see it."""
    blue = keys['blue']
    for target, want in (('blue1', b'\0'), ('blue2', b'\2'), (hosts.uuid(11), b'\0'), ('blue-two', b'\1'),
                         (hosts.uuid(16), b'\1'), ('blue4', b'\0'), ('protected', b'\0'), ('red1', DENIED)):
        check_equal(f'blue hears of the status of {target} what is true', want, answer(blue, wire.STATUS, target))
    check_equal('not even blue can switch off what is protected', DENIED, answer(blue, wire.OFF, 'protected'))
    check_equal('nor reboot it', DENIED, answer(blue, wire.REBOOT, hosts.uuid(18)))
    check_equal('blue can switch off its own', b'\0', answer(blue, wire.OFF, 'blue3'))
    check_equal('and on', b'\0', answer(blue, wire.ON, 'blue3'))


def names_change_hands(keys):
    """A UUID is a domain, a name is whoever has it."""
    red = keys['red']
    check_equal('red2, a member by its UUID, is found by its name', b'\2', answer(red, wire.STATUS, 'red2'))
    undefine(2, False)
    define('renamed', 2, hosts.URI, False)
    check_equal('after a rename its old name means nothing', DENIED, answer(red, wire.STATUS, 'red2'))
    check_equal('and its new one means it', b'\2', answer(red, wire.STATUS, 'renamed'))
    define('red2', 3, hosts.URI, True)
    check_equal('a new domain under the old name is another one', DENIED, answer(red, wire.OFF, 'red2'))
    check_equal('the UUID means the old one still', b'\2', answer(red, wire.STATUS, hosts.uuid(2)))
    undefine(1, True)
    define('red1', 4, hosts.URI, True)
    check_equal('a member by name is whoever has the name', b'\0', answer(red, wire.STATUS, 'red1'))
    define('red1', 5, OTHER, False)
    check_equal('with two of that name neither is switched off', b'\1', answer(red, wire.OFF, 'red1'))
    check_equal('one of two is meant by its UUID', b'\0', answer(red, wire.STATUS, hosts.uuid(4)))
    check_equal('and the other', b'\2', answer(red, wire.STATUS, hosts.uuid(5)))
    hosts.run('virsh', '-q', '-c', OTHER, 'undefine', hosts.uuid(5))
    check_equal('with one of that name again, it is', b'\0', answer(red, wire.OFF, 'red1'))


def silence(keys):
    daemons = pids({'libvirtd'})
    try:
        for pid in daemons:
            os.kill(pid, signal.SIGSTOP)
        check_equal('red hears of a failure for its own while libvirtd is silent', b'\1',
                    answer(keys['red'], wire.OFF, 'red1'))
        check_equal('and, having asked before, for a member by UUID that it names', b'\1',
                    answer(keys['red'], wire.OFF, 'renamed'))
        learn_nothing(keys['red'], 'libvirtd is silent')
    finally:
        for pid in daemons:
            os.kill(pid, signal.SIGCONT)


def main():
    keys = set_up()
    own_rights(keys)
    learn_nothing(keys['red'], 'blue1 and blue3 run, blue2 is off')
    for number in (11, 13):
        hosts.run('virsh', '-q', '-c', hosts.URI, 'destroy', hosts.uuid(number))
    hosts.run('virsh', '-q', '-c', hosts.URI, 'start', hosts.uuid(12))
    learn_nothing(keys['red'], 'blue1 and blue3 are off, blue2 runs')
    show_nothing(keys)
    names_change_hands(keys)
    silence(keys)


if __name__ == '__main__':
    main()
