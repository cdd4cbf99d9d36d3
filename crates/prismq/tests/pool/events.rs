use std::sync::mpsc::channel;

use prismq::{Outcome, State, TaskError, WorkerPool};

use crate::support::Fixture;

#[test]
fn an_event_is_told_after_its_commit() {
    let fixture = Fixture::new();
    let (good, bad) = (fixture.enqueue("good"), fixture.enqueue("bad"));
    let (events, told) = channel();
    let reader = fixture.another_handle();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", |task| match task.payload() {
            b"good" => Ok(()),
            _ => Err(TaskError::permanent("bad")),
        })
        .on_event(move |event| {
            let state = reader.task(event.id).unwrap().map(|task| task.state);
            events.send((event.id, event.attempt, event.outcome, state)).unwrap();
        })
        .start()
        .unwrap();
    assert_eq!(told.recv().unwrap(), (good, 1, Outcome::Completed, None));
    assert_eq!(told.recv().unwrap(), (bad, 1, Outcome::Dead, Some(State::Dead)));
}
