//! What the robot gives out, in batches that its mail slots hold.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Printed;
use super::list::{BARCODE, List, ListColumn, Listing, Section, numbered, text, tick};
use super::manifest::{ManifestNumber, Urgency};
use crate::id::Barcode;
use crate::id::Code;
use crate::progress::counted;

/// The pick list of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickList {
    /// The manifest it is for.
    pub manifest: ManifestNumber,
    /// Name of the library.
    pub library: String,
    /// How many cartridges its mail slots hold at a time.
    pub mail_slots: NonZeroUsize,
    /// What is given out, in the order that suits the robot.
    pub items: Vec<PickItem>,
    /// Who printed.
    pub printed: Printed,
}

/// One cartridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickItem {
    /// Which.
    pub barcode: Barcode,
    /// For example "LTO-8".
    pub media_type: String,
    /// The element it is in.
    pub element: String,
    /// The case it goes into.
    pub case: Option<Code>,
    /// Whether it goes first.
    pub urgency: Urgency,
}

impl PickList {
    /// The batches: what is urgent first, else in the order given.
    #[must_use]
    pub fn batches(&self) -> Vec<Vec<&PickItem>> {
        let mut items: Vec<&PickItem> = self.items.iter().collect();
        items.sort_by_key(|item| item.urgency);
        let batches = items.chunks(self.mail_slots.get());
        batches.map(<[&PickItem]>::to_vec).collect()
    }
}

const COLUMNS: &[ListColumn] = &[
    text("line", "No.", Some(10.0)),
    BARCODE,
    text("media_type", "Media", Some(20.0)),
    text("element", "From", Some(30.0)),
    text("case", "Into case", Some(30.0)),
    text("urgency", "Urgent", None),
    tick("Taken", 14.0),
];

impl List for PickList {
    fn listing(&self) -> Listing<'_> {
        let batches = self.batches();
        let count = batches.len();
        let mut sections: Vec<Section> = (1..)
            .zip(&batches)
            .map(|(number, items): (usize, _)| Section {
                name: number.to_string(),
                title: format!(
                    "Batch {number} of {count}: {}",
                    counted(items.len() as u64, "cartridge", "cartridges")
                ),
                rows: items.iter().map(|item| cells(item)).collect(),
            })
            .collect();
        numbered(&mut sections);
        Listing {
            kind: "pick-list",
            title: "PICK LIST",
            subject: self.manifest.to_string(),
            code: Some(self.manifest.to_string()),
            emphasis: format!("Library {}", self.library),
            subtitle: format!(
                "{} in {}",
                counted(self.items.len() as u64, "cartridge", "cartridges"),
                counted(count as u64, "batch", "batches")
            ),
            facts: Vec::new(),
            notes: vec![
                format!(
                    "The robot gives out {} at a time. Empty the mail slots before the next batch.",
                    self.mail_slots
                ),
                "Scan each one as you take it, and put it into the case that stands beside it."
                    .to_owned(),
            ],
            columns: COLUMNS,
            section: "batch",
            sections,
            blanks: &["Picked by", "Date and time"],
            printed: &self.printed,
        }
    }
}

fn cells(item: &PickItem) -> Vec<String> {
    vec![
        item.barcode.to_string(),
        item.media_type.clone(),
        item.element.clone(),
        item.case
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        match item.urgency {
            Urgency::Urgent => "URGENT".to_owned(),
            Urgency::Routine => String::new(),
        },
        String::new(),
    ]
}
