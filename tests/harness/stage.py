# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sets a lab host up from a shell script; what is started stays.

    stage.py domains N              vm1..vmN of the test driver, running, in the host's libvirtd
    stage.py ours KEY TRANSPORT...  the product with that key, and every holder of a key may do everything
    stage.py debian KEY TRANSPORT PORT [URI]    Debian's fence_virtd, by default with domains of its own: the contract's"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import hosts  # noqa: E402


def main():
    what, *arguments = sys.argv[1:]
    if what == 'domains':
        hosts.Domains().start([(f'vm{i}', i, True) for i in range(1, int(arguments[0]) + 1)])
    elif what == 'ours':
        key, first, *others = arguments
        hosts.Ours(first, key=key).start()
        for transport in others:
            hosts.Ours(transport, key=key).listen()
    else:
        key, transport, port, *uri = arguments
        hosts.Debian(transport, uri=uri or None, key=key, port=int(port), interface='eth0').start()


if __name__ == '__main__':
    main()
