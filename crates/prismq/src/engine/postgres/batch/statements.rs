//! The text of statements, with the schema of the user's choice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The name of the schema in the text of statements.
const TEMPLATE: &str = "prismq.";

/// Statements as they are sent, each made once.
#[derive(Debug)]
pub(crate) struct Statements {
    schema: String,
    /// The schema, quoted, with a dot; `None` if it is that of the text.
    prefix: Option<String>,
    made: Mutex<HashMap<&'static str, Arc<str>>>,
}

impl Statements {
    /// For tables in this schema.
    pub(crate) fn new(schema: &str) -> Self {
        let prefix = format!("{}.", quoted(schema));
        let prefix = (prefix != "\"prismq\".").then_some(prefix);
        Self { schema: schema.to_owned(), prefix, made: Mutex::default() }
    }

    /// The schema.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// The statement as it is sent.
    pub(crate) fn text(&self, template: &'static str) -> Arc<str> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(template).or_insert_with(|| self.qualified(template).into()).clone()
    }

    /// This text with the name of the schema.
    pub(crate) fn qualified(&self, template: &str) -> String {
        match &self.prefix {
            None => template.to_owned(),
            Some(prefix) => template.replace(TEMPLATE, prefix),
        }
    }
}

/// A name as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_the_schema_that_was_chosen() {
        let select = "SELECT FROM prismq.task";
        assert_eq!(&*Statements::new("prismq").text(select), select);
        assert_eq!(
            &*Statements::new("my \"jobs\"").text(select),
            "SELECT FROM \"my \"\"jobs\"\"\".task"
        );
    }
}
