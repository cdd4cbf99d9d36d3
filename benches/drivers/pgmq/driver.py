"""pgmq 1.13 on PostgreSQL by its Python client: its SQL without the extension, send, read_with_poll, delete."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import psycopg
from pgmq import PGMQueue, install_pgmq_from_sql
from pgmq.install import get_embedded_sql_version
from prismq_driver import RETRIED, Driver, package_version, postgres, serve

QUEUE = "driven"
CALLERS = 64  # connections at most of a process
WAIT_S = 1


class Side:
    """What a caller or a worker does; the client's pool gives each call a connection."""

    def __init__(self, queue, lease_s, retry_s):
        self.queue, self.lease_s, self.retry_s = queue, lease_s, retry_s

    def put(self, payload, _priority):
        self.queue.send(QUEUE, {"payload": payload})

    def put_many(self, payloads):
        self.queue.send_batch(QUEUE, [{"payload": payload} for payload in payloads])

    def claim(self):
        read = self.queue.read_with_poll(QUEUE, vt=self.lease_s, qty=1, max_poll_seconds=WAIT_S)
        return read[0] if read else None

    def payload(self, message):
        return message.message["payload"]

    def attempt(self, message):
        return message.read_ct

    def complete(self, message):
        self.queue.delete(QUEUE, message.msg_id)

    def fail(self, message, _attempt):
        self.queue.set_vt(QUEUE, message.msg_id, self.retry_s)
        return RETRIED


class Pgmq(Driver):
    name = "pgmq"

    def __init__(self):
        self.hello = {
            "library": {"name": "pgmq", "version": package_version("pgmq"), "licence": "Apache-2.0 AND PostgreSQL"},
            "store": {"name": f"PostgreSQL, pgmq's SQL {get_embedded_sql_version()}", "version": postgres.version()},
            "settle": "call",
            "redelivery": {"kind": "lease", "within_ms": 0},
            "can": ["batch", "retry", "census", "processes"],
            "durability": {"default": "S", "strictest": "S"},
        }

    def open(self, request):
        self.server = postgres.open_cluster(request["dir"])
        with psycopg.connect(postgres.CONNECTION) as own:
            installed = own.execute("SELECT to_regnamespace('pgmq')").fetchone()[0] is not None
        if not installed:
            install_pgmq_from_sql(dsn=postgres.CONNECTION)
        seconds = [max(1, -(-request[name] // 1000)) for name in ("lease_ms", "retry_ms")]
        queue = PGMQueue(conn_string=postgres.CONNECTION, pool_size=CALLERS, init_extension=False)
        if not installed:
            queue.create_queue(QUEUE)
        self.side = Side(queue, *seconds)
        return {"pids": self.server.pids(), "settings": postgres.settings(), "paths": [request["dir"]]}

    def producer(self):
        return self.side

    consumer = producer

    def census(self):
        metrics = self.side.queue.metrics(QUEUE)
        hidden = metrics.queue_length - metrics.queue_visible_length  # read, or failed and not yet due
        return {"ready": metrics.queue_visible_length, "scheduled": None, "running": hidden, "dead": None}

    def close(self):
        self.side.queue.close()
        self.server.stop()


serve(Pgmq())
