-- Schedules: tasks that are enqueued again and again. Their times are those of the wall clock.

-- interval: in microseconds, counted from anchor; or cron: an expression in the time zone zone. missed: 0 skip, 1 once,
-- 2 all. next_at: the next slot; none while the schedule is paused, or stopped by error. held_slot: the first slot that
-- waits because its queue is full, next_at then being when it is tried again. decided_at: when next_at was
-- decided, which is in the future only if the clock was set back since. last_slot, last_task: of the task enqueued
-- last. error: why the last slot has no task, or why the schedule is stopped. The rest is the task to enqueue, its
-- requirements with line feeds between them, its durations in microseconds; unique_hold is that of unique.sql, NULL if
-- the task is not unique, and without a unique_key it is unique by its payload; on_conflict: 0 keep, 1 replace, 2 push
-- back.
CREATE TABLE prismq_schedule (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    interval     INTEGER,
    cron         TEXT CHECK ((cron IS NULL) = (interval IS NOT NULL)),
    zone         TEXT    NOT NULL,
    anchor       INTEGER NOT NULL,
    missed       INTEGER NOT NULL CHECK (missed BETWEEN 0 AND 2),
    overlap      INTEGER NOT NULL CHECK (overlap IN (0, 1)),
    paused       INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    next_at      INTEGER,
    held_slot    INTEGER,
    decided_at   INTEGER NOT NULL,
    last_slot    INTEGER,
    last_task    INTEGER,
    enqueued     INTEGER NOT NULL DEFAULT 0,
    error        TEXT,
    queue        TEXT    NOT NULL,
    type         TEXT    NOT NULL,
    requirements TEXT    NOT NULL,
    priority     INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    payload      BLOB    NOT NULL,
    limit_name   TEXT,
    key          TEXT,
    ordered      INTEGER NOT NULL DEFAULT 0 CHECK (ordered IN (0, 1)),
    unique_hold  INTEGER CHECK (unique_hold BETWEEN 0 AND 2),
    unique_key   TEXT,
    unique_period INTEGER CHECK ((unique_period IS NOT NULL) = (unique_hold IS 2)),
    on_conflict  INTEGER NOT NULL DEFAULT 0 CHECK (on_conflict BETWEEN 0 AND 2),
    expires_after INTEGER
) STRICT;
CREATE INDEX prismq_schedule_next    ON prismq_schedule (next_at)    WHERE next_at IS NOT NULL;
CREATE INDEX prismq_schedule_decided ON prismq_schedule (decided_at) WHERE next_at IS NOT NULL;

-- The slots that tasks were enqueued for. Rows of tasks that are gone are deleted later: some rows are looked at each
-- time a schedule fires, lowest place first, and the rest of them get a new place behind all others.
CREATE TABLE prismq_slot (
    place INTEGER PRIMARY KEY,
    task  INTEGER NOT NULL UNIQUE,
    slot  INTEGER NOT NULL
) STRICT;
