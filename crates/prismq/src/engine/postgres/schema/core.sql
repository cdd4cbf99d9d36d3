-- Version 1: the tables of a queue, in a schema of their own. `prismq.` stands for the schema of the user's choice.
-- Times are microseconds since the Unix epoch by the clock of the database.
--
-- A task has one row, found by its id alone, so that claiming, extending and failing it are HOT updates: no index
-- changes. What a task waits for is a narrow row in a table of its own (ready, scheduled, ended), which is inserted and
-- deleted and never updated.

-- One row. epoch: taken anew by each connection, and part of the tokens it gives. number: drawn by chance, so that a
-- lease of another database is known as such. names_freed: raised when lanes and queues are deleted. settings: the
-- version of the settings that programs cache, higher with every change. last_lane: the highest id of a lane, or 0. By
-- the last two, one row shows whether what a program has cached is still valid.
CREATE TABLE prismq.meta (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL,
    epoch   bigint  NOT NULL DEFAULT 0,
    number  bigint  NOT NULL,
    names_freed integer NOT NULL DEFAULT 0,
    settings bigint NOT NULL DEFAULT 0,
    last_lane integer NOT NULL DEFAULT 0
);

-- A queue and how it is set. ordering: 0 priority, 1 first in first out, 2 last in first out, 3 ageing by ageing_step
-- microseconds a priority number, 4 weighted random. concurrency: how many tasks may be leased.
-- keep: how many completed tasks to keep.
-- Ages are in microseconds; NULL is no limit.
CREATE TABLE prismq.queue (
    id             integer  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text     COLLATE "C" NOT NULL UNIQUE,
    ordering       smallint NOT NULL DEFAULT 0 CHECK (ordering BETWEEN 0 AND 4),
    ageing_step    bigint   NOT NULL DEFAULT 0,
    paused         boolean  NOT NULL DEFAULT false,
    depth          integer  CHECK (depth > 0),
    concurrency    integer  CHECK (concurrency > 0),
    keep           integer  NOT NULL DEFAULT 0,
    completed_age  bigint,
    cancelled_keep integer  DEFAULT 0,
    cancelled_age  bigint,
    dead_keep      integer,
    dead_age       bigint
);

