-- Tasks that programs add without this library: by an INSERT in any transaction, through any driver. Each row becomes a
-- task before the next claim, and is deleted. One that cannot become a task stays with the reason in error, and is
-- tried again once that is NULL. The names of the constraints are what the writer of a wrong row is answered.
-- unique_key: of a task that holds it until it is done. limit_name: of a limit that is set. key: the one by which tasks
-- take turns. held: set while the row waits as its queue is full; it becomes a task once there is room.
CREATE TABLE prismq.prismq_inbox (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type       text    COLLATE "C" NOT NULL,
    payload    bytea   NOT NULL,
    queue      text    COLLATE "C" NOT NULL DEFAULT 'default',
    priority   integer NOT NULL DEFAULT 100,
    run_at     timestamptz,
    unique_key text    COLLATE "C",
    limit_name text    COLLATE "C",
    key        text    COLLATE "C",
    held       boolean NOT NULL DEFAULT false,
    error      text,
    CONSTRAINT "type must have 1 to 128 bytes and no control characters"
        CHECK (octet_length(type) BETWEEN 1 AND 128 AND type !~ '[\u0001-\u001f\u007f-\u009f]'),
    CONSTRAINT "queue must have 1 to 128 bytes and no control characters"
        CHECK (octet_length(queue) BETWEEN 1 AND 128 AND queue !~ '[\u0001-\u001f\u007f-\u009f]'),
    CONSTRAINT "unique_key must have 1 to 256 bytes and no control characters"
        CHECK (octet_length(unique_key) BETWEEN 1 AND 256 AND unique_key !~ '[\u0001-\u001f\u007f-\u009f]'),
    CONSTRAINT "limit_name must have 1 to 128 bytes and no control characters"
        CHECK (octet_length(limit_name) BETWEEN 1 AND 128 AND limit_name !~ '[\u0001-\u001f\u007f-\u009f]'),
    CONSTRAINT "key must have 1 to 128 bytes and no control characters"
        CHECK (octet_length(key) BETWEEN 1 AND 128 AND key !~ '[\u0001-\u001f\u007f-\u009f]'),
    CONSTRAINT "payload must have at most 64 MiB" CHECK (octet_length(payload) <= 67108864),
    CONSTRAINT "priority must be -32768 to 32767" CHECK (priority BETWEEN -32768 AND 32767),
    CONSTRAINT "run_at must be finite" CHECK (isfinite(run_at))
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
ALTER TABLE prismq.prismq_inbox ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX prismq_inbox_waiting ON prismq.prismq_inbox (id) WHERE error IS NULL AND NOT held;
CREATE INDEX prismq_inbox_held ON prismq.prismq_inbox (queue, id) WHERE error IS NULL AND held;
