-- What operators set and ask for: written only by their calls, so that claims and completions do not pay for it.

-- Which ended tasks of a queue are kept, where it differs from all dead ones for ever and no cancelled ones: how many,
-- and for how many microseconds; NULL for no limit. How many completed ones is prismq_queue.keep.
CREATE TABLE prismq_retention (
    queue         INTEGER PRIMARY KEY REFERENCES prismq_queue (id),
    completed_age INTEGER,
    cancelled     INTEGER,
    cancelled_age INTEGER,
    dead          INTEGER,
    dead_age      INTEGER
) STRICT;

-- Task types whose ended tasks are kept for a time of their own, in microseconds, and not by the retention of their
-- queues: the type's own, as the program that runs it declares it, or an operator's, which is never replaced by the
-- type's own.
CREATE TABLE prismq_type_retention (
    type        TEXT    PRIMARY KEY,
    by_operator INTEGER NOT NULL CHECK (by_operator IN (0, 1)),
    age         INTEGER NOT NULL CHECK (age > 0)
) STRICT, WITHOUT ROWID;

-- Counters of a queue that are not in prismq_queue: tasks ever cancelled, and deleted before they were completed or
-- cancelled; cancelled ones that are kept; of the completed and the cancelled ones that are kept, those kept for the
-- time of their type.
CREATE TABLE prismq_removed (
    queue          INTEGER PRIMARY KEY REFERENCES prismq_queue (id),
    cancelled      INTEGER NOT NULL DEFAULT 0,
    deleted        INTEGER NOT NULL DEFAULT 0,
    cancelled_kept INTEGER NOT NULL DEFAULT 0,
    kept_by_type   INTEGER NOT NULL DEFAULT 0,
    cancelled_kept_by_type INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Running tasks that are to be cancelled, each with the token of its lease. While there are any, a bit in
-- prismq_meta.features is set.
CREATE TABLE prismq_cancel (
    task  INTEGER PRIMARY KEY,
    token INTEGER NOT NULL
) STRICT;
