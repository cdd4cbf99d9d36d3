//! What the driver says, a line at a time.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

use crate::message::{Fault, Log, Said};

/// Where lines are written; clones write to the same.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<Box<dyn Write + Send>>>);

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Output")
    }
}

impl Output {
    pub(crate) fn stdout() -> Self {
        Self::to(io::stdout())
    }

    pub(crate) fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(writer))))
    }

    /// Answers a request.
    pub(crate) fn ok(&self, id: u64, answer: &impl Serialize) {
        match serde_json::to_value(answer) {
            Ok(ok) => self.say(&Said { id: Some(id), ok: Some(ok), ..Said::default() }),
            Err(error) => self.failed(id, "failed", &error.to_string()),
        }
    }

    /// Answers a request with an error.
    pub(crate) fn failed(&self, id: u64, code: &str, message: &str) {
        self.say(&Said { id: Some(id), error: Some(fault(code, message)), ..Said::default() });
    }

    /// Sends an error unasked.
    pub(crate) fn error(&self, code: &str, message: &str) {
        self.say(&Said { error: Some(fault(code, message)), ..Said::default() });
    }

    /// Sends a text for the log.
    pub(crate) fn log(&self, text: &str) {
        self.say(&Said { log: Some(Log { text: text.to_owned() }), ..Said::default() });
    }

    fn say(&self, said: &Said) {
        let line = serde_json::to_value(said).unwrap_or(Value::Null).to_string() + "\n";
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a reader there is no harness left, and the end of the input ends this process.
        let _ = writer.write_all(line.as_bytes()).and_then(|()| writer.flush());
    }
}

fn fault(code: &str, message: &str) -> Fault {
    Fault { code: code.to_owned(), message: message.to_owned() }
}
