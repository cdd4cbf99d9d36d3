//! Listing, counting and grouping the tasks that a filter means.

use std::time::Duration;

use prismq::limits::{PAGE_BYTES_MAX, PAGE_TASKS_MAX};
use prismq::{Claim, Clock as _, Error, NewTask, State, TaskId, Tasks};

use super::{dead, dead_in};
use crate::support::{Fixture, LEASE, claim, task};

const HOUR: Duration = Duration::from_secs(3600);

/// The ids of all pages, a few tasks each.
fn ids(tasks: &Tasks) -> Vec<TaskId> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = tasks.list(2, after).unwrap();
        assert!(page.tasks.len() <= 2);
        ids.extend(page.tasks.iter().map(|task| task.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(tasks.count().unwrap(), ids.len() as u64, "{tasks:?}");
    ids
}

/// One task in each state, of the type `job`, by state.
fn one_in_each_state(fixture: &Fixture) -> Vec<(State, TaskId)> {
    let queue = &fixture.queue;
    let retention = prismq::Retention {
        completed: prismq::Keep::last(9),
        cancelled: prismq::Keep::last(9),
        ..Default::default()
    };
    queue.set_retention("default", retention).unwrap();
    let died = dead(fixture, "job", "refused");
    let completed = fixture.enqueue("completed");
    queue.complete(&fixture.claim_one()).unwrap();
    let cancelled = fixture.enqueue("cancelled");
    queue.cancel(cancelled).unwrap();
    let leased = fixture.enqueue("leased");
    fixture.claim_one();
    let scheduled = queue.enqueue(task("scheduled").delay(HOUR)).unwrap().id();
    let ready = fixture.enqueue("ready");
    vec![
        (State::Dead, died),
        (State::Ready, ready),
        (State::Scheduled, scheduled),
        (State::Leased, leased),
        (State::Completed, completed),
        (State::Cancelled, cancelled),
    ]
}

#[test]
fn every_state_is_found_by_itself_and_all_together() {
    let fixture = Fixture::new();
    let tasks = one_in_each_state(&fixture);
    for (state, id) in &tasks {
        assert_eq!(ids(&fixture.queue.tasks().state(*state)), [*id], "{state:?}");
        assert_eq!(fixture.queue.task(*id).unwrap().unwrap().state, *state);
    }
    let all: Vec<TaskId> = tasks.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids(&fixture.queue.tasks()), all);
    assert_eq!(ids(&fixture.queue.tasks().queue("default").of_type("job")), all);
    assert_eq!(ids(&fixture.queue.tasks().of_type("other")), []);
    assert_eq!(ids(&fixture.queue.tasks().queue("other")), []);
    let two = fixture.queue.tasks().dead().ready().dead();
    assert_eq!(ids(&two), all[..2]);
}

#[test]
fn a_suspect_is_found_as_ready() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("suspect");
    fixture.claim_one();
    fixture.clock.advance(LEASE);
    assert!(fixture.queue.claim(&Claim::new(["none"])).unwrap().is_empty());
    assert_eq!(ids(&fixture.queue.tasks().ready()), [id]);
    assert_eq!(ids(&fixture.queue.tasks().ready().of_type("job")), [id]);
}

#[test]
fn tasks_are_found_by_queue_and_type() {
    let fixture = Fixture::new();
    let of = |queue, task_type| dead_in(&fixture, queue, task_type, "refused");
    let (a, b) = (of("first", "mail"), of("first", "sms"));
    let (c, d) = (of("second", "mail"), of("second", "call"));
    let tasks = || fixture.queue.tasks().dead();
    assert_eq!(ids(&tasks().of_type("mail")), [a, c]);
    assert_eq!(ids(&tasks().queue("first")), [a, b]);
    assert_eq!(ids(&tasks().queue("second").of_type("mail").of_type("call")), [c, d]);
    assert_eq!(ids(&tasks().queue("second").of_type("sms")), []);
}

#[test]
fn tasks_are_found_by_their_key_and_cancelled_alone() {
    let fixture = Fixture::new();
    let add = |key: &str, queue: &str| {
        let keyed = task("job").key(key).queue(queue);
        fixture.queue.enqueue(keyed).unwrap().id()
    };
    let (a, b) = (add("tenant-7", "default"), add("tenant-7", "other"));
    let c = add("tenant-8", "default");
    let tasks = || fixture.queue.tasks().key("tenant-7");
    let mut both = ids(&tasks());
    both.sort_unstable();
    assert_eq!(both, [a, b]);
    assert_eq!(ids(&tasks().queue("other")), [b]);
    assert_eq!(ids(&tasks().of_type("job").queue("default")), [a]);
    assert_eq!(ids(&fixture.queue.tasks().key("none")), []);
    assert_eq!(tasks().cancel().unwrap().ended, 2);
    assert_eq!(ids(&fixture.queue.tasks()), [c]);
    assert_eq!(fixture.claim_one().id(), c);
}

