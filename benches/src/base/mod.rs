//! What every room of the harness uses and nothing else: it imports none of them.

pub mod bench_dir;
pub mod clock;
pub mod dir_size;
pub mod error;
pub mod histogram;
pub mod number;
pub mod paths;
pub mod process_time;
pub mod profile;
