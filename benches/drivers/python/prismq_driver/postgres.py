"""PostgreSQL as a driver's server: a cluster of its own in the queue's directory, with the settings of initdb."""

import glob
import os
import pwd
import re
import signal
import subprocess
import sys
import time

import psycopg

from .server import Server, program

HERE = "/proc/self/cwd"  # the socket's folder for server and clients: the path of the directory can be too long
PORT = "5432"  # names the socket; nothing listens on TCP
CONNECTION = f"host={HERE} port={PORT} dbname=postgres user=postgres"
STARTS = 5
SETTINGS = ("server_version", "synchronous_commit", "fsync", "wal_sync_method", "shared_buffers", "full_page_writes")


def as_postgres(command):
    """Root may not run PostgreSQL: then its own user does."""
    if os.getuid() != 0:
        return command
    return [program("setpriv"), "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *command]


def postgres(name):
    return program(name, *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True))


def version():
    said = subprocess.run([postgres("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"[0-9.]+", said).group()


def answers(_pid):
    try:
        psycopg.connect(CONNECTION).close()
        return True
    except psycopg.OperationalError:
        return False


def settings():
    """Those that decide how durable a commit is, read back."""
    with psycopg.connect(CONNECTION) as connection:
        return {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in SETTINGS}


def open_cluster(directory):
    """Creates the cluster if there is none, and starts or joins its server; this process then works in its folder."""
    folder = os.path.join(directory, "cluster")
    if not os.path.exists(os.path.join(folder, "PG_VERSION")):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        command = [postgres("initdb"), "-D", folder, "-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8", "-N"]
        subprocess.run(as_postgres(command), stdout=sys.stderr, check=True, cwd="/")
    os.chdir(folder)
    command = as_postgres([postgres("postgres"), "-D", folder, "-k", HERE, "-p", PORT, "-c", "listen_addresses="])
    for left in reversed(range(STARTS)):
        try:
            return Server(directory, command, answers, stop_signal=signal.SIGINT)
        except RuntimeError:  # processes of a killed server still hold its shared memory
            if left == 0:
                raise
            time.sleep(1)