#[test]
fn the_age_of_a_dead_task_counts_from_its_death_and_of_others_from_enqueue() {
    let fixture = Fixture::new();
    let early = fixture.enqueue("early");
    fixture.clock.advance(HOUR);
    let died = dead(&fixture, "other", "refused");
    fixture.clock.advance(HOUR);
    let late = fixture.enqueue("late");
    let tasks = || fixture.queue.tasks();
    assert_eq!(ids(&tasks().older_than(2 * HOUR)), [early]);
    assert_eq!(ids(&tasks().older_than(HOUR)), [died, early]);
    assert_eq!(ids(&tasks().newer_than(HOUR)), [late]);
    assert_eq!(ids(&tasks().newer_than(2 * HOUR)), [died, late]);
    assert_eq!(ids(&tasks().older_than(HOUR).newer_than(2 * HOUR)), [died]);
    assert_eq!(ids(&tasks().dead().older_than(2 * HOUR)), []);
}

#[test]
fn tasks_are_found_by_the_text_and_the_fingerprint_of_their_error() {
    let fixture = Fixture::new();
    let a = dead(&fixture, "job", "connect to 10.0.0.7: refused");
    let b = dead(&fixture, "job", "connect to 10.0.0.9: refused");
    let c = dead(&fixture, "job", "disk full");
    fixture.enqueue("without an error");
    let tasks = || fixture.queue.tasks();
    assert_eq!(ids(&tasks().error_contains("refused")), [a, b]);
    assert_eq!(ids(&tasks().error_contains("Refused")), []);
    let refused = prismq::Fingerprint::of("connect to 1.1.1.1: refused");
    assert_eq!(ids(&tasks().fingerprint(refused)), [a, b]);
    assert_eq!(ids(&tasks().fingerprint(refused).error_contains("0.9")), [b]);
    assert_eq!(ids(&tasks().dead().error_contains("full")), [c]);
}

#[test]
fn errors_are_grouped_with_count_times_and_an_example() {
    let fixture = Fixture::new();
    let first = fixture.clock.now();
    dead(&fixture, "job", "connect to 10.0.0.7: refused");
    fixture.clock.advance(HOUR);
    let other = dead_in(&fixture, "second", "mail", "cannot open /tmp/a7");
    let last = dead_in(&fixture, "second", "job", "connect to 10.0.0.9: refused");
    fixture.enqueue("without an error");
    let summary = fixture.queue.tasks().errors().unwrap();
    assert_eq!(summary.others, 0);
    let [refused, opened] = summary.groups.as_slice() else { panic!("{summary:?}") };
    assert_eq!((refused.count, refused.example), (2, last));
    assert_eq!(refused.error, "connect to 10.0.0.9: refused");
    assert_eq!((refused.first, refused.last), (first, first.after(HOUR)));
    assert_eq!((opened.count, opened.example), (1, other));
    let of_queue = fixture.queue.tasks().queue("second").of_type("job").errors().unwrap();
    assert_eq!(of_queue.groups.len(), 1);
    assert_eq!(fixture.queue.tasks().ready().errors().unwrap().groups, []);
}

#[test]
fn a_page_ends_early_when_its_payloads_are_large() {
    let fixture = Fixture::new();
    let large = vec![7; PAGE_BYTES_MAX / 2 + 1];
    for _ in 0..3 {
        fixture.queue.enqueue(NewTask::new("job", large.clone())).unwrap();
    }
    let page = fixture.queue.tasks().list(100, None).unwrap();
    assert_eq!(page.tasks.len(), 2);
    assert_eq!(page.tasks[0].payload, large);
    let page = fixture.queue.tasks().list(100, page.next).unwrap();
    assert_eq!(page.tasks.len(), 1);
}

#[test]
fn more_tasks_than_a_step_reads_are_all_found_once() {
    let fixture = Fixture::new();
    let many = vec![task("many"); 9_000];
    fixture.queue.enqueue_all(&many).unwrap();
    let held = fixture.queue.claim(&claim().max(4096)).unwrap();
    assert_eq!(held.len(), 4096);
    let tasks = fixture.queue.tasks().of_type("job");
    assert_eq!(tasks.count().unwrap(), 9_000);
    let mut after = None;
    let mut found = Vec::new();
    loop {
        let page = tasks.list(PAGE_TASKS_MAX, after).unwrap();
        found.extend(page.tasks.iter().map(|task| task.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 9_000);
}

#[test]
fn a_filter_out_of_bounds_is_refused_with_the_reason() {
    let fixture = Fixture::new();
    let tasks = || fixture.queue.tasks();
    let many = (0..257).fold(tasks(), |tasks, n| tasks.of_type(format!("t{n}")));
    let refused = [
        tasks().queue("").count().map(drop),
        tasks().of_type("a\0b").delete().map(drop),
        tasks().older_than(Duration::MAX).redrive().map(drop),
        tasks().newer_than(Duration::MAX).cancel().map(drop),
        tasks().error_contains("x".repeat(4097)).errors().map(drop),
        many.count().map(drop),
        tasks().list(0, None).map(drop),
        tasks().list(PAGE_TASKS_MAX + 1, None).map(drop),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{refused:?}");
    }
}
