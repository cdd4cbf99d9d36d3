//! Handlers of typed tasks: what they are called with, and what becomes of payloads that are no value of their type.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use prismq::{
    CancelReason, Context, NewTask, Outcome, Queue, State, Task, TaskError, TaskResult, WorkerPool,
};
use serde::{Deserialize, Serialize};

use crate::support::{DEADLINE, Fixture, receive, wait_until};

#[derive(Task, Serialize, Deserialize, Debug, PartialEq)]
struct Mail {
    to: String,
    user: User,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct User {
    id: i64,
}

fn mail(id: i64) -> Mail {
    Mail { to: "ann".to_owned(), user: User { id } }
}

#[test]
fn a_handler_is_given_the_value_and_its_attempt() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(mail(7).task().max_attempts(3)).unwrap().id();
    let (seen, calls) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle(move |task: Mail, cx| {
            _ = seen.send((task, cx));
            Ok(())
        })
        .start()
        .unwrap();
    let (task, cx) = receive(&calls, "a call");
    assert_eq!(task, mail(7));
    assert_eq!((cx.id(), cx.task_type(), cx.queue()), (id, "mail", "default"));
    assert_eq!((cx.attempt(), cx.max_attempts(), cx.worker()), (1, 3, 0));
    assert_eq!((cx.token(), cx.deadline()), (1, None));
    assert_eq!(cx.enqueued_at(), prismq::Clock::now(&*fixture.clock));
}

#[derive(Task, Serialize, Deserialize)]
struct Ask;

#[test]
fn all_handlers_of_a_pool_share_its_state() {
    #[expect(clippy::needless_pass_by_value, reason = "the shape of a handler")]
    fn count(_: Mail, cx: Context<AtomicU32>) -> TaskResult {
        cx.state().fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    let fixture = Fixture::new();
    fixture.queue.enqueue_all([mail(1), mail(2)]).unwrap();
    let (answer, answers) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .state(AtomicU32::new(0))
        .handle(count)
        .handle(move |_: Ask, cx| {
            _ = answer.send(cx.state().load(Ordering::Relaxed));
            Ok(())
        })
        .start()
        .unwrap();
    wait_until!(pool.stats().completed == 2);
    fixture.queue.enqueue(Ask).unwrap();
    assert_eq!(receive(&answers, "an answer"), 2);
}

#[test]
fn a_payload_that_is_no_such_value_costs_only_its_own_task() {
    let fixture = Fixture::new();
    let enqueue = |payload: &str| {
        fixture.queue.enqueue(NewTask::new("mail", payload.as_bytes())).unwrap().id()
    };
    let wrong = [
        enqueue(r#"{"to":"ann","user":{"id":"x"}}"#),
        enqueue(r#"{"to":"ann","user":{"id":1}} and more"#),
        enqueue("\u{0}"),
        enqueue(""),
    ];
    fixture.queue.enqueue(mail(7)).unwrap();
    let report =
        WorkerPool::builder(&fixture.queue).handle(|_: Mail, _| Ok(())).run_until_empty().unwrap();
    assert_eq!((report.stats.completed, report.stats.dead, report.stats.retried), (1, 4, 0));
    let errors = wrong.map(|id| {
        let task = fixture.queue.task(id).unwrap().unwrap();
        assert_eq!(task.state, State::Dead);
        task.error.unwrap()
    });
    let of_type = "the payload is not a valid \"mail\" (main::typed::handlers::Mail): ";
    assert!(errors.iter().all(|error| error.starts_with(of_type)), "{errors:?}");
    assert!(errors[0].contains("user.id: invalid type: string \"x\", expected i64"), "{errors:?}");
    assert!(errors[1].contains("trailing characters"), "{errors:?}");
}

#[derive(Task, Serialize, Deserialize)]
#[task(name = "limited", queue = "slow", timeout = "50ms", max_attempts = 1)]
struct Limited;

/// Waits until it should stop, and says why it did.
fn until_cancelled(cx: &Context) -> Result<(), TaskError> {
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        if let Some(reason) = cx.cancelled() {
            return Err(format!("stopped: {reason:?}").into());
        }
        std::thread::yield_now();
    }
    Ok(())
}

#[test]
fn a_type_s_time_limit_and_queue_are_those_of_its_handler() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(Limited).unwrap().id();
    let pool = WorkerPool::builder(&fixture.queue)
        .handle(|_: Limited, cx| {
            assert!(cx.deadline().is_some());
            until_cancelled(&cx)
        })
        .run_until_empty()
        .unwrap();
    assert_eq!((pool.stats.dead, pool.stats.timed_out), (1, 1));
    let error = fixture.queue.task(id).unwrap().unwrap().error.unwrap();
    assert_eq!(error, "timed out after 50ms: stopped: Timeout");
}

#[test]
fn a_handler_learns_of_the_shutdown_and_can_leave_its_task_to_others() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(mail(7)).unwrap().id();
    let (begun, begins) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .handle(move |_: Mail, cx| {
            _ = begun.send(());
            _ = until_cancelled(&cx);
            match cx.cancelled() {
                Some(CancelReason::Shutdown) => Err(TaskError::snooze(Duration::ZERO)),
                other => Err(TaskError::permanent(format!("{other:?}"))),
            }
        })
        .start()
        .unwrap();
    receive(&begins, "a handler");
    let report = pool.shutdown(DEADLINE);
    assert_eq!((report.stats.snoozed, report.abandoned.len()), (1, 0));
    let task = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!((task.state, task.attempt, task.error), (State::Ready, 0, None));
}

