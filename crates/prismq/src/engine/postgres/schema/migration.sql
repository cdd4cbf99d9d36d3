-- A queue that was moved here from a file. One row, if there was one. number: drawn by the file when it began. part, first,
-- second: how far it has come. tasks: how many it moved. complete: whether the queue may be used; until then it is refused.
CREATE TABLE prismq.migration (
    one      boolean  PRIMARY KEY DEFAULT true CHECK (one),
    number   bigint   NOT NULL,
    part     smallint NOT NULL DEFAULT 0,
    first    bigint   NOT NULL DEFAULT 0,
    second   bigint   NOT NULL DEFAULT 0,
    tasks    bigint   NOT NULL DEFAULT 0,
    complete boolean  NOT NULL DEFAULT false
);
