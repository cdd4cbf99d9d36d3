//! Parts of `#[task(...)]` that there are not, or that are written in another way.

use prismq::Task;
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(retries = 3)]
struct UnknownPart;

#[derive(Task, Serialize, Deserialize)]
#[task(queue = "a", queue = "b")]
struct GivenTwice;

#[derive(Task, Serialize, Deserialize)]
#[task(queue)]
struct WithoutValue;

#[derive(Task, Serialize, Deserialize)]
#[task(queue("mail"))]
struct AsList;

#[derive(Task, Serialize, Deserialize)]
#[task(queue = 5)]
struct NumberForText;

#[derive(Task, Serialize, Deserialize)]
#[task(priority = "high")]
struct TextForNumber;

#[derive(Task, Serialize, Deserialize)]
#[task(requires = "gpu")]
struct WithoutList;

#[derive(Task, Serialize, Deserialize)]
#[task(requires())]
struct EmptyList;

#[derive(Task, Serialize, Deserialize)]
#[task(output = "u64")]
struct TypeInQuotes;

#[derive(Task, Serialize, Deserialize)]
#[task(codec = 5)]
struct NumberForType;

#[derive(Task, Serialize, Deserialize)]
#[task]
struct WithoutParts;

#[derive(Task, Serialize, Deserialize)]
#[task = "mail"]
struct AsText;

fn main() {}
