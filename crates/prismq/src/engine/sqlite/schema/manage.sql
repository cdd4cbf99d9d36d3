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

-- Counters of a queue that are not in prismq_queue: tasks ever cancelled, and deleted before they were completed or
-- cancelled; cancelled ones that are kept.
CREATE TABLE prismq_removed (
    queue          INTEGER PRIMARY KEY REFERENCES prismq_queue (id),
    cancelled      INTEGER NOT NULL DEFAULT 0,
    deleted        INTEGER NOT NULL DEFAULT 0,
    cancelled_kept INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Running tasks that are to be cancelled, each with the token of its lease. While there are any, a bit in
-- prismq_meta.features is set.
CREATE TABLE prismq_cancel (
    task  INTEGER PRIMARY KEY,
    token INTEGER NOT NULL
) STRICT;
