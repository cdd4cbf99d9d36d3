//! What `#[derive(Task)]` makes of a type.

use std::time::Duration;

use prismq::limits::{
    ATTEMPTS_MAX, DELAY_MAX, NAME_BYTES_MAX, PRIORITY_MAX, PRIORITY_MIN, TIMEOUT_MAX,
};
use prismq::{Codec, Json, RetryPolicy, Task, TaskOptions};
use serde::{Deserialize, Serialize};

use crate::support::Fixture;

#[derive(Task, Serialize, Deserialize)]
struct SendMail {
    to: String,
}

#[derive(Task, Serialize, Deserialize)]
#[task(
    name = "mail.send",
    queue = "mail",
    priority = 10,
    max_attempts = 8,
    requires("smtp", "dns"),
    limit = "api"
)]
#[task(keep = "7d", backoff = "1s..5m", timeout = "1m30s", output = u64, codec = Json)]
struct Configured {
    to: String,
}

/// Each value is at its limit, as `prismq::limits` has it.
#[derive(Task, Serialize, Deserialize)]
#[task(priority = -32768, max_attempts = 1000000, backoff = "3650d", timeout = "7d")]
struct AtItsLimits;

#[derive(Task, Serialize, Deserialize)]
#[task(priority = 32767, backoff = "0s..10m")]
enum Choice {
    One,
    Two(u32),
    Three { deep: Vec<u8> },
}

#[derive(Task, Serialize, Deserialize)]
struct Holding<T>
where
    T: Clone,
{
    value: T,
}

#[test]
fn the_defaults_are_those_of_a_task_of_bytes_under_the_name_of_the_type() {
    assert_eq!(SendMail::TYPE, "send_mail");
    assert_eq!(SendMail::options(), TaskOptions::new());
    assert_eq!(Holding::<u8>::TYPE, "holding");
}

#[test]
fn each_attribute_sets_its_default() {
    assert_eq!(Configured::TYPE, "mail.send");
    let backoff = RetryPolicy {
        initial: Duration::from_secs(1),
        max: Duration::from_secs(300),
        ..RetryPolicy::default()
    };
    let expected = TaskOptions::new()
        .queue("mail")
        .priority(10)
        .max_attempts(8)
        .requires(["smtp", "dns"])
        .limit("api")
        .keep(Duration::from_secs(7 * 24 * 3600))
        .backoff(backoff)
        .timeout(Duration::from_secs(90));
    assert_eq!(Configured::options(), expected);
    let _: <Configured as Task>::Output = 0_u64;
    assert!(<Configured as Task>::Codec::encode(&7_u64).is_ok());
}

/// The derive macro has constants of its own, as it cannot depend on the library.
#[test]
fn the_limits_of_attributes_are_those_of_the_library() {
    let expected = TaskOptions::new()
        .priority(PRIORITY_MIN)
        .max_attempts(ATTEMPTS_MAX)
        .backoff(RetryPolicy::fixed(DELAY_MAX))
        .timeout(TIMEOUT_MAX);
    assert_eq!(AtItsLimits::options(), expected);
    let policy = RetryPolicy {
        initial: Duration::ZERO,
        max: Duration::from_secs(600),
        ..RetryPolicy::default()
    };
    assert_eq!(Choice::options(), TaskOptions::new().priority(PRIORITY_MAX).backoff(policy));
    assert_eq!(NAME_BYTES_MAX, 128, "as in prismq-derive/src/values.rs");
}

#[test]
fn enums_and_types_with_parameters_are_tasks_too() {
    let fixture = Fixture::new();
    let choices = [Choice::One, Choice::Two(2), Choice::Three { deep: vec![3] }];
    let handles = fixture.queue.enqueue_all(&choices).unwrap();
    let payloads = handles
        .iter()
        .map(|handle| String::from_utf8(handle.info().unwrap().unwrap().payload).unwrap());
    let payloads: Vec<String> = payloads.collect();
    assert_eq!(payloads, [r#""One""#, r#"{"Two":2}"#, r#"{"Three":{"deep":[3]}}"#]);
    let held = fixture.queue.enqueue(Holding { value: 1_u8 }).unwrap().info().unwrap().unwrap();
    assert_eq!((held.task_type.as_str(), &*held.payload), ("holding", &br#"{"value":1}"#[..]));
}
