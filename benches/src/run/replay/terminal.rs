//! What Criterion prints, one line a benchmark.
//!
//! Criterion prints of each benchmark what it is about to do, and then its figures, its outliers and its
//! comparison in up to eight lines. All of a run's rounds were measured before; what is worth reading then
//! is the figures. While Criterion runs, its output goes to files; from them its own text is printed,
//! joined to one line for each benchmark. Anything else that it prints is passed on unchanged.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread;

use rustix::stdio::{dup2_stderr, dup2_stdout};

/// Runs Criterion and prints what it said about each benchmark in one line. If it panics, all it said is
/// printed as it was.
///
/// # Errors
/// If its output cannot be redirected.
pub fn condensed<T>(criterion: impl FnOnce() -> T) -> io::Result<T> {
    let mut redirected = Redirected::begin()?;
    let result = criterion();
    let (out, err) = redirected.end()?;
    for line in lines(&out) {
        // A closed stdout must not end a suite before its record is written.
        let _ = writeln!(io::stdout(), "{line}");
    }
    for remark in remarks(&err) {
        let _ = writeln!(io::stderr(), "{remark}");
    }
    Ok(result)
}

/// Makes something of Criterion's, without the line that says which program it does not draw with.
///
/// # Errors
/// If its output cannot be redirected.
pub fn without_gnuplot<T>(make: impl FnOnce() -> T) -> io::Result<T> {
    let mut redirected = Redirected::begin()?;
    let made = make();
    let (_, err) = redirected.end()?;
    for remark in remarks(&err).iter().filter(|remark| !remark.starts_with("Gnuplot not found")) {
        let _ = writeln!(io::stderr(), "{remark}");
    }
    Ok(made)
}

/// Standard output and standard error, while they go to files.
struct Redirected {
    out: (OwnedFd, File),
    err: (OwnedFd, File),
    ended: bool,
}

impl Redirected {
    fn begin() -> io::Result<Self> {
        io::stdout().flush()?;
        let redirected = Self {
            out: (io::stdout().as_fd().try_clone_to_owned()?, tempfile::tempfile()?),
            err: (io::stderr().as_fd().try_clone_to_owned()?, tempfile::tempfile()?),
            ended: false,
        };
        dup2_stdout(&redirected.out.1)?;
        dup2_stderr(&redirected.err.1)?;
        Ok(redirected)
    }

    /// Ends it and gives what was written.
    fn end(&mut self) -> io::Result<(String, String)> {
        self.ended = true;
        let _ = io::stdout().flush();
        dup2_stdout(&self.out.0)?;
        dup2_stderr(&self.err.0)?;
        Ok((written(&mut self.out.1)?, written(&mut self.err.1)?))
    }
}

impl Drop for Redirected {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Ok((out, err)) = self.end()
            && thread::panicking()
        {
            let _ = write!(io::stdout(), "{out}");
            let _ = writeln!(io::stderr(), "{err}");
        }
    }
}

fn written(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What Criterion printed on standard output, one line a benchmark: the id, the time, the throughput and
/// the comparison. Outliers are left out, as ten rounds have no more to say of them than the interval.
fn lines(out: &str) -> Vec<String> {
    const INDENT: &str = "          ";
    let mut lines: Vec<String> = Vec::new();
    let mut in_change = false;
    for line in out.lines().filter(|line| !line.trim().is_empty()) {
        let words = line.trim();
        let continues = line.starts_with(INDENT);
        if continues && in_change && words.starts_with("thrpt:") {
            // The same change once more.
        } else if let (true, Some(last)) = (continues, lines.last_mut()) {
            in_change |= words == "change:";
            last.push_str("  ");
            last.push_str(words);
        } else if !line.starts_with(' ') && !words.starts_with("Found ") && !is_outliers(words) {
            in_change = false;
            lines.push(spaced(words));
        }
    }
    lines
}

/// An id that is short enough stands in one line with its time, with many spaces between.
fn spaced(words: &str) -> String {
    match words.split_once("time: ") {
        Some((id, figures)) => format!("{}  time: {figures}", id.trim_end()),
        None => words.to_owned(),
    }
}

/// `Found 2 outliers among 10 measurements`, in colour.
fn is_outliers(words: &str) -> bool {
    words.contains(" outliers among ")
}

/// What is on standard error and is not about what Criterion is doing.
fn remarks(err: &str) -> Vec<String> {
    let pieces =
        err.split(['\n', '\r']).map(|piece| piece.trim_start_matches("\u{1b}[2K").trim_end());
    let kept = pieces.filter(|piece| !piece.is_empty() && !piece.starts_with("Benchmarking "));
    kept.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{lines, remarks};

    #[test]
    fn a_benchmark_has_one_line_with_its_figures_and_its_change() {
        let out = "\
throughput/drain/workers=10
                        time:   [1.0 s 1.1 s 1.2 s]
                        thrpt:  [8.1 Kelem/s 9.0 Kelem/s 9.9 Kelem/s]
                 change:
                        time:   [-1.0% +0.1% +1.2%] (p = 0.90 > 0.05)
                        thrpt:  [-1.2% -0.1% +1.0%]
                        No change in performance detected.
Found 2 outliers among 10 measurements (20.00%)
  1 (10.00%) low mild
  1 (10.00%) high severe

latency/wake/x=a_whole1 time:   [1.0 us 1.1 us 1.2 us]
                        change: [-1.0% +0.1% +1.2%] (p = 0.90 > 0.05)
                        No change in performance detected.

";
        let wanted = [
            "throughput/drain/workers=10  time:   [1.0 s 1.1 s 1.2 s]  \
             thrpt:  [8.1 Kelem/s 9.0 Kelem/s 9.9 Kelem/s]  change:  \
             time:   [-1.0% +0.1% +1.2%] (p = 0.90 > 0.05)  No change in performance detected.",
            "latency/wake/x=a_whole1  time:   [1.0 us 1.1 us 1.2 us]  \
             change: [-1.0% +0.1% +1.2%] (p = 0.90 > 0.05)  No change in performance detected.",
        ];
        assert_eq!(lines(out), wanted);
    }

    #[test]
    fn a_warning_is_passed_on_and_what_criterion_is_doing_is_not() {
        let err = "Benchmarking a: Warming up for 1.0 ns\r\u{1b}[2KBenchmarking a: Analyzing\n\
                   Criterion.rs ERROR: disk full\n";
        assert_eq!(remarks(err), ["Criterion.rs ERROR: disk full"]);
    }
}
