"""huey 3.5 on SQLite: the consumer's own worker threads; a task is deleted before it is run."""

import logging
import os
import signal
import sqlite3
import sys
import threading
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

from huey import SqliteHuey
from prismq_driver import Busy, Driver, Handler, package_version, serve

RETRIES = 20
# "a very short polling interval" of the consumer's page: -b 1.1 -m 1.0. The defaults back off to 10 s.
POLLING = {"initial_delay": 0.1, "backoff": 1.1, "max_delay": 1.0}
LEVELS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


class Failed(Exception):
    """The plan lets this attempt fail."""


class Noted(logging.Handler):
    """What huey logs as an error, but for the failures of the plan: it goes on after each."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.texts = Counter()

    def emit(self, record):
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, Failed):
            self.texts[f"{record.getMessage()}: {error}"] += 1


class Consumer:
    """huey's consumer in this process, started and stopped as its `run` does."""

    def __init__(self, huey, workers):
        self.noted, logger = Noted(), logging.getLogger("huey")
        logger.addHandler(self.noted)
        logger.propagate = False
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        self.consumer = huey.create_consumer(workers=workers, periodic=False, **POLLING)
        self.consumer.start()
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def stop(self, bound_s):
        self.consumer.shutdown_timeout = bound_s
        self.consumer.stop(graceful=True)
        left = sum(thread.is_alive() for _, thread in self.consumer.worker_threads)
        late = [f"{left} workers did not end in {bound_s} s"] if left else []
        return late + [f"{text} ({times} times)" for text, times in self.noted.texts.items()]


class Huey(Driver):
    name = "huey"
    hello = {
        "library": {"name": "huey", "version": package_version("huey"), "licence": "MIT"},
        "store": {"name": "SQLite", "version": sqlite3.sqlite_version},
        "settle": "none",
        "redelivery": {"kind": "never", "within_ms": 0},
        "can": ["priority", "retry", "census", "processes"],
        "durability": {"default": "S", "strictest": "S"},
    }

    def open(self, request):
        self.path = os.path.join(request["dir"], "huey.sqlite")
        strictest = {"fsync": True} if request["durability"] == "strictest" else {}
        self.huey = SqliteHuey("driver", filename=self.path, **strictest)
        self.handler = None
        self.task = self.huey.task(
            retries=RETRIES, retry_delay=request["retry_ms"] / 1000, context=True, name="driven"
        )(self.run)
        read = lambda name: self.huey.storage.sql(f"pragma {name}", results=True)[0][0]
        settings = {"journal_mode": read("journal_mode"), "synchronous": LEVELS[read("synchronous")]}
        return {"settings": {**settings, "worker_type": "thread", **{k: str(v) for k, v in POLLING.items()}},
                "paths": [self.path]}

    def run(self, payload, task=None):
        lane = getattr(self.mine, "lane", None)
        if lane is None:
            with self.lock:
                lane = self.mine.lane = self.lanes.pop(0)
        _, failed = self.handler.run(payload, RETRIES - task.retries + 1, lane)
        if failed:
            raise Failed

    def producer(self):
        return self

    def put(self, payload, priority):
        try:
            self.task(payload, priority=255 - priority)  # the highest is first
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise Busy from error
            raise

    def crew(self, request, lanes):
        self.handler, self.lanes = Handler(request), lanes
        self.mine, self.lock = threading.local(), threading.Lock()
        return Consumer(self.huey, request["workers"])

    def census(self):
        storage = self.huey.storage
        return {"ready": storage.queue_size(), "scheduled": storage.schedule_size(), "running": None, "dead": None}

    def close(self):
        self.huey.storage.close()


serve(Huey())
