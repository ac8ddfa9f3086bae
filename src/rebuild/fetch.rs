//! What the record still needs from tapes: descriptions of segments, and indexes of sets.

use std::collections::{BTreeMap, BTreeSet};

use super::indexes::{self, Extent, ReadIndex};
use super::survey::Surveyed;
use super::{Report, Request};
use crate::app::App;
use crate::archive::member::SegmentNumber;
use crate::catalogue::{SetState, StoredIndex};
use crate::error::{ErrorKind, Result};
use crate::id::SetId;
use crate::index::IndexReader;
use crate::job::Drives;
use crate::job::step::RunContext;
use crate::progress::Event;
use crate::tape::document::PartDocument;
use crate::tape::volume::VolumeReader;
use crate::tape::{FileKind, TapeFile};

/// A segment of a set.
pub(super) type SegmentOf = (SetId, SegmentNumber);

/// What is to be read.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Segments the record does not know.
    parts: BTreeSet<SegmentOf>,
    /// Sets without their index.
    indexes: BTreeSet<SetId>,
    /// Those of them that the record has as complete: only their own index will do.
    complete: BTreeSet<SetId>,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub(super) parts: BTreeMap<SegmentOf, PartDocument>,
    pub(super) indexes: BTreeMap<SetId, ReadIndex>,
    /// Sets whose index is on tape, and nobody at hand can decrypt it.
    pub(super) sealed: BTreeSet<SetId>,
}

impl Wanted {
    /// What the tapes have and the record lacks.
    pub(super) fn find(app: &App, surveys: &[Surveyed]) -> Result<Self> {
        let mut wanted = Self::default();
        let (sets, segments) = app.catalogue.read(|view| {
            let sets = view.sets()?;
            let mut segments = BTreeSet::new();
            for set in &sets {
                let rows = view.segments(set.id)?;
                segments.extend(rows.into_iter().map(|row| (set.id, row.number)));
            }
            Ok::<_, crate::catalogue::CatalogueError>((sets, segments))
        })?;
        let sets: BTreeMap<SetId, _> = sets.into_iter().map(|set| (set.id, set)).collect();
        for surveyed in surveys {
            for files in surveyed.segments() {
                let (Some(set), Some(segment)) = (files.data.set, files.data.segment) else {
                    continue;
                };
                if !segments.contains(&(set, segment)) {
                    wanted.parts.insert((set, segment));
                }
                let lacks_index = sets
                    .get(&set)
                    .is_none_or(|set| match (set.state, &set.index) {
                        (SetState::Sealed, _) => true,
                        // Made of parts when its own was not found.
                        (SetState::Failed, Some(stored)) => !has_origin(app, stored),
                        (_, Some(stored)) => !app.indexes().join(&stored.file).exists(),
                        (_, None) => false,
                    });
                if lacks_index {
                    wanted.indexes.insert(set);
                    let complete = sets
                        .get(&set)
                        .is_some_and(|set| set.state == SetState::Complete);
                    if complete {
                        wanted.complete.insert(set);
                    }
                }
            }
        }
        Ok(wanted)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.indexes.is_empty()
    }
}

fn has_origin(app: &App, stored: &StoredIndex) -> bool {
    IndexReader::open(&app.indexes().join(&stored.file))
        .is_ok_and(|index| index.header().origin.is_some())
}

/// Reads it, cartridge by cartridge. What cannot be read is in the report.
pub(super) fn all(
    context: &RunContext,
    drives: &mut Drives,
    surveys: &[Surveyed],
    wanted: &Wanted,
    request: &Request,
    report: &mut Report,
) -> Result<Fetched> {
    let mut work = Work {
        context,
        wanted,
        request,
        fetched: Fetched::default(),
        waiting: BTreeSet::new(),
    };
    for surveyed in surveys {
        if work.has_something_on(surveyed) {
            work.visit(drives, surveyed, report, Work::descriptions)?;
        }
    }
    work.waiting = work.without_index();
    for surveyed in surveys {
        if work.has_parts_on(surveyed) {
            work.visit(drives, surveyed, report, Work::index_parts)?;
        }
    }
    work.merge(report);
    Ok(work.fetched)
}

struct Work<'a> {
    context: &'a RunContext,
    wanted: &'a Wanted,
    request: &'a Request,
    fetched: Fetched,
    /// Sets whose index has to be made of its parts.
    waiting: BTreeSet<SetId>,
}

