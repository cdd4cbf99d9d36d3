-- Running tasks that are to be cancelled, each with the token of its lease.
CREATE TABLE prismq.cancel (
    task  bigint PRIMARY KEY,
    token bigint NOT NULL
);
