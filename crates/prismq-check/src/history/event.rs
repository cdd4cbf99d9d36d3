//! One line of a history: a call that begins, or an answer to one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::conformance::Hold;

/// The operation of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Op {
    /// Adds a task.
    Enqueue,
    /// Claims tasks.
    Claim,
    /// Completes a task.
    Complete,
    /// Records a failed attempt.
    Fail,
    /// Extends a lease.
    Extend,
    /// Returns a task to its queue.
    Release,
    /// Cancels a task that waits, or requests it of one that runs.
    Cancel,
    /// Puts the dead tasks of a type back.
    Redrive,
    /// Deletes the tasks of a type that do not run.
    Delete,
    /// Sets the schedule of a type.
    SetSchedule,
    /// Runs a pool, from its start to its end. Its claims are not recorded, only what it runs.
    RunPool,
    /// Runs the handler of a task that a pool claimed. Its result is recorded as a completion or a failure, from the
    /// handler's end to the pool's event. One without a beginning is a task that the pool had claimed, and lost or
    /// failed before its handler began.
    RunHandler,
    /// A thread of a pool's process that only sleeps woke up late.
    Stall,
}

/// The phase of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The call begins.
    Invoke,
    /// It was done, and its promise holds from here on.
    Ok,
    /// It was refused and changed nothing.
    Fail,
    /// Its outcome is unknown: its process was killed, or the answer said so.
    Info,
}

/// The kinds of refusals that the checker distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The lease was lost.
    LeaseLost,
    /// Another process held the write lock for the whole wait.
    Busy,
    /// The task that the answer names holds the unique key.
    KeyTaken,
}

/// One line of a history.
///
/// The answer to a call has the same client, and follows the call in that client's order. A claim is answered by one
/// event for each claimed task, or by one without a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The place among the events of its client, from 0.
    pub seq: u64,
    /// When it was recorded: nanoseconds of the monotonic clock, which all processes of the machine share.
    pub t_mono_ns: u64,
    /// The queue's own time of it, in microseconds: that of leases and delays, which is never set. Of a claim and an
    /// extension it is the operation's, of others that of the recording.
    pub t_db: i64,
    /// The client.
    pub client_id: u32,
    /// The operation.
    pub op: Op,
    /// The phase.
    pub phase: Phase,
    /// What the task was enqueued as: a number that its payload carries, unlike any other of its history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u64>,
    /// The id the queue gave the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<i64>,
    /// The fencing token of the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<i64>,
    /// Which attempt the lease is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Of an enqueue or a failure: not to be claimed before this time, if it is in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<i64>,
    /// When the lease ends by itself. Of a handler: not before this time, as the file showed at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The type of the task; of a pool, its types, with commas between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// The priority of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The attempts the task is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Of a claim's call: how many tasks it asks for. Of its answers: how many more follow. Of a pool: how many
    /// workers it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Of a pool: how long its leases are. Of a stall: by how much it was late. Of a schedule: how far its slots are apart.
    /// In microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micros: Option<i64>,
    /// Of an enqueue: whether the task kills the process that runs it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deadly: bool,
    /// Of a handler: whether it has a time limit, beyond which its attempt is recorded as failed before it ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
    /// Of an enqueue: the unique key of the task, and how long it holds that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<(String, Hold)>,
    /// Of an enqueue: within how many microseconds the task must start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lives: Option<i64>,
    /// The slot that a schedule enqueued the task for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<i64>,
    /// Of the answer to a cancellation: whether the task was cancelled at once, or that was requested of a running one; none
    /// if it had ended. Of that to a failure or a completion by a pool: whether it ended the task as cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<bool>,
    /// Of a failure: whether it asks for no further attempt, and in its answer, whether the task is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<bool>,
    /// Of a refusal: the text of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Of a refusal: its kind, if the checker knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

impl Event {
    /// An event with nothing else set.
    #[must_use]
    pub const fn new(client_id: u32, op: Op, phase: Phase) -> Self {
        Self {
            seq: 0,
            t_mono_ns: 0,
            t_db: 0,
            client_id,
            op,
            phase,
            key: None,
            task: None,
            token: None,
            attempt: None,
            run_at: None,
            expires_at: None,
            queue: None,
            task_type: None,
            priority: None,
            max_attempts: None,
            count: None,
            micros: None,
            deadly: false,
            limited: false,
            unique: None,
            lives: None,
            slot: None,
            cancelled: None,
            dead: None,
            error: None,
            refusal: None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enqueue => "enqueue",
            Self::Claim => "claim",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Extend => "extend",
            Self::Release => "release",
            Self::Cancel => "cancel",
            Self::Redrive => "redrive",
            Self::Delete => "delete",
            Self::SetSchedule => "set_schedule",
            Self::RunPool => "run_pool",
            Self::RunHandler => "run_handler",
            Self::Stall => "stall",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        })
    }
}

/// One line for people, with the fields that are set.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.t_mono_ns / 1_000_000;
        let micros = self.t_mono_ns / 1_000 % 1_000;
        write!(
            f,
            "{millis}.{micros:03} ms  client {}  {} {}",
            self.client_id, self.op, self.phase
        )?;
        let known = [
            ("key", self.key.map(|key| key.to_string())),
            ("task", self.task.map(|task| task.to_string())),
            ("token", self.token.map(|token| token.to_string())),
            ("attempt", self.attempt.map(|attempt| attempt.to_string())),
            ("max_attempts", self.max_attempts.map(|attempts| attempts.to_string())),
            ("at", Some(self.t_db.to_string())),
            ("run_at", self.run_at.map(|time| time.to_string())),
            ("expires_at", self.expires_at.map(|time| time.to_string())),
            ("priority", self.priority.map(|priority| priority.to_string())),
            ("unique", self.unique.as_ref().map(|(key, hold)| format!("{key} {hold:?}"))),
            ("lives", self.lives.map(|micros| micros.to_string())),
            ("slot", self.slot.map(|slot| slot.to_string())),
            ("cancelled", self.cancelled.map(|cancelled| cancelled.to_string())),
            ("dead", self.dead.map(|dead| dead.to_string())),
            ("error", self.error.clone()),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                write!(f, "  {name} {value}")?;
            }
        }
        Ok(())
    }
}
