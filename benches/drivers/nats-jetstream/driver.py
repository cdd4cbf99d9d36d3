"""NATS JetStream with nats-py: a work queue stream in files, pulled by one durable consumer; acknowledgements are
confirmed. The server is a child of the driver."""

import asyncio
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import nats
from nats.errors import TimeoutError as NothingCame
from nats.js.api import ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError
from prismq_driver import RETRIED, Driver, package_version, serve
from prismq_driver.server import Server, program

STREAM, SUBJECT, CONSUMER = "TASKS", "tasks", "workers"
WAIT_S = 0.5
ACK_BOUND_S = 30


class Side:
    """A connection of one thread, with the event loop that the client needs."""

    def __init__(self, url, retry_s=0.0):
        self.loop, self.retry_s = asyncio.new_event_loop(), retry_s
        self.connection = self.wait(nats.connect(url))
        self.stream = self.connection.jetstream(timeout=ACK_BOUND_S)
        self.pulled = None

    def wait(self, work):
        return self.loop.run_until_complete(work)

    def put(self, payload, _priority):
        self.wait(self.stream.publish(SUBJECT, payload.encode("ascii")))

    def claim(self):
        if self.pulled is None:
            self.pulled = self.wait(self.stream.pull_subscribe_bind(CONSUMER, stream=STREAM))
        try:
            return self.wait(self.pulled.fetch(1, timeout=WAIT_S))[0]
        except NothingCame:
            return None

    def payload(self, message):
        return message.data

    def attempt(self, message):
        return message.metadata.num_delivered

    def complete(self, message):
        self.wait(message.ack_sync(timeout=ACK_BOUND_S))

    def fail(self, message, _attempt):
        self.wait(message.nak(delay=self.retry_s))
        return RETRIED

    def close(self):
        self.wait(self.connection.close())


class JetStream(Driver):
    name = "nats-jetstream"

    def __init__(self):
        self.program = program("nats-server", "/usr/sbin")
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout
        version = re.search(r"[0-9.]+", said).group()
        self.hello = {
            "library": {"name": "NATS JetStream", "version": version, "licence": "Apache-2.0"},
            "store": {"name": "NATS, client nats-py " + package_version("nats-py"), "version": version},
            "settle": "call",
            "redelivery": {"kind": "lease", "within_ms": 0},
            "can": ["retry", "census", "processes"],
            "durability": {"default": "P", "strictest": "P"},
        }

    def open(self, request):
        self.dir, self.retry_s = request["dir"], request["retry_ms"] / 1000
        command = [self.program, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", self.dir, "-js", "-sd", self.dir]
        self.server = Server(self.dir, command, self.answers)
        self.own = Side(self.url())
        consumer = ConsumerConfig(durable_name=CONSUMER, ack_wait=request["lease_ms"] / 1000)
        try:
            stream = self.own.wait(self.own.stream.stream_info(STREAM))
        except NotFoundError:
            config = StreamConfig(
                name=STREAM, subjects=[SUBJECT], retention=RetentionPolicy.WORK_QUEUE, storage=StorageType.FILE
            )
            stream = self.own.wait(self.own.stream.add_stream(config))
            self.own.wait(self.own.stream.add_consumer(STREAM, consumer))
        settings = {"storage": str(stream.config.storage), "retention": str(stream.config.retention)}
        return {"pids": self.server.pids(), "settings": settings, "paths": [self.dir]}

    def ports(self, pid):
        """The file into which the server writes, once it listens, the port that the system chose."""
        return os.path.join(self.dir, f"nats-server_{pid}.ports")

    def answers(self, pid):
        return os.path.exists(self.ports(pid))

    def url(self):
        with open(self.ports(self.server.pid)) as file:
            return json.load(file)["nats"][0]

    def producer(self):
        return Side(self.url())

    def consumer(self):
        return Side(self.url(), self.retry_s)

    def census(self):
        info = self.own.wait(self.own.stream.consumer_info(STREAM, CONSUMER))
        return {"ready": info.num_pending, "scheduled": None, "running": info.num_ack_pending, "dead": None}

    def close(self):
        self.own.close()
        self.server.stop()


serve(JetStream())
