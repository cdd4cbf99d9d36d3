-- What tasks keep beyond their rows: failed attempts, what handlers note, results. A row here can belong only to a task
-- that was claimed before, or, for what handlers note, once the bit 32 of prismq_meta.features is set; a result only to
-- a kept task. Times are by the wall clock. All are deleted with their task.

-- Failed attempts, each named by the token of its lease; began_at, process and worker are NULL where they are unknown,
-- as of a lease that expired. error_type: the Rust type of the error, NULL if it was a text.
CREATE TABLE prismq_attempt (
    task     INTEGER NOT NULL,
    token    INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    began_at INTEGER,
    ended_at INTEGER NOT NULL,
    process  INTEGER,
    worker   INTEGER,
    error    TEXT    NOT NULL,
    error_type TEXT,
    PRIMARY KEY (task, token)
) STRICT, WITHOUT ROWID;

-- How far a task has come, and the last checkpoint of its handler.
CREATE TABLE prismq_note (
    task       INTEGER PRIMARY KEY,
    fraction   REAL,
    text       TEXT,
    noted_at   INTEGER,
    checkpoint BLOB,
    CHECK ((fraction IS NULL) = (noted_at IS NULL) AND (fraction IS NULL) = (text IS NULL))
) STRICT;

-- What handlers log with their tasks, numbered from 1 in each task; the oldest lines make room for new ones.
CREATE TABLE prismq_log (
    task    INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    text    TEXT    NOT NULL,
    PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;

-- The result of a completed task that is kept.
CREATE TABLE prismq_result (
    task INTEGER PRIMARY KEY,
    data BLOB    NOT NULL
) STRICT;
