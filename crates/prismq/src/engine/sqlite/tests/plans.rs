//! Proof that no statement scans or sorts, is prepared again, or writes more pages than it must.

use std::time::Duration;

use rusqlite::StatementStatus;

use crate::engine::sqlite::batch::kept::{history, retention, type_retention};
use crate::engine::sqlite::ops::claim::{look, pick};
use crate::engine::sqlite::ops::dead_letters::expiry;
use crate::engine::sqlite::ops::enqueue::unique;
use crate::engine::sqlite::ops::manage::{self, cancel, delete, redrive};
use crate::engine::sqlite::ops::{advance, inbox};
use crate::engine::sqlite::reader::LAST_ID;
use crate::engine::sqlite::reader::find::{self, range};
use crate::engine::sqlite::tests::NOW;
use crate::engine::sqlite::tests::cost::{STATEMENTS, writer_with_two_lanes};
use crate::engine::sqlite::writer::Writer;
use crate::engine::{Answer, Operation};
use crate::model::{Claim, NewTask};
use crate::time::ManualClock;

/// The steps of SQLite's plan for a statement.
fn plan(writer: &Writer, sql: &str) -> Vec<String> {
    let mut explain = writer.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut plan = Vec::new();
    let mut rows = explain.raw_query();
    while let Some(row) = rows.next().unwrap() {
        plan.push(row.get(3).unwrap());
    }
    plan
}

#[test]
fn no_statement_scans_or_sorts() {
    let (_folder, writer) = writer_with_two_lanes();
    for sql in STATEMENTS {
        assert_no_scan(&writer, sql);
    }
}

/// A statement neither scans a table nor sorts.
#[track_caller]
pub(super) fn assert_no_scan(writer: &Writer, sql: &str) {
    let plan = plan(writer, sql);
    for step in &plan {
        let scans = step.starts_with("SCAN") && !step.starts_with("SCAN rarray VIRTUAL TABLE");
        assert!(!scans && !step.contains("TEMP B-TREE"), "{sql}\n{plan:#?}");
    }
}

/// A step of the statement's plan ends with this.
#[track_caller]
pub(super) fn assert_seeks(writer: &Writer, sql: &str, seek: &str) {
    let plan = plan(writer, sql);
    assert!(plan.iter().any(|step| step.ends_with(seek)), "{seek} in\n{sql}\n{plan:#?}");
}

/// Statements that change or find tasks by an operator's call, and that keep retention.
fn of_operators() -> impl Iterator<Item = &'static str> {
    let by_id = [
        manage::FIND,
        manage::REMOVE,
        manage::REMOVE_PAYLOAD,
        cancel::REQUEST,
        cancel::STOPPED,
        cancel::END_REQUEST,
        cancel::KEEPS,
        cancel::KEEP,
        delete::REMOVE_KEPT,
        redrive::ATTEMPTS,
        redrive::REVIVE,
    ];
    let kept =
        [retention::SETTING, retention::LANES, retention::OLDEST_KEPT, retention::OLDEST_DEAD];
    let kept_by_type = [type_retention::OVER, type_retention::DEAD];
    by_id
        .into_iter()
        .chain(kept)
        .chain(kept_by_type)
        .chain(range::statements())
        .chain([LAST_ID, find::LANES])
}

#[test]
fn no_statement_of_an_operator_scans_or_sorts_tasks() {
    let (_folder, writer) = writer_with_two_lanes();
    for sql in of_operators() {
        let plan = plan(&writer, sql);
        for step in &plan {
            let scans = step.starts_with("SCAN") && !step.starts_with("SCAN CONSTANT ROW");
            assert!(!scans && !step.contains("TEMP B-TREE"), "{sql}\n{plan:#?}");
        }
    }
}

#[test]
fn a_search_seeks_its_range_and_position_in_the_index() {
    let (_folder, writer) = writer_with_two_lanes();
    for (table, wanted) in [
        ("state = 3", "prismq_task_dead (lane=? AND run_at>?)"),
        ("state = 0", "prismq_task_ready (lane=? AND order_key>?)"),
        ("state = 5", "prismq_task_suspect (lane=? AND order_key>?)"),
        ("state = 1", "prismq_task_scheduled (run_at>?)"),
        ("state = 4", "prismq_kept_order (queue=? AND state=? AND completion>?)"),
        ("state = 6", "prismq_kept_order (queue=? AND state=? AND completion>?)"),
        ("state = 7", "prismq_kept_order (queue=? AND state=? AND completion>?)"),
        ("state = 8", "prismq_kept_order (queue=? AND state=? AND completion>?)"),
    ] {
        let of_range: Vec<_> = range::statements().filter(|sql| sql.contains(table)).collect();
        assert!(!of_range.is_empty());
        for sql in of_range {
            let plan = plan(&writer, sql);
            assert!(
                plan.iter().any(|step| step.ends_with(wanted)),
                "{wanted} in\n{sql}\n{plan:#?}"
            );
        }
    }
}

