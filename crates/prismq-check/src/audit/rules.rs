//! What must hold of every file: SQLite's own checks, and rules about rows that no queue breaks.

use rusqlite::Connection;

use super::collect;

/// Statements that find nothing in a sound file: what each finds, and the statement.
const RULES: &[(&str, &str)] = &[
    (
        "a task is leased without an expiry or a token, or has an expiry without being leased",
        "SELECT id FROM prismq_task WHERE (state = 2) != (lease_expires_at IS NOT NULL)
         OR (state = 2 AND (token < 1 OR attempt < 1))",
    ),
    ("a task has an unknown state", "SELECT id FROM prismq_task WHERE state NOT IN (0, 1, 2, 3, 5)"),
    (
        "a suspect is ready as an ordinary task, or an ordinary task as a suspect",
        "SELECT id FROM prismq_task WHERE suspect NOT IN (0, 1) OR (state NOT IN (1, 2) AND suspect != (state = 5))",
    ),
    (
        "a task has more attempts than it is allowed, fewer than none, or more than claims",
        "SELECT id FROM prismq_task WHERE attempt > max_attempts OR attempt < 0 OR attempt > token",
    ),
    (
        "a task that may run has used up its attempts",
        "SELECT id FROM prismq_task WHERE state IN (0, 1, 5) AND attempt >= max_attempts",
    ),
    (
        "a task has an id that was never assigned",
        "SELECT id FROM prismq_task WHERE id < 1 OR id >= (SELECT next_id FROM prismq_meta)
         UNION ALL SELECT task FROM prismq_kept WHERE task < 1 OR task >= (SELECT next_id FROM prismq_meta)",
    ),
    (
        "a task is both stored and kept as completed",
        "SELECT id FROM prismq_task WHERE id IN (SELECT task FROM prismq_kept)",
    ),
    (
        "a task's payload is missing",
        "SELECT id FROM prismq_task WHERE payload IS NULL AND id NOT IN (SELECT task FROM prismq_payload)
         UNION ALL
         SELECT task FROM prismq_kept WHERE payload IS NULL AND task NOT IN (SELECT task FROM prismq_payload)",
    ),
    (
        "a payload belongs to no task, or to one with a second payload",
        "SELECT task FROM prismq_payload WHERE task NOT IN
             (SELECT id FROM prismq_task WHERE payload IS NULL
              UNION ALL SELECT task FROM prismq_kept WHERE payload IS NULL)",
    ),
    (
        "a task is in a lane that does not exist",
        "SELECT id FROM prismq_task WHERE lane NOT IN (SELECT id FROM prismq_lane)",
    ),
    (
        "a queue's counters of ready, suspect, scheduled, leased, dead or kept tasks differ from its rows",
        "SELECT prismq_queue.id FROM prismq_queue LEFT JOIN
             (SELECT prismq_lane.queue AS queue, sum(state IN (0, 5)) AS ready,
                     sum(state = 5) AS suspects, sum(state = 1) AS scheduled,
                     sum(state = 2) AS leased, sum(state = 3) AS dead
              FROM prismq_task JOIN prismq_lane ON prismq_lane.id = prismq_task.lane GROUP BY prismq_lane.queue) AS there
             ON there.queue = prismq_queue.id
         WHERE prismq_queue.ready != coalesce(there.ready, 0)
            OR prismq_queue.suspects != coalesce(there.suspects, 0)
            OR prismq_queue.scheduled != coalesce(there.scheduled, 0)
            OR prismq_queue.leased != coalesce(there.leased, 0)
            OR prismq_queue.dead != coalesce(there.dead, 0)
            OR prismq_queue.kept != (SELECT count(*) FROM prismq_kept
                                     WHERE prismq_kept.queue = prismq_queue.id AND prismq_kept.state IN (4, 7))",
    ),
    (
        "a queue's count of enqueued tasks is not that of completed, cancelled, deleted and stored ones",
        "SELECT id FROM prismq_queue LEFT JOIN prismq_removed ON queue = id
         WHERE enqueued != completed + coalesce(cancelled, 0) + coalesce(deleted, 0)
                           + ready + scheduled + leased + dead",
    ),
    (
        "a queue's count of kept cancelled tasks differs from its rows, or it cancelled fewer than it keeps",
        "SELECT id FROM prismq_queue LEFT JOIN prismq_removed ON queue = id
         WHERE coalesce(cancelled_kept, 0) != (SELECT count(*) FROM prismq_kept
                   WHERE prismq_kept.queue = prismq_queue.id AND prismq_kept.state IN (6, 8))
            OR coalesce(cancelled_kept, 0) > coalesce(cancelled, 0)",
    ),
    (
        "a queue's count of tasks that are kept for the time of their type differs from its rows",
        "SELECT id FROM prismq_queue LEFT JOIN prismq_removed ON queue = id
         WHERE coalesce(kept_by_type, 0) != (SELECT count(*) FROM prismq_kept
                   WHERE prismq_kept.queue = prismq_queue.id AND prismq_kept.state = 7)
            OR coalesce(cancelled_kept_by_type, 0) != (SELECT count(*) FROM prismq_kept
                   WHERE prismq_kept.queue = prismq_queue.id AND prismq_kept.state = 8)",
    ),
    (
        "a retention or a counter of removed tasks belongs to no queue",
        "SELECT queue FROM prismq_retention WHERE queue NOT IN (SELECT id FROM prismq_queue)
         UNION ALL SELECT queue FROM prismq_removed WHERE queue NOT IN (SELECT id FROM prismq_queue)",
    ),
    (
        "a task is to be cancelled that does not run with that token",
        "SELECT task FROM prismq_cancel
         WHERE (task, token) NOT IN (SELECT id, token FROM prismq_task WHERE state = 2)",
    ),
    (
        "the file does not say whether tasks are to be cancelled",
        "SELECT one FROM prismq_meta
         WHERE (features & 16 != 0) != EXISTS (SELECT 1 FROM prismq_cancel)",
    ),
    (
        "a schedule that is neither paused nor stopped has no next slot, or a paused one has one",
        "SELECT id FROM prismq_schedule WHERE (next_at IS NULL AND paused = 0 AND error IS NULL)
            OR (next_at IS NOT NULL AND paused != 0)",
    ),
    (
        "there is a schedule, and the file does not say so",
        "SELECT id FROM prismq_schedule WHERE (SELECT features & 8 FROM prismq_meta) = 0",
    ),
    (
        "a schedule or a slot names a task that was never added",
        "SELECT last_task FROM prismq_schedule WHERE last_task >= (SELECT next_id FROM prismq_meta)
         UNION ALL SELECT task FROM prismq_slot WHERE task < 1 OR task >= (SELECT next_id FROM prismq_meta)",
    ),
    (
        "a limit's count of running tasks is not that of its leased ones",
        "SELECT id FROM prismq_limit WHERE running !=
             (SELECT count(*) FROM prismq_task JOIN prismq_lane ON prismq_lane.id = prismq_task.lane
              WHERE prismq_task.state = 2 AND prismq_lane.limits = prismq_limit.id)",
    ),
    (
        "a key's count of running tasks is not that of its leased ones",
        "SELECT id FROM prismq_key WHERE running !=
             (SELECT count(*) FROM prismq_task JOIN prismq_line ON prismq_line.lane = prismq_task.lane
              WHERE prismq_task.state = 2 AND prismq_line.key = prismq_key.id)",
    ),
    (
        "more than one task of an ordered key runs, or one that does not hold it",
        "SELECT prismq_key.id FROM prismq_key JOIN prismq_line ON prismq_line.key = prismq_key.id
             JOIN prismq_task ON prismq_task.lane = prismq_line.lane
         WHERE prismq_key.ordered AND prismq_task.state = 2 AND prismq_task.id IS NOT prismq_key.holder",
    ),
    (
        "an ordered key is held by a task that is not its own or is dead, or another key by any",
        "SELECT id FROM prismq_key WHERE holder IS NOT NULL AND (NOT ordered OR holder NOT IN
             (SELECT prismq_task.id FROM prismq_task JOIN prismq_line ON prismq_line.lane = prismq_task.lane
              WHERE prismq_task.state != 3 AND prismq_line.key = prismq_key.id))",
    ),
    (
        "a line counts other scheduled tasks than it has, or has ready tasks and is not open or blocked",
        "SELECT lane FROM prismq_line
         WHERE scheduled != (SELECT count(*) FROM prismq_task WHERE prismq_task.lane = prismq_line.lane AND prismq_task.state = 1)
            OR prismq_line.state = 0 AND EXISTS (SELECT 1 FROM prismq_task WHERE prismq_task.lane = prismq_line.lane AND prismq_task.state IN (0, 5))",
    ),
    (
        "a blocked line waits for nothing: no task of its key runs or holds it, and no rate is due",
        "SELECT lane FROM prismq_line JOIN prismq_key ON prismq_key.id = prismq_line.key
         WHERE prismq_line.state = 2 AND prismq_key.running = 0 AND prismq_key.due_at IS NULL
           AND (prismq_key.holder IS NULL OR EXISTS (SELECT 1 FROM prismq_task WHERE prismq_task.id = prismq_key.holder
                                                     AND prismq_task.lane = prismq_line.lane AND prismq_task.state IN (0, 5)))
           AND NOT EXISTS (SELECT 1 FROM prismq_line AS other WHERE other.key = prismq_line.key AND other.state = 1)",
    ),
    (
        "a lane of a key has no line, or a line another lane than its key, or a lane with keys has tasks itself",
        "SELECT id FROM prismq_lane WHERE (id < 0) != (key > 0)
             OR id < 0 AND NOT EXISTS (SELECT 1 FROM prismq_line WHERE lane = prismq_lane.id AND prismq_line.key = prismq_lane.key)
         UNION ALL SELECT prismq_lane.id FROM prismq_lane JOIN prismq_task ON prismq_task.lane = prismq_lane.id
             WHERE prismq_lane.id > 0 AND prismq_lane.keyed",
    ),
    (
        "an attempt, a note or a log line belongs to no task",
        "SELECT task FROM prismq_attempt WHERE task NOT IN (SELECT id FROM prismq_task)
             AND task NOT IN (SELECT task FROM prismq_kept)
         UNION ALL
         SELECT task FROM prismq_note WHERE task NOT IN (SELECT id FROM prismq_task)
             AND task NOT IN (SELECT task FROM prismq_kept)
         UNION ALL
         SELECT task FROM prismq_log WHERE task NOT IN (SELECT id FROM prismq_task)
             AND task NOT IN (SELECT task FROM prismq_kept)",
    ),
    (
        "a result belongs to no completed task",
        "SELECT task FROM prismq_result WHERE task NOT IN (SELECT task FROM prismq_kept)",
    ),
    (
        "a kept task has attempts, notes, lines or a result, and is not marked as having some",
        "SELECT task FROM prismq_kept WHERE NOT recorded AND task IN
             (SELECT task FROM prismq_attempt UNION ALL SELECT task FROM prismq_result
              UNION ALL SELECT task FROM prismq_note UNION ALL SELECT task FROM prismq_log)",
    ),
    (
        "an attempt has a token that its task never had, or that of the lease that holds it",
        "SELECT prismq_attempt.task FROM prismq_attempt JOIN prismq_task ON prismq_task.id = prismq_attempt.task
         WHERE prismq_attempt.token NOT BETWEEN 1 AND prismq_task.token
            OR (prismq_attempt.token = prismq_task.token AND state = 2)
            OR prismq_attempt.attempt < 1",
    ),
    (
        "more attempts or log lines are kept of a task than are allowed",
        "SELECT task FROM prismq_attempt GROUP BY task HAVING count(*) > 10
         UNION ALL SELECT task FROM prismq_log GROUP BY task HAVING count(*) > 100",
    ),
    (
        "there are notes or log lines, and the file does not say that these are in use",
        "SELECT task FROM (SELECT task FROM prismq_note UNION ALL SELECT task FROM prismq_log)
         WHERE (SELECT features & 32 FROM prismq_meta) = 0",
    ),
    (
        "a unique key is held by a task of another type, or by one that was never added",
        "SELECT task FROM prismq_unique JOIN prismq_task ON prismq_task.id = task
             JOIN prismq_lane ON prismq_lane.id = lane WHERE prismq_lane.type != prismq_unique.type
         UNION ALL
         SELECT task FROM prismq_unique WHERE task < 1 OR task >= (SELECT next_id FROM prismq_meta)",
    ),
    (
        "a feature is used without its bit",
        "SELECT 2 FROM prismq_meta WHERE NOT features & 2 AND EXISTS (SELECT 1 FROM prismq_expiry)
         UNION ALL
         SELECT 64 FROM prismq_meta WHERE NOT features & 64 AND EXISTS (SELECT 1 FROM prismq_depth)
         UNION ALL
         SELECT 128 FROM prismq_meta WHERE NOT features & 128 AND EXISTS (SELECT 1 FROM prismq_retry)
         UNION ALL
         SELECT 1024 FROM prismq_meta WHERE features & 1280 != 1280 AND EXISTS (SELECT 1 FROM prismq_type_retention)",
    ),
    (
        "a queue counts more expired tasks than it ever had, or is gone",
        "SELECT queue FROM prismq_expired WHERE count < 0
         OR queue NOT IN (SELECT id FROM prismq_queue WHERE enqueued >= prismq_expired.count)",
    ),
    ("the file's own table has not one row", "SELECT count(*) FROM prismq_meta HAVING count(*) != 1"),
    (
        "a row of the inbox waits that no claim looks for",
        "SELECT id FROM prismq_inbox WHERE error IS NULL AND (SELECT features & 1 FROM prismq_meta) = 0",
    ),
];

/// What is wrong, in words: one entry for each finding of SQLite and each broken rule.
pub(super) fn problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut problems = collect(connection, "PRAGMA integrity_check", |row| row.get(0))?;
    problems.retain(|found: &String| found != "ok");
    problems.extend(collect(connection, "PRAGMA foreign_key_check", |row| {
        let (table, row): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok(format!("row {row:?} of {table} refers to a row that does not exist"))
    })?);
    for (rule, select) in RULES {
        let ids: Vec<i64> = collect(connection, select, |row| row.get(0))?;
        if let Some(first) = ids.first() {
            problems.push(format!("{rule}: {first} and {} more", ids.len() - 1));
        }
    }
    Ok(problems)
}
