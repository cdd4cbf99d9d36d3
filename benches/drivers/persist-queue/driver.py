"""persist-queue 1.1: SQLiteAckQueue, one object shared by the threads of one process, as it is made for."""

import os
import sqlite3
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import persistqueue
from prismq_driver import Driver, package_version, serve

WAIT_S = 0.1
CLEARED = 1000  # acknowledged rows stay, and each claim passes over them, until clear_acked_data
LEVELS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


class PersistQueue(Driver):
    name = "persist-queue"
    crew_apart = False  # a claim is only exclusive among the threads of one process
    hello = {
        "library": {"name": "persist-queue", "version": package_version("persist-queue"), "licence": "BSD-3-Clause"},
        "store": {"name": "SQLite", "version": sqlite3.sqlite_version},
        "settle": "call",
        "redelivery": {"kind": "restart", "within_ms": 0},
        "can": ["census"],
        "durability": {"default": "S", "strictest": "S"},
    }

    def open(self, request):
        self.queue = persistqueue.SQLiteAckQueue(request["dir"], multithreading=True)
        self.acknowledged, self.lock = 0, threading.Lock()
        # the settings that every new connection of the library has: it offers no access to its own
        connection = self.queue._putter
        read = lambda name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        settings = {"journal_mode": read("journal_mode"), "synchronous": LEVELS[read("synchronous")]}
        return {"settings": settings, "paths": [request["dir"]]}

    def producer(self):
        return self

    consumer = producer

    def put(self, payload, _priority):
        self.queue.put(payload)

    def claim(self):
        try:
            return self.queue.get(timeout=WAIT_S, raw=True)
        except persistqueue.Empty:
            return None

    def payload(self, item):
        return item["data"]

    def complete(self, item):
        self.queue.ack(id=item["pqid"])
        with self.lock:
            self.acknowledged += 1
            clears = self.acknowledged % CLEARED == 0
        if clears:
            self.queue.clear_acked_data(max_delete=CLEARED, keep_latest=0)

    def census(self):
        running = self.queue.unack_count()
        return {"ready": self.queue.size, "scheduled": None, "running": running, "dead": self.queue.ack_failed_count()}

    def close(self):
        self.queue.close()


serve(PersistQueue())