-- The virtual time of a queue whose order is weighted random: the key of the task that was claimed last, 0 without a row.
-- A claim adds a row with the next number and deletes those before. The one with the highest number counts, of those that
-- claims added at the same time the latest. It is found first: all versions of a row that is updated would be passed
-- over, as long as an old snapshot keeps them.
CREATE TABLE prismq.virtual_time (
    queue  integer NOT NULL,
    number bigint  NOT NULL,
    time   bigint  NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX virtual_time_number ON prismq.virtual_time (queue, number, time);

-- A lane is what a worker can or cannot serve as a whole: one type of task with the same requirements in one queue.
-- requirements: names in order, with line feeds between them. limits: the limit that counts its tasks, or 0. keyed: 1 if
-- its tasks have keys, 2 if those of a key are ordered too. Lanes are added one transaction after the other, so that a
-- higher id is committed later.
CREATE TABLE prismq.lane (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue        integer NOT NULL REFERENCES prismq.queue (id),
    type         text    COLLATE "C" NOT NULL,
    requirements text    COLLATE "C" NOT NULL DEFAULT '',
    limits       integer NOT NULL DEFAULT 0,
    keyed        smallint NOT NULL DEFAULT 0 CHECK (keyed BETWEEN 0 AND 2),
    UNIQUE (queue, type, requirements, limits, keyed)
);

-- Ids rise and are never used again.
CREATE SEQUENCE prismq.task_id MAXVALUE 140737488355327;
-- Numbers endings in their order, which the clock does not where it was set back.
CREATE SEQUENCE prismq.ending;

-- state: 0 ready, 1 scheduled, 2 leased, 3 dead, 4 completed and kept, 6 cancelled and kept; 7 and 8 as 4 and 6, but for
-- the time of the type. run_at: when it is due, or died. start_by: when it becomes dead unless it has started. ended_at, ending: when it ended, and the number of that.
-- failures: failed attempts that were recorded. begun: whether a lease that expires uses up its attempt. suspect:
-- whether its last attempt ended with its lease, perhaps as it killed its process. noted: whether its handler noted
-- anything. scheduled_for: the slot of the schedule that enqueued it. line: that of its key in the lane, under whose
-- number it is ready. Half of each page is left for the second version of its rows, so that all updates of a large claim
-- are HOT; of a page that is filled to three fifths, a third were not.
-- What a claim changes stands together: the WAL of an update holds all from the first byte that differs to the last.
CREATE TABLE prismq.task (
    id               bigint   PRIMARY KEY,
    order_key        bigint   NOT NULL,
    enqueued_at      bigint   NOT NULL,
    run_at           bigint   NOT NULL,
    start_by         bigint,
    ended_at         bigint,
    ending           bigint,
    scheduled_for    bigint,
    lane             integer  NOT NULL,
    line             integer,
    priority         integer  NOT NULL,
    max_attempts     integer  NOT NULL,
    failures         integer  NOT NULL DEFAULT 0,
    token            bigint   NOT NULL DEFAULT 0,
    lease_expires_at bigint,
    attempt          integer  NOT NULL DEFAULT 0,
    state            smallint NOT NULL,
    begun            boolean  NOT NULL DEFAULT false,
    suspect          boolean  NOT NULL DEFAULT false,
    noted            boolean  NOT NULL DEFAULT false,
    payload          bytea    NOT NULL,
    error            text,
    result           bytea
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 10000,
    toast.autovacuum_vacuum_cost_delay = 0
);
-- A payload that does not fit in the row is stored apart and not copied by updates; compressing it would cost more.
ALTER TABLE prismq.task ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE prismq.task ALTER COLUMN result SET STORAGE EXTERNAL;

-- The ready tasks, in the order in which claims take them. lane: that of the task; of one with a key, its line.
CREATE TABLE prismq.ready (
    lane      integer NOT NULL,
    suspect   boolean NOT NULL,
    order_key bigint  NOT NULL,
    id        bigint  NOT NULL,
    PRIMARY KEY (lane, suspect, order_key, id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);

-- The tasks that are not due yet.
CREATE TABLE prismq.scheduled (
    run_at bigint NOT NULL,
    id     bigint NOT NULL,
    PRIMARY KEY (run_at, id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);

-- When to look whether leases have expired: a row for each claim and each extension. Which have, their tasks say.
CREATE TABLE prismq.expiry (
    at  bigint   NOT NULL,
    ids bigint[] NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
CREATE INDEX expiry_at ON prismq.expiry (at);

-- The tasks that have ended and are kept, in the order in which they did. at: when it ended; of one that is kept for the
-- time of its type, when that is over. lane: of dead ones.
CREATE TABLE prismq.ended (
    queue  integer  NOT NULL,
    state  smallint NOT NULL CHECK (state IN (3, 4, 6, 7, 8)),
    ending bigint   NOT NULL,
    at     bigint   NOT NULL,
    id     bigint   NOT NULL,
    lane   integer,
    PRIMARY KEY (queue, state, ending, id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);

-- The counters of each queue: their sums so far, and what transactions have added since. A row that every transaction
-- updates would make them wait for each other. NULL is 0. kept_by_type, cancelled_kept_by_type: those of kept and
-- cancelled_kept that are kept for the time of their type.
CREATE TABLE prismq.counter (
    queue     integer NOT NULL PRIMARY KEY,
    ready bigint, scheduled bigint, leased bigint, dead bigint, kept bigint, cancelled_kept bigint,
    enqueued bigint, completed bigint, failed bigint, reclaimed bigint, cancelled bigint, deleted bigint,
    expired bigint, kept_by_type bigint, cancelled_kept_by_type bigint
);
CREATE TABLE prismq.counter_delta (
    queue     integer NOT NULL,
    ready bigint, scheduled bigint, leased bigint, dead bigint, kept bigint, cancelled_kept bigint,
    enqueued bigint, completed bigint, failed bigint, reclaimed bigint, cancelled bigint, deleted bigint,
    expired bigint, kept_by_type bigint, cancelled_kept_by_type bigint
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0
);
