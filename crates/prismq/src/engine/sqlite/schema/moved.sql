-- Only in a file whose queue was moved to a server, or is being moved, which a bit in prismq_meta.features says too: every
-- program then refuses to use it. One row. migration: drawn by chance when it began. target: where to, for people.
-- target_number: the number of the database there. shift: what is added to monotonic times. complete: whether the
-- queue there may be in use.
CREATE TABLE prismq_moved (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    migration     INTEGER NOT NULL,
    target        TEXT    NOT NULL,
    target_number INTEGER NOT NULL,
    shift         INTEGER NOT NULL,
    complete      INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1))
) STRICT;

-- Refuses what programs add without this library.
CREATE TRIGGER prismq_inbox_moved BEFORE INSERT ON prismq_inbox
BEGIN
    SELECT RAISE(ABORT, 'this queue was moved to a server: the table prismq_moved says where to');
END;
