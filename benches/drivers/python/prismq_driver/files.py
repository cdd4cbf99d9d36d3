"""The files of the protocol: the plan that is read, the lanes that are written; and the few words said unasked."""

import json
import os
import struct
import sys
import threading
import time
import zlib

RECORD = struct.Struct("<QQQBBHI")
TASK = struct.Struct("<QIBBH")
ENQUEUED, RUN, SETTLED, CALLING = 1, 2, 3, 4
COMPLETED, RETRIED, DEAD = 1, 2, 3
now = time.monotonic_ns


class Busy(Exception):
    """The queue could not take the call now; the same call is to be made again."""


class Plan:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()

    def task(self, token):
        """(offset_ns, service_us, fails, priority, type)"""
        return TASK.unpack_from(self.bytes, token * TASK.size)


class Lane:
    def __init__(self, path, label, records):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND)
        self.label, self.free, self.full = label, records, False

    def write(self, token, t1, t2, kind, ending=0, attempt=0, extra=0):
        if self.free > 0:
            self.free -= 1
            os.write(self.file, RECORD.pack(token, t1, t2, kind, ending, attempt, extra))
        elif not self.full:
            self.full = True
            say({"error": {"code": "lane_full", "message": self.label}})

    def close(self):
        os.close(self.file)


def lanes_of(request, label):
    return [Lane(path, f"lane {n} of {label}", request["lane_records"]) for n, path in enumerate(request["lanes"])]


def payload_of(token, length):
    return f"{token:016x}".ljust(length, "x")


class Handler:
    """What the tasks of a crew do, and its record of kind 2."""

    def __init__(self, request):
        self.mode = request["handler"]
        self.plan = Plan(request["plan"]) if request.get("plan") else None

    def counts(self, payload):
        """Whether this task's attempts have to be known, because the plan lets some fail."""
        return self.mode == "plan" and self.plan.task(int(payload[:16], 16))[2] > 0

    def begin(self, payload, attempt):
        """(token, begun, checksum, seconds to sleep, whether this attempt fails)"""
        begun = now()
        data = payload if isinstance(payload, bytes) else payload.encode("ascii")
        token, checksum = int(data[:16], 16), zlib.crc32(data)
        if self.mode != "plan":
            return token, begun, checksum, 0, False
        _, service_us, fails, _, _ = self.plan.task(token)
        return token, begun, checksum, service_us / 1e6, 0 < attempt <= fails

    def run(self, payload, attempt, lane):
        """Runs the task in this thread; answers (token, whether it failed)."""
        token, begun, checksum, seconds, failed = self.begin(payload, attempt)
        if self.mode == "hang":
            threading.Event().wait()
        if seconds:
            time.sleep(seconds)
        self.end(lane, token, begun, attempt, checksum)
        return token, failed

    @staticmethod
    def end(lane, token, begun, attempt, checksum):
        lane.write(token, begun, now(), RUN, attempt=attempt, extra=checksum)


def sleep_until(due_ns):
    while (left := due_ns - now()) > 0:
        time.sleep(left / 1e9)


def text_of(error):
    return f"{type(error).__name__}: {error}"


SAYING = threading.Lock()


def say(message):
    with SAYING:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
