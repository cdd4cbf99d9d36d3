-- Depth limits: most live tasks of a queue. One without a row has no limit.
CREATE TABLE prismq_depth (
    queue INTEGER PRIMARY KEY REFERENCES prismq_queue (id),
    most  INTEGER NOT NULL CHECK (most > 0)
) STRICT;
