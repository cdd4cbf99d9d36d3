//! What all rooms use.

mod bench_dir;
