#!/usr/bin/env python3
"""A task queue of one SQLite table, and a driver of it: the example of benches/DRIVERS.md."""
import json, os, platform, sqlite3, struct, sys, threading, time, zlib

now, output = time.monotonic_ns, threading.Lock()


def say(**message):
    with output:
        print(json.dumps(message), flush=True)


class Queue:
    """What a library would be: rows are ready or running, and deleted once they are done."""

    def __init__(self, path, synchronous):
        self.path, self.synchronous, self.own = path, synchronous, threading.local()
        self.arrived = threading.Condition()
        self.db().execute("CREATE TABLE IF NOT EXISTS task (id INTEGER PRIMARY KEY, payload TEXT, running INT DEFAULT 0, attempt INT DEFAULT 0)")
        self.db().execute("CREATE INDEX IF NOT EXISTS ready ON task (id) WHERE NOT running")
        self.db().execute("UPDATE task SET running = 0")  # the process that ran them is gone

    def db(self):
        if not hasattr(self.own, "db"):
            self.own.db = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            self.own.db.execute("PRAGMA journal_mode = WAL")
            self.own.db.execute(f"PRAGMA synchronous = {self.synchronous}")
        return self.own.db

    def enqueue(self, payloads):
        with self.db() as db:  # commits, or rolls back
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO task (payload) VALUES (?)", [(payload,) for payload in payloads])
        with self.arrived:
            self.arrived.notify(len(payloads))

    def claim(self):
        return self.db().execute("UPDATE task SET running = 1, attempt = attempt + 1 WHERE id = (SELECT id FROM task"
                                 " WHERE NOT running ORDER BY id LIMIT 1) RETURNING id, payload, attempt").fetchall()

    def complete(self, task):
        self.db().execute("DELETE FROM task WHERE id = ?", (task,))


class Lane:
    """Where one caller or worker writes what it did. Unbuffered: a record is there at once."""

    def __init__(self, path, room):
        self.path, self.file, self.room = path, open(path, "ab", buffering=0), room

    def write(self, kind, tokens, t1, t2, ending=0, attempt=0, extra=0):
        was_full, self.room = self.room < 0, self.room - len(tokens)
        if self.room < 0:
            return was_full or say(error={"code": "lane_full", "message": self.path})
        for first in range(0, len(tokens), 64):
            self.file.write(b"".join(struct.pack("<QQQBBHI", token, t1, t2, kind, ending, attempt, extra)
                                     for token in tokens[first:first + 64]))


class Crew:
    def __init__(self, queue, request):
        self.queue, self.handler, self.stopping, self.errors = queue, request["handler"], threading.Event(), []
        self.plan = open(request["plan"], "rb").read()
        lanes = [Lane(path, request["lane_records"]) for path in request["lanes"][:request["workers"]]]
        self.workers = [threading.Thread(target=self.work, args=[lane], daemon=True) for lane in lanes]
        [worker.start() for worker in self.workers]

    def work(self, lane):
        while not self.stopping.is_set():
            try:
                for task, payload, attempt in self.queue.claim():
                    self.run(lane, task, payload, attempt)
                    break
                else:
                    with self.queue.arrived:
                        self.queue.arrived.wait(0.01)
            except sqlite3.Error as error:
                self.errors.append(str(error))

    def run(self, lane, task, payload, attempt):
        begun, token = now(), int(payload[:16], 16)
        if self.handler == "hang":
            threading.Event().wait()
        checksum = zlib.crc32(payload.encode())
        if self.handler == "plan":
            time.sleep(struct.unpack_from("<QI", self.plan, 16 * token)[1] / 1e6)
        ended = now()
        lane.write(2, [token], begun, ended, attempt=attempt, extra=checksum)
        called = now()
        self.queue.complete(task)
        lane.write(3, [token], called, now(), ending=1, attempt=attempt)

    def stop(self, bound_ms):
        self.stopping.set()
        until = time.monotonic() + bound_ms / 1e3
        [worker.join(max(0, until - time.monotonic())) for worker in self.workers]
        return {"stopped_ns": now(), "errors": self.errors}


