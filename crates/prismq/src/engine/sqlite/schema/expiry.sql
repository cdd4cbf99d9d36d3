-- Tasks that become dead unless they start in time. look_at: when to look whether they did: at start_by, or later if a
-- lease held the task then. The row of a task that has started or ended is deleted when it is looked at.
CREATE TABLE prismq_expiry (
    task     INTEGER PRIMARY KEY,
    start_by INTEGER NOT NULL,
    look_at  INTEGER NOT NULL CHECK (look_at >= start_by)
) STRICT;
CREATE INDEX prismq_expiry_look ON prismq_expiry (look_at);

-- How many tasks of a queue ever expired.
CREATE TABLE prismq_expired (
    queue INTEGER PRIMARY KEY REFERENCES prismq_queue (id),
    count INTEGER NOT NULL
) STRICT;
