"""Redis streams with redis-py: XADD, XREADGROUP, XACK and XDEL, XAUTOCLAIM; the server is a child of the driver."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import redis
from prismq_driver import Driver, package_version, redis_server, serve
from prismq_driver.redis_server import connect

STREAM, GROUP, FIELD = "tasks", "workers", b"payload"
WAIT_MS = 100


class Producer:
    def __init__(self):
        self.client = connect()

    def put(self, payload, _priority):
        self.client.xadd(STREAM, {FIELD: payload})

    def put_many(self, payloads):
        pipeline = self.client.pipeline(transaction=False)
        for payload in payloads:
            pipeline.xadd(STREAM, {FIELD: payload})
        pipeline.execute()


class Consumer:
    """Reads one entry at a time; takes over what another consumer has held for longer than a lease."""

    def __init__(self, number, lease_ms):
        self.client, self.name, self.lease_ms = connect(), f"{os.getpid()}-{number}", lease_ms
        self.looked = 0.0

    def claim(self):
        if time.monotonic() - self.looked > self.lease_ms / 2000:
            self.looked = time.monotonic()
            found = self.client.xautoclaim(STREAM, GROUP, self.name, self.lease_ms, count=1)[1]
            if found:
                self.looked = 0.0  # there may be more
                return found[0]
        read = self.client.xreadgroup(GROUP, self.name, {STREAM: ">"}, count=1, block=WAIT_MS)
        return read[0][1][0] if read else None

    def payload(self, entry):
        return entry[1][FIELD]

    def complete(self, entry):
        pipeline = self.client.pipeline(transaction=False)
        pipeline.xack(STREAM, GROUP, entry[0])
        pipeline.xdel(STREAM, entry[0])
        pipeline.execute()


class Streams(Driver):
    name = "redis-streams"

    def __init__(self):
        version = redis_server.version()
        self.hello = {
            "library": {"name": "Redis streams", "version": version, "licence": "BSD-3-Clause"},
            "store": {"name": "Redis, client redis-py " + package_version("redis"), "version": version},
            "settle": "call",
            "redelivery": {"kind": "lease", "within_ms": 0},
            "can": ["batch", "census", "processes"],
            "durability": {"default": "M", "strictest": "S"},
        }

    def open(self, request):
        self.lease_ms, self.consumers = request["lease_ms"], 0
        self.server = redis_server.open_server(request)
        self.own = connect()
        try:
            self.own.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        return {"pids": self.server.pids(), "settings": redis_server.settings(self.own), "paths": [request["dir"]]}

    def producer(self):
        return Producer()

    def consumer(self):
        self.consumers += 1
        return Consumer(self.consumers, self.lease_ms)

    def census(self):
        running = self.own.xpending(STREAM, GROUP)["pending"]
        return {"ready": self.own.xlen(STREAM) - running, "scheduled": None, "running": running, "dead": None}

    def close(self):
        self.own.close()
        self.server.stop()


serve(Streams())
