-- Unique keys: the task that holds a key of its type, or held it last. Whether it still does follows from hold and from
-- the task's row, so that nothing is written when a task starts or ends; rows of keys that are free are deleted as
-- others are added. key: a text, or the SHA-256 digest of the payload as a blob. hold: 0 until the task is first
-- claimed, 1 until it is done, 2 until the time `until`. digest: of the payload, where it is not the key.
CREATE TABLE prismq_unique (
    task   INTEGER PRIMARY KEY,
    type   TEXT    NOT NULL,
    key    ANY     NOT NULL,
    hold   INTEGER NOT NULL CHECK (hold BETWEEN 0 AND 2),
    until  INTEGER CHECK ((until IS NOT NULL) = (hold = 2)),
    digest BLOB
) STRICT;
CREATE UNIQUE INDEX prismq_unique_key ON prismq_unique (type, key);
