//! What the state machine asks of the record, or of a list that was written out.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::task::Task;
use crate::catalogue::{MovementState, Place};
use crate::error::Result;
use crate::id::{Barcode, PersonCode, PlaceCode};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A cartridge.
    Cartridge,
    /// A case.
    Case,
    /// Anything else.
    Thing,
}

/// An item on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What is printed on it.
    pub barcode: Barcode,
    /// What it is.
    pub what: What,
    /// Where it is.
    pub place: Place,
    /// Where it is to go.
    pub way: Option<Way>,
}

/// Where an item is to go: its open movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// From.
    pub origin: Place,
    /// To.
    pub destination: Place,
    /// How far it is.
    pub state: MovementState,
    /// By when.
    pub due: NaiveDate,
    /// Whether it is a line of a courier run.
    pub on_run: bool,
    /// The case it travels in.
    pub case: Option<Barcode>,
}

/// A case as a courier run has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packing {
    /// How many it holds.
    pub holds: Option<u32>,
    /// Whether it is sealed.
    pub sealed: bool,
    /// What is in it now.
    pub inside: Vec<Barcode>,
}

/// Whether a PIN is a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is.
    Right,
    /// It is not.
    Wrong,
    /// The person has none.
    NoPin,
    /// It cannot be proved here, and is not asked for.
    NotAsked,
}

/// Somebody with a badge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The name.
    pub name: String,
    /// Whether the person has left.
    pub left: bool,
}

/// What a scan is judged by.
pub trait Lookups {
    /// The person with this badge.
    ///
    /// # Errors
    /// The record cannot be read; so for all of these.
    fn holder(&self, code: &PersonCode) -> Result<Option<Holder>>;
    /// Whether the badge is enough where this is.
    fn asks_pin(&self) -> bool;
    /// Whether this is the person's PIN.
    fn prove(&self, code: &PersonCode, pin: &str) -> Result<Proof>;
    /// What the person was in the middle of, here.
    fn earlier(&self, code: &PersonCode) -> Result<Option<Task>>;
    /// The item with exactly this barcode.
    fn item(&self, barcode: &Barcode) -> Result<Option<Known>>;
    /// The item that has two more characters behind these, if it is one only.
    fn longer(&self, barcode: &Barcode) -> Result<Option<Barcode>>;
    /// The place with this code.
    fn place(&self, code: &PlaceCode) -> Result<Option<Place>>;
    /// A case and what is in it.
    fn packing(&self, case: &Barcode) -> Result<Option<Packing>>;
    /// Why an item may not be put in a place, as word and sentence.
    fn objection(&self, item: &Known, place: &PlaceCode) -> Result<Option<Objection>>;
    /// What is on its way, or to go, by its open movements.
    fn under_way(&self) -> Result<Vec<Known>>;
    /// What is in a place.
    fn kept(&self, place: &Place) -> Result<Vec<Barcode>>;
}

/// Why an item may not be put in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// In capitals.
    pub word: &'static str,
    /// In words.
    pub sentence: String,
}

/// Where something is, in a sentence.
#[must_use]
pub fn words(place: &Place) -> String {
    match place {
        Place::Element { .. } => "in the library".to_owned(),
        Place::Outside => "in somebody's hands".to_owned(),
        Place::InTransit => "with the courier".to_owned(),
        Place::Kept { code, .. } => format!("in {code}"),
        Place::Case { case } => format!("in case {case}"),
        Place::Person { person } => format!("with {person}"),
        Place::Missing => "missing".to_owned(),
        Place::Unknown => "nowhere yet".to_owned(),
    }
}
