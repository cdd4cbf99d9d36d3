#!/usr/bin/env python3
"""Connections to a server as if it were on another machine: a round trip takes so long.

    delay.py PORT SOCKET MILLISECONDS

listens on this port of 127.0.0.1, and connects to the server's Unix socket (for PostgreSQL `.../.s.PGSQL.5432`). What
arrives is passed on in order after half of the given time. How much passes at once is not limited.
"""

import socket
import sys
import threading
import time
from queue import SimpleQueue


def receive(source, parts, delay):
    """Notes for each part that arrives when it is to be passed on; the last is empty."""
    part = b"-"
    while part:
        try:
            part = source.recv(1 << 16)
        except OSError:
            part = b""
        parts.put((time.monotonic() + delay, part))


def pass_on(target, parts):
    """Sends each part when its time has come, and the end after the last."""
    while True:
        due, part = parts.get()
        time.sleep(max(0, due - time.monotonic()))
        try:
            if not part:
                return target.shutdown(socket.SHUT_WR)
            target.sendall(part)
        except OSError:
            return None


def main(port, path, milliseconds):
    delay = float(milliseconds) / 2000
    listener = socket.create_server(("127.0.0.1", int(port)))
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(path)
        except OSError as error:
            print(f"{path}: {error}", file=sys.stderr)
            client.close()
            continue
        for source, target in (client, server), (server, client):
            parts = SimpleQueue()
            for work, values in (receive, (source, parts, delay)), (pass_on, (target, parts)):
                threading.Thread(target=work, args=values, daemon=True).start()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
