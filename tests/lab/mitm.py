# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a man in the middle tries between agents and hosts. His place is tests/harness/middle.py, what he gets by it is told
by tests/harness/judge.py. Prints PASS and FAIL lines.

    mitm.py debian|raw|fx2|both KEY AGENTS HOST OTHER_HOST OLD_KEY OLD_AGENTS OLD_HOST
                debian: Debian's agents and hosts. The attacks have to succeed, or they prove nothing elsewhere.
                raw, fx2: our agents and hosts, with a key that both protocols may use, or with one for FX2 only.
                both: agents have one for FX2 only, hosts also the raw one that the old ones have. Only with old ones.
                AGENTS: directory of fence_virt and fence_xvm. Hosts: ADDRESS=ROOT=PORT, where ROOT has libvirt's socket.
                The old ones are Debian's, and share the network; but for `both` they share the secret as well."""

import collections
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(sys.path[0], 'interop'))
import fx2  # noqa: E402
from harness import middle  # noqa: E402
from harness.judge import TRANSPORTS, Bench, Host  # noqa: E402

SUCCESS, IS_OFF = b'\0', b'\2'
UNKNOWN = 'vm9'         # no host has it: the true answer is a failure
GUESTS = 8
PACKET, RESPONSE, PROOF, TAG = 176, 64, 128, 64
F2 = 0x80               # in the flags, packet[3]
NAMES = {'debian': "Debian's pair", 'raw': 'ours, raw key', 'fx2': 'ours, FX2-only key',
         'both': 'ours, FX2-only key beside a raw one'}
Tape = collections.namedtuple('Tape', 'packet challenge proof response answer', defaults=(b'', b'', b'', b''))


# --- what he does ---
class Cut(Exception):
    """data: what he still lets through."""

    def __init__(self, data):
        super().__init__()
        self.data = data


def unchanged(_where, data):
    return data


def relay(talk, change=unchanged, host=None, other=None):
    """Passes a conversation on and changes what he likes: what went in is returned. other: whose packet the host gets."""
    other = other or talk
    tape = {'packet': talk.packet}
    far = other.open(change('packet', other.packet), host)
    steps = [('challenge', talk.challenge, far), ('proof', lambda: far.read(PROOF), talk),
             ('response', lambda: talk.read(RESPONSE), far), ('answer', lambda: far.rest(), talk)] if far else []
    for where, read, to in steps:
        tape[where] = read()
        if not tape[where]:
            break
        try:
            to.send(change(where, tape[where]))
        except Cut as cut:
            to.send(cut.data)
            break
    talk.hang_up()
    other.hang_up()
    return Tape(**tape)


def changed(where, make, least=1):
    """Relays with one part made another. Did he have enough of it to do so?"""
    def strategy(talk):
        tape = relay(talk, lambda part, data: make(data) if part == where else data)
        return len(getattr(tape, where)) >= least
    return strategy


def flipped(where, position, mask=1):
    return changed(where, lambda data: data[:position] + bytes([data[position] ^ mask]) + data[position + 1:]
                   if len(data) > position else data, position + 1)


def flipped_packet(b, position, mask):
    """By a stream. The host has nothing to say to it."""
    def strategy(talk):
        packet = bytearray(talk.packet)
        packet[position] ^= mask
        b.nothing(f'packet {position}', relay(talk, lambda part, data: bytes(packet) if part == 'packet' else data).proof)
        return True
    return strategy


def flipped_datagram(position, mask):
    """The changed datagram and the true one behind it: a host that calls back for the first calls twice."""
    def strategy(talk):
        packet = bytearray(talk.packet)
        packet[position] ^= mask
        early = talk.open(bytes(packet), wait=0)
        relay(talk)
        return bool(early or talk.run.called(talk.run.host, 0))
    return strategy


def claimed(answer):
    """The host's proof, and then an answer of his own: the host never hears of the guest again."""
    def strategy(talk):
        far = talk.open(talk.packet)
        if far:
            far.send(talk.challenge())
            talk.send(far.read(PROOF))
            far.close()
        response = talk.read(RESPONSE)
        talk.send(answer)
        talk.hang_up()
        return bool(response)
    return strategy


def forged(answer):
    return changed('answer', answer if callable(answer) else lambda _: answer)


def swapped(held, host=None):
    """The host gets a packet of another conversation."""
    return lambda talk: bool(relay(talk, host=host, other=held).challenge)


