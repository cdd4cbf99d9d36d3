-- Unique keys: the task that holds a key of its type, or held it last. Whether it still does follows from hold and from
-- the task's row, so that nothing is written when a task starts or ends; rows of keys that are free are deleted as
-- others are added. key: of a text, 0 and its bytes; of a payload, 1 and its SHA-256 digest. hold: 0 until the task is
-- first claimed, 1 until it is done, 2 until the time `until`. digest: of the payload, where it is not the key.
CREATE TABLE prismq.unique_key (
    type   text     COLLATE "C" NOT NULL,
    key    bytea    NOT NULL,
    task   bigint   NOT NULL,
    hold   smallint NOT NULL CHECK (hold BETWEEN 0 AND 2),
    until  bigint   CHECK ((until IS NOT NULL) = (hold = 2)),
    digest bytea,
    PRIMARY KEY (type, key)
);
CREATE INDEX unique_key_task ON prismq.unique_key (task);