impl Work<'_> {
    fn app(&self) -> &App {
        &self.context.app
    }

    fn visit(
        &mut self,
        drives: &mut Drives,
        surveyed: &Surveyed,
        report: &mut Report,
        read: impl FnOnce(&mut Self, &mut VolumeReader, &Surveyed, &mut Report) -> Result<()>,
    ) -> Result<()> {
        self.app().interrupt.check()?;
        self.app().say(format!("reading from {}", surveyed.barcode));
        let outcome = drives.with_reader_of(&surveyed.barcode, &surveyed.header, |reader| {
            read(self, reader, surveyed, report)
        });
        match outcome {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Interrupted | ErrorKind::OperatorNeeded
                ) || drives.available() == 0 =>
            {
                return Err(error);
            }
            Err(error) => report
                .problems
                .push(format!("{}: {error}", surveyed.barcode)),
            Ok(()) => {}
        }
        drives.unmount(&surveyed.barcode, None)
    }

    fn wanted_part(&self, file: &TapeFile) -> Option<SegmentOf> {
        let of = (file.set?, file.segment?);
        let open = self.wanted.parts.contains(&of) && !self.fetched.parts.contains_key(&of);
        (file.kind == FileKind::PartDescription && open).then_some(of)
    }

    fn wanted_index(&self, file: &TapeFile) -> Option<SetId> {
        let set = file.set?;
        let open = self.wanted.indexes.contains(&set) && !self.fetched.indexes.contains_key(&set);
        (file.kind == FileKind::SetIndex && open).then_some(set)
    }

    fn has_something_on(&self, surveyed: &Surveyed) -> bool {
        surveyed
            .files
            .iter()
            .any(|file| self.wanted_part(file).is_some() || self.wanted_index(file).is_some())
    }

    fn descriptions(
        &mut self,
        reader: &mut VolumeReader,
        surveyed: &Surveyed,
        report: &mut Report,
    ) -> Result<()> {
        let task = format!("reading {}", surveyed.barcode);
        for (number, file) in surveyed.files.iter().enumerate() {
            self.app().interrupt.check()?;
            let (part, set) = (self.wanted_part(file), self.wanted_index(file));
            if part.is_none() && set.is_none() {
                continue;
            }
            if let Some(of) = part {
                match reader.read_part(file) {
                    Ok(part) => {
                        self.fetched.parts.insert(of, part);
                    }
                    Err(error) => report.problems.push(format!(
                        "{}: tape file {} cannot be read: {error}",
                        surveyed.barcode, file.tape_file
                    )),
                }
            }
            if let Some(set) = set {
                self.index(reader, surveyed, set, file, report);
            }
            self.app().watcher.event(Event::Progress {
                task: task.clone(),
                bytes: 0,
                total: None,
                files: number as u64 + 1,
            });
        }
        self.app().watcher.event(Event::ProgressEnd { task });
        Ok(())
    }

    fn index(
        &mut self,
        reader: &mut VolumeReader,
        surveyed: &Surveyed,
        set: SetId,
        file: &TapeFile,
        report: &mut Report,
    ) {
        let encrypted = file.codec().is_ok_and(|codec| codec.is_age());
        if encrypted && self.request.identities.is_empty() {
            self.fetched.sealed.insert(set);
            return;
        }
        match indexes::read_whole(self.app(), reader, set, file, &self.request.identities) {
            Ok(read) => {
                self.fetched.sealed.remove(&set);
                self.fetched.indexes.insert(set, read);
            }
            Err(error) => {
                if encrypted {
                    self.fetched.sealed.insert(set);
                }
                report.problems.push(format!(
                    "{}: the index of set {set} in tape file {} cannot be read: {error}",
                    surveyed.barcode, file.tape_file
                ));
            }
        }
    }

    /// Sets whose index was on no tape, or could not be read, though there may be a key.
    fn without_index(&self) -> BTreeSet<SetId> {
        if self.request.identities.is_empty() {
            return BTreeSet::new();
        }
        self.wanted
            .indexes
            .iter()
            .copied()
            .filter(|set| {
                !self.fetched.indexes.contains_key(set) && !self.wanted.complete.contains(set)
            })
            .collect()
    }

    fn waiting_part(&self, file: &TapeFile) -> Option<SegmentOf> {
        let (set, segment) = (file.set?, file.segment?);
        let open = file.kind == FileKind::IndexPart
            && self.waiting.contains(&set)
            && !indexes::part_path(self.app(), set, segment.0).exists();
        open.then_some((set, segment))
    }

    fn has_parts_on(&self, surveyed: &Surveyed) -> bool {
        let mut files = surveyed.files.iter();
        files.any(|file| self.waiting_part(file).is_some())
    }

    fn index_parts(
        &mut self,
        reader: &mut VolumeReader,
        surveyed: &Surveyed,
        report: &mut Report,
    ) -> Result<()> {
        for file in &surveyed.files {
            self.app().interrupt.check()?;
            let Some((set, segment)) = self.waiting_part(file) else {
                continue;
            };
            let path = indexes::part_path(self.app(), set, segment.0);
            let read = indexes::read_part(reader, file, &self.request.identities, &path);
            if let Err(error) = read {
                report.problems.push(format!(
                    "{}: the index part in tape file {} cannot be read: {error}",
                    surveyed.barcode, file.tape_file
                ));
            }
        }
        Ok(())
    }

    /// An index of the parts there are, up to the first that is missing.
    fn merge(&mut self, report: &mut Report) {
        for set in std::mem::take(&mut self.waiting) {
            let path = |segment| indexes::part_path(self.app(), set, segment);
            let segments = (0..u32::MAX)
                .take_while(|segment| path(*segment).exists())
                .count();
            let segments = u32::try_from(segments).unwrap_or(u32::MAX);
            if segments == 0 {
                continue;
            }
            match indexes::merge_parts(self.app(), set, segments) {
                Ok(read) => {
                    debug_assert_eq!(read.extent, Extent::Segments(segments));
                    self.fetched.sealed.remove(&set);
                    self.fetched.indexes.insert(set, read);
                }
                Err(error) => report
                    .problems
                    .push(format!("the index of set {set} cannot be made: {error}")),
            }
            let folder = self.app().indexes().join(format!("{set}.parts"));
            if let Err(error) = std::fs::remove_dir_all(&folder) {
                tracing::warn!(%error, folder = %folder.display(), "cannot remove");
            }
        }
    }
}
