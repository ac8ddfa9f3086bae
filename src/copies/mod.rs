//! What happens to copies after the job: copied again to other cartridges, because theirs were lost
//! or damaged, are to be replaced, or hold little that must be kept.
//!
//! - [`rule`]: what must not go meanwhile
//! - [`task`]: opening and cancelling tasks
//! - [`settle`]: ending them, and letting emptied volumes go
//! - [`last`]: what no good copy is left of
//! - [`consolidate`]: which volumes are worth joining
//! - [`source`]: what a copy lacks, and from where it is read
//! - [`plan`]: what would be read and written, and about how long it takes
//!
//! Reading and writing is `job`'s.

pub mod consolidate;
pub mod last;
pub mod plan;
pub mod rule;
pub mod settle;
pub mod source;
pub mod task;
