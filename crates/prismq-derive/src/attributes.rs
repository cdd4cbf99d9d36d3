//! The parts of `#[task(...)]`, read and checked. Each error points at the part that is wrong and says what is allowed.

use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitInt, LitStr, Result, Token, Type, parenthesized};

use crate::values::{self, Backoff, Hold};

/// What may be written, each with an example.
const PARTS: [(&str, &str); 13] = [
    ("name", "name = \"send_mail\""),
    ("queue", "queue = \"mail\""),
    ("priority", "priority = 10"),
    ("max_attempts", "max_attempts = 8"),
    ("requires", "requires(\"gpu\")"),
    ("limit", "limit = \"api\""),
    ("unique", "unique = \"until done\""),
    ("expires_after", "expires_after = \"10m\""),
    ("keep", "keep = \"7d\""),
    ("backoff", "backoff = \"1s..5m\""),
    ("timeout", "timeout = \"30s\""),
    ("output", "output = u64"),
    ("codec", "codec = MessagePack"),
];

/// The parts that were given.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) name: Option<LitStr>,
    pub(crate) queue: Option<LitStr>,
    pub(crate) priority: Option<i32>,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) requires: Option<Vec<LitStr>>,
    pub(crate) limit: Option<LitStr>,
    pub(crate) unique: Option<Hold>,
    /// In milliseconds.
    pub(crate) expires_after: Option<u64>,
    /// In milliseconds.
    pub(crate) keep: Option<u64>,
    pub(crate) backoff: Option<Backoff>,
    /// In milliseconds.
    pub(crate) timeout: Option<u64>,
    pub(crate) output: Option<Type>,
    pub(crate) codec: Option<Type>,
}

impl Attributes {
    /// Those of all `#[task(...)]` among these attributes.
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("task")) {
            attribute.parse_nested_meta(|part| read.part(&part))?;
        }
        Ok(read)
    }

    fn part(&mut self, part: &ParseNestedMeta<'_>) -> Result<()> {
        let key = part.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match key.as_str() {
            "name" => once(part, &mut self.name, name),
            "queue" => once(part, &mut self.queue, name),
            "priority" => once(part, &mut self.priority, priority),
            "max_attempts" => once(part, &mut self.max_attempts, max_attempts),
            "requires" => once(part, &mut self.requires, requires),
            "limit" => once(part, &mut self.limit, name),
            "unique" => once(part, &mut self.unique, |part| values::unique(&text(part)?)),
            "expires_after" => {
                once(part, &mut self.expires_after, |part| values::time(&text(part)?))
            }
            "keep" => once(part, &mut self.keep, |part| values::time(&text(part)?)),
            "backoff" => once(part, &mut self.backoff, |part| values::backoff(&text(part)?)),
            "timeout" => once(part, &mut self.timeout, |part| values::timeout(&text(part)?)),
            "output" => once(part, &mut self.output, a_type),
            "codec" => once(part, &mut self.codec, a_type),
            _ => {
                let names: Vec<String> = PARTS.map(|(name, _)| format!("`{name}`")).to_vec();
                let given = part.path.to_token_stream();
                let allowed = names.join(", ");
                Err(part.error(format!("`{given}` is not a part of `task`; there are {allowed}")))
            }
        }
    }
}

/// Reads a part that may be given once.
fn once<T>(
    part: &ParseNestedMeta<'_>,
    place: &mut Option<T>,
    read: impl FnOnce(&ParseNestedMeta<'_>) -> Result<T>,
) -> Result<()> {
    if place.is_some() {
        return Err(part.error(format!("`{}` is given twice", part.path.to_token_stream())));
    }
    *place = Some(read(part)?);
    Ok(())
}

/// An error at this part that shows how it is written.
fn malformed(part: &ParseNestedMeta<'_>) -> Error {
    let example = PARTS.iter().find(|(name, _)| part.path.is_ident(name));
    let example = example.map(|(_, example)| *example).unwrap_or_default();
    part.error(format!("write it as in `{example}`"))
}

fn text(part: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let value = part.value().map_err(|_| malformed(part))?;
    value.parse().map_err(|_| malformed(part))
}

fn name(part: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let text = text(part)?;
    values::check_name(&text)?;
    Ok(text)
}

fn priority(part: &ParseNestedMeta<'_>) -> Result<i32> {
    let value = part.value().map_err(|_| malformed(part))?;
    let minus: Option<Token![-]> = value.parse()?;
    let number: LitInt = value.parse().map_err(|_| malformed(part))?;
    values::priority(&number, minus.is_some())
}

fn max_attempts(part: &ParseNestedMeta<'_>) -> Result<u32> {
    let value = part.value().map_err(|_| malformed(part))?;
    values::attempts(&value.parse().map_err(|_| malformed(part))?)
}

fn requires(part: &ParseNestedMeta<'_>) -> Result<Vec<LitStr>> {
    if !part.input.peek(syn::token::Paren) {
        return Err(malformed(part));
    }
    let list;
    parenthesized!(list in part.input);
    let names = Punctuated::<LitStr, Token![,]>::parse_terminated(&list);
    let names: Vec<LitStr> = names.map_err(|_| malformed(part))?.into_iter().collect();
    names.iter().try_for_each(values::check_name)?;
    if names.is_empty() || names.len() > values::REQUIREMENTS_MAX {
        let (given, most) = (names.len(), values::REQUIREMENTS_MAX);
        return Err(part.error(format!("{given} names, must be 1 to {most}")));
    }
    Ok(names)
}

fn a_type(part: &ParseNestedMeta<'_>) -> Result<Type> {
    let value = part.value().map_err(|_| malformed(part))?;
    if value.peek(LitStr) {
        return Err(value.error("a type, written without quotes"));
    }
    value.parse().map_err(|_| malformed(part))
}
