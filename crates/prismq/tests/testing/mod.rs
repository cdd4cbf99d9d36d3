//! The queue for an application's tests.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use prismq::testing::TestQueue;
use prismq::{
    Claim, Context, Error, Missed, NewTask, RetryPolicy, Schedule, State, Task, TaskError,
    TaskOptions, TaskResult, Timestamp,
};
use serde::{Deserialize, Serialize};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Task, Serialize, Deserialize)]
struct Pay {
    cents: u64,
}

#[derive(Task, Serialize, Deserialize)]
struct Receipt {
    cents: u64,
}

#[derive(Task, Serialize, Deserialize, Debug, PartialEq)]
struct Numbered {
    number: u32,
}

/// The program that a user would like to write.
#[test]
fn pays_once_the_bank_is_back() -> prismq::Result<()> {
    let queue = TestQueue::new()?;
    let down = Rc::new(Cell::new(true));
    let (q, d) = ((*queue).clone(), down.clone());
    queue.handle(move |p: Pay, _| {
        if d.get() {
            Err("bank is down".into())
        } else {
            q.enqueue(Receipt { cents: p.cents })?;
            Ok(())
        }
    });
    queue.enqueue(Pay { cents: 500 })?;
    assert_eq!(queue.run_due(), 1);
    down.set(false);
    assert_eq!(queue.advance(Duration::from_secs(3600)), 1);
    assert_eq!(queue.enqueued::<Receipt>()[0].cents, 500);
    assert_eq!(queue.dead::<Pay>(), 0);
    Ok(())
}

/// What handlers did, with the second of the test at which they did it.
fn recording(queue: &TestQueue) -> Rc<RefCell<Vec<(u64, u32)>>> {
    let done = Rc::new(RefCell::new(Vec::new()));
    let (record, clock, start) = (done.clone(), queue.clock().clone(), queue.now());
    queue.handle(move |task: Numbered, _| {
        let at = prismq::Clock::now(&*clock).since(start).as_secs();
        record.borrow_mut().push((at, task.number));
        Ok(())
    });
    done
}

#[test]
fn what_falls_due_on_the_way_runs_at_its_time_and_in_order() {
    let queue = TestQueue::new().unwrap();
    let done = recording(&queue);
    for (number, delay) in [(1, 30), (2, 10), (3, 20), (4, 61)] {
        queue.enqueue(Numbered { number }.task().delay(SECOND * delay)).unwrap();
    }
    assert_eq!(queue.run_due(), 0);
    assert_eq!(queue.advance(SECOND * 60), 3);
    assert_eq!(*done.borrow(), [(10, 2), (20, 3), (30, 1)]);
    assert_eq!(queue.enqueued::<Numbered>(), [Numbered { number: 4 }]);
    assert_eq!(queue.advance(SECOND), 1);
}

#[test]
fn what_handlers_enqueue_runs_in_the_same_call() {
    let queue = TestQueue::new().unwrap();
    let next = (*queue).clone();
    queue.handle(move |task: Numbered, _| {
        if task.number < 5 {
            next.enqueue(Numbered { number: task.number + 1 }.task().delay(SECOND))?;
            next.enqueue(Pay { cents: 1 })?;
        }
        Ok(())
    });
    queue.handle(|_: Pay, _| Ok(()));
    queue.enqueue(Numbered { number: 1 }).unwrap();
    assert_eq!(queue.run_due(), 2);
    assert_eq!(queue.advance(SECOND * 10), 7);
}

#[test]
fn a_task_without_a_handler_stays() {
    let queue = TestQueue::new().unwrap();
    queue.enqueue(Numbered { number: 1 }).unwrap();
    queue.enqueue(Numbered { number: 2 }.task().delay(HOUR)).unwrap();
    assert_eq!(queue.advance(HOUR * 2), 0);
    assert_eq!(queue.enqueued::<Numbered>().len(), 2);
    recording(&queue);
    assert_eq!(queue.run_due(), 2);
}

#[test]
fn a_task_that_fails_for_good_is_dead() {
    let queue = TestQueue::new().unwrap();
    queue.handle(|_: Pay, _| Err(TaskError::permanent("no account")));
    queue.handle(|_: Receipt, _| Err("printer on fire".into()));
    queue.enqueue(Pay { cents: 1 }).unwrap();
    queue.enqueue(Receipt { cents: 1 }.task().max_attempts(3)).unwrap();
    assert_eq!(queue.advance(HOUR), 4);
    assert_eq!((queue.dead::<Pay>(), queue.dead::<Receipt>()), (1, 1));
    assert!(queue.enqueued::<Receipt>().is_empty());
}

