-- Retry policies of task types: the type's own, as the program that runs it declares it, or an operator's, which is
-- never replaced by the type's own. Times are microseconds.
CREATE TABLE prismq_retry (
    type        TEXT    PRIMARY KEY,
    by_operator INTEGER NOT NULL CHECK (by_operator IN (0, 1)),
    initial     INTEGER NOT NULL CHECK (initial >= 0),
    longest     INTEGER NOT NULL CHECK (longest >= 0),
    multiplier  REAL    NOT NULL,
    jitter      REAL    NOT NULL
) STRICT, WITHOUT ROWID;