# --- Debian's pair ---
def debian(b):
    def bites(what, attempt, *acted):
        did = b.settle(*acted)
        b.check(f'{what} succeeds', attempt.status == 0 and did == list(acted),
                f'status {attempt.status}, {len(did)} hosts acted: {attempt.complaint.strip()}')

    bites('an honest request', b.attempt('off', b.domain, relay), b.host)
    bites('a forged success', b.attempt('off', UNKNOWN, forged(SUCCESS)))
    bites('a flip of the status byte', b.attempt('off', UNKNOWN, flipped('answer', 0)))
    bites('cut and claim', b.attempt('off', b.domain, claimed(SUCCESS)))
    held = b.withhold('off', b.domain)
    bites('a withheld off in place of a status', b.attempt('status', b.domain, swapped(held)), b.host)
    held = b.withhold('status', b.domain)
    bites('a withheld status in place of an off', b.attempt('off', b.domain, swapped(held)))
    held = recorded(b)[0]
    bites('a recorded off, replayed to another host', b.attempt('status', b.domain, swapped(held, b.other)), b.other)


def recorded(b, action='off'):
    """An honest conversation, and the tape of it."""
    talk, tape = b.attempt(action, b.domain, lambda talk: (talk, relay(talk)), hold=True).result
    b.settle(b.host)
    return talk, tape


# --- our pair ---
def honest(b):
    """Through him everything works that he lets work; and it is FX2."""
    attempt = b.attempt('off', b.domain, relay, then=relay)
    tape = attempt.result
    b.check('he lets an off pass, and it is done', attempt.status == 0 and b.settle(b.host) == [b.host], attempt.complaint)
    b.check('it is FX2', tape.packet[3] & F2 and len(tape.answer) == 1 + TAG, f'{len(tape.answer)} bytes of answer')
    b.check('he lets a status pass', b.attempt('status', b.domain, relay).status == 0)
    attempt = b.attempt('list', '', relay)
    b.check('he lets a list pass', attempt.status == 0 and b.domain in attempt.said, attempt.complaint)
    b.begin()
    return len(attempt.result.answer)


def forgeries(b):
    good = recorded(b, 'status')[1].answer
    answers = {'no tag': SUCCESS, 'a tag of zeros': SUCCESS + bytes(TAG), 'a random tag': SUCCESS + os.urandom(TAG),
               'the answer of another conversation': good, 'half a tag': good[:33]}
    b.each(b.fails, [(f'a forged success with {what}', 'off', UNKNOWN, forged(answer)) for what, answer in answers.items()] +
           [(f'cut and claim with {what}', 'off', b.domain, claimed(answer)) for what, answer in answers.items()] +
           [('the tag of a failure for a success', 'off', UNKNOWN, forged(lambda data: SUCCESS + data[1:])),
            ('success before a failure', 'off', UNKNOWN, forged(lambda data: SUCCESS + data)),
            ('a list in place of a status', 'status', b.domain, forged(lambda data: b'\xfd' + bytes(131) + data[1:]))])
    b.conclude('forged success, cut and claim')


def swaps(b):
    cases = [('a withheld off in place of a status', 'status', b.domain, swapped(b.withhold('off', b.domain))),
             ('a withheld status in place of an off', 'off', b.domain, swapped(b.withhold('status', b.domain))),
             ('a withheld off in place of a list', 'list', '', swapped(b.withhold('off', b.domain))),
             ('a withheld off in place of an off of another', 'off', UNKNOWN, swapped(b.withhold('off', b.domain)))]
    held = recorded(b)[0]
    if b.transport == 'tcp':    # by multicast all hosts have heard it, and it is used up
        cases.append(('a recorded off in place of a status', 'status', b.domain, swapped(held, b.other)))
    b.each(b.fails, cases)
    b.conclude('packet swap')


def unanswered(b, what, talk, packet, challenge, response=b'', host=None):
    """A host gets this, in the name of a guest that is gone; what comes after the last of it has to be nothing."""
    b.count()
    far = talk.open(packet, host, wait=0.5)
    answer = b''
    if far:
        far.send(challenge)
        proof = far.read(PROOF) if response else b''
        if proof:
            far.send(response(proof) if callable(response) else response)
        answer = far.rest()
        far.close()
    b.nothing(what, answer)


def strips(b):
    """Without F2, or with the hash of the other protocol, or a challenge of it."""
    def one(what, place, value, challenge, guest):
        talk = b.withhold('off', b.domain, guest)
        packet = bytearray(talk.packet)
        packet[place] = value
        if packet != talk.packet or not challenge.startswith(b'fx2guest'):
            unanswered(b, what, talk, bytes(packet), challenge)

    b.each(one, [(f'packet[{place}] = {value}', place, value, challenge)
                 for place, value in ((3, 0), (3, F2), (1, 0), (1, 2), (1, 0x10))
                 for challenge in (b'\xff' + os.urandom(63), b'fx2guest' + os.urandom(56))])
    b.conclude('strip of F2')


