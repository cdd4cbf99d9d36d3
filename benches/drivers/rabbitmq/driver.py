"""RabbitMQ 3.10 with pika: a quorum queue, publisher confirms, acknowledgements by consumers; the server is a child of
the driver."""

import logging
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import broker
import pika
from crew import Crew
from prismq_driver import Driver, package_version, serve

QUEUE = "tasks"
PERSISTENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
QUORUM = {"x-queue-type": "quorum"}
# The server's default, https://www.rabbitmq.com/docs/heartbeats: by then it sees the end of a peer that closed nothing.
HEARTBEAT_S = 60


class Producer:
    """A connection on which each call waits for the confirm of its message."""

    def __init__(self, connection):
        self.channel = connection.channel()
        self.channel.confirm_delivery()

    def put(self, payload, _priority):
        self.channel.basic_publish("", QUEUE, payload.encode("ascii"), PERSISTENT, mandatory=True)


class RabbitMq(Driver):
    name = "rabbitmq"

    def __init__(self):
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # what fails is raised too
        version = broker.version()
        self.hello = {
            "library": {"name": "RabbitMQ", "version": version, "licence": "MPL-2.0"},
            "store": {"name": "RabbitMQ, client pika " + package_version("pika"), "version": version},
            "settle": "none",
            "redelivery": {"kind": "heartbeat", "within_ms": HEARTBEAT_S * 1000},
            "can": ["retry", "census", "processes"],
            "durability": {"default": "S", "strictest": "S"},
        }

    def open(self, request):
        self.broker = broker.Broker(request["dir"])
        self.connection = self.broker.connect()
        self.own = self.connection.channel()
        self.own.queue_declare(QUEUE, durable=True, arguments=QUORUM)
        return {"pids": self.broker.pids(), "settings": self.settings(), "paths": [request["dir"]]}

    def settings(self):
        server = self.own.connection._impl.server_properties
        settings = {name: server[name] for name in ("version", "platform")}
        asking = self.connection.channel()
        try:
            asking.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "classic"})
        except pika.exceptions.ChannelClosedByBroker as refused:  # it names the type that the queue has
            settings["queue_type"] = re.search(r"current is '(\w+)'", refused.reply_text).group(1)
        return settings

    def producer(self):
        return Producer(self.broker.connect())

    def crew(self, request, lanes):
        return Crew(self.broker.connect(heartbeat=None), QUEUE, request, lanes)

    def census(self):
        # The protocol does not report messages that consumers hold.
        waiting = self.own.queue_declare(QUEUE, passive=True).method.message_count
        return {"ready": waiting, "scheduled": None, "running": None, "dead": None}

    def close(self):
        self.connection.close()
        self.broker.stop()


serve(RabbitMq())
