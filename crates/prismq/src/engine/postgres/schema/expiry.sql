-- When to look whether tasks with a time to live have started: at task.start_by, or later if a lease held the task then.
CREATE TABLE prismq.deadline (
    at bigint NOT NULL,
    id bigint NOT NULL,
    PRIMARY KEY (at, id)
);
