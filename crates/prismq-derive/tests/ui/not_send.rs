//! A payload that cannot be sent to a worker.

use std::rc::Rc;

use prismq::{Codec, Task};

enum Raw {}

impl<T> Codec<T> for Raw {
    fn encode(_: &T) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Vec::new())
    }

    fn decode(_: &[u8]) -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
        Err("nothing".into())
    }
}

#[derive(Task)]
#[task(codec = Raw)]
struct Shared {
    user: Rc<u64>,
}

fn main() {}
