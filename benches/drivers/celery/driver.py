"""Celery 5.7 on Redis: its worker with a pool of threads, tasks acknowledged after they have run."""

import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

from celery import Celery
from celery.worker import state
from prismq_driver import Driver, Handler, joined, package_version, redis_server, serve, text_of

BROKER = f"redis+socket:///proc/self/cwd/{redis_server.SOCKET}"
QUEUE = "celery"  # its default
READY_BOUND_S = 30
SHUTDOWN_S = 2  # its loop looks every second whether it is to stop


class Crew:
    """Celery's worker in a thread of this process."""

    def __init__(self, app, workers):
        self.errors, ready = [], threading.Event()
        # options that its page on monitoring and its command line have for workers that need no other's news
        options = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        options["ready_callback"] = lambda _: ready.set()
        self.worker = app.WorkController(pool="threads", concurrency=workers, **options)
        self.thread = threading.Thread(target=self.main, daemon=True)
        self.thread.start()
        if not ready.wait(READY_BOUND_S):
            raise TimeoutError(f"the worker was not ready in {READY_BOUND_S} s: {self.errors}")

    def main(self):
        try:
            self.worker.start()
        except BaseException as error:  # it ends by SystemExit
            if getattr(error, "code", 0) not in (0, None):
                self.errors.append(text_of(error))

    def stop(self, bound_s):
        state.should_stop = os.EX_OK
        return joined([self.thread], bound_s + SHUTDOWN_S) + self.errors


class CeleryDriver(Driver):
    name = "celery"

    def __init__(self):
        version = redis_server.version()
        self.hello = {
            "library": {"name": "celery", "version": package_version("celery"), "licence": "BSD-3-Clause"},
            "store": {"name": "Redis, client redis-py " + package_version("redis"), "version": version},
            "settle": "none",
            "redelivery": {"kind": "lease", "within_ms": 0},
            "can": ["retry", "census", "processes"],
            "durability": {"default": "M", "strictest": "S"},
        }

    def open(self, request):
        self.server = redis_server.open_server(request)
        self.own = redis_server.connect()
        lease_s, retry_s = request["lease_ms"] / 1000, request["retry_ms"] / 1000
        self.app = Celery("driver", broker=BROKER)
        self.app.set_default()  # in the threads of the pool too, where a retry asks for it
        self.app.conf.update(
            task_ignore_result=True,
            task_acks_late=True,
            worker_prefetch_multiplier=1,  # what its page on optimizing has with acks_late
            # What a dead worker held is looked for every second: every 100 by default.
            broker_transport_options={
                "visibility_timeout": lease_s,
                "unacked_restore_interval": 1,
                "unacked_restore_throttle": 1,
            },
            broker_connection_retry_on_startup=True,
            worker_hijack_root_logger=False,
        )

        @self.app.task(name="driven", bind=True, max_retries=None)
        def driven(task, payload):
            if self.run(payload, task.request.retries + 1):
                raise task.retry(countdown=retry_s)

        self.task = driven
        kept = ("task_acks_late", "worker_prefetch_multiplier", "broker_transport_options")
        settings = {**redis_server.settings(self.own), **{name: str(self.app.conf[name]) for name in kept}}
        return {"pids": self.server.pids(), "settings": settings, "paths": [request["dir"]]}

    def run(self, payload, attempt):
        """Runs a task in a thread of the pool; answers whether it failed."""
        lane = getattr(self.mine, "lane", None)
        if lane is None:
            with self.lock:
                lane = self.mine.lane = self.lanes[self.threads % len(self.lanes)]
                self.threads += 1
        return self.handler.run(payload, attempt, lane)[1]

    def producer(self):
        return self

    def put(self, payload, _priority):
        self.task.delay(payload)

    def crew(self, request, lanes):
        self.handler, self.lanes, self.threads = Handler(request), lanes, 0
        self.mine, self.lock = threading.local(), threading.Lock()
        return Crew(self.app, request["workers"])

    def census(self):
        # what a worker has fetched and not acknowledged is in a hash
        return {"ready": self.own.llen(QUEUE), "scheduled": None, "running": self.own.hlen("unacked"), "dead": None}

    def close(self):
        self.app.close()
        self.own.close()
        self.server.stop()


serve(CeleryDriver())
