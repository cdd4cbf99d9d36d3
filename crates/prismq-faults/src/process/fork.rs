//! A child that shares the memory of a process which has queues open.
#![expect(unsafe_code, reason = "fork is not safe: that is what is tested")]

use std::io;

use crate::error::{Error, Result};

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn alarm(seconds: u32) -> u32;
    fn _exit(status: i32) -> !;
}

/// A child that has not ended after this many seconds is killed by the kernel.
const SECONDS_MAX: u32 = 20;

/// Runs `child` in a fork of this process and returns its exit status: what it returned, or 256 and the number of the
/// signal that ended it. A child that hangs is ended by SIGALRM.
///
/// The child has none of the parent's other threads: it must take no lock that one of them may have held, except the
/// allocator's.
///
/// # Errors
/// The system refused.
pub fn in_a_fork(child: impl FnOnce() -> u8) -> Result<i32> {
    // SAFETY: the child runs `child` and ends without unwinding or running what the parent registered for
    // its exit. The C library makes its allocator usable in the child.
    match unsafe { fork() } {
        -1 => Err(Error::Fork { source: io::Error::last_os_error() }),
        0 => {
            // SAFETY: it sets a timer of the kernel's.
            unsafe { alarm(SECONDS_MAX) };
            let answer =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(255);
            // SAFETY: it ends the process.
            unsafe { _exit(i32::from(answer)) }
        }
        process => {
            let mut status = 0;
            // SAFETY: the place for the status is ours.
            if unsafe { waitpid(process, &raw mut status, 0) } == -1 {
                return Err(Error::Fork { source: io::Error::last_os_error() });
            }
            Ok(if status & 0x7F == 0 { status >> 8 & 0xFF } else { 256 + (status & 0x7F) })
        }
    }
}
