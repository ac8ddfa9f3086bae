//! What is called home from a vault: a recall, or the sheet for the night when nobody can ask this program, printed
//! every month for the safe.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Printed;
use super::list::{BARCODE, List, ListColumn, Listing, Section, numbered, text, tick};
use super::manifest::Urgency;
use crate::id::Barcode;
use crate::id::Code;
use crate::progress::counted;

/// A recall list or call-out sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallList {
    /// What it is for.
    pub purpose: RecallPurpose,
    /// Name of the vault.
    pub vault: String,
    /// Our number with it.
    pub customer_number: String,
    /// Its telephone for emergencies.
    pub emergency_line: String,
    /// Where it delivers to.
    pub deliver_to: String,
    /// Who may ask for media.
    pub authorised: Vec<Authorised>,
    /// What is recalled, or all that is there.
    pub items: Vec<RecallItem>,
    /// Who printed.
    pub printed: Printed,
}

/// What a list is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecallPurpose {
    /// These are recalled.
    Recall {
        /// Who decided it.
        authorised_by: String,
        /// Why.
        reason: String,
        /// When they are needed.
        wanted: NaiveDate,
        /// Whether somebody must come at night for it.
        urgency: Urgency,
    },
    /// For the safe: all that is there, and whom to call.
    CallOut,
}

/// Somebody who may ask for media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorised {
    /// Name.
    pub name: String,
    /// Telephone.
    pub telephone: String,
    /// How the vault knows it is them; never a secret.
    pub known_by: String,
}

/// One cartridge in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallItem {
    /// Which.
    pub barcode: Barcode,
    /// For example "LTO-8".
    pub media_type: String,
    /// The case it is in.
    pub case: Option<Code>,
    /// Its slot in the vault.
    pub position: String,
    /// What is on it.
    pub content: String,
}

const COLUMNS: &[ListColumn] = &[
    text("line", "No.", Some(10.0)),
    BARCODE,
    text("media_type", "Media", Some(18.0)),
    text("case", "Case", Some(19.0)),
    text("position", "Slot", Some(22.0)),
    text("content", "Content", None),
    tick("Wanted", 13.0),
];

impl List for RecallList {
    fn listing(&self) -> Listing<'_> {
        let count = counted(self.items.len() as u64, "cartridge", "cartridges");
        let (kind, title, emphasis, subtitle) = match &self.purpose {
            RecallPurpose::Recall { urgency, .. } => (
                "recall-list",
                "RECALL",
                match urgency {
                    Urgency::Urgent => "URGENT".to_owned(),
                    Urgency::Routine => "With the next run".to_owned(),
                },
                count.clone(),
            ),
            RecallPurpose::CallOut => (
                "call-out-sheet",
                "CALL-OUT",
                format!("State of {}", self.printed.at.format("%Y-%m-%d")),
                "For the safe. Replaces the last month's sheet".to_owned(),
            ),
        };
        let mut sections = vec![Section {
            name: self.vault.clone(),
            title: format!("{}: {count}", self.vault),
            rows: self.items.iter().map(cells).collect(),
        }];
        numbered(&mut sections);
        Listing {
            kind,
            title,
            subject: self.vault.clone(),
            code: None,
            emphasis,
            subtitle,
            facts: self.facts(),
            notes: self.notes(),
            columns: COLUMNS,
            section: "vault",
            sections,
            blanks: &[
                "Called by",
                "Date and time",
                "Spoke to",
                "Their reference",
                "Promised for",
                "Authorised by (signature)",
            ],
            printed: &self.printed,
        }
    }
}

impl RecallList {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("Emergency line", self.emergency_line.clone()),
            ("Customer number", self.customer_number.clone()),
            ("Deliver to", self.deliver_to.clone()),
        ];
        if let RecallPurpose::Recall {
            authorised_by,
            reason,
            wanted,
            ..
        } = &self.purpose
        {
            facts.push(("Wanted", wanted.to_string()));
            facts.push(("Authorised by", authorised_by.clone()));
            facts.push(("Reason", reason.clone()));
        }
        let people: Vec<String> = self
            .authorised
            .iter()
            .map(|one| format!("{}, {} ({})", one.name, one.telephone, one.known_by))
            .collect();
        facts.push(("May ask for media", people.join("; ")));
        facts
    }

    fn notes(&self) -> Vec<String> {
        let first = match &self.purpose {
            RecallPurpose::Recall { .. } => {
                "Call the emergency line and read out every barcode below."
            }
            RecallPurpose::CallOut => {
                "Tick what is wanted, call the emergency line, give the customer number and read \
                 out every barcode that is ticked."
            }
        };
        let rest = [
            "Have the list read back to you. Write down who answered, their reference and when they come.",
            "Check barcodes and seals when they arrive, and enter the recall with \"courier recall\" as soon \
             as that can be done.",
        ];
        std::iter::once(first)
            .chain(rest)
            .map(str::to_owned)
            .collect()
    }
}

fn cells(item: &RecallItem) -> Vec<String> {
    vec![
        item.barcode.to_string(),
        item.media_type.clone(),
        item.case
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        item.position.clone(),
        item.content.clone(),
        String::new(),
    ]
}
