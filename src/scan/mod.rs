//! Scanning: a clerk with a scanner says who, what for, where and which cartridge, and is answered with
//! one word, one sentence and one count.
//!
//! [`Session`] is a pure state machine: what it knows of the record comes through [`Lookups`], what it
//! changes goes out as [`Effect`]s. [`station`] does both in one transaction for each line, [`offline`]
//! on a list that was written out before.

pub mod answer;
mod apply;
mod chores;
mod closing;
mod effect;
mod items;
pub mod line;
pub mod list;
pub mod lookup;
pub mod merge;
pub mod offline;
mod record;
pub mod session;
pub mod station;
pub mod task;
pub mod terminal;

pub use answer::{Answer, Bell, Count};
pub use effect::Effect;
pub use line::Line;
pub use lookup::Lookups;
pub use session::{Session, Step};
pub use task::Task;
