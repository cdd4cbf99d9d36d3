"""RabbitMQ as a driver's server: a node on the loopback with an epmd of its own, and data in the queue's directory."""

import contextlib
import json
import os
import re
import socket

import pika
from prismq_driver.server import Server, program, running

HOST = "127.0.0.1"
NODE = "driver@localhost"
DEBIAN = "/usr/lib/rabbitmq/bin"
PORTS = "ports.json"
# No heartbeats: between two calls of a caller nothing would answer them.
WITHOUT_HEARTBEATS = 0


def script():
    """The server's own script: the one that Debian has in PATH changes the user and drops the environment."""
    own = os.path.join(DEBIAN, "rabbitmq-server")
    return os.path.realpath(own if os.path.exists(own) else program("rabbitmq-server"))


def version():
    """Of the folder that the server is installed in: its programs take seconds to say it."""
    return re.search(r"rabbitmq_server-([0-9.]+)", script()).group(1)


def ports(folder, count):
    """Ports that were free when the server of this folder was started, and that it listens on while it runs."""
    note = os.path.join(folder, PORTS)
    if running(folder) is None:
        with contextlib.ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in range(count)]
            for each in sockets:
                each.bind((HOST, 0))
            free = [each.getsockname()[1] for each in sockets]
        with open(note, "w") as file:
            json.dump(free, file)
    with open(note) as file:
        return json.load(file)


def listens(port):
    try:
        socket.create_connection((HOST, port)).close()
        return True
    except OSError:
        return False


class Broker:
    """A node and its epmd, started or joined. That epmd has a port of its own and ends after the node: another that the
    machine may have is left alone."""

    def __init__(self, directory):
        folder = os.path.join(directory, "epmd")
        os.makedirs(folder, exist_ok=True)
        (names,) = ports(folder, 1)
        command = [program("epmd"), "-address", HOST, "-port", str(names)]
        self.epmd = Server(folder, command, lambda _: listens(names), role="epmd")
        try:
            self.port, distribution = ports(directory, 2)
            environment = environment_of(directory, names, distribution)
            configure(directory, self.port)
            self.node = Server(directory, [script()], self.answers, env=environment)
        except Exception:
            self.epmd.stop()
            raise

    def answers(self, _pid):
        if not listens(self.port):
            return False
        try:
            self.connect().close()
            return True
        except pika.exceptions.AMQPError:
            return False

    def connect(self, heartbeat=WITHOUT_HEARTBEATS):
        return pika.BlockingConnection(pika.ConnectionParameters(HOST, self.port, heartbeat=heartbeat))

    def pids(self):
        return [*self.node.pids(), *self.epmd.pids()]

    def stop(self):
        self.node.stop()
        self.epmd.stop()


def configure(directory, port):
    with open(os.path.join(directory, "rabbitmq.conf"), "w") as file:
        file.write(f"listeners.tcp.local = {HOST}:{port}\n")


def environment_of(directory, names, distribution):
    """All files in the directory, no plugins, and nothing that listens elsewhere than on the loopback."""
    inside = lambda name: os.path.join(directory, name)
    return {
        **os.environ,
        "HOME": directory,  # for Erlang's cookie
        "RUNNING_UNDER_SYSTEMD": "true",  # the script then becomes the server, and does not wait for it
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": inside("data"),
        "RABBITMQ_LOG_BASE": inside("log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONF_ENV_FILE": inside("none"),
        "RABBITMQ_CONFIG_FILE": inside("rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": inside("enabled_plugins"),
    }
