//! One suite from its settings to its written record.

pub mod durations;
pub mod interrupt;
pub mod machine_lock;
pub mod progress;
pub mod quiet;
pub mod record;
pub mod replay;
pub mod rounds;
pub mod settings;
pub mod suite;
#[cfg(target_os = "linux")]
pub mod versus;
