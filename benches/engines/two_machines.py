#!/usr/bin/env python3
"""Two machines on this one: network namespaces between which a round trip takes so long.

    two_machines.py MILLISECONDS

makes the namespaces prismq-server, with the address 10.91.0.1, and prismq-client, with 10.91.0.2, and passes each packet
between them on after half of the given time, until it is ended by Ctrl-C or SIGTERM; then it removes them. A command is
run in one by `ip netns exec prismq-client COMMAND`. How much passes at once is not limited. Linux only, as root.
"""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections import deque

ADDRESSES = {"prismq-server": "10.91.0.1/24", "prismq-client": "10.91.0.2/24"}
# The largest packet of the devices: fewer and larger ones cost this program less time.
MTU = 65000
# Of linux/if_tun.h: packets of IP, without a header of the device's.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def device(name, address):
    """Makes a device in a namespace: what it sends is read from the file, and what is written to that it receives."""
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    ip("link", "set", name, "netns", name, "mtu", str(MTU))
    ip("-n", name, "address", "add", address, "dev", name)
    for up in name, "lo":
        ip("-n", name, "link", "set", up, "up")
    return file


def pass_on(devices, delay):
    """Passes packets on in the order in which they came, each when its time has come."""
    others = dict(zip(devices, reversed(devices)))
    sent = {device: deque() for device in devices}
    while True:
        due = [packets[0][0] for packets in sent.values() if packets]
        wait = max(0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select(devices, [], [], wait)
        now = time.monotonic()
        for device in readable:
            sent[others[device]].append((now + delay, os.read(device, MTU)))
        for device, packets in sent.items():
            while packets and packets[0][0] <= now:
                os.write(device, packets.popleft()[1])


def main(milliseconds):
    delay = float(milliseconds) / 2000
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    made, devices = [], []
    try:
        for name, address in ADDRESSES.items():
            ip("netns", "add", name)
            made.append(name)
            devices.append(device(name, address))
        pass_on(devices, delay)
    except KeyboardInterrupt:
        pass
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n`ip netns delete` removes namespaces that a killed run left")
    finally:
        for name in made:
            ip("netns", "delete", name)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
