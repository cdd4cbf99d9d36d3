//! What the command line asks for, as far as it decides whether anything is measured and recorded.
//!
//! Criterion reads the same arguments for itself and reports wrong ones.

/// Criterion's options with a value, which may be attached or the next argument.
const WITH_VALUE: [&str; 17] = [
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
/// Those with a value that have one letter. Others may stand before them in one argument.
const SHORT_WITH_VALUE: [char; 3] = ['b', 'c', 's'];

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

/// An argument with the value that belongs to it.
enum Word<'a> {
    /// Its name is with its dashes if it is long, a letter if it is short.
    Option {
        name: &'a str,
        value: Option<&'a str>,
    },
    Filter(&'a str),
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

    /// The value of an option: `--name value`, `--name=value`, `-n value`, `-nvalue` or `-n=value`.
    #[must_use]
    pub fn option(&self, long: &str, short: &str) -> Option<&str> {
        self.words().into_iter().find_map(|word| match word {
            Word::Option { name, value }
                if name == long || name == short.trim_start_matches('-') =>
            {
                value
            }
            Word::Option { .. } | Word::Filter(_) => None,
        })
    }

    /// Which benchmarks it names, if it does not mean all.
    #[must_use]
    pub fn filter(&self) -> Option<&str> {
        self.words().into_iter().find_map(|word| match word {
            Word::Filter(filter) => Some(filter),
            Word::Option { .. } => None,
        })
    }

    fn words(&self) -> Vec<Word<'_>> {
        let mut words = Vec::new();
        let mut args = self.argv.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            if arg.starts_with("--") {
                let (name, value) = match arg.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (arg, WITH_VALUE.contains(&arg).then(|| args.next()).flatten()),
                };
                words.push(Word::Option { name, value });
            } else if let Some(letters) = arg.strip_prefix('-') {
                let Some(at) = letters.find(SHORT_WITH_VALUE) else { continue };
                let (name, attached) = letters.get(at..).unwrap_or_default().split_at(1);
                let attached = attached.strip_prefix('=').unwrap_or(attached);
                let value = if attached.is_empty() { args.next() } else { Some(attached) };
                words.push(Word::Option { name, value });
            } else {
                words.push(Word::Filter(arg));
            }
        }
        words
    }

    /// Whether it says what becomes of Criterion's baselines.
    #[must_use]
    pub fn names_baseline(&self) -> bool {
        let naming =
            ["--save-baseline", "--baseline", "--baseline-lenient", "--discard-baseline", "s", "b"];
        self.words().iter().any(|word| match word {
            Word::Option { name, .. } => naming.contains(name),
            Word::Filter(_) => false,
        })
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
    /// Criterion discards of its calls, at the settings of [`crate::run::replay`].
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
