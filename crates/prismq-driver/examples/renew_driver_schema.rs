//! Writes the JSON Schema of the messages into `schema/`, after their types have changed.

use std::error::Error;
use std::fs;

use prismq_driver::schema;

fn main() -> Result<(), Box<dyn Error>> {
    for (path, schema) in schema::all() {
        fs::create_dir_all(path.parent().ok_or("the schema has no folder")?)?;
        fs::write(&path, serde_json::to_string_pretty(&schema)? + "\n")?;
        println!("{}", path.display());
    }
    Ok(())
}
