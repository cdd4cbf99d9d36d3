"""Callers: threads that enqueue as the plan says, and write down when."""

import threading
import time
from collections import Counter

from .files import CALLING, ENQUEUED, Busy, Plan, now, payload_of, sleep_until, text_of


class Callers:
    """An `enqueue` or `load` under way."""

    def __init__(self, driver, request, lanes):
        self.driver, self.request, self.lanes, self.plan = driver, request, lanes, Plan(request["plan"])
        self.opens, self.each = request.get("model") == "open", request.get("records") == "each"
        size = max(1, request.get("batch", 1))
        self.batches = iter(range(request["from"], request["to"], size))
        self.size, self.lock, self.count, self.errors = size, threading.Lock(), 0, Counter()

    def run(self):
        threads = [threading.Thread(target=self.call, args=(lane,), daemon=True) for lane in self.lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for lane in self.lanes:
            lane.close()
        return {"count": self.count, "errors": dict(self.errors)}

    def call(self, lane):
        producer = None
        while True:
            with self.lock:
                first = next(self.batches, None)
            if first is None:
                return
            tokens = range(first, min(first + self.size, self.request["to"]))
            payloads = [payload_of(token, self.request["payload_bytes"]) for token in tokens]
            offset_ns, _, _, priority, _ = self.plan.task(tokens[-1])
            try:
                producer = producer or self.driver.producer()
                if self.opens:
                    sleep_until(self.request["t0_ns"] + offset_ns)
                self.put(producer, lane, tokens, payloads, priority)
            except Exception as error:
                with self.lock:
                    self.errors[text_of(error)] += len(tokens)

    def put(self, producer, lane, tokens, payloads, priority):
        called = now()
        if self.each:
            for token in tokens:
                lane.write(token, called, 0, CALLING)
            called = now()
        while True:
            try:
                if len(payloads) == 1:
                    producer.put(payloads[0], priority)
                else:
                    producer.put_many(payloads)
                break
            except Busy:
                time.sleep(0.001)
        known = now()
        for token in tokens:
            lane.write(token, called, known, ENQUEUED)
        with self.lock:
            self.count += len(tokens)
