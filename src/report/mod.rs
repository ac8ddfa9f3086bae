//! Reports: each in a file of its own, a pure structure that becomes PDF, CSV and JSON.
//!
//! The courier manifest has a form of its own ([`manifest`]); the others are lists ([`list`]).

mod barcode;
mod blocks;
pub mod distribution;
mod form;
pub mod inventory;
pub mod list;
pub mod manifest;
pub mod pick;
pub mod recall;
mod sheet;
mod words;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// Who printed when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// When.
    pub at: DateTime<FixedOffset>,
    /// By whom.
    pub by: String,
}
