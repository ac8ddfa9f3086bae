//! How long what is on a cartridge must be kept, and when the cartridge may be written again.

mod facts;
mod hold;
mod review;
mod rule;

pub use facts::keeps;
pub(crate) use hold::place;
pub use hold::{Held, hold, release};
pub use review::{change_content, review, review_volume};
pub use rule::{CopyHere, Keep, OtherCopy, Standing, judge};
