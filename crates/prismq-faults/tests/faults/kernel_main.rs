//! The program of the tests in `kernel`. It lies here to share `support` with the other program.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod kernel;
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    kernel::main()
}
