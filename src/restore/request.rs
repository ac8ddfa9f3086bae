//! What is asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::select::Selection;
use crate::app::App;
use crate::archive::extract::ExtractOptions;
use crate::archive::header::MemberHeader;
use crate::archive::member::SetForm;
use crate::archive::problem::show;
use crate::catalogue::{BackupSet, ProofKind, Segment};
use crate::error::{Context, Error, Result};
use crate::id::{CopyNumber, SetId};
use crate::index::IndexReader;
use crate::key::Identities;

/// Where what is restored goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "path", rename_all = "kebab-case")]
pub enum Destination {
    /// Below a folder, which is made if need be.
    Folder(PathBuf),
    /// A pax stream to this file; to standard output without one. What one command wrote goes
    /// there as it is.
    Tar(Option<PathBuf>),
    /// Nowhere: everything is read and its digests are compared.
    Nowhere,
}

impl Destination {
    /// In words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Folder(path) | Self::Tar(Some(path)) => path.display().to_string(),
            Self::Tar(None) => "standard output".to_owned(),
            Self::Nowhere => "nowhere".to_owned(),
        }
    }

    /// The folder, if it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Tar(_) | Self::Nowhere => None,
        }
    }
}

/// Whether to wait for drives and cartridges that a run of this record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until it gives way or is done.
    ForRuns,
    /// Not at all.
    No,
}

/// What to restore.
#[derive(Debug)]
pub struct Request {
    /// The sets. More than one go into folders of their own, named by what they are sets of.
    pub sets: Vec<BackupSet>,
    /// Paths below the sets' roots and patterns; all of it when empty.
    pub paths: Vec<Vec<u8>>,
    /// Where to.
    pub to: Destination,
    /// Only this copy.
    pub copy: Option<CopyNumber>,
    /// What to do with what is there already, and what to keep.
    pub options: ExtractOptions,
    /// Most drives to use at once.
    pub drives: usize,
    /// What to do when others hold what it needs.
    pub wait: Wait,
    /// A file for the list of all problems.
    pub problems: Option<PathBuf>,
    /// Who can decrypt it.
    pub identities: Arc<Identities>,
    /// What it proves of the keys it took.
    pub proof: ProofKind,
}

/// What a later process needs to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Ids of the sets.
    pub sets: Vec<SetId>,
    /// As in [`Request::paths`].
    pub paths: Vec<Vec<u8>>,
    /// Where to.
    pub to: Destination,
    /// Only this copy.
    pub copy: Option<CopyNumber>,
    /// As in [`Request::options`].
    pub options: ExtractOptions,
    /// When it was begun.
    pub begun: DateTime<Utc>,
}

/// A set of which something is wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) set: BackupSet,
    /// What it is a set of.
    pub(super) name: String,
    /// Folder below the destination; empty when there is one set only.
    pub(super) below: Vec<u8>,
    pub(super) index: IndexReader,
    pub(super) segments: Vec<Segment>,
    pub(super) selection: Selection,
    /// The header that the only member of a set does not have when it is what a command wrote.
    pub(super) stream: Option<MemberHeader>,
}

impl Wanted {
    /// A path of the set below the destination.
    pub(super) fn place(&self, path: &[u8]) -> Vec<u8> {
        match (self.below.is_empty(), path) {
            (true, _) => path.to_vec(),
            (false, b".") => self.below.clone(),
            (false, _) => [&self.below, path].join(&b'/'),
        }
    }

    /// A path of the set in a message.
    pub(super) fn show(&self, path: &[u8]) -> String {
        show(&self.place(path))
    }
}

fn stream_header(set: &BackupSet, index: &IndexReader) -> Result<Option<MemberHeader>> {
    if set.form == SetForm::Tree {
        return Ok(None);
    }
    let row = index
        .entries()
        .next()
        .ok_or_else(|| Error::failed(format!("the index of set {} is empty", set.id)))?;
    let row = row.context("the set's index cannot be read")?;
    Ok(Some(MemberHeader::of_entry(&row)))
}

impl Request {
    /// Opens the indexes and finds what is asked for.
    ///
    /// # Errors
    /// A set that is not complete, a copy that does not exist, no identity that opens it, a path
    /// that is in none of the sets.
    pub(super) fn open(&self, app: &App) -> Result<Vec<Wanted>> {
        let mut all: Vec<Wanted> = Vec::new();
        for set in &self.sets {
            let stored = set.index.as_ref().ok_or_else(|| {
                Error::usage(format!("set {} is not complete on tape", set.id))
                    .hint("\"tapeward job list\" shows what is under way")
            })?;
            let path = app.indexes().join(&stored.file);
            let index = IndexReader::open(&path)
                .context(format!("cannot read the index {}", path.display()))?;
            let (name, segments) = app.catalogue.read(|view| {
                let name = view.definition(set.definition)?.name;
                Ok::<_, Error>((name, view.segments(set.id)?))
            })?;
            let selection = Selection::new(&index, &segments, &self.paths, &app.indexes())?;
            let below = match self.sets.len() {
                1 => String::new(),
                _ if all.iter().any(|other| other.name == name) => format!("{name}-{}", set.id),
                _ => name.clone(),
            };
            all.push(Wanted {
                stream: stream_header(set, &index)?,
                set: set.clone(),
                name,
                below: below.into_bytes(),
                index,
                segments,
                selection,
            });
        }
        for path in &self.paths {
            let nowhere = |wanted: &Wanted| wanted.selection.unmatched().contains(path);
            if all.iter().all(nowhere) {
                let which = if all.len() == 1 {
                    "the set"
                } else {
                    "any of the sets"
                };
                return Err(Error::usage(format!("{} is not in {which}", show(path)))
                    .hint("\"tapeward find\" shows what is"));
            }
        }
        for wanted in &all {
            self.can_be_read(app, wanted)?;
        }
        Ok(all)
    }

    /// The copy asked for exists, and somebody can decrypt it.
    fn can_be_read(&self, app: &App, wanted: &Wanted) -> Result<()> {
        let (set, name) = (&wanted.set, &wanted.name);
        let (copies, keys) = app.catalogue.read(|view| {
            let keys = set
                .recipients
                .iter()
                .map(|key| view.key(*key))
                .collect::<Result<Vec<_>, _>>()?;
            Ok::<_, Error>((view.set_copies(set.id)?, keys))
        })?;
        if let Some(asked) = self.copy
            && copies.iter().all(|copy| copy.copy != asked)
        {
            return Err(
                Error::usage(format!("set {name} ({}) has no copy {asked}", set.id))
                    .hint(format!("\"tapeward set show {name}\" shows which it has")),
            );
        }
        if keys.is_empty() {
            return Ok(());
        }
        self.identities
            .must_open(&format!("set {name} ({})", set.id), &keys)
    }

    /// What a later process needs.
    pub(super) fn order(&self, begun: DateTime<Utc>) -> Order {
        Order {
            sets: self.sets.iter().map(|set| set.id).collect(),
            paths: self.paths.clone(),
            to: self.to.clone(),
            copy: self.copy,
            options: self.options,
            begun,
        }
    }
}
