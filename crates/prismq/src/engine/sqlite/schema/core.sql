-- Version 3: the tables of a queue, in a file of their own or among an application's tables. All names begin with
-- `prismq_`.
-- Times are microseconds since the Unix epoch: enqueued_at, completed_at and changed_wall by the
-- wall clock, all others by the monotonic time. Every index that a claim, a promotion or a reclaim
-- seeks is partial, so that tasks in another state cost it nothing.

-- One row. version: of these tables. features: what transactions must look at beyond tasks and queues, as bits (see
-- features.rs). own_file: whether the file was made for the queue alone. next_id: of the next task; ids are never reused, else an old lease could fit a new task.
-- number: drawn by chance, so that a lease or a connection of another file is known as such. names_freed: how
-- often lanes or queues that nothing used were freed. clock_offset: what the time since the boot boot_id is short
-- of the monotonic time.
CREATE TABLE prismq_meta (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    version  INTEGER NOT NULL,
    features INTEGER NOT NULL DEFAULT 0,
    own_file INTEGER NOT NULL CHECK (own_file IN (0, 1)),
    next_id INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    names_freed  INTEGER NOT NULL DEFAULT 0,
    clock_offset INTEGER NOT NULL DEFAULT 0,
    boot_id TEXT
) STRICT;

-- A queue, how it orders its tasks, and its counters, kept in the transaction of the operation they
-- count. ordering: 0 priority, 1 first in first out, 2 last in first out, 3 ageing by ageing_step
-- microseconds a priority number, 4 weighted random from virtual_time on. keep: how many completed tasks
-- to keep. concurrency: how many tasks may be leased, if that is bounded. ready counts suspects too. changed_at, changed_wall: when its counters last changed, by both
-- clocks.
CREATE TABLE prismq_queue (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    ordering     INTEGER NOT NULL DEFAULT 0 CHECK (ordering BETWEEN 0 AND 4),
    ageing_step  INTEGER NOT NULL DEFAULT 0,
    virtual_time INTEGER NOT NULL DEFAULT 0,
    paused       INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    keep         INTEGER NOT NULL DEFAULT 0,
    concurrency  INTEGER,
    ready     INTEGER NOT NULL DEFAULT 0,
    suspects  INTEGER NOT NULL DEFAULT 0,
    scheduled INTEGER NOT NULL DEFAULT 0,
    leased    INTEGER NOT NULL DEFAULT 0,
    dead      INTEGER NOT NULL DEFAULT 0,
    enqueued  INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    reclaimed INTEGER NOT NULL DEFAULT 0,
    kept      INTEGER NOT NULL DEFAULT 0,
    changed_at   INTEGER NOT NULL DEFAULT 0,
    changed_wall INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A lane is what a worker can or cannot serve as a whole: one type of task with the same requirements in
-- one queue, under the same limit. requirements: names in order, with line feeds between them. limits: the limit, or 0.
-- keyed: 1 if its tasks have keys, 2 if those of a key are ordered too. Numbers rise, but for the lanes of the tasks of
-- one key (see limits.sql), whose numbers are negative and fall.
CREATE TABLE prismq_lane (
    id           INTEGER PRIMARY KEY,
    queue        INTEGER NOT NULL REFERENCES prismq_queue (id),
    type         TEXT    NOT NULL,
    requirements TEXT    NOT NULL DEFAULT '',
    limits       INTEGER NOT NULL DEFAULT 0,
    keyed        INTEGER NOT NULL DEFAULT 0 CHECK (keyed BETWEEN 0 AND 2),
    key          INTEGER NOT NULL DEFAULT 0,
    UNIQUE (queue, type, requirements, limits, keyed, key)
) STRICT;

-- state: 0 ready, 1 scheduled, 2 leased, 3 dead, 5 ready and a suspect. A completed task is deleted, or
-- moves to kept. run_at: when it is due, or died. begun: whether a lease that expires used up its attempt, as somebody began it or had it to
-- themselves. suspect: whether its last attempt ended with its lease, perhaps as it killed its process; one that
-- is scheduled becomes ready as a suspect.
CREATE TABLE prismq_task (
    id               INTEGER PRIMARY KEY,
    lane             INTEGER NOT NULL REFERENCES prismq_lane (id),
    state            INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
    order_key        INTEGER NOT NULL,
    priority         INTEGER NOT NULL,
    token            INTEGER NOT NULL DEFAULT 0,
    attempt          INTEGER NOT NULL DEFAULT 0,
    max_attempts     INTEGER NOT NULL,
    enqueued_at      INTEGER NOT NULL,
    run_at           INTEGER NOT NULL,
    lease_expires_at INTEGER CHECK ((lease_expires_at IS NOT NULL) = (state = 2)),
    begun            INTEGER NOT NULL DEFAULT 0,
    suspect          INTEGER NOT NULL DEFAULT 0,
    payload          BLOB,
    error            TEXT
) STRICT;
CREATE INDEX prismq_task_ready     ON prismq_task (lane, order_key)    WHERE state = 0;
CREATE INDEX prismq_task_scheduled ON prismq_task (run_at)             WHERE state = 1;
CREATE INDEX prismq_task_leased    ON prismq_task (lease_expires_at)   WHERE state = 2;
CREATE INDEX prismq_task_suspect   ON prismq_task (lane, order_key)    WHERE state = 5;
CREATE INDEX prismq_task_dead      ON prismq_task (lane, run_at)       WHERE state = 3;

-- Payloads too large to stand in a row that every claim rewrites; prismq_task.payload is NULL for these.
CREATE TABLE prismq_payload (
    task INTEGER PRIMARY KEY,
    data BLOB    NOT NULL
) STRICT;

-- Completed (state 4) and cancelled (6) tasks a queue is set to keep: those that ended last, which the number of their
-- completion says and not a clock that may be set back; each state has numbers of its own. Of those that are kept for
-- the time of their type (completed 7, cancelled 8), completion is until when. A payload that stands apart
-- stays there. recorded: whether rows of records.sql may belong to it.
CREATE TABLE prismq_kept (
    task         INTEGER PRIMARY KEY,
    queue        INTEGER NOT NULL REFERENCES prismq_queue (id),
    lane         INTEGER NOT NULL REFERENCES prismq_lane (id),
    priority     INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    enqueued_at  INTEGER NOT NULL,
    run_at       INTEGER NOT NULL,
    completed_at INTEGER NOT NULL,
    completion   INTEGER NOT NULL,
    recorded     INTEGER NOT NULL DEFAULT 0,
    payload      BLOB,
    error        TEXT,
    state        INTEGER NOT NULL DEFAULT 4 CHECK (state IN (4, 6, 7, 8))
) STRICT;
CREATE INDEX prismq_kept_order ON prismq_kept (queue, state, completion, task);
