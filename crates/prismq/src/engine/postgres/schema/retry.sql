-- Retry policies of task types. by_operator: set by an operator, and kept from programs. Durations in microseconds.
CREATE TABLE prismq.retry (
    type        text             COLLATE "C" PRIMARY KEY,
    by_operator boolean          NOT NULL,
    initial     bigint           NOT NULL,
    longest     bigint           NOT NULL,
    multiplier  double precision NOT NULL,
    jitter      double precision NOT NULL
);
