-- Limits on how many tasks run at once and how often tasks start, and keys whose tasks take turns. Without a task that
-- names a limit or a key there are no rows here.
--
-- A claim from lanes that a limit counts locks the limit first, so that such claims follow each other. Nothing else locks
-- it: what adds tasks or ends leases adds and deletes rows of its own (turn, slot), and waits for no claim.

-- A limit: its bounds, NULL where there is none, of all its tasks and of those of each key. Without a name it is that of
-- a queue, for its tasks with a key and no limit, and to be locked by claims if its concurrency is bounded. removed: it has
-- no bounds and no new tasks; the row stays as lanes name it.
CREATE TABLE prismq.limits (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text    COLLATE "C" UNIQUE,
    queue           integer UNIQUE,
    concurrency     integer,
    tasks           integer,
    period          bigint,
    burst           integer,
    key_concurrency integer,
    key_tasks       integer,
    key_period      bigint,
    key_burst       integer,
    removed         boolean NOT NULL DEFAULT false,
    CHECK ((name IS NULL) <> (queue IS NULL))
);

-- When the next task of a limit is due by its rate (the theoretical arrival time of the generic cell rate algorithm), 0
-- without a row. A claim adds the next number and deletes the one before, as in virtual_time, but alone, as it has locked
-- the limit.
CREATE TABLE prismq.arrival (
    limits integer NOT NULL,
    number bigint  NOT NULL,
    time   bigint  NOT NULL,
    PRIMARY KEY (limits, number)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0
);

-- A leased task that a limit counts, with its key if it has one. number: those of a limit rise, as it is locked when they
-- are given, so that claims need not look again for slots before the first that they have seen.
CREATE TABLE prismq.slot (
    task   bigint  PRIMARY KEY,
    limits integer NOT NULL,
    key    bigint,
    number bigint  GENERATED ALWAYS AS IDENTITY
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
CREATE INDEX slot_limits ON prismq.slot (limits, number);
CREATE INDEX slot_key ON prismq.slot (key, number) WHERE key IS NOT NULL;

-- A key of a limit, in one queue if its tasks are ordered (else 0). arrival: when its next task is due by its rate.
-- holder: the task of an ordered key that has begun, and keeps the key until it is completed, dead or gone. due_at: when
-- its tasks may go on that wait for its rate.
CREATE TABLE prismq.key (
    id      bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    limits  integer NOT NULL,
    queue   integer NOT NULL,
    ordered boolean NOT NULL,
    name    text    COLLATE "C" NOT NULL,
    arrival bigint  NOT NULL DEFAULT 0,
    holder  bigint,
    due_at  bigint,
    UNIQUE (name, limits, queue, ordered)
) WITH (fillfactor = 70);
CREATE INDEX key_due ON prismq.key (limits, due_at) WHERE due_at IS NOT NULL;

-- The tasks of a key in one lane. Their ready rows stand under its number, which is negative, instead of the lane's.
-- turn: how often its tasks were claimed, or would have been if it had always had some: the lowest goes first.
CREATE SEQUENCE prismq.line_id AS integer INCREMENT -1 MINVALUE -2147483647 MAXVALUE -1 CYCLE;
CREATE TABLE prismq.line (
    id   integer PRIMARY KEY DEFAULT nextval('prismq.line_id'),
    key  bigint  NOT NULL,
    lane integer NOT NULL,
    turn bigint  NOT NULL DEFAULT 0,
    UNIQUE (key, lane)
) WITH (fillfactor = 70);
CREATE INDEX task_line ON prismq.task (line) WHERE line IS NOT NULL;

-- Lines to be looked at by claims: a row is added whenever a task of a line becomes ready, or its key may start another
-- one, and deleted by the claim that finds nothing to start. So lines whose keys may start none cost a claim nothing.
CREATE TABLE prismq.turn (
    lane integer NOT NULL,
    turn bigint  NOT NULL,
    line integer NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
CREATE INDEX turn_order ON prismq.turn (lane, turn, line);
