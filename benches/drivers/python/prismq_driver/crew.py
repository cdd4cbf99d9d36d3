"""Crews: workers in this process, and the process that holds them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from queue import Empty, Queue

from .files import COMPLETED, SETTLED, Busy, Handler, now, say, text_of

AS_CREW = "--crew"
PROGRAM = os.path.abspath(sys.argv[0])  # a driver may change its directory
CLAIM_BOUND_S = 1.0


class Crew:
    """Workers that are loops of the application: threads that claim, run and acknowledge one task after the other.

    A consumer has `claim()`: a job or None, within CLAIM_BOUND_S; `payload(job)`; `complete(job)`; and for queues that retry
    `attempt(job)`, from 1, and `fail(job, attempt)`, which answers the ending. Claim, complete and fail may raise Busy.
    """

    def __init__(self, driver, request, lanes):
        self.driver, self.handler = driver, Handler(request)
        self.stopping, self.errors = threading.Event(), Counter()
        consumers = [driver.consumer() for _ in range(request["workers"])]
        self.threads = [
            threading.Thread(target=self.work, args=pair, daemon=True) for pair in zip(consumers, lanes)
        ]
        for thread in self.threads:
            thread.start()

    def work(self, consumer, lane):
        while not self.stopping.is_set():
            try:
                job = self.insist(consumer.claim)
                if job is not None:
                    self.settle(consumer, job, lane)
            except Exception as error:
                self.errors[text_of(error)] += 1
                self.stopping.wait(0.05)

    def settle(self, consumer, job, lane):
        payload = consumer.payload(job)
        attempt = consumer.attempt(job) if self.handler.counts(payload) else 0
        token, failed = self.handler.run(payload, attempt, lane)
        called = now()
        if failed:
            ending = self.insist(lambda: consumer.fail(job, attempt))
        else:
            self.insist(lambda: consumer.complete(job))
            ending = COMPLETED
        lane.write(token, called, now(), SETTLED, ending, attempt)

    def insist(self, call):
        while True:
            try:
                return call()
            except Busy:
                self.stopping.wait(0.001)

    def stop(self, bound_s):
        self.stopping.set()
        return joined(self.threads, bound_s + CLAIM_BOUND_S) + [f"{text} ({count} times)" for text, count in self.errors.items()]


def joined(threads, bound_s):
    end = time.monotonic() + bound_s
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    left = sum(thread.is_alive() for thread in threads)
    return [f"{left} workers did not end in {bound_s} s"] if left else []


class CrewProcess:
    """A crew in a process of its own."""

    def __init__(self, opened, request):
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, AS_CREW], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.answers, self.name = Queue(), request["crew"]
        threading.Thread(target=self.listen, daemon=True).start()
        try:
            self.ask({**opened, "do": "open", "fresh": False}, 60)
            self.ask({**request, "do": "start"}, 60)
        except Exception:
            self.end()
            raise

    def listen(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            if "id" in answer:
                self.answers.put(answer)
            else:
                say(answer)
        self.answers.put({"error": {"message": "the process of the crew ended"}})

    def ask(self, request, bound_s):
        self.process.stdin.write(json.dumps({**request, "id": 1}).encode() + b"\n")
        self.process.stdin.flush()
        try:
            answer = self.answers.get(timeout=bound_s)
        except Empty:
            raise TimeoutError(f"the crew did not answer {request['do']} in {bound_s} s") from None
        if "error" in answer:
            raise RuntimeError(f"crew: {answer['error']['message']}")
        return answer["ok"]

    def stop(self, bound_s):
        try:
            errors = self.ask({"do": "stop", "crew": self.name, "bound_ms": int(bound_s * 1000)}, bound_s + 5)["errors"]
            self.ask({"do": "bye"}, 3)
        except (OSError, RuntimeError, TimeoutError) as error:
            errors = [text_of(error)]
        self.end()
        return errors

    def end(self):
        self.process.kill()
        self.process.wait()
