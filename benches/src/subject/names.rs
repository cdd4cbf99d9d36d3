//! Names that are only known once a file has been read, for interfaces that take `&'static str`.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

static KNOWN: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

/// The same name, kept until the process ends; each name takes memory once.
#[must_use]
pub fn intern(name: &str) -> &'static str {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_with(HashSet::new);
    if let Some(name) = known.get(name) {
        return name;
    }
    let name: &'static str = String::leak(name.to_owned());
    known.insert(name);
    name
}
