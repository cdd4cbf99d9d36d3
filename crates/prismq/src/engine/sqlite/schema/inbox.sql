-- Tasks that programs add without this library: by an INSERT in any transaction, through any driver. Each row becomes a
-- task before the next claim, and is deleted. One that cannot become a task stays with the reason in error, and is
-- tried again once that is NULL. The names of the constraints are what the writer of a wrong row is answered.
-- payload: text or a blob. run_at: as SQLite's datetime() returns it, or in ISO 8601, in UTC or with an offset.
-- unique_key: of a task that holds it until it is done. limit_name: of a limit that is set. key: the one by which tasks
-- take turns. held: set while the row waits as its queue is full; it becomes a task once there is room.
CREATE TABLE prismq_inbox (
    id         INTEGER PRIMARY KEY,
    type       TEXT    NOT NULL,
    payload    ANY     NOT NULL,
    queue      TEXT    NOT NULL DEFAULT 'default',
    priority   INTEGER NOT NULL DEFAULT 100,
    run_at     TEXT,
    unique_key TEXT,
    limit_name TEXT,
    key        TEXT,
    held       INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    CONSTRAINT "type must have 1 to 128 bytes and no control characters"
        CHECK (length(CAST(type AS BLOB)) BETWEEN 1 AND 128 AND instr(type, char(0)) = 0
               AND type NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'),
    CONSTRAINT "queue must have 1 to 128 bytes and no control characters"
        CHECK (length(CAST(queue AS BLOB)) BETWEEN 1 AND 128 AND instr(queue, char(0)) = 0
               AND queue NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'),
    CONSTRAINT "unique_key must have 1 to 256 bytes and no control characters"
        CHECK (unique_key IS NULL
               OR (length(CAST(unique_key AS BLOB)) BETWEEN 1 AND 256 AND instr(unique_key, char(0)) = 0 AND
                   unique_key NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*')),
    CONSTRAINT "limit_name must have 1 to 128 bytes and no control characters"
        CHECK (limit_name IS NULL
               OR (length(CAST(limit_name AS BLOB)) BETWEEN 1 AND 128 AND instr(limit_name, char(0)) = 0 AND
                   limit_name NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*')),
    CONSTRAINT "key must have 1 to 128 bytes and no control characters"
        CHECK (key IS NULL
               OR (length(CAST(key AS BLOB)) BETWEEN 1 AND 128 AND instr(key, char(0)) = 0 AND
                   key NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*')),
    CONSTRAINT "held must be 0 or 1" CHECK (held IN (0, 1)),
    CONSTRAINT "payload must be text or a blob" CHECK (typeof(payload) IN ('text', 'blob')),
    CONSTRAINT "payload must have at most 64 MiB" CHECK (length(CAST(payload AS BLOB)) <= 67108864),
    CONSTRAINT "priority must be -32768 to 32767" CHECK (priority BETWEEN -32768 AND 32767),
    CONSTRAINT "run_at must be a time such as 2026-11-28 08:00:00 in UTC, or 2026-11-28T09:00:00+01:00"
        CHECK (run_at IS NULL OR (run_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'
                                  AND julianday(run_at) IS NOT NULL))
) STRICT;
CREATE INDEX prismq_inbox_waiting ON prismq_inbox (held, error) WHERE error IS NULL;
CREATE INDEX prismq_inbox_held    ON prismq_inbox (queue)       WHERE held = 1;

-- Until its first row, no claim looks at the inbox.
CREATE TRIGGER prismq_inbox_in_use AFTER INSERT ON prismq_inbox
    WHEN (SELECT features & 1 FROM prismq_meta) = 0
BEGIN
    UPDATE prismq_meta SET features = features | 1;
END;
