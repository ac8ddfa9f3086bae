//! What happens to copies after the job: copied again to other cartridges, because theirs were lost
//! or damaged, are to be replaced, or hold little that must be kept.
//!
//! - [`rule`]: what must not go meanwhile
//! - [`task`]: opening, cancelling and ending tasks
//! - [`consolidate`]: which volumes are worth joining
//! - [`source`]: what a copy lacks, and from where it is read
//! - [`plan`]: what would be read and written, and about how long it takes
//!
//! Reading and writing is `job`'s.

pub mod consolidate;
pub mod plan;
pub mod rule;
pub mod source;
pub mod task;
