//! What a pool reports of each attempt: its event, its span, and the line of a dead task.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use prismq::{Outcome, TaskError, WorkerPool};
use tracing::Level;

use crate::support::{Fixture, Messages, TestProcess, receive, task, wait_until};

#[test]
fn an_event_has_the_tasks_queue_and_type_the_duration_and_the_error() {
    let fixture = Fixture::new();
    let (send, events) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .queue("mails")
        .workers(1)
        .handle_bytes("job", |payload, _| match &*payload {
            b"bad" => Err(TaskError::permanent("no address")),
            _ => Ok(()),
        })
        .on_event(move |event| send.send(event.clone()).unwrap())
        .start()
        .unwrap();
    for (payload, outcome, error) in
        [("good", Outcome::Completed, None), ("bad", Outcome::Dead, Some("no address"))]
    {
        fixture.queue.enqueue(&task(payload).queue("mails")).unwrap();
        let event = receive(&events, "the event");
        assert_eq!((&*event.queue, &*event.task_type), ("mails", "job"));
        assert_eq!((event.outcome, event.error.as_deref()), (outcome, error));
        assert!(event.duration.is_some() && event.worker == Some(0), "{event:?}");
    }
}

#[test]
fn a_dead_task_has_a_line_in_the_log_and_a_retried_one_has_none() {
    let fixture = Fixture::new();
    let messages = Messages::new(Level::WARN, |_| {});
    let lines = messages.during(|| {
        fixture.enqueue("retried");
        fixture.queue.fail(&fixture.claim_one(), "no").unwrap();
        fixture.enqueue("dead");
        fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    });
    assert_eq!(lines, ["task is dead: it failed for good or used up its attempts"]);
}

/// Keeps the names and fields of spans.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

impl tracing::field::Visit for Spans {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push(format!("{}={value:?}", field.name()));
    }
}

impl tracing::Subscriber for Spans {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.0.lock().unwrap().push(span.metadata().name().to_owned());
        span.record(&mut self.clone());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn each_attempt_runs_in_a_span_that_names_its_task() {
    let fixture = Fixture::new();
    let test = concat!(module_path!(), "::a_process_whose_spans_are_kept");
    TestProcess::start(test, &fixture.path()).output();
}

/// In a process of its own, as workers see only the subscriber of their whole process.
#[test]
#[ignore = "run by each_attempt_runs_in_a_span_that_names_its_task"]
fn a_process_whose_spans_are_kept() {
    let (_file, _watchdog) = TestProcess::file();
    let fixture = Fixture::new();
    let spans = Spans::default();
    tracing::subscriber::set_global_default(spans.clone()).unwrap();
    let pool =
        WorkerPool::builder(&fixture.queue).handle_bytes("job", |_, _| Ok(())).start().unwrap();
    let id = fixture.enqueue("job");
    wait_until!(pool.stats().completed == 1);
    let seen = spans.0.lock().unwrap().join(" ");
    let expected = format!("prismq.attempt id={id} type=\"job\" queue=\"default\" attempt=1");
    assert_eq!(seen, expected);
}