#[test]
fn a_context_that_outlives_its_attempt_goes_on_to_speak_of_it() {
    let fixture = Fixture::new();
    let ids = [mail(1), mail(2)].map(|mail| fixture.queue.enqueue(mail).unwrap().id());
    let (seen, kept) = channel();
    let (ended, outcomes) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .timeout_of("mail", Duration::from_millis(50))
        .handle(move |task: Mail, cx| {
            _ = seen.send(cx.clone());
            if task.user.id == 1 { until_cancelled(&cx) } else { Ok(()) }
        })
        .on_event(move |event| _ = ended.send(event.outcome))
        .start()
        .unwrap();
    let contexts = [receive(&kept, "the first"), receive(&kept, "the second")];
    let outcomes = [receive(&outcomes, "an end"), receive(&outcomes, "an end")];
    assert_eq!(outcomes, [Outcome::Retried, Outcome::Completed]);
    assert_eq!(contexts.each_ref().map(Context::id), ids);
    let reasons = contexts.each_ref().map(Context::cancelled);
    assert_eq!(reasons, [Some(CancelReason::Timeout), None]);
}

#[derive(Task, Serialize, Deserialize)]
#[task(queue = "elsewhere")]
struct Elsewhere;

#[test]
fn a_pool_whose_handlers_serve_two_queues_must_name_one() {
    let fixture = Fixture::new();
    let builder = |queue: &Queue| {
        WorkerPool::builder(queue).handle(|_: Limited, _| Ok(())).handle(|_: Elsewhere, _| Ok(()))
    };
    let error = builder(&fixture.queue).start().unwrap_err().to_string();
    assert!(error.contains("\"slow\" and in \"elsewhere\""), "{error}");
    let pool = builder(&fixture.queue).queue("elsewhere").start().unwrap();
    fixture.queue.enqueue(Elsewhere).unwrap();
    wait_until!(pool.stats().completed == 1);
}

#[test]
fn two_handlers_of_one_type_are_refused() {
    let fixture = Fixture::new();
    let twice = WorkerPool::builder(&fixture.queue)
        .handle(|_: Mail, _| Ok(()))
        .handle_bytes("mail", |_, _| Ok(()))
        .start();
    assert!(twice.unwrap_err().to_string().contains("\"mail\" has two handlers"));
}
