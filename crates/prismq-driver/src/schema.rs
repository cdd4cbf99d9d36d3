//! The JSON Schema of the messages, generated from the types; published in `schema/`.

use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, schema_for};

use crate::message::{About, Asked, Census, Enqueued, Loaded, Now, Opened, Said, Started, Stopped};

/// What `ok` contains, by request; those that are not here answer with an empty object, or with names and numbers
/// (`counters`).
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Answers {
    hello: About,
    clock: Now,
    open: Opened,
    load: Loaded,
    start: Started,
    enqueue: Enqueued,
    stop: Stopped,
    census: Census,
}

/// The published schemas, each with its file.
#[must_use]
pub fn all() -> [(PathBuf, Schema); 3] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    [
        (folder.join("request.schema.json"), schema_for!(Asked)),
        (folder.join("line.schema.json"), schema_for!(Said)),
        (folder.join("answers.schema.json"), schema_for!(Answers)),
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn the_published_schemas_are_those_of_the_types() {
        for (path, schema) in super::all() {
            let published = fs::read_to_string(&path).unwrap_or_default();
            let published: serde_json::Value = serde_json::from_str(&published).unwrap_or_default();
            let renew =
                "cargo run -p prismq-driver --features schema --example renew_driver_schema";
            assert_eq!(&published, schema.as_value(), "{} is old: {renew}", path.display());
        }
    }
}
