//! Disk appliances: finding the backups of many systems by the names of their folders, and what
//! was expected against what was found.

mod expand;
mod pattern;

pub(crate) use expand::undated;
pub use expand::{Expansion, Taken, expand};
pub use pattern::{Found, Pattern, Walk};
