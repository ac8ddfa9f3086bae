//! What the journal tells of a thing, in words.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Actor, Entry};
use crate::catalogue::{CatalogueError, JournalFilter, Place, View};
use crate::error::{Context, Error, Result};
use crate::id::{
    Barcode, CartridgeId, KeyId, LibraryId, SetDefinitionId, SetId, ThingId, VolumeId,
};
use crate::media::reconcile::place_words;

/// What is asked of the journal.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Which entries.
    pub filter: JournalFilter,
    /// How many at most, the newest; none: all.
    pub newest: Option<u64>,
}

/// An entry, with what it is about in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its number.
    pub sequence: u64,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Who did it, and where.
    pub actor: Actor,
    /// What happened.
    pub kind: String,
    /// Ids of what it is about.
    pub subjects: Map<String, Value>,
    /// The rest.
    pub details: Map<String, Value>,
    /// Its hash.
    pub hash: String,
    /// Subjects by name and details, in one line.
    pub words: String,
}

/// The entries asked for, oldest first.
///
/// # Errors
/// An entry cannot be read.
pub fn ask(view: &View<'_>, question: &Question) -> Result<Vec<Told>> {
    let limit = question.newest.unwrap_or(u32::MAX.into());
    let mut rows = view.journal_newest(&question.filter, limit)?;
    rows.reverse();
    let mut names = Names::default();
    rows.into_iter()
        .map(|row| {
            let entry = Entry::parse(&row.body).map_err(|error| {
                Error::failed(format!("entry {} cannot be read", row.sequence))
                    .because(error)
                    .hint("\"tapeward journal verify\" says whether it was changed")
            })?;
            Ok(Told {
                words: names.words(view, &entry)?,
                sequence: row.sequence,
                at: entry.at,
                actor: entry.actor,
                kind: entry.kind,
                subjects: entry.subjects,
                details: entry.details,
                hash: row.hash,
            })
        })
        .collect()
}

/// What entries about a cartridge or thing have as subject: everything that ever had this barcode,
/// the volumes that were ever on it, the barcode itself, and the steps that were done with it. Empty:
/// nobody knows it.
///
/// # Errors
/// An error of the database.
pub fn subjects_of_barcode(
    view: &View<'_>,
    barcode: &Barcode,
) -> Result<Vec<String>, CatalogueError> {
    let mut subjects = view.ids_by_barcode(barcode)?;
    if !subjects.is_empty() {
        subjects.push(barcode.to_string());
        subjects.extend(view.steps_about(&subjects)?);
    }
    Ok(subjects)
}

/// Names of subjects, looked up once.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn words(&mut self, view: &View<'_>, entry: &Entry) -> Result<String> {
        let mut words = String::new();
        for (noun, id) in &entry.subjects {
            // A step's number says nothing to anybody; what it was about is in the details.
            if noun == "step" {
                continue;
            }
            let name = self.name(view, noun, id)?;
            join(&mut words, noun, &name);
        }
        for (noun, value) in &entry.details {
            if let Ok(place) = serde_json::from_value::<Place>(value.clone()) {
                join(&mut words, noun, &place_words(view, &place)?);
                continue;
            }
            match value {
                Value::Null => {}
                Value::String(text) => join(&mut words, noun, text),
                Value::Object(fields) if fields.is_empty() => {}
                other => join(&mut words, noun, &other.to_string()),
            }
        }
        Ok(words)
    }

    fn name(&mut self, view: &View<'_>, noun: &str, id: &Value) -> Result<String> {
        let Value::String(id) = id else {
            return Ok(id.to_string());
        };
        if let Some(known) = self.0.get(id) {
            return Ok(known.clone());
        }
        let name = look_up(view, noun, id)
            .context("cannot look up what an entry is about")?
            .unwrap_or_else(|| id.clone());
        self.0.insert(id.clone(), name.clone());
        Ok(name)
    }
}

fn join(words: &mut String, noun: &str, name: &str) {
    let comma = if words.is_empty() { "" } else { ", " };
    // Writing to a String cannot fail.
    let _ = write!(words, "{comma}{} {name}", noun.replace('_', " "));
}

/// What people call it; none: it has no name, or the record does not know it (any more).
fn look_up(view: &View<'_>, noun: &str, id: &str) -> Result<Option<String>, CatalogueError> {
    let found = match noun {
        "cartridge" => id
            .parse()
            .ok()
            .map(|id: CartridgeId| Ok(view.cartridge(id)?.barcode.to_string())),
        "thing" => id
            .parse()
            .ok()
            .map(|id: ThingId| Ok(view.thing(id)?.barcode.to_string())),
        "volume" => id
            .parse()
            .ok()
            .map(|id: VolumeId| Ok(view.volume(id)?.serial.to_string())),
        "definition" => id
            .parse()
            .ok()
            .map(|id: SetDefinitionId| Ok(view.definition(id)?.name)),
        "set" => id.parse().ok().map(|id: SetId| {
            let set = view.set(id)?;
            let name = view.definition(set.definition)?.name;
            Ok(format!("{name} of {}", set.month))
        }),
        "key" => id.parse().ok().map(|id: KeyId| Ok(view.key(id)?.name)),
        "library" => id
            .parse()
            .ok()
            .map(|id: LibraryId| Ok(view.library(id)?.name)),
        _ => None,
    };
    match found {
        Some(Err(CatalogueError::NotFound { .. })) | None => Ok(None),
        Some(other) => other.map(Some),
    }
}
