-- What tasks keep beyond their rows: failed attempts, and what handlers note. All are deleted with their task, whose
-- row says whether there are any.

-- Failed attempts, each named by the token of its lease; began_at, process and worker are NULL where they are unknown,
-- as of a lease that expired. error_type: the Rust type of the error, NULL if it was a text.
CREATE TABLE prismq.attempt (
    task       bigint  NOT NULL,
    token      bigint  NOT NULL,
    attempt    integer NOT NULL,
    began_at   bigint,
    ended_at   bigint  NOT NULL,
    process    bigint,
    worker     bigint,
    error      text    NOT NULL,
    error_type text,
    PRIMARY KEY (task, token)
);

-- How far a task has come, and the last checkpoint of its handler.
CREATE TABLE prismq.note (
    task       bigint PRIMARY KEY,
    fraction   double precision,
    text       text,
    noted_at   bigint,
    checkpoint bytea
);

-- What handlers log with their tasks, numbered from 1 in each task; the oldest lines make room for new ones.
CREATE TABLE prismq.log (
    task    bigint  NOT NULL,
    number  integer NOT NULL,
    at      bigint  NOT NULL,
    attempt integer NOT NULL,
    text    text    NOT NULL,
    PRIMARY KEY (task, number)
);