def replays(b):
    def again(tape, *parts):
        def strategy(talk):
            challenge = talk.challenge()
            for part in parts:
                talk.send(getattr(tape, part))
            talk.read(RESPONSE)
            talk.hang_up()
            return bool(challenge)
        return strategy

    talk, tape = recorded(b)
    b.each(b.fails, [('the proof of another conversation', 'off', b.domain, again(tape, 'proof')),
                     ('the proof and the answer of another conversation', 'off', b.domain, again(tape, 'proof', 'answer'))])
    unanswered(b, 'a conversation again', talk, tape.packet, tape.challenge, tape.response)
    unanswered(b, 'a conversation with another host again', talk, tape.packet, tape.challenge, tape.response, b.other)
    talk, tape = b.attempt('off', b.domain, lambda talk: (talk, relay(talk, cut_response)), hold=True).result
    unanswered(b, 'a withheld response in a new conversation', talk, tape.packet, tape.challenge, tape.response)
    unanswered(b, 'a withheld response for another host', talk, tape.packet, tape.challenge, tape.response, b.other)
    b.conclude('replay of a handshake')


def cut_response(where, data):
    if where == 'response':
        raise Cut(b'')
    return data


def relays_between_hosts(b):
    """The guest is with one host, and another one has heard the same packet and challenge."""
    def both(between):
        def strategy(talk):
            one, two = talk.open(talk.packet), talk.open_also(b.other)
            challenge = talk.challenge()
            for far in (one, two):
                far.send(challenge)
            proofs = one.read(PROOF), two.read(PROOF)
            between(talk, one, two, *proofs)
            talk.hang_up()
            return all(proofs)
        return strategy

    def response_to_the_other(talk, one, two, first, second):
        talk.send(first)
        two.send(talk.read(RESPONSE))
        b.nothing('the response to one host, given to another', two.rest())
        talk.send(SUCCESS + second[:TAG])

    def challenge_of_the_other(talk, one, two, first, second):
        talk.send(first[:64] + second[64:])
        one.send(talk.read(RESPONSE))

    def proof_as_response(talk, one, two, first, second):
        one.send(first[:64])
        two.send(first[:64])
        b.nothing('the proof of a host as the response to it', one.rest())
        b.nothing('the proof of a host as the response to another', two.rest())

    b.each(b.fails, [(between.__name__, 'off', b.domain, both(between))
                     for between in (response_to_the_other, challenge_of_the_other, proof_as_response)])
    proof = recorded(b, 'status')[1].proof
    talk = b.withhold('off', b.domain)
    unanswered(b, 'the challenge of a host, reflected', talk, talk.packet, proof[64:])
    b.conclude('a handshake carried to another host')


def mask(position):
    """status becomes off; F2 goes; vm1 becomes vm2."""
    return {0: 5, 3: F2, 6: 3}.get(position, 1)


def flips(b, list_size):
    if b.transport == 'tcp':
        b.each(b.fails, [(f'packet {i}', 'status', b.domain, flipped_packet(b, i, mask(i))) for i in range(PACKET)])
    else:
        b.each(b.called_once, [(f'packet {i}', 'status', b.domain, flipped_datagram(i, mask(i))) for i in range(PACKET)])
    b.conclude('flips of every byte of the packet')
    b.each(b.fails, [(f'{where} {i}', 'off', b.domain, flipped(where, i))
                  for where, size in (('challenge', 64), ('proof', PROOF), ('response', RESPONSE)) for i in range(size)])
    b.conclude('flips of every byte of the handshake')
    b.each(b.fails, [(f'answer {i}', 'status', b.domain, flipped('answer', i)) for i in range(1 + TAG)] +
                 [(f'answer of a failure ^ {m}', 'off', UNKNOWN, flipped('answer', 0, m)) for m in (1, 3, 0xfc)] +
                 [(f'answer of a status ^ {m}', 'status', b.domain, flipped('answer', 0, m)) for m in (2, 3, 0xfd)])
    b.conclude('flips of every byte of the answer')
    b.each(b.fails, [(f'list {i}', 'list', '', flipped('answer', i)) for i in range(list_size)])
    b.conclude('flips of every byte of a list')


