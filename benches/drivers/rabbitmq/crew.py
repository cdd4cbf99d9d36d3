"""A crew: a consumer on one connection, whose messages are run by threads and acknowledged on the connection's thread,
as pika's documents have it for handlers that take time."""

import threading
from functools import partial
from queue import SimpleQueue

from prismq_driver import Handler, joined, text_of

PREFETCH = 100  # https://www.rabbitmq.com/docs/confirms: 100 to 300 usually offer the best throughput
LOOK_S = 1


class Crew:
    def __init__(self, connection, queue, request, lanes):
        self.handler, self.errors, self.waiting = Handler(request), [], SimpleQueue()
        self.connection, self.channel = connection, connection.channel()
        self.channel.basic_qos(prefetch_count=max(PREFETCH, request["workers"]))
        self.channel.basic_consume(queue, self.delivered)
        self.stopping, self.is_over = threading.Event(), False
        self.workers = [
            threading.Thread(target=self.work, args=(lane,), daemon=True)
            for lane, _ in zip(lanes, range(request["workers"]))
        ]
        self.talking = threading.Thread(target=self.talk, daemon=True)
        for thread in (*self.workers, self.talking):
            thread.start()

    def delivered(self, _channel, method, properties, body):
        self.waiting.put((method.delivery_tag, properties, body))

    def talk(self):
        """All that is said on the connection, which takes one thread."""
        try:
            while not self.is_over:
                self.connection.process_data_events(time_limit=LOOK_S)
            self.connection.close()  # messages that were not run go back to the queue
        except Exception as error:
            self.errors.append(text_of(error))

    def work(self, lane):
        while True:
            message = self.waiting.get()
            if self.stopping.is_set():
                return
            try:
                self.run(lane, *message)
            except Exception as error:
                self.errors.append(text_of(error))

    def run(self, lane, tag, properties, body):
        attempt = (properties.headers or {}).get("x-delivery-count", 0) + 1
        _, failed = self.handler.run(body, attempt, lane)
        if failed:
            settle = partial(self.channel.basic_nack, tag, requeue=True)
        else:
            settle = partial(self.channel.basic_ack, tag)
        self.connection.add_callback_threadsafe(settle)

    def stop(self, bound_s):
        self.stopping.set()
        for _ in self.workers:
            self.waiting.put(None)
        late = joined(self.workers, bound_s)
        if self.talking.is_alive():
            self.connection.add_callback_threadsafe(self.end)  # after what was acknowledged
        return late + joined([self.talking], 2 * LOOK_S) + self.errors

    def end(self):
        self.is_over = True
