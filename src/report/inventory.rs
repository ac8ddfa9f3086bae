//! What the record says is in a place.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Printed;
use super::list::{BARCODE, List, ListColumn, Listing, Section, numbered, text, tick};
use crate::id::Barcode;
use crate::id::Code;
use crate::media::card::Card;
use crate::progress::counted;

/// The inventory of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Its code, if it has one for the scanner.
    pub code: Option<Code>,
    /// Its name.
    pub place: String,
    /// How much it holds; none: unlimited.
    pub capacity: Option<usize>,
    /// When it was last counted.
    pub last_count: Option<NaiveDate>,
    /// What is there.
    pub items: Vec<InventoryItem>,
    /// Who printed.
    pub printed: Printed,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryItem {
    /// Which.
    pub barcode: Barcode,
    /// For example "LTO-8", "envelope".
    pub media_type: String,
    /// Shelf; things without one come last.
    pub shelf: String,
    /// Position on the shelf, or the case it is in.
    pub position: String,
    /// State of its content: "full", "scratch".
    pub content: String,
    /// Since when it is there.
    pub since: NaiveDate,
    /// When somebody or the robot last saw it there.
    pub last_seen: Option<NaiveDate>,
}

const COLUMNS: &[ListColumn] = &[
    text("line", "No.", Some(10.0)),
    BARCODE,
    text("media_type", "Media", Some(20.0)),
    text("position", "Position", Some(22.0)),
    text("content", "Content", Some(22.0)),
    text("since", "Since", Some(19.0)),
    text("last_seen", "Last seen", Some(19.0)),
    tick("Seen", 10.0),
    text("", "", None),
];

impl List for Inventory {
    fn listing(&self) -> Listing<'_> {
        let mut items: Vec<&InventoryItem> = self.items.iter().collect();
        let key = |item: &InventoryItem| {
            (
                item.shelf.is_empty(),
                item.shelf.clone(),
                // Numbers by value, before anything else.
                item.position.parse().unwrap_or(u64::MAX),
                item.position.clone(),
                item.barcode.clone(),
            )
        };
        items.sort_by_cached_key(|item| key(item));
        let mut sections: Vec<Section> = items
            .chunk_by(|one, other| one.shelf == other.shelf)
            .map(|items| {
                let shelf = items[0].shelf.clone();
                let count = counted(items.len() as u64, "thing", "things");
                Section {
                    title: if shelf.is_empty() {
                        format!("No shelf: {count}")
                    } else {
                        format!("Shelf {shelf}: {count}")
                    },
                    name: shelf,
                    rows: items.iter().map(|item| cells(item)).collect(),
                }
            })
            .collect();
        numbered(&mut sections);
        let all = counted(self.items.len() as u64, "thing", "things");
        let filled = self
            .capacity
            .map_or_else(|| all.clone(), |capacity| format!("{all} of {capacity}"));
        let counted_on = self
            .last_count
            .map_or_else(|| "never".to_owned(), |day| day.to_string());
        Listing {
            kind: "inventory",
            title: "INVENTORY",
            subject: self.place.clone(),
            code: self.code.clone().map(|code| Card::Place(code).to_string()),
            emphasis: format!("State of {}", self.printed.at.format("%Y-%m-%d")),
            subtitle: String::new(),
            facts: vec![("Holds", filled), ("Last counted", counted_on)],
            notes: vec![
                "This is what the record says. To count, use \"scan count\" with the list hidden."
                    .to_owned(),
            ],
            columns: COLUMNS,
            section: "shelf",
            sections,
            blanks: &["Checked by", "Date and time"],
            printed: &self.printed,
        }
    }
}

fn cells(item: &InventoryItem) -> Vec<String> {
    vec![
        item.barcode.to_string(),
        item.media_type.clone(),
        item.position.clone(),
        item.content.clone(),
        item.since.to_string(),
        item.last_seen
            .map(|day| day.to_string())
            .unwrap_or_default(),
        String::new(),
        String::new(),
    ]
}