def cuts(b):
    """What the guest hears ends after so many bytes."""
    def cut(where, size):
        def change(part, data):
            if part == where:
                raise Cut(data[:size])
            return data
        return lambda talk: bool(getattr(relay(talk, change), where))

    places = range(PROOF) if b.transport == 'tcp' else (0, 1, 63, 64, 127)
    b.each(b.fails, [(f'after {i} bytes of the proof', 'status', b.domain, cut('proof', i)) for i in places] +
                 [(f'after {i} bytes of the answer', 'status', b.domain, cut('answer', i)) for i in range(1 + TAG)])
    b.conclude('cuts')


def drops(b):
    """Nothing more is heard; nobody hangs up."""
    def dropped(where):
        def strategy(talk):
            def change(part, data):
                if part != where:
                    return data
                talk.run.process.wait()
                raise Cut(b'')
            return bool(getattr(relay(talk, change), where))
        return strategy

    b.each(b.fails, [(f'drop of the {where}', 'off', b.domain, dropped(where), 1) for where in ('challenge', 'proof', 'response')])
    b.settle()
    b.fails('drop of the answer', 'off', b.domain, dropped('answer'), seconds=1)
    b.check('what is dropped last has been done', b.settle(b.host) == [b.host], 'it was not')
    b.conclude('drops')


def too_late(b):
    """What the guest said is kept from the host until that has had enough. The guest is gone by then."""
    def strategy(talk):
        far = talk.open(talk.packet)
        far.send(talk.challenge())
        talk.send(far.read(PROOF))
        return far, talk.read(RESPONSE)

    b.count()
    far, response = b.attempt('off', b.domain, strategy, hold=True).result
    b.nothing('the end of a conversation without response', far.rest())
    far.send(response)
    b.check('he has a response to hold back', len(response) == RESPONSE)
    b.conclude('a response that is held back')


def duplicates(b):
    """An agent may report success here; then the domain is off, once."""
    def may_succeed(what, strategy):
        attempt = b.attempt('off', b.domain, strategy, then=relay, seconds=3)
        did = b.settle(b.host)
        if attempt.said or attempt.status == 0 and not did:
            b.blame(f'{what}: success, and nothing was done')
        return attempt

    def second_conversation(talk):
        tape = relay(talk)
        unanswered(b, 'the conversation again', talk, *tape[:2], tape.response)
        return tape

    for where in 'challenge', 'proof', 'response', 'answer':
        may_succeed(f'the {where} twice', changed(where, lambda data: data + data))
    b.check('a conversation again does not disturb the first', may_succeed('all twice', second_conversation).status == 0)
    talk, tape = recorded(b)
    unanswered(b, 'a conversation again when the domain runs again', talk, *tape[:2], tape.response)
    b.conclude('duplicates')


# --- who else is there ---
def strangers(b):
    """One who has no key, and one who has that of another cluster."""
    def as_host(prove, answer):
        def strategy(talk):
            challenge, own = talk.challenge(), key.host_challenge()
            talk.send(prove(talk.packet, challenge, own) + own)
            talk.read(RESPONSE)
            talk.send(answer(talk.packet, challenge, own))
            talk.hang_up()
            return bool(challenge)
        return strategy

    def tagged(*transcript):
        return SUCCESS + key.prove('result', *transcript, SUCCESS)

    key = fx2.Key(os.urandom(48))
    b.each(b.fails, [('a host of another cluster', 'off', b.domain, as_host(lambda *t: key.prove('host', *t), tagged)),
                     ('an old host of another cluster', 'off', b.domain,
                      as_host(lambda _, challenge, __: key.old('sha256', challenge), lambda *_: SUCCESS)),
                     ('nobody, who claims', 'off', b.domain, as_host(lambda *_: os.urandom(64), lambda *_: SUCCESS))])
    for what, prove in (('a stranger', lambda *_: os.urandom(64)), ('a guest of another cluster', lambda *t: key.prove('guest', *t))):
        talk, challenge = b.withhold('off', b.domain), b'fx2guest' + os.urandom(56)
        unanswered(b, what, talk, talk.packet, challenge,
                   lambda proof, p=prove, t=talk, c=challenge: p(t.packet, c, proof[64:]))
    b.conclude('a stranger, and the holder of another key')


def first_callers(b):
    """Callers before the host: one who says nonsense, one who says nothing."""
    def strategy(talk):
        callers = [middle.Talk(talk.run, talk.packet) for _ in range(2)]
        for caller in callers:
            caller.challenge()
        callers[0].send(os.urandom(PROOF))
        return relay(talk)

    b.check('who calls before the host does not keep it away', b.attempt('status', b.domain, strategy).status == 0)
    b.begin()


