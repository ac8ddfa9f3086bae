//! Where each thing of a run goes.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Printed;
use super::list::{BARCODE, List, ListColumn, Listing, Section, numbered, text, tick};
use super::manifest::ManifestNumber;
use crate::id::Barcode;
use crate::progress::counted;

/// The distribution list of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionList {
    /// The manifest it is for.
    pub manifest: ManifestNumber,
    /// Day of the run.
    pub date: NaiveDate,
    /// What is distributed.
    pub items: Vec<DistributionItem>,
    /// Who printed.
    pub printed: Printed,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistributionItem {
    /// Which.
    pub barcode: Barcode,
    /// For example "LTO-8", "envelope".
    pub media_type: String,
    /// Where it comes from.
    pub from: String,
    /// The place it goes to.
    pub to: String,
    /// Shelf, slot or case there.
    pub position: String,
    /// By when it must be there.
    pub by: Option<NaiveDate>,
    /// What there is to say.
    pub remark: String,
}

const COLUMNS: &[ListColumn] = &[
    text("line", "No.", Some(10.0)),
    BARCODE,
    text("media_type", "Media", Some(17.0)),
    text("from", "From", Some(21.0)),
    text("position", "Position", Some(19.0)),
    text("by", "By", Some(19.0)),
    tick("Done", 11.0),
    text("remark", "Remark", None),
];

impl List for DistributionList {
    fn listing(&self) -> Listing<'_> {
        let mut sections: Vec<Section> = Vec::new();
        for item in &self.items {
            let place = sections.iter().position(|section| section.name == item.to);
            let row = vec![
                item.barcode.to_string(),
                item.media_type.clone(),
                item.from.clone(),
                item.position.clone(),
                item.by.map(|day| day.to_string()).unwrap_or_default(),
                String::new(),
                item.remark.clone(),
            ];
            if let Some(place) = place {
                sections[place].rows.push(row);
            } else {
                sections.push(Section {
                    name: item.to.clone(),
                    title: String::new(),
                    rows: vec![row],
                });
            }
        }
        for section in &mut sections {
            let count = counted(section.rows.len() as u64, "thing", "things");
            section.title = format!("To {}: {count}", section.name);
        }
        numbered(&mut sections);
        Listing {
            kind: "distribution-list",
            title: "DISTRIBUTION",
            subject: self.manifest.to_string(),
            code: Some(self.manifest.to_string()),
            emphasis: format!("Run {}", self.date),
            subtitle: "Where each thing goes".to_owned(),
            facts: Vec::new(),
            notes: vec!["Scan the place, then each thing as you put it there.".to_owned()],
            columns: COLUMNS,
            section: "to",
            sections,
            blanks: &["Distributed by", "Date and time"],
            printed: &self.printed,
        }
    }
}
