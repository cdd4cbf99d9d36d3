//! What happens when a run is stopped by Ctrl-C, `kill` or a terminal that is closed: something is done
//! first, on a thread of its own, as the others may be in the middle of a round of minutes.

use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::base::error::{Error, Result};

const STOPPING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
/// What shells add to a signal's number for the exit status of what it ended.
const ENDED_BY: i32 = 128;

/// Calls `stopped` at the first of these signals, then ends the process with 128 and the signal's number.
/// A second signal ends it at once.
///
/// # Errors
/// [`Error::Start`] if signals cannot be received.
pub fn on_stop(stopped: impl FnOnce() + Send + 'static) -> Result<()> {
    let failed = |source| Error::Start { what: "the reception of signals", source };
    let again = Arc::new(AtomicBool::new(false));
    for signal in STOPPING {
        flag::register_conditional_shutdown(signal, ENDED_BY + signal, again.clone())
            .map_err(failed)?;
        flag::register(signal, again.clone()).map_err(failed)?;
    }
    let mut signals = Signals::new(STOPPING).map_err(failed)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            stopped();
            process::exit(ENDED_BY + signal);
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(failed)?;
    Ok(())
}
