//! What a scan changes; carried out by [`super::station`] or kept by [`super::offline`].

use serde::{Deserialize, Serialize};

use crate::catalogue::ExceptionKind;
use crate::id::{Barcode, PlaceCode};

/// What a scan changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// A task has its place: a count begins.
    Opened,
    /// An item was taken from where it was.
    Taken {
        /// Which.
        barcode: Barcode,
    },
    /// An item was put in a place.
    Arrived {
        /// Which.
        barcode: Barcode,
        /// Where.
        place: PlaceCode,
    },
    /// An item was put in a case.
    Packed {
        /// Which.
        barcode: Barcode,
        /// The case.
        case: Barcode,
    },
    /// Something was found in a count.
    Counted {
        /// What.
        barcode: Barcode,
    },
    /// What the last scan of an item in this task changed is as it was.
    Undone {
        /// Which.
        barcode: Barcode,
    },
    /// Something disagrees with the record.
    Disagrees {
        /// In what way.
        kind: ExceptionKind,
        /// What was read.
        barcode: Barcode,
        /// Where.
        place: Option<PlaceCode>,
        /// In words.
        detail: String,
    },
    /// Something happened to an item.
    Problem {
        /// Which.
        barcode: Barcode,
        /// What.
        kind: ExceptionKind,
    },
    /// A count is over.
    CountEnded {
        /// How many items the record had there.
        expected: u32,
        /// How many were found.
        found: u32,
    },
    /// The task is over.
    Closed,
}
