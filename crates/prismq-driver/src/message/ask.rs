//! What the harness asks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// A request with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Asked {
    /// Its one answer has the same.
    pub id: u64,
    /// What is to be done.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What a driver is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Ask {
    /// Say what it is.
    Hello(Hello),
    /// Read the clock.
    Clock,
    /// Open or create the queue.
    Open(Open),
    /// Enqueue a backlog that is not timed.
    Load(Load),
    /// Start a crew of workers.
    Start(Start),
    /// Enqueue at a pace, timed.
    Enqueue(Enqueue),
    /// Stop a crew.
    Stop(Stop),
    /// Count the tasks.
    Census,
    /// Read counters of its own.
    Counters,
    /// Close the queue.
    Close,
    /// End.
    Bye,
}

impl Ask {
    /// Its name in a message.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Clock => "clock",
            Self::Open(_) => "open",
            Self::Load(_) => "load",
            Self::Start(_) => "start",
            Self::Enqueue(_) => "enqueue",
            Self::Stop(_) => "stop",
            Self::Census => "census",
            Self::Counters => "counters",
            Self::Close => "close",
            Self::Bye => "bye",
        }
    }

    /// All names.
    pub const NAMES: [&'static str; 11] = [
        "hello", "clock", "open", "load", "start", "enqueue", "stop", "census", "counters",
        "close", "bye",
    ];
}

/// Why a line cannot be obeyed.
#[derive(Debug, Error)]
pub enum UnreadableAsk {
    /// It is no request at all.
    #[error("not a request: {0}")]
    Line(String),
    /// It asks for what does not exist.
    #[error("{name}")]
    Unknown {
        /// The id to answer.
        id: u64,
        /// What it asks for.
        name: String,
    },
    /// A field is missing or wrong.
    #[error("{reason}")]
    Fields {
        /// The id to answer.
        id: u64,
        /// Which field.
        reason: String,
    },
}

impl Asked {
    /// Reads a line.
    ///
    /// # Errors
    /// [`UnreadableAsk`], with the id where there is one.
    pub fn parse(line: &str) -> Result<Self, UnreadableAsk> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| UnreadableAsk::Line(error.to_string()))?;
        let (Some(id), Some(name)) =
            (value.get("id").and_then(Value::as_u64), value.get("do").and_then(Value::as_str))
        else {
            return Err(UnreadableAsk::Line("it lacks id or do".to_owned()));
        };
        if !Ask::NAMES.contains(&name) {
            return Err(UnreadableAsk::Unknown { id, name: name.to_owned() });
        }
        serde_json::from_value(value)
            .map_err(|error| UnreadableAsk::Fields { id, reason: error.to_string() })
    }
}

/// The first request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hello {
    /// Version of the protocol.
    pub v: u32,
    /// The harness's process id.
    pub parent: u32,
}

/// Which durability to open a queue with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The one its users get who choose nothing.
    Default,
    /// The strictest it offers.
    Strictest,
}

impl Choice {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Strictest => "strictest",
        }
    }
}

/// Opens the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Open {
    /// The directory it is to be in, which exists.
    pub dir: String,
    /// Whether that is empty; else an earlier process left a queue there.
    pub fresh: bool,
    /// With which durability.
    pub durability: Choice,
    /// Most workers that will be started on it.
    pub workers_max: u32,
    /// How long a failed task waits for its next attempt.
    pub retry_ms: u64,
    /// How long a claimed task stays that of a worker that died.
    pub lease_ms: u64,
}

/// Enqueues a backlog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Load {
    /// Path of the plan.
    pub plan: String,
    /// First token.
    pub from: u64,
    /// The token after the last.
    pub to: u64,
    /// Length of each payload.
    pub payload_bytes: u32,
    /// Most tasks in a call.
    pub batch: u32,
    /// Paths of lanes; the first is used.
    pub lanes: Vec<String>,
    /// Most records of a lane.
    pub lane_records: u64,
}

/// What handlers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Nothing.
    None,
    /// They sleep and fail as the plan says.
    Plan,
    /// They never end.
    Hang,
}

/// How soon records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Records {
    /// Within 100 ms.
    #[default]
    Buffered,
    /// Each before anything else is done.
    Each,
}

/// Starts a crew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Start {
    /// Its name.
    pub crew: String,
    /// How many workers.
    pub workers: u32,
    /// What their handlers do.
    pub handler: Work,
    /// Path of the plan.
    pub plan: String,
    /// How soon records are written.
    #[serde(default)]
    pub records: Records,
    /// Paths of lanes: one a worker, and one more.
    pub lanes: Vec<String>,
    /// Most records of a lane.
    pub lane_records: u64,
}

/// When callers call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// As soon as they are free.
    Closed,
    /// When the task is due.
    Open,
}

/// Enqueues at a pace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Enqueue {
    /// Path of the plan.
    pub plan: String,
    /// First token.
    pub from: u64,
    /// The token after the last.
    pub to: u64,
    /// Length of each payload.
    pub payload_bytes: u32,
    /// When callers call.
    pub model: Model,
    /// When an open load begins.
    pub t0_ns: u64,
    /// How many callers.
    pub callers: u32,
    /// Tasks in a call.
    pub batch: u32,
    /// How soon records are written.
    #[serde(default)]
    pub records: Records,
    /// Paths of lanes, one a caller.
    pub lanes: Vec<String>,
    /// Most records of a lane.
    pub lane_records: u64,
}

/// Stops a crew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stop {
    /// Its name.
    pub crew: String,
    /// How long running handlers may take to end.
    pub bound_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_from_the_line_of_the_page() {
        let asked = Asked::parse(r#"{"id":1,"do":"hello","v":1,"parent":4711}"#).unwrap();
        assert_eq!(asked, Asked { id: 1, ask: Ask::Hello(Hello { v: 1, parent: 4711 }) });
        assert_eq!(
            serde_json::to_string(&asked).unwrap(),
            r#"{"id":1,"do":"hello","v":1,"parent":4711}"#
        );
        assert!(matches!(
            Asked::parse(r#"{"id":2,"do":"census","later":[]}"#).unwrap().ask,
            Ask::Census
        ));
    }

    #[test]
    fn what_cannot_be_obeyed_keeps_its_id() {
        let parse = |line| Asked::parse(line).unwrap_err();
        assert!(matches!(parse(r#"{"id":7,"do":"dance"}"#), UnreadableAsk::Unknown { id: 7, .. }));
        let fields = parse(r#"{"id":8,"do":"stop","crew":"a"}"#);
        assert!(matches!(&fields, UnreadableAsk::Fields { id: 8, .. }));
        assert_eq!(fields.to_string(), "missing field `bound_ms`");
        assert!(matches!(parse("{}"), UnreadableAsk::Line(_)));
    }

    #[test]
    fn the_list_of_names_is_that_of_the_requests() {
        for name in Ask::NAMES {
            let line = format!(r#"{{"id":1,"do":"{name}"}}"#);
            match Asked::parse(&line) {
                Ok(asked) => assert_eq!(asked.ask.name(), name),
                Err(error) => {
                    assert!(error.to_string().contains("missing field"), "{name}: {error}");
                }
            }
        }
    }
}
