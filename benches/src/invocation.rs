//! What the command line asks for, as far as it decides whether anything is measured and recorded.
//!
//! Criterion reads the same arguments for itself and reports wrong ones.

/// Criterion's options whose value may be the next argument.
const WITH_VALUE: [&str; 20] = [
    "-b",
    "-c",
    "-s",
    "--baseline",
    "--baseline-lenient",
    "--color",
    "--colour",
    "--confidence-level",
    "--format",
    "--load-baseline",
    "--measurement-time",
    "--noise-threshold",
    "--nresamples",
    "--output-format",
    "--plotting-backend",
    "--profile-time",
    "--sample-size",
    "--save-baseline",
    "--significance-level",
    "--warm-up-time",
];

/// What becomes of this start of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `cargo bench`: measure and write a record.
    Measure,
    /// `cargo test --benches` or `cargo bench -- --test`: a tiny load, checked, without a record.
    Trial,
    /// Listing, profiling or loading: Criterion's own business, without a record.
    Unrecorded,
}

/// The arguments of a suite and what follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The arguments, without the program's name.
    pub argv: Vec<String>,
    /// What is to be done.
    pub mode: Mode,
    /// Whether Criterion skips its discarded first call (`--quick`).
    pub quick: bool,
}

impl Invocation {
    /// Reads this process's arguments.
    #[must_use]
    pub fn from_args() -> Self {
        Self::parse(std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()))
    }

    /// Reads arguments.
    pub fn parse(argv: impl IntoIterator<Item = String>) -> Self {
        let argv: Vec<String> = argv.into_iter().collect();
        let has = |name: &str| has(&argv, name);
        let mode = if has("--list") {
            Mode::Unrecorded
        } else if has("--test") || !has("--bench") {
            Mode::Trial
        } else if has("--profile-time") || has("--load-baseline") {
            Mode::Unrecorded
        } else {
            Mode::Measure
        };
        let quick = has("--quick");
        Self { argv, mode, quick }
    }

    /// Whether an option is given, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        has(&self.argv, name)
    }

    /// Whether Criterion is to print as it usually does: not in full, and not for a program.
    #[must_use]
    pub fn prints_as_usual(&self) -> bool {
        let in_full = self.argv.iter().any(|arg| arg == "-v" || arg == "--verbose");
        !in_full && !self.has("--output-format")
    }

    /// The value of an option: `--name value`, `--name=value` or `-n value`.
    #[must_use]
    pub fn option(&self, long: &str, short: &str) -> Option<&str> {
        let mut args = self.argv.iter();
        while let Some(arg) = args.next() {
            if arg == long || arg == short {
                return args.next().map(String::as_str);
            }
            if let Some(value) = arg.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }

    /// Which benchmarks it names, if it does not mean all.
    #[must_use]
    pub fn filter(&self) -> Option<&str> {
        let mut args = self.argv.iter();
        while let Some(arg) = args.next() {
            if WITH_VALUE.contains(&arg.as_str()) {
                args.next();
            } else if !arg.starts_with('-') {
                return Some(arg);
            }
        }
        None
    }

    /// Whether it says what becomes of Criterion's baselines.
    #[must_use]
    pub fn names_baseline(&self) -> bool {
        let long = ["--save-baseline", "--baseline", "--baseline-lenient", "--discard-baseline"];
        self.argv.iter().any(|arg| arg == "-s" || arg == "-b")
            || long.iter().any(|name| self.has(name))
    }

    /// How many rounds are measured, `usual` unless the line says otherwise.
    #[must_use]
    pub fn measured_calls(&self, usual: usize) -> usize {
        let asked = self.option("--sample-size", "--sample-size");
        match self.mode {
            Mode::Trial => 1,
            _ if self.quick => 1,
            _ => asked.and_then(|count| count.parse().ok()).unwrap_or(usual),
        }
    }

    /// How many rounds of a scenario are run and discarded before those that are measured: as many as
    /// Criterion discards of its calls, at the settings of [`crate::driver`].
    #[must_use]
    pub const fn discarded_calls(&self) -> usize {
        match self.mode {
            Mode::Measure if !self.quick => 1,
            _ => 0,
        }
    }
}

fn has(argv: &[String], name: &str) -> bool {
    argv.iter().any(|arg| is_option(arg, name))
}

fn is_option(arg: &str, name: &str) -> bool {
    arg.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}
