//! A task: as it is enqueued, as it is stored, and what is known of it.

mod bounds;
mod ending;
mod id;
mod info;
mod new_task;
mod note;
mod state;
mod unique;

pub(crate) use self::bounds::{validate_delay, validate_result};
pub use self::ending::Ending;
pub use self::id::TaskId;
pub use self::info::TaskInfo;
pub(crate) use self::new_task::DEFAULT_QUEUE;
pub use self::new_task::NewTask;
pub use self::note::{LogLine, Progress};
pub(crate) use self::note::{Note, validate_checkpoint};
pub use self::state::State;
pub(crate) use self::unique::{Digest, Hold, OnConflict, sha256};
pub use self::unique::{Enqueued, Unique, UniqueKey};
