-- Limits on how many tasks run at once and how often tasks start, and keys whose tasks take turns. A file in which no
-- task names a limit or a key has no rows here.
--
-- A task without a key stands in its lane as any other. The tasks of a key have a lane of their own, with a negative
-- number, in prismq_lane; claims find it by a line, and not by their cache of lanes, so that 10 000 keys cost them no
-- more than one.

-- A named limit: its bounds, NULL where there is none, of all its tasks and of those of each key; and its state.
-- running: its leased tasks. arrival: when the next task is due by its rate (the theoretical arrival time of the
-- generic cell rate algorithm). removed: it has no bounds and no new tasks; the row stays as long as lanes or keys name it.
CREATE TABLE prismq_limit (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    concurrency     INTEGER,
    tasks           INTEGER,
    period          INTEGER,
    burst           INTEGER,
    key_concurrency INTEGER,
    key_tasks       INTEGER,
    key_period      INTEGER,
    key_burst       INTEGER,
    running         INTEGER NOT NULL DEFAULT 0,
    arrival         INTEGER NOT NULL DEFAULT 0,
    removed         INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))
) STRICT;

-- A key of a limit (0: of none), in one queue if its tasks are ordered or under no limit (else 0). holder: the task of
-- an ordered key that has begun and is not completed or dead. due_at: when lines that wait for the rate may go on.
-- idle_at: since when it is looked at, now and then, whether it can be deleted.
CREATE TABLE prismq_key (
    id      INTEGER PRIMARY KEY,
    limits  INTEGER NOT NULL,
    queue   INTEGER NOT NULL,
    ordered INTEGER NOT NULL CHECK (ordered IN (0, 1)),
    name    TEXT    NOT NULL,
    running INTEGER NOT NULL DEFAULT 0,
    arrival INTEGER NOT NULL DEFAULT 0,
    holder  INTEGER,
    due_at  INTEGER,
    idle_at INTEGER,
    UNIQUE (limits, queue, ordered, name)
) STRICT;
CREATE INDEX prismq_key_due  ON prismq_key (due_at)  WHERE due_at IS NOT NULL;
CREATE INDEX prismq_key_idle ON prismq_key (idle_at) WHERE idle_at IS NOT NULL;

-- The tasks of a key in one lane. base: the lane of its queue, type, requirements and limit, over all keys; lane: the
-- one in which its tasks stand. state: 0 no task is ready, 1 open: its first ready task may be claimed, 2 blocked: it
-- has ready tasks, and its key may start none. turn: how often its tasks were claimed, or would have been if it had
-- always had some: the lowest goes first. scheduled: its scheduled tasks.
CREATE TABLE prismq_line (
    lane      INTEGER PRIMARY KEY REFERENCES prismq_lane (id),
    base      INTEGER NOT NULL REFERENCES prismq_lane (id),
    key       INTEGER NOT NULL REFERENCES prismq_key (id),
    state     INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    turn      INTEGER NOT NULL DEFAULT 0,
    scheduled INTEGER NOT NULL DEFAULT 0,
    UNIQUE (key, base)
) STRICT;
CREATE INDEX prismq_line_open ON prismq_line (base, turn, lane) WHERE state = 1;
