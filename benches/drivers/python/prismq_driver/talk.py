"""The requests of the harness, or of the driver whose crew this process is."""

import json
import os
import platform
import sys
import threading

from .callers import Callers
from .crew import AS_CREW, CrewProcess
from .files import lanes_of, now, say, text_of
from .server import Server

VERSION = 1
HURRIED_S = 2
RUNTIME = f"{platform.python_implementation()} {platform.python_version()}"


class Talk:
    """The requests of the harness, or of the driver whose crew this process is."""

    def __init__(self, driver):
        self.driver, self.opened, self.crews = driver, None, {}
        self.is_crew = AS_CREW in sys.argv
        self.apart = driver.crew_apart and not self.is_crew
        asked = (self.hello, self.clock, self.open, self.load, self.start, self.enqueue, self.stop, self.census)
        self.requests = {do.__name__: do for do in (*asked, self.counters, self.close)}
        self.requests["bye"] = self.close

    def hello(self, _):
        return {"v": VERSION, "driver": f"{self.driver.name} 1", "runtime": RUNTIME, **self.driver.hello}

    def clock(self, _):
        return {"now_ns": now()}

    def open(self, request):
        self.opened = {key: value for key, value in request.items() if key not in ("id", "do")}
        return {"pids": [], **self.driver.open(request)}

    def load(self, request):
        done = Callers(self.driver, request, lanes_of(request, "load")[:1]).run()
        if done["errors"]:
            raise RuntimeError(f"{done['count']} tasks loaded, then: {done['errors']}")
        return {"count": done["count"]}

    def start(self, request):
        if self.apart:
            crew = CrewProcess(self.opened, request)
        else:
            crew = self.driver.crew(request, lanes_of(request, f"crew {request['crew']}"))
        self.crews[request["crew"]] = crew
        return {"started_ns": now()}

    def enqueue(self, request):
        return Callers(self.driver, request, lanes_of(request, "enqueue")[: request["callers"]]).run()

    def stop(self, request):
        errors = self.crews.pop(request["crew"]).stop(request["bound_ms"] / 1000)
        return {"stopped_ns": now(), "errors": errors}

    def census(self, _):
        return self.driver.census()

    def counters(self, _):
        return {}

    def close(self, _):
        for name in list(self.crews):
            crew = self.crews.pop(name)
            if self.apart:
                crew.end()
            else:
                crew.stop(0)
        if self.opened is not None:
            self.opened = None
            self.driver.close()
        return {}

    def answer(self, request):
        name = request.get("do")
        do = self.requests.get(name) if isinstance(name, str) else None
        if do is None:
            answer = {"error": {"code": "unknown_request", "message": str(name)}}
        else:
            try:
                answer = {"ok": do(request)}
            except Exception as error:
                answer = {"error": {"code": "failed", "message": f"{name}: {text_of(error)}"}}
        say({"id": request.get("id"), **answer})


def serve(driver):
    """Obeys the requests on stdin until `bye` or its end; then this process ends, with what it started."""
    talk = Talk(driver)
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("do") in ("enqueue", "load"):
            threading.Thread(target=talk.answer, args=(request,), daemon=True).start()
            continue
        talk.answer(request)
        if request.get("do") == "bye":
            os._exit(0)
    if not talk.is_crew:
        Server.stop_bound_s = HURRIED_S  # the harness is gone, and with it what the store is worth
        talk.close({})
    os._exit(0)
