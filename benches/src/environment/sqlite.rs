//! SQLite as it is linked and as the subject sets it.

use prismq_record::{Pragma, Sqlite};
use rusqlite::Connection;

use crate::base::error::{Error, Result};

/// `settings` are those that a subject read back, by name.
pub(super) fn sqlite(settings: Vec<(String, String)>) -> Result<Sqlite> {
    let mut version = String::new();
    let mut pragmas = Vec::with_capacity(settings.len());
    for (name, value) in settings {
        if name == "sqlite_version" {
            version = value;
        } else {
            pragmas.push(Pragma { name, value });
        }
    }
    if version.is_empty() {
        rusqlite::version().clone_into(&mut version);
    }
    let compile_options = compile_options().map_err(Error::subject("say how it was compiled"))?;
    Ok(Sqlite { version, pragmas, compile_options })
}

/// Of the library, which is one for the whole process: any connection knows.
fn compile_options() -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_in_memory()?;
    let mut options = connection.prepare("PRAGMA compile_options")?;
    options.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::compile_options;

    #[test]
    fn the_library_says_how_it_was_compiled() {
        let options = compile_options().unwrap();
        assert!(options.iter().any(|option| option.starts_with("THREADSAFE=")), "{options:?}");
    }
}
