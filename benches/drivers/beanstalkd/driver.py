"""beanstalkd 1.12 with greenstalk: put, reserve, delete; the server is a child of the driver."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import greenstalk
from prismq_driver import RETRIED, Driver, package_version, serve
from prismq_driver.server import Server, program

SOCKET = "beanstalkd.sock"  # relative to the directory, for which an absolute path can be too long
LARGEST_JOB = 1 << 20
WAIT_S = 1


class Side:
    """A connection."""

    def __init__(self, ttr_s, retry_s):
        self.client, self.ttr_s, self.retry_s = greenstalk.Client(SOCKET), ttr_s, retry_s

    def put(self, payload, priority):
        self.client.put(payload, priority=priority, ttr=self.ttr_s)

    def claim(self):
        try:
            return self.client.reserve(timeout=WAIT_S)
        except greenstalk.TimedOutError:
            return None

    def payload(self, job):
        return job.body

    def attempt(self, job):
        return self.client.stats_job(job)["reserves"]

    def complete(self, job):
        self.client.delete(job)

    def fail(self, job, _attempt):
        self.client.release(job, delay=self.retry_s)
        return RETRIED


class Beanstalkd(Driver):
    name = "beanstalkd"

    def __init__(self):
        self.program = program("beanstalkd")
        said = subprocess.run([self.program, "-v"], capture_output=True, text=True, check=True).stdout
        version = re.search(r"[0-9.]+", said).group()
        self.hello = {
            "library": {"name": "beanstalkd", "version": version, "licence": "MIT"},
            "store": {"name": "beanstalkd, client greenstalk " + package_version("greenstalk"), "version": version},
            "settle": "call",
            "redelivery": {"kind": "lease", "within_ms": 0},
            "can": ["priority", "retry", "census", "processes"],
            "durability": {"default": "M", "strictest": "S"},
        }

    def open(self, request):
        os.chdir(request["dir"])
        self.seconds = [max(1, -(-request[name] // 1000)) for name in ("lease_ms", "retry_ms")]
        durable = ["-b", request["dir"], "-f", "0"] if request["durability"] == "strictest" else []
        command = [self.program, "-l", f"unix:{SOCKET}", "-z", str(LARGEST_JOB), *durable]
        self.server = Server(request["dir"], command, self.answers)
        self.own = greenstalk.Client(SOCKET)
        stats = self.own.stats()
        settings = {key: str(stats[key]) for key in ("version", "max-job-size", "binlog-max-size")}
        with open(f"/proc/{self.server.pid}/cmdline", "rb") as file:
            arguments = file.read().decode().rstrip("\0").replace("\0", " ")
        settings["arguments"] = arguments.replace(request["dir"], "DIR")  # which is another in each round
        return {"pids": self.server.pids(), "settings": settings, "paths": [request["dir"]]}

    def answers(self, _pid):
        try:
            greenstalk.Client(SOCKET).close()
            return True
        except OSError:
            return False

    def producer(self):
        return Side(*self.seconds)

    consumer = producer

    def census(self):
        stats = self.own.stats_tube("default")
        return {
            "ready": stats["current-jobs-ready"],
            "scheduled": stats["current-jobs-delayed"],
            "running": stats["current-jobs-reserved"],
            "dead": stats["current-jobs-buried"],
        }

    def close(self):
        self.own.close()
        self.server.stop()


serve(Beanstalkd())
