//! Typed values as payloads.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::Duration;

use prismq::{CancelOutcome, Claim, Codec, Error, Handle, Limit, NewTask, State, Task};
use serde::{Deserialize, Serialize};

use crate::support::{Fixture, ids};

#[derive(Task, Serialize, Deserialize, Debug, PartialEq)]
#[task(queue = "mail", priority = 7, max_attempts = 2, requires("smtp"))]
struct Mail {
    to: String,
}

fn mail(to: &str) -> Mail {
    Mail { to: to.to_owned() }
}

#[test]
fn a_value_is_enqueued_as_json_with_the_defaults_of_its_type() {
    let fixture = Fixture::new();
    let handle: Handle<Mail> = fixture.queue.enqueue(mail("ann")).unwrap();
    let task = fixture.queue.task(handle.id()).unwrap().unwrap();
    assert_eq!((task.task_type.as_str(), task.queue.as_str()), ("mail", "mail"));
    assert_eq!((task.priority, task.max_attempts), (7, 2));
    assert_eq!(task.requirements, ["smtp"]);
    assert_eq!(task.payload, br#"{"to":"ann"}"#);
    assert_eq!(handle.info().unwrap(), Some(task));
}

#[derive(Task, Serialize, Deserialize)]
#[task(limit = "api")]
struct Limited;

#[test]
fn a_type_s_limit_is_that_of_its_tasks() {
    let fixture = Fixture::new();
    let refused = fixture.queue.enqueue(Limited).unwrap_err();
    assert!(refused.to_string().contains("api"), "the limit is not set yet: {refused}");
    fixture.queue.set_limit("api", Limit::concurrency(1)).unwrap();
    fixture.queue.enqueue_all([Limited, Limited]).unwrap();
    let claim = Claim::new(["limited"]).max(9);
    assert_eq!(fixture.queue.claim(&claim).unwrap().len(), 1);
}

#[test]
fn a_task_s_own_settings_override_the_defaults_of_its_type() {
    let fixture = Fixture::new();
    let task = mail("ann").task().queue("elsewhere").priority(-1).max_attempts(9);
    let id =
        fixture.queue.enqueue(task.delay(Duration::from_secs(1)).requires(["x"])).unwrap().id();
    let task = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!((task.queue.as_str(), task.priority, task.max_attempts), ("elsewhere", -1, 9));
    assert_eq!((task.state, task.requirements), (State::Scheduled, vec!["x".to_owned()]));
}

#[test]
fn values_tasks_and_references_to_both_are_enqueued_alike() {
    let fixture = Fixture::new();
    let (value, task) = (mail("ann"), mail("ann").task());
    let handles = [
        fixture.queue.enqueue(&value).unwrap(),
        fixture.queue.enqueue(&task).unwrap(),
        fixture.queue.enqueue(task).unwrap(),
        fixture.queue.enqueue(value).unwrap(),
    ];
    let payloads = handles.map(|handle| handle.info().unwrap().unwrap().payload);
    assert!(payloads.iter().all(|payload| payload == br#"{"to":"ann"}"#));
}

#[test]
fn tasks_of_several_types_are_enqueued_in_one_batch() {
    let fixture = Fixture::new();
    let batch = [mail("ann").task().untyped(), NewTask::new("bytes", *b"1").queue("mail")];
    let ids = ids(fixture.queue.enqueue_all(batch).unwrap());
    let types = ids.iter().map(|id| fixture.queue.task(*id).unwrap().unwrap().task_type);
    assert_eq!(types.collect::<Vec<_>>(), ["mail", "bytes"]);
}

/// JSON has no maps with such keys.
#[derive(Task, Serialize, Deserialize)]
struct Unencodable {
    by_pair: BTreeMap<(u8, u8), u8>,
}

#[test]
fn a_value_that_cannot_be_encoded_is_refused_with_its_whole_batch() {
    let fixture = Fixture::new();
    let value = Unencodable { by_pair: BTreeMap::from([((1, 2), 3)]) };
    let single = fixture.queue.enqueue(&value);
    let batch = fixture.queue.enqueue_all([NewTask::new("fine", []), value.task().untyped()]);
    for error in [single.unwrap_err(), batch.unwrap_err()] {
        assert!(matches!(error, Error::InvalidInput { what: "payload", .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("\"unencodable\" cannot be encoded: key must be"), "{text}");
    }
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 0);
}

enum BigEndian {}

impl Codec<u32> for BigEndian {
    fn encode(value: &u32) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>> {
        Ok(value.to_be_bytes().to_vec())
    }

    fn decode(bytes: &[u8]) -> Result<u32, Box<dyn StdError + Send + Sync>> {
        Ok(u32::from_be_bytes(bytes.try_into()?))
    }
}

impl Codec<Number> for BigEndian {
    fn encode(value: &Number) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>> {
        Self::encode(&value.0)
    }

    fn decode(bytes: &[u8]) -> Result<Number, Box<dyn StdError + Send + Sync>> {
        Self::decode(bytes).map(Number)
    }
}

/// A type that serde knows nothing of.
#[derive(Task)]
#[task(codec = BigEndian, output = u32)]
struct Number(u32);

#[test]
fn a_codec_of_one_s_own_decides_the_bytes() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(Number(258)).unwrap().id();
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().payload, [0, 0, 1, 2]);
}

#[test]
fn a_handle_cancels_its_task() {
    let fixture = Fixture::new();
    let handle = fixture.queue.enqueue(mail("ann")).unwrap();
    assert_eq!(handle.cancel().unwrap(), CancelOutcome::Cancelled);
    assert_eq!(handle.info().unwrap(), None);
}