#[test]
fn all_queues_are_served_and_all_requirements_met() {
    let queue = TestQueue::new().unwrap();
    let done = recording(&queue);
    let task = |number| Numbered { number }.task();
    queue.enqueue(task(1).queue("z")).unwrap();
    queue.enqueue(task(2).queue("a").requires(["gpu", "smtp"])).unwrap();
    assert_eq!(queue.run_due(), 2);
    assert_eq!(*done.borrow(), [(0, 2), (0, 1)], "in the order of the queues' names");
    queue.pause("z").unwrap();
    queue.enqueue(task(3).queue("z")).unwrap();
    assert_eq!(queue.advance(HOUR), 0);
}

/// A type with a backoff of its own.
#[derive(Serialize, Deserialize)]
struct Slow {}

impl Task for Slow {
    const TYPE: &'static str = "slow";
    type Output = ();
    type Codec = prismq::Json;

    fn options() -> TaskOptions {
        TaskOptions::new().backoff(RetryPolicy::fixed(HOUR))
    }
}

#[test]
fn the_handler_of_a_pool_runs_with_its_context_and_state() {
    #[expect(clippy::needless_pass_by_value, reason = "as a handler is")]
    fn handler(_: Slow, cx: Context<Rc<Cell<u32>>>) -> TaskResult {
        cx.state().set(cx.attempt());
        assert_eq!((cx.queue(), cx.task_type(), cx.worker()), ("default", "slow", 0));
        Err("not yet".into())
    }
    let queue = TestQueue::new().unwrap();
    let attempt = Rc::new(Cell::new(0));
    queue.state(attempt.clone()).handle(handler);
    queue.enqueue(Slow {}).unwrap();
    assert_eq!((queue.run_due(), attempt.get()), (1, 1));
    assert_eq!(queue.advance(HOUR - SECOND), 0, "its type sets the backoff");
    assert_eq!((queue.advance(SECOND), attempt.get()), (1, 2));
}

#[test]
fn a_snoozed_task_runs_later_without_an_attempt() {
    let queue = TestQueue::new().unwrap();
    let attempts = Rc::new(RefCell::new(Vec::new()));
    queue.state(attempts.clone()).handle(|_: Pay, cx: Context<Rc<RefCell<Vec<u32>>>>| {
        cx.state().borrow_mut().push(cx.attempt());
        if cx.state().borrow().len() < 3 { Err(TaskError::snooze(HOUR)) } else { Ok(()) }
    });
    queue.enqueue(Pay { cents: 1 }).unwrap();
    assert_eq!(queue.advance(HOUR * 5), 3);
    assert_eq!(*attempts.borrow(), [1, 1, 1]);
}

#[test]
fn schedules_fire_on_the_way() {
    let queue = TestQueue::starting_at(Timestamp::from_micros(0)).unwrap();
    let done = recording(&queue);
    let hourly = Schedule::every("hourly", HOUR, Numbered { number: 1 }).missed(Missed::All);
    queue.schedules().set(&hourly).unwrap();
    let daily = Schedule::cron("daily", "30 12 * * *", Numbered { number: 2 });
    queue.schedules().set(&daily).unwrap();
    assert_eq!(queue.advance(HOUR * 48), 50);
    let noon: Vec<u64> =
        done.borrow().iter().filter(|(_, number)| *number == 2).map(|(at, _)| *at).collect();
    assert_eq!(noon, [45_000, 45_000 + 86_400]);
    assert_eq!(done.borrow()[0], (3600, 1));
}

#[test]
fn a_lease_that_expires_gives_its_task_back() {
    let queue = TestQueue::new().unwrap();
    let done = recording(&queue);
    queue.enqueue(Numbered { number: 1 }).unwrap();
    let lease = queue.claim(&Claim::new([Numbered::TYPE]).lease(SECOND * 90)).unwrap().remove(0);
    assert_eq!(queue.advance(SECOND * 89), 0);
    assert_eq!(queue.advance(SECOND * 60), 1);
    assert_eq!(*done.borrow(), [(90, 1)]);
    assert!(queue.complete(&lease).unwrap_err().is_lease_lost());
}

