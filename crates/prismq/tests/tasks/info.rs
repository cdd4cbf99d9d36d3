//! What is shown of one task.

use prismq::{Clock, Limit, NewTask, TaskId, TaskInfo, Unique, UniqueKey};

use super::dead;
use crate::support::{Fixture, RETRY, claim, task};

fn info(fixture: &Fixture, id: TaskId) -> TaskInfo {
    fixture.queue.task(id).unwrap().unwrap()
}

fn added(fixture: &Fixture, task: NewTask) -> TaskInfo {
    info(fixture, fixture.queue.enqueue(task).unwrap().id())
}

#[test]
fn a_task_shows_its_limit_its_key_and_whether_it_is_ordered() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::unlimited()).unwrap();
    let shown = |task| {
        let info = added(&fixture, task);
        (info.limit, info.key, info.ordered)
    };
    let (api, ann) = (Some("api".to_owned()), Some("ann".to_owned()));
    assert_eq!(shown(task("plain")), (None, None, false));
    assert_eq!(shown(task("x").limit("api")), (api.clone(), None, false));
    assert_eq!(shown(task("x").key("ann")), (None, ann.clone(), false));
    assert_eq!(shown(task("x").limit("api").key("ann").ordered()), (api, ann, true));
}

#[test]
fn a_task_shows_what_it_is_unique_by() {
    let fixture = Fixture::new();
    let unique = |unique| added(&fixture, task("x").unique(unique)).unique;
    assert_eq!(unique(Unique::key("order-8")), Some(UniqueKey::Key("order-8".to_owned())));
    assert_eq!(unique(Unique::payload()), Some(UniqueKey::Payload));
    assert_eq!(added(&fixture, task("y")).unique, None);
}

#[test]
fn a_task_shows_by_when_it_must_start() {
    let fixture = Fixture::new();
    let start_by = |task| added(&fixture, task).start_by;
    assert_eq!(start_by(task("x").expires_after(RETRY)), Some(fixture.clock.now().after(RETRY)));
    assert_eq!(start_by(task("y")), None);
}

#[test]
fn a_dead_task_shows_when_it_died_and_no_other_does() {
    let fixture = Fixture::new();
    let id = dead(&fixture, "mail", "no");
    let died_at = fixture.clock.now();
    fixture.clock.advance(RETRY);
    assert_eq!(info(&fixture, id).died_at, Some(died_at));
    fixture.queue.tasks().dead().redrive().unwrap();
    assert_eq!(info(&fixture, id).died_at, None);
    let waits = added(&fixture, task("x"));
    assert_eq!((waits.died_at, waits.completed_at), (None, None));
    assert_eq!(fixture.queue.claim(&claim()).unwrap().len(), 1);
}
