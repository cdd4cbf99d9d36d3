"""Redis as a driver's server: its data and its socket in the queue's directory, where this process then works."""

import os
import re
import subprocess

import redis

from .server import Server, program

SOCKET = "redis.sock"  # relative to the directory, for which an absolute path can be too long
SETTINGS = ("save", "appendonly", "appendfsync", "maxmemory-policy")
STRICTEST = ["--appendonly", "yes", "--appendfsync", "always"]


def version():
    said = subprocess.run([program("redis-server"), "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"v=([0-9.]+)", said).group(1)


def connect():
    # RESP2: redis-py's answers have one form in it with every version of the server
    return redis.Redis(unix_socket_path=SOCKET, protocol=2)


def open_server(request):
    """Starts or joins the server, with its default durability or the strictest."""
    directory = request["dir"]
    os.chdir(directory)
    durable = STRICTEST if request["durability"] == "strictest" else []
    command = [program("redis-server"), "--port", "0", "--unixsocket", SOCKET, "--dir", directory, "--daemonize", "no"]
    return Server(directory, [*command, *durable], answers)


def answers(_pid):
    try:
        return connect().ping()
    except redis.RedisError:  # refused, or still loading its file
        return False


def settings(client):
    return {name: str(client.config_get(name)[name]) for name in SETTINGS}
