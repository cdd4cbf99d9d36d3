"""A server that belongs to the driver: its child, with its data and its socket in the queue's directory."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

START_BOUND_S = 50


class Server:
    """Started by the first driver that opens the directory; others connect to it.

    What is known of it is kept in a file of the directory, so that a driver started after a kill finds a server that
    outlived its driver, takes it over and ends it at `close`.
    """

    stop_bound_s = 40

    def __init__(self, directory, command, answers, role="server", stop_signal=signal.SIGTERM, **options):
        """`answers(pid)` is true as soon as the server can be used; `options` are Popen's."""
        self.note, self.child, self.owned = os.path.join(directory, "driver-server.json"), None, True
        known = self.read()
        self.stop_signal, self.role = stop_signal, role
        if known and alive(known["server"]):
            self.pid, self.owned = known["server"], not alive(known["driver"])
        else:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, **options)
            self.pid = self.child.pid
        if self.owned:
            with open(self.note, "w") as file:
                json.dump({"server": self.pid, "driver": os.getpid()}, file)
        self.await_answer(answers)

    def read(self):
        try:
            with open(self.note) as file:
                return json.load(file)
        except (FileNotFoundError, ValueError):
            return None

    def await_answer(self, answers):
        end = time.monotonic() + START_BOUND_S
        while not answers(self.pid):
            if self.child is not None and self.child.poll() is not None:
                raise RuntimeError(f"the server ended with {self.child.returncode}; its messages are on stderr")
            if time.monotonic() > end:
                self.stop()
                raise TimeoutError(f"the server did not answer in {START_BOUND_S} s")
            time.sleep(0.05)

    def pids(self):
        return [{"pid": self.pid, "role": self.role}]

    def stop(self):
        """Ends the server and waits for its end; killed if it takes too long."""
        if not self.owned:
            return
        self.signal(self.stop_signal)
        end = time.monotonic() + self.stop_bound_s
        while not self.ended():
            if time.monotonic() > end:
                self.signal(signal.SIGKILL)
            time.sleep(0.005)
        os.unlink(self.note)

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(self.pid, number)

    def ended(self):
        return self.child.poll() is not None if self.child is not None else not alive(self.pid)


def alive(pid):
    """Whether there is a process of this pid that has not ended (a zombie has)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def program(name, *folders):
    """The path of a server's program: PRISMQ_DRIVER_PATH, PATH, then the folders."""
    places = os.pathsep.join([os.environ.get("PRISMQ_DRIVER_PATH", ""), os.environ.get("PATH", ""), *folders])
    found = shutil.which(name, path=places)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found
