//! `#[derive(Task)]` for prismq. Use it as `prismq::Task`, whose documentation says what a task is.

mod attributes;
mod expand;
mod values;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `prismq::Task` for a struct or an enum.
///
/// All parts of `#[task(...)]` may be left out:
///
/// | part | meaning | without it |
/// |---|---|---|
/// | `name = "send_mail"` | the name its tasks are stored under | the type's in snake case |
/// | `queue = "mail"` | the queue of its tasks | `default` |
/// | `priority = 10` | lower numbers are claimed first | 100 |
/// | `max_attempts = 8` | most attempts | 5 |
/// | `requires("gpu", "scratch_disk")` | what a worker must have | nothing |
/// | `limit = "api"` | the limit that its tasks are under, set in the file | none |
/// | `unique = "until done"` | a task with the same payload as another is not added: until that is done, `"while waiting"` or `"for 1h"` | all are added |
/// | `expires_after = "10m"` | it must start within that time | at any time |
/// | `keep = "7d"` | how long its tasks are kept after they ended: completed, cancelled or dead | by the queue's retention |
/// | `backoff = "1s..5m"` | retries after 1, 2, 4 ... seconds up to five minutes; `"30s"`: always after 30 s | the policy of the handle, `QueueBuilder::retry` |
/// | `timeout = "30s"` | the time limit of its handler | that of the pool |
/// | `output = u64` | what its handler returns | `()` |
/// | `codec = MessagePack` | how values become bytes | `prismq::Json` |
///
/// A duration is a number and a unit, `ms`, `s`, `m`, `h` or `d`, or several: `1h30m`. Values out of range are compile
/// errors.
///
/// The name is part of what is stored: once tasks are in a file, rename the Rust type only together with a `name` that
/// keeps the old one.
///
/// A type with parameters has the same name for all of them; a pool can handle one of them.
#[proc_macro_derive(Task, attributes(task))]
pub fn derive_task(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::task(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