#[test]
fn a_commit_that_is_made_to_fail_keeps_nothing() {
    let queue = TestQueue::new().unwrap();
    let full = || Error::Full { reason: "as this test wants".to_owned() };
    queue.fail_next_commit(full());
    let refused = queue.enqueue_all([NewTask::new("a", []), NewTask::new("b", [])]).unwrap_err();
    assert!(refused.is_full(), "{refused:?}");
    assert_eq!(queue.stats("default").unwrap().ready, 0);
    let id = queue.enqueue(Numbered { number: 1 }).unwrap().id();
    assert_eq!(queue.task(id).unwrap().unwrap().state, State::Ready);

    let done = recording(&queue);
    queue.fail_next_commit(full());
    assert_eq!((queue.run_due(), done.borrow().len()), (1, 1), "as a pool, it tries again");
    assert_eq!(queue.task(id).unwrap(), None);
}

#[test]
fn a_queue_that_is_made_to_fail_for_good_is_poisoned() {
    let queue = TestQueue::new().unwrap();
    queue.fail_next_commit(Error::Poisoned { cause: "as this test wants".to_owned() });
    for _ in 0..2 {
        let error = queue.enqueue(Pay { cents: 1 }).unwrap_err();
        assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
    }
}

#[test]
#[should_panic(expected = "assertion in a handler")]
fn a_panic_in_a_handler_fails_the_test() {
    let queue = TestQueue::new().unwrap();
    queue.handle(|_: Pay, _| panic!("assertion in a handler"));
    queue.enqueue(Pay { cents: 1 }).unwrap();
    queue.run_due();
}

#[test]
fn a_handler_may_add_handlers_and_advance_the_clock() {
    let queue = Rc::new(TestQueue::new().unwrap());
    let weak = Rc::downgrade(&queue);
    queue.handle(move |_: Pay, _| {
        let queue = weak.upgrade().unwrap();
        queue.handle(|_: Receipt, _| Ok(()));
        queue.enqueue(Receipt { cents: 1 })?;
        assert_eq!(queue.advance(SECOND), 1);
        Ok(())
    });
    queue.enqueue(Pay { cents: 1 }).unwrap();
    assert_eq!(queue.run_due(), 1);
}

#[test]
fn asynchronous_handlers_run_on_the_thread_of_the_test_without_a_runtime() {
    let queue = TestQueue::new().unwrap();
    let test = std::thread::current().id();
    let own = (*queue).clone();
    let paid = Rc::new(Cell::new(0));
    queue.state(paid.clone()).handle_async(move |task: Pay, cx: Context<Rc<Cell<u64>>>| {
        let own = own.clone();
        async move {
            assert_eq!(std::thread::current().id(), test);
            own.enqueue_async(NewTask::new("mail", *b"paid")).await?;
            cx.state().set(cx.state().get() + task.cents);
            Ok(())
        }
    });
    let (send, mails) = std::sync::mpsc::channel();
    queue.handle_bytes_async("mail", move |payload, cx| {
        let send = send.clone();
        async move {
            send.send(payload.to_vec()).unwrap();
            cx.set_result(*b"sent")?;
            Ok(())
        }
    });
    queue.set_history("default", 10).unwrap();
    queue.enqueue(Pay { cents: 500 }).unwrap();
    assert_eq!((queue.run_due(), paid.get()), (2, 500));
    assert_eq!(mails.try_recv().unwrap(), b"paid");
    let mail = queue.tasks().of_type("mail").list(1, None).unwrap().tasks.remove(0);
    assert_eq!(mail.result, Some(b"sent".to_vec()));
}

#[test]
fn an_asynchronous_handler_completes_in_its_own_transaction_and_resumes_from_a_checkpoint() {
    let queue = TestQueue::new().unwrap();
    queue.handle_async(|_: Pay, cx| async move {
        if cx.resume_async::<u32>().await?.is_none() {
            cx.checkpoint_async(&7_u32).await?;
            return Err("again".into());
        }
        cx.complete_in_async(|tx| {
            tx.enqueue(Receipt { cents: 7 })?;
            Ok(())
        })
        .await
    });
    queue.enqueue(Pay { cents: 500 }).unwrap();
    assert_eq!(queue.advance(Duration::from_secs(60)), 2);
    assert_eq!(queue.stats("default").unwrap().completed, 1);
    assert_eq!(queue.enqueued::<Receipt>()[0].cents, 7);
}

#[test]
fn handlers_of_bytes_run_too_and_the_file_is_where_the_queue_says() {
    let queue = TestQueue::new().unwrap();
    let seen = Rc::new(Cell::new(0));
    queue.state(seen.clone()).handle_bytes("mail", |payload, cx| {
        cx.state().set(payload.len());
        Ok(())
    });
    let other = prismq::Queue::builder(queue.path()).clock(queue.clock().clone()).open().unwrap();
    other.enqueue(NewTask::new("mail", *b"hello")).unwrap();
    assert_eq!((queue.run_due(), seen.get()), (1, 5));
}
