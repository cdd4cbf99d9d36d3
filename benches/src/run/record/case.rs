//! What defines a scenario in the record: its id and the parameters of its work.

use std::collections::BTreeMap;

use prismq_record::Model;
use serde_json::Value;

/// What defines a scenario: its name and everything about its work.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The second part of the id, for example `drain`.
    pub scenario: &'static str,
    /// The third part, for example `workers=5`.
    pub parameter: String,
    /// All parameters of the work, those in the id among them.
    pub parameters: BTreeMap<String, Value>,
    /// How work arrives, where that has a name.
    pub model: Option<Model>,
    /// The seed of its random choices.
    pub seed: Option<u64>,
    /// The percentiles it claims, of the distributions of these names: without samples enough, the
    /// scenario is invalid.
    pub claims: Vec<(&'static str, f64)>,
    /// Whether it may be more than the subject sustains: callers that are held up are then what is to be seen,
    /// not a fault of the load.
    pub overload: bool,
    /// Whether it is checked for correctness alone, as in test mode: neither percentiles nor the generator's
    /// punctuality are then asked for.
    pub untimed: bool,
    /// How many tasks the time takes that Criterion follows, which it then shows as a rate.
    pub elements: Option<u64>,
}

impl Case {
    /// A scenario that varies one parameter.
    #[must_use]
    pub fn new(scenario: &'static str, parameter: &str, value: usize) -> Self {
        Self::variant(scenario, &format!("{parameter}={value}")).with(parameter, value)
    }

    /// A scenario that comes in variants rather than sizes.
    #[must_use]
    pub fn variant(scenario: &'static str, variant: &str) -> Self {
        Self {
            scenario,
            parameter: variant.to_owned(),
            parameters: BTreeMap::new(),
            model: None,
            seed: None,
            claims: Vec::new(),
            overload: false,
            untimed: false,
            elements: None,
        }
    }

    /// Whose work arrives so.
    #[must_use]
    pub const fn model(mut self, model: Model) -> Self {
        self.model = Some(model);
        self
    }

    /// Whose random choices have this seed.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// That claims a percentile of a distribution.
    #[must_use]
    pub fn claims(mut self, histogram: &'static str, quantile: f64) -> Self {
        self.claims.push((histogram, quantile));
        self
    }

    /// Which may be more than the subject sustains.
    #[must_use]
    pub const fn overload(mut self, overload: bool) -> Self {
        self.overload = overload;
        self
    }

    /// Whose time, as Criterion follows it, is that of this many tasks.
    #[must_use]
    pub fn tasks(mut self, tasks: usize) -> Self {
        self.elements = u64::try_from(tasks).ok();
        self
    }

    /// With a further parameter that defines the work and is in the id.
    #[must_use]
    pub fn and(mut self, parameter: &str, value: usize) -> Self {
        self.parameter = format!("{},{parameter}={value}", self.parameter);
        self.with(parameter, value)
    }

    /// With a further parameter that defines the work.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Its id in a suite.
    #[must_use]
    pub fn id(&self, suite: &str) -> String {
        format!("{suite}/{}/{}", self.scenario, self.parameter)
    }
}
