//! The database file: its path, identity, size, durability, WAL, and who else has it open.

mod attached;
mod durability;
mod identity;
mod path_checks;
mod paths;
mod replacement;
mod sharing;
mod size;
mod size_limit;
mod versions;
mod wal;
