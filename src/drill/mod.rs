//! Drills: files drawn by lot from the volumes that were proved least recently are restored to
//! nowhere, and what came of it is on record. The draw can be computed again by anybody who has the
//! seed: of the files of a volume those are taken whose SHA-256 of seed, volume, set and path, with
//! a newline between each, is least.

mod run;

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::archive::member::{IndexEntry, MemberKind, MemberState};
use crate::archive::problem::show;
use crate::catalogue::{
    BackupSet, ElementKind, Place, SegmentCopyState, SetState, Step, StepState, View, Volume,
};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, CopyNumber, LibraryId, SetId, VolumeId};
use crate::index::IndexReader;
use crate::media::reconcile::place_words;

pub use run::{Held, Pending, Report, Tested, held, resume, run};

/// Reading what was drawn from a volume. Intent: the line of the draw. Observation: [`Tested`].
const DRILL: &str = "drill";

/// How is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What makes the draw; anything.
    pub seed: String,
    /// Volumes at most.
    pub volumes: usize,
    /// Files of each at most.
    pub files: usize,
    /// Only volumes in this library, not in its import/export elements.
    pub only_in: Option<LibraryId>,
}

/// A draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// What made it.
    pub seed: String,
    /// The volumes, the one that waits longest first.
    pub volumes: Vec<Line>,
}

/// What was drawn from a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its cartridge.
    pub barcode: Barcode,
    /// The volume.
    pub volume: VolumeId,
    /// Where the cartridge was, in words.
    pub place: String,
    /// When something on it was last decrypted or drilled.
    pub proved_at: Option<DateTime<Utc>>,
    /// Since when there is something on it.
    pub written_at: DateTime<Utc>,
    /// Files that might have been drawn.
    pub candidates: u64,
    /// Those that were.
    pub files: Vec<Drawn>,
}

/// A file that was drawn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Drawn {
    /// Hexadecimal SHA-256 it was drawn by.
    pub lot: String,
    /// Its set.
    pub set: SetId,
    /// What that is a set of.
    pub name: String,
    /// The copy that is on the volume.
    pub copy: CopyNumber,
    /// Its path.
    pub path: RawPath,
    /// Bytes.
    pub size: u64,
}

/// A path: as text where it is text, else its bytes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RawPath {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Bytes {
        /// Two digits for each byte.
        hex: String,
    },
}

impl RawPath {
    fn new(path: &[u8]) -> Self {
        match std::str::from_utf8(path) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes { hex: hex(path) },
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Bytes { hex } => {
                let digits = hex.as_bytes().chunks(2);
                let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                digits.filter_map(byte).collect()
            }
        }
    }
}

impl std::fmt::Display for RawPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&show(&self.bytes()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // into memory
        text
    })
}

fn lot(seed: &str, volume: VolumeId, set: SetId, path: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(format!("{seed}\n{volume}\n{set}\n"));
    hasher.update(path);
    hasher.finalize().into()
}

/// A volume and what is known of it.
#[derive(Debug)]
struct Facts {
    volume: Volume,
    barcode: Barcode,
    place: String,
    proved_at: Option<DateTime<Utc>>,
    written_at: DateTime<Utc>,
    /// What it has whole of each set.
    parts: Vec<Part>,
}

/// What a volume has of a set.
#[derive(Debug)]
struct Part {
    set: BackupSet,
    name: String,
    copy: CopyNumber,
    /// Stretches of stream on it, in order, not touching.
    stretches: Vec<(u64, u64)>,
    /// Stream offset of each segment.
    offsets: Vec<u64>,
}

