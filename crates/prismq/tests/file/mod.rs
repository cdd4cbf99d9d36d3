//! The database file: its path, identity, size, durability, WAL, and who else has it open.

mod busy;
mod durability;
mod handles;
mod identity;
mod paths;
mod permissions;
mod refused_paths;
mod reopening;
mod replacement;
mod sharing;
mod size;
mod size_limit;
mod uri_names;
mod versions;
mod wal;
mod wal_length;
mod wal_truncation;
