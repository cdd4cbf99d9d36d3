//! What the tests with `strace` share.

/// How a traced `prismq-pool-victim` says it ended, among what `strace` may print.
pub(crate) fn ended(stderr: &str) -> Option<&str> {
    stderr.lines().find_map(|line| line.strip_prefix("ended: "))
}
