//! Identifies machines and work: figures of different machines, or of different work, are never compared.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::record::{Environment, RunRecord};

/// FNV-1a, 64 bits (Fowler, Noll and Vo): short, stable across versions, and no defence against
/// anyone who wants two machines to look alike.
#[must_use]
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A short name for the part of an environment that stays the same from run to run: processor,
/// cores, memory in whole GiB, filesystem, kernel without its release, and target.
#[must_use]
pub fn fingerprint(environment: &Environment) -> String {
    let machine = &environment.machine;
    let kernel = machine.kernel.value.as_deref().unwrap_or_default();
    let kernel = kernel.split_whitespace().next().unwrap_or_default();
    let stable = [
        machine.cpu.value.clone().unwrap_or_default(),
        format!("{:?}", machine.cores.value),
        format!("{:?}", machine.memory_bytes.value.map(|bytes| bytes.div_ceil(1 << 30))),
        machine.filesystem.value.clone().unwrap_or_default(),
        kernel.to_owned(),
        environment.build.target.clone(),
    ];
    let bytes = stable.iter().flat_map(|part| part.bytes().chain([0]));
    format!("{:016x}", fnv1a(bytes)).chars().take(8).collect()
}

/// What makes two runs comparable as a whole: machine, engine and profile. `None` for a run without
/// suites, or whose suites differ in it.
#[must_use]
pub fn identity(run: &RunRecord) -> Option<String> {
    let mut identities = run
        .suites
        .iter()
        .map(|suite| joined(&fingerprint(&suite.environment), &suite.engine, &suite.profile));
    let first = identities.next()?;
    identities.all(|other| other == first).then_some(first)
}

/// The same of its parts.
pub(crate) fn joined(fingerprint: &str, engine: &str, profile: &str) -> String {
    format!("{fingerprint}-{engine}-{profile}")
}

/// Every fact of an environment as name and text, for example `machine.cores` and `2`.
#[must_use]
pub fn facts(environment: &Environment) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    // By way of JSON, so that a fact that is added to the record is shown without a change here.
    if let Ok(json) = serde_json::to_value(environment) {
        flatten("", &json, &mut facts);
    }
    facts
}

fn flatten(name: &str, value: &Value, facts: &mut Vec<(String, String)>) {
    let within =
        |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Object(fields) => {
            match (fields.get("value"), fields.get("reason"), fields.get("name")) {
                // A setting of SQLite.
                (Some(value), _, Some(Value::String(part))) => flatten(&within(part), value, facts),
                // A `Known`.
                (Some(Value::Null), reason, None) => {
                    let reason = reason.and_then(Value::as_str).unwrap_or("no reason given");
                    facts.push((name.to_owned(), format!("unknown ({reason})")));
                }
                (Some(value), _, None) => flatten(name, value, facts),
                _ => fields.iter().for_each(|(part, value)| flatten(&within(part), value, facts)),
            }
        }
        Value::Array(values) if values.iter().all(Value::is_object) => {
            values.iter().for_each(|value| flatten(name, value, facts));
        }
        Value::Array(values) => {
            let texts: Vec<String> = values.iter().map(plain).collect();
            facts.push((name.to_owned(), texts.join(", ")));
        }
        value => facts.push((name.to_owned(), plain(value))),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The hash of a scenario's parameters, which its record keeps with them: 16 hexadecimal digits.
/// It depends on names and values alone, not on the order in which an object keeps its keys.
#[must_use]
pub fn config_hash(parameters: &BTreeMap<String, Value>) -> String {
    let mut text = String::new();
    object(parameters.iter().map(|(name, value)| (name.as_str(), value)), &mut text);
    format!("{:016x}", fnv1a(text.bytes()))
}

fn object<'a>(entries: impl Iterator<Item = (&'a str, &'a Value)>, text: &mut String) {
    let sorted: BTreeMap<&str, &Value> = entries.collect();
    text.push('{');
    for (name, value) in sorted {
        text.push_str(&Value::from(name).to_string());
        text.push(':');
        canonical(value, text);
        text.push(',');
    }
    text.push('}');
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            object(entries.iter().map(|(name, value)| (name.as_str(), value)), text);
        }
        Value::Array(values) => {
            text.push('[');
            for value in values {
                canonical(value, text);
                text.push(',');
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hash(parameters: &Value) -> String {
        let entries = parameters.as_object().cloned().unwrap_or_default();
        config_hash(&entries.into_iter().collect())
    }

    #[test]
    fn a_config_hash_depends_on_names_and_values_only() {
        let hash_of_one = hash(&json!({"workers": 5, "mix": {"a": 1, "b": [2, "x"]}}));
        assert_eq!(hash_of_one, hash(&json!({"mix": {"b": [2, "x"], "a": 1}, "workers": 5})));
        // Records keep it, so it must not change.
        assert_eq!(hash(&json!({"workers": 5})), "426022dd9857ef19");
        for other in [
            json!({"workers": 6, "mix": {"a": 1, "b": [2, "x"]}}),
            json!({"workers": 5, "mix": {"a": 1, "b": ["x", 2]}}),
            json!({"workers": "5", "mix": {"a": 1, "b": [2, "x"]}}),
            json!({"workers": 5, "mix": {"a": 1}, "b": [2, "x"]}),
        ] {
            assert_ne!(hash(&other), hash_of_one, "{other}");
        }
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(*b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(*b"foobar"), 0x8594_4171_f739_67e8);
    }
}
