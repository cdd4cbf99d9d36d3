//! References on the server: [`statements`], the best known loop on the tables of prismq, and [`naive`], one transaction an
//! operation, as most teams start.

pub mod naive;
pub mod statements;