class Old:
    """What an old host and an old guest that have the secret are good for: they compute v1 of anything."""

    def __init__(self, b, host, guest):
        self.b, self.host, self.guest = b, host, guest
        self.packet = b.withhold('status', b.domain, guest)

    def host_response(self, challenge):
        far = self.packet.open(self.packet.packet, self.host)
        far.send(challenge)
        response = far.read(PROOF)[:64]
        far.close()
        return response

    def guest_response(self, challenge):
        """The old guest is with the old host, as it believes."""
        def strategy(talk):
            talk.send(self.host_response(talk.challenge()) + challenge)
            return talk.read(RESPONSE)
        return self.b.attempt('status', self.b.domain, strategy, guest=self.guest, hold=True).result

    def play_host(self, answer, challenge=None):
        """To a new guest."""
        def strategy(talk):
            own = talk.challenge()
            talk.send(self.host_response(own) + (challenge or os.urandom(64)))
            talk.read(RESPONSE)
            talk.send(answer)
            talk.hang_up()
            return bool(own)
        return strategy

    def play_guest(self, what, talk, challenge):
        """To a new host, with somebody's packet."""
        unanswered(self.b, what, talk, talk.packet, challenge, lambda proof: self.guest_response(proof[64:]))


def old_pair(b, old, kind):
    if kind == 'raw':       # docs/fx2.md, section 6: this is what one pays for a key that old ones have
        attempt = b.attempt('off', b.domain, old.play_host(SUCCESS), then=old.play_host(IS_OFF))
        b.check('by an old host with its key a new guest is fooled', attempt.status == 0 and not b.settle(), attempt.complaint)
    if kind != 'fx2':
        old.play_guest('', b.withhold('off', b.domain, old.guest), b'\xff' + os.urandom(63))
        b.check('by an old guest with its key a new host is fooled', b.settle(b.host) == [b.host], 'it was not')
        b.begin()

    tagged = b.attempt('status', b.domain, relay).result.proof[64:]
    cases = [('the response of an old host, and a challenge of a new one', 'off', b.domain, old.play_host(SUCCESS, tagged))]
    if kind == 'fx2':
        old.play_guest('an old guest', b.withhold('off', b.domain, old.guest), b'\xff' + os.urandom(63))
    else:
        cases.append(('a packet of an old guest in a conversation of a new one', 'status', b.domain,
                      swapped(b.withhold('off', b.domain, old.guest))))
    if kind != 'raw':
        cases += [('an old host for a new one', 'off', b.domain, old.play_host(SUCCESS)),
                  ('an old host, and a tag', 'off', b.domain, old.play_host(SUCCESS + os.urandom(TAG))),
                  ('relayed to an old host', 'off', b.domain, lambda talk: relay(talk, host=old.host) is not None)]
    for challenge in (b'fx2guest' + os.urandom(56), b'\xff' + os.urandom(63)):
        old.play_guest('a packet of a new guest, and the responses of an old one', b.withhold('off', b.domain), challenge)
    talk = b.withhold('off', b.domain, old.guest)
    old.play_guest('a packet of an old guest, and the challenge of a new one', talk, b'fx2guest' + os.urandom(56))
    for case in cases:      # one after the other, as the old host can
        b.fails(*case)
    b.conclude('an old host and an old guest share the network')


def ours(b):
    list_size = honest(b)
    for attack in (forgeries, swaps, strips, replays, relays_between_hosts):
        attack(b)
    flips(b, list_size)
    for attack in (cuts, drops, duplicates, strangers):
        attack(b)
    if b.transport == 'multicast':
        first_callers(b)
    else:       # one deadline for both
        too_late(b)


def main():
    kind, key, agents, host, other, old_key, old_agents, old_host = sys.argv[1:]
    hosts, old_host = [Host(host), Host(other)], Host(old_host)
    guests = [middle.Guest(f'10.77.0.{100 + i}', agents, key) for i in range(GUESTS)]
    old_guest = middle.Guest('10.77.0.99', old_agents, old_key)
    switch = f'/run/netns/{os.environ["LAB_TAG"]}-sw'
    network = middle.Network(switch, [h.address for h in hosts], [*guests, old_guest])

    def test(transport):
        b = Bench(NAMES[kind], transport, network, guests, hosts)
        if kind == 'debian':
            debian(b)
            return
        if kind != 'both':
            ours(b)
        old_pair(b, Old(b, old_host, old_guest), kind)
        b.verdict('in all', b.total, 'see above')

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(test, TRANSPORTS))


if __name__ == '__main__':
    main()
