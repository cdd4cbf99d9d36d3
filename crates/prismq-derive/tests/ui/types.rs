//! Types that cannot be tasks.

use prismq::Task;
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize)]
struct Borrows<'a> {
    name: &'a str,
}

#[derive(Task, Clone, Copy)]
union Either {
    one: u32,
    other: f32,
}

fn main() {}
