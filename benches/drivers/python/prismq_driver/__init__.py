"""The driver protocol (benches/DRIVERS.md) for queues that are used from Python.

A driver subclasses `Driver` and ends with `serve(ItsDriver())`. Callers are threads of the driver. A crew is a process
of its own, as applications run their workers apart from what enqueues: the same program again, asked over pipes by the
same protocol. Records are written one by one and unbuffered, about 2 us each.
"""

from importlib.metadata import version as package_version

from .crew import Crew, joined
from .files import COMPLETED, DEAD, RETRIED, Busy, Handler, text_of
from .talk import serve

__all__ = [
    "Busy", "COMPLETED", "Crew", "DEAD", "Driver", "Handler", "RETRIED", "joined", "package_version", "serve", "text_of",
]


class Driver:
    """A queue, as the protocol sees it. `hello` is the answer to hello but for `v`, `driver` and `runtime`."""

    name = ""
    hello = {}
    crew_apart = True  # a crew is a process of its own

    def open(self, request):
        """Creates or opens the queue; answers `settings` read back, `paths`, and `pids` if there are any."""
        raise NotImplementedError

    def producer(self):
        """What one caller enqueues with: `put(payload, priority)`, `put_many(payloads)`; they may raise Busy."""
        raise NotImplementedError

    def consumer(self):
        """What one worker claims with: see Crew. Only for queues whose workers are loops of the application."""
        raise NotImplementedError

    def crew(self, request, lanes):
        """Starts workers in this process; answers what has `stop(bound_s)`, which answers texts of errors."""
        return Crew(self, request, lanes)

    def census(self):
        return {"ready": None, "scheduled": None, "running": None, "dead": None}

    def close(self):
        pass
