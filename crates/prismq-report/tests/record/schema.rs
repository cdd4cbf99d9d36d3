//! The published JSON schema.

use jsonschema::{Validator, draft202012};
use prismq_record::schema;
use serde_json::Value;

use crate::support::sample;

const RENEW: &str = "cargo run -p prismq-record --features schema --example renew_schema";

#[track_caller]
fn published(text: &str, schema: &schemars::Schema) -> Validator {
    let published: Value = serde_json::from_str(text).unwrap();
    let of_types = serde_json::to_value(schema).unwrap();
    assert!(
        published == of_types,
        "the record's types have changed: renew the schema by `{RENEW}`"
    );
    draft202012::new(&published).unwrap()
}

fn suite() -> Validator {
    published(include_str!("../../../prismq-record/schema/suite.schema.json"), &schema::suite())
}

fn run() -> Validator {
    published(include_str!("../../../prismq-record/schema/run.schema.json"), &schema::run())
}

fn history() -> Validator {
    published(include_str!("../../../prismq-record/schema/history.schema.json"), &schema::history())
}

#[test]
fn the_published_schema_matches_the_types() {
    suite();
    run();
    history();
    published(include_str!("../../../prismq-record/schema/versus.schema.json"), &schema::versus());
}

#[test]
fn the_schema_accepts_records_of_every_version() {
    for text in
        [include_str!("../fixtures/suite-1.0.json"), include_str!("../fixtures/suite-1.1.json")]
    {
        suite().validate(&serde_json::from_str(text).unwrap()).unwrap();
    }
    for text in [include_str!("../fixtures/run-1.0.json"), include_str!("../fixtures/run-1.1.json")]
    {
        run().validate(&serde_json::from_str(text).unwrap()).unwrap();
    }
    for text in [
        include_str!("../fixtures/history-1.0.jsonl"),
        include_str!("../fixtures/history-1.1.jsonl"),
    ] {
        history().validate(&serde_json::from_str(text).unwrap()).unwrap();
    }
    suite().validate(&serde_json::to_value(sample::suite("latency")).unwrap()).unwrap();
    run().validate(&serde_json::to_value(sample::run()).unwrap()).unwrap();
}

#[test]
fn the_schema_refuses_what_readers_refuse() {
    let refused = |change: fn(&mut Value)| {
        let mut record = serde_json::to_value(sample::suite("latency")).unwrap();
        change(&mut record);
        assert!(!suite().is_valid(&record), "{record}");
    };
    refused(|record| record["schema"] = "prismq/run".into());
    refused(|record| record["schema_version"] = "2.0.0".into());
    refused(|record| record["suite"] = 7.into());
    refused(|record| record["scenarios"][0]["metrics"][0]["direction"] = "sideways".into());
    refused(|record| record["scenarios"][0]["metrics"][0]["value"] = "fast".into());
    refused(|record| drop(record.as_object_mut().unwrap().remove("environment")));
}

#[test]
fn every_field_of_the_schema_has_a_description() {
    for (name, schema) in [
        ("RunRecord", schema::run()),
        ("HistoryLine", schema::history()),
        ("VersusRecord", schema::versus()),
    ] {
        explained(name, &serde_json::to_value(schema).unwrap());
    }
}

fn explained(name: &str, schema: &Value) {
    let mut types: Vec<(&str, &Value)> = vec![(name, schema)];
    let named = schema["$defs"].as_object().unwrap();
    types.extend(named.iter().map(|(name, value)| (name.as_str(), value)));
    for (name, value) in types {
        let Some(fields) = value["properties"].as_object() else { continue };
        for (field, value) in fields {
            assert!(value["description"].is_string(), "{name}.{field} is not explained");
        }
    }
}
