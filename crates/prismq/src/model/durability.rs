//! What survives a crash once a call has returned `Ok`.

/// Which failures the changes of a call survive once it has returned `Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Durability {
    /// Enqueues, completions and failures survive the death of the process and a power cut.
    #[default]
    Full,
    /// They survive the loss of the machine too, as another one has them as well: a queue on a server that commits to a
    /// standby synchronously. Otherwise the queue is not opened, and refuses to write once it does not any more.
    Replicated,
    /// They survive the death of the process; a power cut may undo the latest of them.
    Normal,
}
