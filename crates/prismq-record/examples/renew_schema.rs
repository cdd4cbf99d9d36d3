//! Writes the JSON Schema of the records into `schema/`, after their types have changed.

use std::error::Error;
use std::fs;
use std::path::Path;

use prismq_record::schema;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let schemas = [
        ("suite", schema::suite()),
        ("run", schema::run()),
        ("history", schema::history()),
        ("versus", schema::versus()),
    ];
    for (name, schema) in schemas {
        let path = folder.join(format!("{name}.schema.json"));
        fs::write(&path, serde_json::to_string_pretty(&schema)? + "\n")?;
        println!("{}", path.display());
    }
    Ok(())
}
