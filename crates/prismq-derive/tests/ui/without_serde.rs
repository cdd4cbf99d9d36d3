//! A payload, and an output, that serde cannot encode.

use prismq::Task;
use serde::{Deserialize, Serialize};

#[derive(Task)]
struct Payload {
    user: i64,
}

struct Report;

#[derive(Task, Serialize, Deserialize)]
#[task(output = Report)]
struct Output;

fn main() {}
