//! What the tables hold at one moment, and what is wrong with them by themselves.

use prismq::State;
use prismq_check::{Snapshot, StoredTask, Totals, key_of, now_ns};
use prismq_cluster::Cluster;

const TASKS: &str =
    "SELECT id, state, attempt, max_attempts, encode(payload, 'hex') FROM prismq.task ORDER BY id";
const TOTALS: &str = "SELECT coalesce(sum(enqueued), 0), coalesce(sum(completed), 0), coalesce(sum(failed), 0),
     coalesce(sum(reclaimed), 0) FROM (SELECT * FROM prismq.counter UNION ALL SELECT * FROM prismq.counter_delta) c";
/// What must not be there, each with how many there are of it.
const PROBLEMS: [(&str, &str); 9] = [
    (
        "ready tasks without their row in ready",
        "SELECT count(*) FROM (SELECT coalesce(line, lane), suspect, order_key, id FROM prismq.task WHERE state = 0
         EXCEPT SELECT lane, suspect, order_key, id FROM prismq.ready) x",
    ),
    (
        "rows in ready without their ready task",
        "SELECT count(*) FROM (SELECT lane, suspect, order_key, id FROM prismq.ready
         EXCEPT SELECT coalesce(line, lane), suspect, order_key, id FROM prismq.task WHERE state = 0) x",
    ),
    (
        "scheduled tasks without their row in scheduled",
        "SELECT count(*) FROM (SELECT run_at, id FROM prismq.task WHERE state = 1
         EXCEPT SELECT run_at, id FROM prismq.scheduled) x",
    ),
    (
        "rows in scheduled without their scheduled task",
        "SELECT count(*) FROM (SELECT run_at, id FROM prismq.scheduled
         EXCEPT SELECT run_at, id FROM prismq.task WHERE state = 1) x",
    ),
    (
        "leased tasks whose expiry nobody would look at in time",
        "SELECT count(*) FROM prismq.task t WHERE state = 2 AND NOT EXISTS (
         SELECT FROM prismq.expiry e WHERE e.at <= t.lease_expires_at AND t.id = ANY (e.ids))",
    ),
    (
        "ended tasks without their row in ended, or the other way round",
        "SELECT count(*) FROM (SELECT id, state, ending FROM prismq.task WHERE state IN (3, 4, 6)) t
         FULL JOIN prismq.ended e USING (id, state, ending) WHERE t.id IS NULL OR e.id IS NULL",
    ),
    (
        "requests to cancel a task that does not run",
        "SELECT count(*) FROM prismq.cancel c LEFT JOIN prismq.task t ON t.id = c.task
         WHERE t.state IS DISTINCT FROM 2",
    ),
    (
        "records of tasks that are not there",
        "SELECT count(*) FROM (SELECT task FROM prismq.attempt UNION SELECT task FROM prismq.note
         UNION SELECT task FROM prismq.log) r WHERE NOT EXISTS (SELECT FROM prismq.task t WHERE t.id = r.task)",
    ),
    (
        "queues whose counters differ from their tasks",
        "SELECT count(*) FROM (
             SELECT queue, sum(ready) AS ready, sum(scheduled) AS scheduled, sum(leased) AS leased, sum(dead) AS dead
             FROM (SELECT * FROM prismq.counter UNION ALL SELECT * FROM prismq.counter_delta) c GROUP BY queue) c
         LEFT JOIN (
             SELECT l.queue, count(*) FILTER (WHERE state = 0) AS ready, count(*) FILTER (WHERE state = 1) AS scheduled,
                    count(*) FILTER (WHERE state = 2) AS leased, count(*) FILTER (WHERE state = 3) AS dead
             FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane GROUP BY l.queue) t USING (queue)
         WHERE (coalesce(c.ready, 0), coalesce(c.scheduled, 0), coalesce(c.leased, 0), coalesce(c.dead, 0))
             <> (coalesce(t.ready, 0), coalesce(t.scheduled, 0), coalesce(t.leased, 0), coalesce(t.dead, 0))",
    ),
];

/// Audits the schema `prismq`, which nobody uses meanwhile.
pub(crate) fn snapshot(cluster: &Cluster) -> Snapshot {
    let sql = |query: &str| cluster.sql("postgres", &[query]).unwrap();
    let problems = PROBLEMS.iter().filter_map(|(what, query)| {
        let count = sql(query);
        (count != "0").then(|| format!("{count} {what}"))
    });
    let totals: Vec<u64> = sql(TOTALS).split('|').map(|sum| sum.parse().unwrap()).collect();
    Snapshot {
        t_mono_ns: now_ns(),
        tasks: sql(TASKS).lines().map(stored).collect(),
        totals: Totals {
            enqueued: totals[0],
            completed: totals[1],
            failed: totals[2],
            reclaimed: totals[3],
        },
        digest: 0,
        problems: problems.collect(),
    }
}

fn stored(line: &str) -> StoredTask {
    let columns: Vec<&str> = line.split('|').collect();
    let payload: Vec<u8> = columns[4]
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    StoredTask {
        task: columns[0].parse().unwrap(),
        key: key_of(&payload),
        slot: None,
        state: match columns[1] {
            "0" => State::Ready,
            "1" => State::Scheduled,
            "2" => State::Leased,
            "3" => State::Dead,
            "4" => State::Completed,
            _ => State::Cancelled,
        },
        attempt: columns[2].parse().unwrap(),
        max_attempts: columns[3].parse().unwrap(),
    }
}
