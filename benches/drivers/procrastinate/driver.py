"""procrastinate 3.10 on PostgreSQL: its own worker with as many tasks at a time as the crew has workers."""

import asyncio
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import procrastinate
import psycopg
from prismq_driver import Driver, Handler, joined, package_version, postgres, serve, text_of

POOL = {"conninfo": postgres.CONNECTION, "min_size": 1}
CALLERS = 64  # connections at most of what enqueues


class Failed(Exception):
    """The plan lets this attempt fail."""


class Crew:
    """A worker of the library in an event loop of its own."""

    def __init__(self, app, define, request, lanes):
        async def driven(context, payload):
            await self.run(context, payload)

        define(app, driven)
        self.app, self.handler, self.lane = app, Handler(request), lanes[0]
        self.workers, self.errors, self.loop = request["workers"], [], asyncio.new_event_loop()
        self.worker, started = None, threading.Event()
        self.thread = threading.Thread(target=self.main, args=(started,), daemon=True)
        self.thread.start()
        started.wait()

    def main(self, started):
        try:
            self.loop.run_until_complete(self.work(started))
        except Exception as error:
            self.errors.append(text_of(error))
        finally:
            started.set()

    async def work(self, started):
        async with self.app.open_async():
            work = self.app.run_worker_async(concurrency=self.workers, install_signal_handlers=False)
            self.worker = asyncio.create_task(work)
            started.set()
            await asyncio.wait([self.worker])

    async def run(self, context, payload):
        token, begun, checksum, seconds, failed = self.handler.begin(payload, context.job.attempts + 1)
        if self.handler.mode == "hang":
            await asyncio.Event().wait()
        if seconds:
            await asyncio.sleep(seconds)
        self.handler.end(self.lane, token, begun, context.job.attempts + 1, checksum)
        if failed:
            raise Failed

    def stop(self, bound_s):
        if self.worker is not None and self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.worker.cancel)  # it then waits for the tasks that run
        return joined([self.thread], bound_s) + self.errors


class Procrastinate(Driver):
    name = "procrastinate"

    def __init__(self):
        self.hello = {
            "library": {"name": "procrastinate", "version": package_version("procrastinate"), "licence": "MIT"},
            "store": {"name": "PostgreSQL", "version": postgres.version()},
            "settle": "none",
            "redelivery": {"kind": "manual", "within_ms": 0},
            "can": ["batch", "priority", "retry", "census", "processes"],
            "durability": {"default": "S", "strictest": "S"},
        }

    def open(self, request):
        self.server = postgres.open_cluster(request["dir"])
        self.retry_s = -(-request["retry_ms"] // 1000)
        self.app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(**POOL, max_size=CALLERS))
        self.task = self.define(self.app, lambda context, payload: None)
        self.app.open()
        with psycopg.connect(postgres.CONNECTION) as own:
            if own.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()[0] is None:
                self.app.schema_manager.apply_schema()
        return {"pids": self.server.pids(), "settings": postgres.settings(), "paths": [request["dir"]]}

    def define(self, app, function):
        wait = procrastinate.RetryStrategy(wait=self.retry_s)
        return app.task(name="driven", pass_context=True, retry=wait)(function)

    def producer(self):
        return self

    def put(self, payload, priority):
        task = self.task.configure(priority=-priority) if priority else self.task  # the highest is first
        task.defer(payload=payload)

    def put_many(self, payloads):
        self.task.batch_defer(*({"payload": payload} for payload in payloads))

    def crew(self, request, lanes):
        # one connection listens, one is for the worker's heartbeat
        connector = procrastinate.PsycopgConnector(**POOL, max_size=request["workers"] + 2)
        app = procrastinate.App(connector=connector)
        return Crew(app, self.define, request, lanes)

    def census(self):
        queues = list(self.app.job_manager.list_queues())
        total = lambda name: sum(queue[name] for queue in queues)
        return {"ready": total("todo"), "scheduled": None, "running": total("doing"), "dead": total("failed")}

    def close(self):
        self.app.close()
        self.server.stop()


serve(Procrastinate())
