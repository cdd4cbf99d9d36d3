-- Task types whose ended tasks are kept for a time of their own, in microseconds, and not by the retention of their
-- queues: the type's own, as the program that runs it declares it, or an operator's, which is never replaced by the
-- type's own.
CREATE TABLE prismq.type_retention (
    type        text    COLLATE "C" PRIMARY KEY,
    by_operator boolean NOT NULL,
    age         bigint  NOT NULL CHECK (age > 0)
);
-- Tasks kept for the time of their type, by when that is over; dead ones, by when they died.
CREATE INDEX ended_until ON prismq.ended (at) WHERE state IN (7, 8);
CREATE INDEX ended_dead ON prismq.ended (lane, at) WHERE state = 3;