/// Draws, and records nothing.
///
/// # Errors
/// An index that cannot be read; no volume with a file on it.
pub fn draw(app: &App, rule: &Rule) -> Result<Draw> {
    let facts = app.catalogue.read(|view| volumes(view, rule))?;
    let mut lines = Vec::new();
    for facts in facts {
        if lines.len() == rule.volumes {
            break;
        }
        app.interrupt.check()?;
        let line = line(app, &rule.seed, rule.files, facts)?;
        // A cartridge may hold the middle of one large file only.
        if !line.files.is_empty() {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return Err(
            Error::usage("no volume holds a whole file of a complete set")
                .hint("\"tapeward media list\" shows what is on which"),
        );
    }
    Ok(Draw {
        seed: rule.seed.clone(),
        volumes: lines,
    })
}

/// Volumes with something on them, those proved least recently first.
fn volumes(view: &View<'_>, rule: &Rule) -> Result<Vec<Facts>> {
    let mut proved: BTreeMap<VolumeId, DateTime<Utc>> = BTreeMap::new();
    let proofs = view.newest_proofs()?.into_iter();
    let proofs = proofs.map(|proof| (proof.volume, proof.at));
    // What is in clear has no key to prove.
    let drilled = view.steps_of_kind(&DRILL.parse()?)?;
    let drilled = drilled
        .iter()
        .filter_map(|step| Some((tested(step)?.volume, step.finished_at?)));
    for (volume, at) in proofs.chain(drilled) {
        let newest = proved.entry(volume).or_insert(at);
        *newest = at.max(*newest);
    }
    let mut all = Vec::new();
    for volume in view.volumes()? {
        let cartridge = view.cartridge(volume.cartridge)?;
        let here = |library| {
            matches!(cartridge.place, Place::Element { library: there, kind, .. }
                if there == library && kind != ElementKind::ImportExport)
        };
        if rule.only_in.is_some_and(|library| !here(library)) {
            continue;
        }
        let rows = view.segment_copies_on(volume.id)?;
        let Some(written_at) = rows.iter().map(|row| row.committed_at).min() else {
            continue;
        };
        let live = rows.iter().filter(|row| {
            matches!(
                row.state,
                SegmentCopyState::Committed | SegmentCopyState::Verified
            )
        });
        let of: BTreeSet<(SetId, CopyNumber)> =
            live.clone().map(|row| (row.set, row.copy)).collect();
        let mut parts = Vec::new();
        for (set, copy) in of {
            let here = live
                .clone()
                .filter(|row| (row.set, row.copy) == (set, copy));
            let numbers = here.map(|row| row.segment.0).collect();
            parts.extend(part(view, set, copy, &numbers)?);
        }
        if !parts.is_empty() {
            all.push(Facts {
                place: place_words(view, &cartridge.place)?,
                barcode: cartridge.barcode,
                proved_at: proved.get(&volume.id).copied(),
                written_at,
                volume,
                parts,
            });
        }
    }
    all.sort_by_cached_key(|facts| {
        let id = facts.volume.id;
        let mut hasher = Sha256::new();
        hasher.update(format!("{}\n{id}", rule.seed));
        let lot: [u8; 32] = hasher.finalize().into();
        (facts.proved_at, facts.written_at, lot)
    });
    Ok(all)
}

/// What a volume with these segments has of a set; none of one that is not complete.
fn part(
    view: &View<'_>,
    set: SetId,
    copy: CopyNumber,
    numbers: &BTreeSet<u32>,
) -> Result<Option<Part>> {
    let set = view.set(set)?;
    if set.state != SetState::Complete || set.index.is_none() {
        return Ok(None);
    }
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    let mut offsets = Vec::new();
    for segment in view.segments(set.id)? {
        let start = segment.stream_offset;
        let end = start + segment.plaintext_length;
        offsets.push(start);
        if !numbers.contains(&segment.number.0) {
            continue;
        }
        match stretches.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => stretches.push((start, end)),
        }
    }
    Ok(Some(Part {
        name: view.definition(set.definition)?.name,
        set,
        copy,
        stretches,
        offsets,
    }))
}

impl Part {
    /// Whether all of a member is on the volume.
    fn has(&self, entry: &IndexEntry) -> bool {
        let number = usize::try_from(entry.address.segment.0).unwrap_or(usize::MAX);
        let Some(offset) = self.offsets.get(number) else {
            return false;
        };
        let start = offset + entry.address.offset;
        let after = self.stretches.partition_point(|stretch| stretch.0 <= start);
        let stretch = after.checked_sub(1).map(|last| self.stretches[last]);
        stretch.is_some_and(|stretch| start + entry.length <= stretch.1)
    }
}

/// Draws from a volume. Memory holds what is drawn, whatever the number of files.
fn line(app: &App, seed: &str, count: usize, facts: Facts) -> Result<Line> {
    let mut drawn: BinaryHeap<Drawn> = BinaryHeap::new();
    let mut candidates = 0;
    for part in &facts.parts {
        let Some(stored) = &part.set.index else {
            continue;
        };
        let path = app.indexes().join(&stored.file);
        let what = || format!("cannot read the index {}", path.display());
        let index = IndexReader::open(&path).context(what())?;
        for entry in index.entries() {
            let entry = entry.context(what())?;
            let is_file = entry.kind == MemberKind::File
                && entry.digest.is_some()
                && entry.state != MemberState::Superseded;
            if !is_file || !part.has(&entry) {
                continue;
            }
            candidates += 1;
            let lot = hex(&lot(seed, facts.volume.id, part.set.id, &entry.path));
            let full = drawn.len() >= count;
            if full && drawn.peek().is_none_or(|worst| worst.lot <= lot) {
                continue;
            }
            if full {
                drawn.pop();
            }
            drawn.push(Drawn {
                lot,
                set: part.set.id,
                name: part.name.clone(),
                copy: part.copy,
                path: RawPath::new(&entry.path),
                size: entry.size,
            });
        }
    }
    Ok(Line {
        barcode: facts.barcode,
        volume: facts.volume.id,
        place: facts.place,
        proved_at: facts.proved_at,
        written_at: facts.written_at,
        candidates,
        files: drawn.into_sorted_vec(),
    })
}

/// What came of a step that is done.
fn tested(step: &Step) -> Option<Tested> {
    let observation = step
        .observation
        .clone()
        .filter(|_| step.state == StepState::Done)?;
    serde_json::from_value(observation).ok()
}