#[test]
fn a_statement_with_a_limit_seeks_in_its_index() {
    let (_folder, writer) = writer_with_two_lanes();
    let wanted: [(&str, &[&str]); 12] = [
        (pick::READY_AFTER, &["COVERING INDEX prismq_task_ready (lane=? AND order_key>?)"]),
        (look::HAS_READY, &["COVERING INDEX prismq_task_ready (lane=?)"]),
        (advance::PROMOTE, &["COVERING INDEX prismq_task_scheduled (run_at<?)"]),
        (
            advance::RECLAIM,
            &[
                "COVERING INDEX prismq_task_leased (lease_expires_at<?)",
                "COVERING INDEX prismq_task_leased (lease_expires_at>?)",
            ],
        ),
        (unique::HOLDER, &["INDEX prismq_unique_key (type=? AND key=?)"]),
        (unique::AFTER, &["prismq_unique USING INTEGER PRIMARY KEY (rowid>?)"]),
        (expiry::DUE, &["COVERING INDEX prismq_expiry_look (look_at<?)"]),
        (inbox::WAITING, &["COVERING INDEX prismq_inbox_waiting (held=? AND error=?)"]),
        (inbox::OLDEST, &["INDEX prismq_inbox_waiting (held=? AND error=?)"]),
        (inbox::held::NEXT_QUEUE, &["INDEX prismq_inbox_held (queue>?)"]),
        (inbox::held::HELD, &["INDEX prismq_inbox_held (queue=?)"]),
        (history::PRUNE, &["COVERING INDEX prismq_kept_order (queue=? AND state=?)"]),
    ];
    for (sql, seeks) in wanted {
        let plan = plan(&writer, sql);
        for seek in seeks {
            assert!(plan.iter().any(|step| step.ends_with(seek)), "{seek} in\n{sql}\n{plan:#?}");
        }
    }
}

#[test]
fn claims_promotions_and_reclaims_prepare_no_statement_again() {
    let (_folder, mut writer) = writer_with_two_lanes();
    let second = Duration::from_secs(1);
    let mut now = NOW;
    let mut moved = 0;
    // Each round claims more at once than the one before: what is bound to a limit varies.
    for round in 1..=10 {
        let later = NewTask::new("job", []).delay(second);
        let claim = Claim::new(["job", "other"]).lease(second).max(round);
        let batch = [Operation::Enqueue(vec![later]), Operation::Claim(claim)];
        let answers = writer.apply(&ManualClock::new(now), &batch).unwrap();
        let Some(Ok(Answer::Claimed(claimed))) = answers.last() else {
            panic!("a claim is answered by leases")
        };
        moved += claimed.leases.len();
        now = now.after(second);
    }
    assert!(moved > 20, "leases were given, reclaimed and given again: {moved}");
    for sql in STATEMENTS {
        let statement = writer.connection.prepare_cached(sql).unwrap();
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}

#[test]
fn one_task_enqueued_alone_writes_three_pages() {
    let (folder, mut writer) = writer_with_two_lanes();
    let wal = folder.path().join("queue.db-wal");
    let length = || std::fs::metadata(&wal).unwrap().len();
    let mut pages = Vec::new();
    // A page and its head in the WAL. Fewer transactions than it may hold before it starts over.
    let page = 4096 + 24;
    for _ in 0..100 {
        let before = length();
        let task = NewTask::new("job", vec![7; 100]);
        writer.apply(&ManualClock::new(NOW), &[Operation::Enqueue(vec![task])]).unwrap();
        pages.push((length() - before) / page);
    }
    let all: u64 = pages.iter().sum();
    pages.sort_unstable();
    // Its own, that of the order, that of the counters; now and then one is split or ids are reserved.
    assert_eq!(pages[50], 3, "{pages:?}");
    assert!(all < 340, "{pages:?}");
}
