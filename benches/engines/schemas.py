#!/usr/bin/env python3
"""Why the tables in PostgreSQL are as they are: the same tasks in three schemas, by raw SQL in batches of a thousand.

A  one table with a column for the state; partial indexes of what is ready and of when leases expire
B  as A, but hints of when leases expire, a row a claim, instead of an index
H  as B, but a narrow table of what is ready next to that of the tasks, which is updated in place: prismq's

    benches/engines/schemas.py CONNECTION [ROUNDS]

CONNECTION is what psql takes, to a server with nothing else to do, of a user that may create the schema prismq_schemas,
which is removed again, and run CHECKPOINT. Rounds take turns. Prints medians:
the time a task to enqueue, and to claim and complete, as one client waits for it; and the bytes of WAL of both. What is
enqueued and completed waits for the disk, claims do not. Needs psql and pgbench.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BATCH, BATCHES = 1_000, 200
TASKS = BATCH * BATCHES

TASK = """CREATE TABLE prismq_schemas.task (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lane int NOT NULL, state smallint NOT NULL,
    order_key bigint NOT NULL, attempt int NOT NULL DEFAULT 0, token bigint NOT NULL DEFAULT 0, expires_at bigint,
    payload bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, fillfactor = {fillfactor});"""
STATES = "CREATE INDEX ON prismq_schemas.task (lane, order_key, id) WHERE state = 1;"
EXPIRY = """CREATE TABLE prismq_schemas.expiry (at bigint NOT NULL, ids bigint[] NOT NULL);
    CREATE INDEX ON prismq_schemas.expiry (at);"""
READY = """CREATE TABLE prismq_schemas.ready (lane int NOT NULL, order_key bigint NOT NULL, id bigint NOT NULL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
    CREATE INDEX ON prismq_schemas.ready (lane, order_key, id);"""

NEW = f"""INSERT INTO prismq_schemas.task (lane, state, order_key, payload)
    SELECT 1, 1, n, decode(repeat('5a', 100), 'hex') FROM generate_series(1, {BATCH}) n"""
FIND = f"""SELECT {{found}} FROM prismq_schemas.{{table}} WHERE lane = 1 {{ready}} ORDER BY lane, order_key, id
    LIMIT {BATCH} FOR UPDATE SKIP LOCKED"""
UPDATE = """UPDATE prismq_schemas.task t SET state = 2, attempt = attempt + 1, token = token + 1,
    expires_at = (extract(epoch FROM now()) * 1000000)::bigint + 60000000 FROM r WHERE t.id = r.id RETURNING t.id"""
HINT = ", e AS (INSERT INTO prismq_schemas.expiry SELECT 1, array_agg(id) FROM c HAVING count(*) > 0)"
DONE = "DELETE FROM prismq_schemas.task WHERE id = ANY (:ids::bigint[]);"
# Whoever looks at a hint deletes it.
SEEN = "DELETE FROM prismq_schemas.expiry WHERE at = 1;"

IN_STATES = f"WITH r AS ({FIND.format(found='id', table='task', ready='AND state = 1')}), c AS ({UPDATE})"
FIND_READY = FIND.format(found="ctid", table="ready", ready="")
IN_READY = f"""WITH r AS (DELETE FROM prismq_schemas.ready WHERE ctid = ANY (ARRAY({FIND_READY})) RETURNING id),
    c AS ({UPDATE}){HINT}"""

SCHEMAS = {
    "A": (
        TASK.format(fillfactor=100) + STATES + "CREATE INDEX ON prismq_schemas.task (expires_at) WHERE state = 2;",
        NEW,
        IN_STATES,
        DONE,
    ),
    "B": (TASK.format(fillfactor=100) + STATES + EXPIRY, NEW, IN_STATES + HINT, DONE + SEEN),
    "H": (
        TASK.format(fillfactor=60) + READY + EXPIRY,
        f"WITH t AS ({NEW} RETURNING lane, order_key, id) INSERT INTO prismq_schemas.ready SELECT * FROM t",
        IN_READY,
        DONE + SEEN,
    ),
}
# Else the planner, which takes the tables for small, sorts all that is ready for each claim.
OFF = ["seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"]
PLANS = ["plan_cache_mode=force_generic_plan", *(f"enable_{plan}=off" for plan in OFF)]


def sql(connection, statements):
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", connection, "-c", statements]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def batches(connection, script):
    """Runs the script for each batch, and gives the microseconds a task and the bytes of WAL a task."""
    environment = {**os.environ, "PGOPTIONS": " ".join(f"-c {setting}" for setting in PLANS)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "batch.sql")
        file.write_text(script)
        before = sql(connection, "SELECT pg_current_wal_insert_lsn()")
        command = ["pgbench", "-n", "-M", "prepared", "-c", "1", "-t", str(BATCHES), "-f", str(file), connection]
        ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        wal = int(sql(connection, f"SELECT pg_current_wal_insert_lsn() - '{before}'"))
    latency = float(re.search(r"latency average = ([0-9.]+) ms", ran.stdout).group(1))
    return 1000 * latency / BATCH, wal / TASKS


def measure(connection, name):
    tables, enqueue, claim, complete = SCHEMAS[name]
    sql(connection, "CREATE SCHEMA prismq_schemas")
    try:
        sql(connection, tables)
        sql(connection, "CHECKPOINT")
        enqueued = batches(connection, enqueue + ";")
        drain = f"""BEGIN; SET LOCAL synchronous_commit = off; {claim} SELECT array_agg(id)::text AS ids FROM c \\gset
COMMIT; BEGIN; {complete} COMMIT;"""
        drained = batches(connection, drain.replace("; ", ";\n"))
        left = sql(connection, "SELECT count(*) FROM prismq_schemas.task")
    finally:
        sql(connection, "DROP SCHEMA prismq_schemas CASCADE")
    if left != "0":
        raise SystemExit(f"schema {name}: {left} tasks were left")
    return [enqueued[0], drained[0], enqueued[1], drained[1]]


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    connection, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 5
    measured = {name: [] for name in SCHEMAS}
    for number in range(rounds):
        names = list(SCHEMAS)
        for name in names[number % 3 :] + names[: number % 3]:
            measured[name].append(measure(connection, name))
    print("schema  enqueue us  claim and complete us  WAL to enqueue  WAL to claim and complete  of the WAL of A")
    life_of_a = None
    for name, rows in measured.items():
        enqueue, drain, wal_in, wal_out = (statistics.median(column) for column in zip(*rows))
        life_of_a = life_of_a or wal_in + wal_out
        share = (wal_in + wal_out) / life_of_a
        print(f"{name:6}  {enqueue:10.1f}  {drain:21.1f}  {wal_in:14.0f}  {wal_out:25.0f}  {share:15.2f}")


try:
    main()
except subprocess.CalledProcessError as failed:
    raise SystemExit(f"{failed.cmd[0]} failed: {failed.stderr}") from failed
