"""litequeue 0.9: messages in a table of SQLite, claimed by an UPDATE, marked done."""

import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

from litequeue import LiteQueue
from prismq_driver import Busy, Driver, package_version, serve

BUSY_TIMEOUT_S = 5.0  # the default of Python's sqlite3
POLL_S = 0.01  # litequeue has no way to wait for a message
LEVELS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


class Side:
    """One thread's connection. `pop` and `done` are what the README shows."""

    def __init__(self, path, strictest):
        self.queue = LiteQueue(path, timeout=BUSY_TIMEOUT_S)
        if strictest:
            self.queue.conn.execute("PRAGMA synchronous = FULL")

    @staticmethod
    def now_or_busy(call, *arguments):
        try:
            return call(*arguments)
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise Busy from error
            raise

    def put(self, payload, _priority):
        self.now_or_busy(self.queue.put, payload)

    def claim(self):
        message = self.now_or_busy(self.queue.pop)
        if message is None:
            time.sleep(POLL_S)
        return message

    def payload(self, message):
        return message.data

    def complete(self, message):
        self.now_or_busy(self.queue.done, message.message_id)


class Lite(Driver):
    name = "litequeue"
    hello = {
        "library": {"name": "litequeue", "version": package_version("litequeue"), "licence": "MIT"},
        "store": {"name": "SQLite", "version": sqlite3.sqlite_version},
        "settle": "call",
        "redelivery": {"kind": "manual", "within_ms": 0},
        "can": ["census", "processes"],
        "durability": {"default": "C", "strictest": "S"},
    }

    def open(self, request):
        self.path = os.path.join(request["dir"], "queue.sqlite")
        self.strictest = request["durability"] == "strictest"
        self.own = Side(self.path, self.strictest).queue
        read = lambda name: self.own.conn.execute(f"PRAGMA {name}").fetchone()[0]
        settings = {"journal_mode": read("journal_mode"), "synchronous": LEVELS[read("synchronous")]}
        return {"settings": settings, "paths": [self.path]}

    def producer(self):
        return Side(self.path, self.strictest)

    consumer = producer

    def census(self):
        running = sum(1 for _ in self.own.list_locked(0))
        dead = sum(1 for _ in self.own.list_failed())
        return {"ready": self.own.qsize() - running, "scheduled": None, "running": running, "dead": dead}

    def close(self):
        self.own.close()


serve(Lite())