def enqueue(queue, request, callers, model, t0_ns=0):
    """Has so many callers enqueue what the request names, each with its lane, and returns what to answer."""
    plan, batch, size = open(request["plan"], "rb").read(), request["batch"], request["payload_bytes"]
    batches, counting, errors = iter(range(request["from"], request["to"], batch)), threading.Lock(), {}
    counts = []

    def call(lane):
        while True:
            with counting:
                first = next(batches, None)
            if first is None:
                return
            tokens = range(first, min(first + batch, request["to"]))
            payloads = [f"{token:016x}".ljust(size, "x") for token in tokens]
            due = t0_ns + struct.unpack_from("<Q", plan, 16 * tokens[-1])[0]
            while model == "open" and (left := due - now()) > 0:
                time.sleep(left / 1e9)
            called = now()
            if request.get("records") == "each":
                lane.write(4, tokens, called, 0)
                called = now()
            try:
                queue.enqueue(payloads)
                lane.write(1, tokens, called, now())
                counts.append(len(tokens))
            except sqlite3.Error as error:
                errors[str(error)] = errors.get(str(error), 0) + len(tokens)

    lanes = [Lane(path, request["lane_records"]) for path in request["lanes"][:callers]]
    threads = [threading.Thread(target=call, args=[lane], daemon=True) for lane in lanes]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return {"count": sum(counts), "errors": errors}


class Driver:
    def __init__(self):
        self.queue, self.crews = None, {}

    def hello(self, request):
        sqlite = {"name": "SQLite", "version": sqlite3.sqlite_version}
        return {"v": 1, "driver": "example-python 1", "library": {**sqlite, "licence": "public domain"}, "store": sqlite,
                "runtime": f"{platform.python_implementation()} {platform.python_version()}", "settle": "call",
                "redelivery": {"kind": "restart", "within_ms": 0}, "can": ["batch", "census"],
                "durability": {"default": "C", "strictest": "S"}}

    def clock(self, request):
        return {"now_ns": now()}

    def open(self, request):
        path = os.path.join(request["dir"], "queue.db")
        self.queue = Queue(path, "FULL" if request["durability"] == "strictest" else "NORMAL")
        read = lambda name: str(self.queue.db().execute(f"PRAGMA {name}").fetchone()[0])
        return {"pids": [], "settings": {name: read(name) for name in ["journal_mode", "synchronous"]}, "paths": [path]}

    def load(self, request):
        return enqueue(self.queue, request, 1, "closed")

    def start(self, request):
        self.crews[request["crew"]] = Crew(self.queue, request)
        return {"started_ns": now()}

    def enqueue(self, request):
        return enqueue(self.queue, request, request["callers"], request["model"], request["t0_ns"])

    def stop(self, request):
        return self.crews.pop(request["crew"]).stop(request["bound_ms"])

    def census(self, request):
        ready, running = self.queue.db().execute("SELECT total(NOT running), total(running) FROM task").fetchone()
        return {"ready": int(ready), "scheduled": 0, "running": int(running), "dead": 0}

    def counters(self, request):
        return {}

    def close(self, request):
        self.queue = None
        return {}

    def bye(self, request):
        return {}


def answer(method, request):
    try:
        say(id=request["id"], ok=method(request))
    except Exception as error:
        say(id=request["id"], error={"code": "failed", "message": f"{request['do']}: {error!r}"})


driver = Driver()
for line in sys.stdin:
    request = json.loads(line)
    method = getattr(driver, request["do"], None)
    if method is None:
        say(id=request["id"], error={"code": "unknown_request", "message": request["do"]})
    elif request["do"] == "enqueue":  # others are answered meanwhile
        threading.Thread(target=answer, args=[method, request], daemon=True).start()
    else:
        answer(method, request)
    if request["do"] == "bye":
        break
os._exit(0)  # handlers that hang do not keep it
