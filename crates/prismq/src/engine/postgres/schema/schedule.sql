-- Schedules: tasks that are enqueued again and again. Who fires one locks its row.

-- interval: in microseconds, counted from anchor; or cron: an expression in the time zone zone. missed: 0 skip, 1 once,
-- 2 all. next_at: the next slot; none while the schedule is paused, or stopped by error. held_slot: the first slot that
-- waits because its queue is full, next_at then being when it is tried again. decided_at: when next_at was
-- decided, which is in the future only if the clock was set back since. last_slot, last_task: of the task enqueued
-- last. error: why the last slot has no task, or why the schedule is stopped. The rest is the task to enqueue, its
-- requirements with line feeds between them, its durations in microseconds; unique_hold is that of unique.sql, NULL if
-- the task is not unique, and without a unique_key it is unique by its payload; on_conflict: 0 keep, 1 replace, 2 push
-- back.
CREATE TABLE prismq.schedule (
    id            integer  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text     COLLATE "C" NOT NULL UNIQUE,
    interval      bigint,
    cron          text     CHECK ((cron IS NULL) = (interval IS NOT NULL)),
    zone          text     NOT NULL,
    anchor        bigint   NOT NULL,
    missed        smallint NOT NULL CHECK (missed BETWEEN 0 AND 2),
    overlap       boolean  NOT NULL,
    paused        boolean  NOT NULL DEFAULT false,
    next_at       bigint,
    held_slot     bigint,
    decided_at    bigint   NOT NULL,
    last_slot     bigint,
    last_task     bigint,
    enqueued      bigint   NOT NULL DEFAULT 0,
    error         text,
    queue         text     COLLATE "C" NOT NULL,
    type          text     COLLATE "C" NOT NULL,
    requirements  text     COLLATE "C" NOT NULL,
    priority      integer  NOT NULL,
    max_attempts  integer  NOT NULL,
    payload       bytea    NOT NULL,
    limit_name    text,
    key           text,
    ordered       boolean  NOT NULL DEFAULT false,
    unique_hold   smallint CHECK (unique_hold BETWEEN 0 AND 2),
    unique_key    text,
    unique_period bigint   CHECK ((unique_period IS NOT NULL) = (unique_hold IS NOT DISTINCT FROM 2)),
    on_conflict   smallint NOT NULL DEFAULT 0 CHECK (on_conflict BETWEEN 0 AND 2),
    expires_after bigint
) WITH (fillfactor = 50);
CREATE INDEX schedule_next ON prismq.schedule (next_at) WHERE next_at IS NOT NULL;
