//! Schedules: setting, listing, pausing, running and removing them.

use std::sync::Arc;

use crate::engine::{Answer, Operation, ScheduleChange};
use crate::model::{Error, Result, Schedule, ScheduleInfo, TaskId, validate_name};
use crate::queue::Queue;

/// The schedules in a queue's file: [`Queue::schedules`].
///
/// A schedule belongs to the file, not to the process that set it: it stays until it is removed. Its tasks are enqueued
/// by whichever process uses the file when their time comes, each once. An idle worker pool wakes for that; without a
/// pool, the next operation on the queue does it.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{NewTask, Queue, Schedule};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// let hourly = Schedule::every("hourly", Duration::from_secs(3600), NewTask::new("report", []));
/// queue.schedules().set(&hourly)?; // at each start of the program: it changes nothing if it is set already
/// queue.schedules().run_now("hourly")?;
/// for schedule in queue.schedules().list()? {
///     println!("{} {}: next {:?}", schedule.name, schedule.rule, schedule.next_runs(3)?);
/// }
/// # assert_eq!(queue.stats("default")?.ready, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Schedules<'a> {
    queue: &'a Queue,
}

impl Queue {
    /// The schedules in the queue's file.
    #[must_use]
    pub const fn schedules(&self) -> Schedules<'_> {
        Schedules { queue: self }
    }
}

impl Schedules<'_> {
    /// Adds a schedule, or changes the one of its name; whether it is new.
    ///
    /// The next slot stays the same unless the interval, expression or time zone changed, and a paused schedule stays
    /// paused. Programs can therefore set their schedules whenever they start.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an argument outside [`crate::limits`], a cron expression that cannot be read or
    /// never comes, an unknown time zone, a task with a delay or a time of its own, or one schedule more than
    /// [`SCHEDULES_MAX`](crate::limits::SCHEDULES_MAX); [`Error::UnknownLimit`]; an engine's failure.
    pub fn set(&self, schedule: &Schedule) -> Result<bool> {
        schedule.validate()?;
        match self.queue.core.submit(Operation::SetSchedule(Box::new(schedule.clone())))? {
            Answer::ScheduleSet { is_new } => Ok(is_new),
            _ => Err(Error::unanswered()),
        }
    }

    /// All schedules, in order of their names.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn list(&self) -> Result<Vec<ScheduleInfo>> {
        self.queue.core.engine()?.schedules(None)
    }

    /// The schedule of this name, if there is one.
    ///
    /// # Errors
    /// See [`Schedules::list`].
    pub fn get(&self, name: &str) -> Result<Option<ScheduleInfo>> {
        Ok(self.queue.core.engine()?.schedules(Some(name))?.pop())
    }

    /// Pauses a schedule: slots that pass meanwhile count as never scheduled, not as missed.
    ///
    /// # Errors
    /// [`Error::NoSchedule`] if there is none of this name; an engine's failure.
    pub fn pause(&self, name: &str) -> Result<()> {
        self.change(name, ScheduleChange::Pause)
    }

    /// Resumes a paused schedule with its next slot from now, or one that an error stopped.
    ///
    /// # Errors
    /// See [`Schedules::pause`].
    pub fn resume(&self, name: &str) -> Result<()> {
        self.change(name, ScheduleChange::Resume)
    }

    /// Removes a schedule; whether there was one. Tasks that it has enqueued stay.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn remove(&self, name: &str) -> Result<bool> {
        match self.change(name, ScheduleChange::Remove) {
            Ok(()) => Ok(true),
            Err(Error::NoSchedule { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Enqueues the task of a schedule now, also of a paused one; its slots stay as they are. `None` if the schedule
    /// must not overlap and its last task is not done. Of a unique task whose key is taken, the task that holds it.
    ///
    /// # Errors
    /// See [`Schedules::pause`]; [`Error::QueueFull`].
    pub fn run_now(&self, name: &str) -> Result<Option<TaskId>> {
        validate_name("schedule name", name)?;
        match self.queue.core.submit(Operation::RunSchedule(name.into()))? {
            Answer::Enqueued(added) => Ok(added.first().map(|added| added.id())),
            _ => Err(Error::unanswered()),
        }
    }

    fn change(&self, name: &str, change: ScheduleChange) -> Result<()> {
        validate_name("schedule name", name)?;
        let name: Arc<str> = name.into();
        self.queue.core.submit(Operation::ChangeSchedule { name, change }).map(drop)
    }
}
