//! What a cartridge says is on it.

use chrono::{DateTime, Utc};

use super::Report;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::Barcode;
use crate::job::Drives;
use crate::job::step::RunContext;
use crate::progress::Event;
use crate::tape::document::{Directory, VolumeHeader};
use crate::tape::layout::{FileSequence, SegmentFiles};
use crate::tape::volume::{Identified, VolumeReader, identify};
use crate::tape::{FileKind, TapeFile, VolumeError};

/// A volume that was looked at.
#[derive(Debug)]
pub(super) struct Surveyed {
    pub(super) barcode: Barcode,
    pub(super) header: VolumeHeader,
    pub(super) worm: bool,
    /// Every file that counts, in tape order.
    pub(super) files: Vec<TapeFile>,
    /// When its newest directory was written, else when it was labelled.
    pub(super) written: DateTime<Utc>,
    /// Whether the end of what was written was found.
    pub(super) whole: bool,
}

impl Surveyed {
    /// Snapshots of the catalogue on it.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &TapeFile> {
        self.files
            .iter()
            .filter(|file| file.kind == FileKind::Catalogue)
    }

    /// The segments on it that count: data, description and index part behind each other.
    pub(super) fn segments(&self) -> impl Iterator<Item = SegmentFiles> {
        self.files.windows(3).filter_map(|three| {
            let [data, part, index] = three else {
                return None;
            };
            let same = [part, index]
                .iter()
                .all(|file| file.set == data.set && file.segment == data.segment);
            let kinds = [data.kind, part.kind, index.kind];
            let expected = [
                FileKind::Segment,
                FileKind::PartDescription,
                FileKind::IndexPart,
            ];
            (same && kinds == expected).then(|| SegmentFiles {
                data: data.clone(),
                part: part.clone(),
                index: index.clone(),
            })
        })
    }
}

/// Looks at every cartridge; one that cannot be looked at is in the report.
pub(super) fn all(
    context: &RunContext,
    drives: &mut Drives,
    barcodes: &[Barcode],
    report: &mut Report,
) -> Result<Vec<Surveyed>> {
    let app = &context.app;
    let task = "looking at cartridges".to_owned();
    let mut surveys = Vec::new();
    for (number, barcode) in barcodes.iter().enumerate() {
        app.interrupt.check()?;
        app.watcher.event(Event::Progress {
            task: task.clone(),
            bytes: 0,
            total: None,
            files: number as u64,
        });
        match one(drives, barcode, report) {
            Ok(Some(surveyed)) => surveys.push(surveyed),
            Ok(None) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Interrupted | ErrorKind::OperatorNeeded | ErrorKind::Locked
                ) || drives.available() == 0 =>
            {
                return Err(error);
            }
            Err(error) => report.problems.push(format!("{barcode}: {error}")),
        }
        // What was looked at goes home, so that a drive is never full of what is done with.
        drives.unmount(barcode, None)?;
    }
    app.watcher.event(Event::ProgressEnd { task });
    Ok(surveys)
}

fn one(drives: &mut Drives, barcode: &Barcode, report: &mut Report) -> Result<Option<Surveyed>> {
    let (seat, mut drive) = drives.take(barcode)?;
    let found = identify(drive.as_mut());
    let worm = drive.is_worm().ok().flatten().unwrap_or(false);
    let header = match found {
        Ok(Identified::Ours(header)) => *header,
        Ok(Identified::Blank) => {
            drives.put(seat, drive);
            return Ok(None);
        }
        Ok(other) => {
            drives.put(seat, drive);
            report
                .problems
                .push(format!("{barcode} holds {other}: left alone"));
            return Ok(None);
        }
        Err(error) => {
            drives.put_checked(seat, drive);
            return Err(Error::failed(format!("cannot look at {barcode}")).because(error));
        }
    };
    let mut reader = VolumeReader::of_identified(drive, header);
    let surveyed = files_of(&mut reader, barcode, worm, report);
    drives.put_checked(seat, reader.into_drive());
    surveyed.map(Some)
}

/// By the newest directory, or by walking all labels.
fn files_of(
    reader: &mut VolumeReader,
    barcode: &Barcode,
    worm: bool,
    report: &mut Report,
) -> Result<Surveyed> {
    let header = reader.header().clone();
    let surveyed = |files, written, whole| Surveyed {
        barcode: barcode.clone(),
        header: header.clone(),
        worm,
        files,
        written,
        whole,
    };
    match reader.directory() {
        Ok(Some((directory, file))) if directory.volume == header.volume => {
            if let Some(files) = listed(&directory, file) {
                return Ok(surveyed(files, directory.written, true));
            }
        }
        Ok(_) => {}
        Err(error) => report.problems.push(format!(
            "{barcode}: the end cannot be read, its labels are read one by one: {error}"
        )),
    }
    let mut files = Vec::new();
    let walked = reader.walk(&mut files);
    let whole = walked.is_ok();
    match walked {
        Ok(()) => {}
        Err(error) if files.is_empty() => {
            return Err(error).context(format!("cannot read the labels of {barcode}"));
        }
        Err(error) => report.problems.push(format!(
            "{barcode}: nothing can be read behind tape file {}: {error}",
            files.last().map_or(0, |file| file.tape_file.0)
        )),
    }
    let files = counting(files);
    let written = newest(reader, &files).unwrap_or(header.labelled);
    Ok(surveyed(files, written, whole))
}

/// When the newest directory among these files was written.
fn newest(reader: &mut VolumeReader, files: &[TapeFile]) -> Option<DateTime<Utc>> {
    let last = files
        .iter()
        .rev()
        .find(|file| file.kind == FileKind::Directory)?;
    let read = |bytes: Result<Vec<u8>, VolumeError>| Directory::from_bytes(&bytes.ok()?).ok();
    read(reader.read_small(last)).map(|directory| directory.written)
}

/// The files a directory lists and the directory itself; none if it does not say all of them.
fn listed(directory: &Directory, mut file: TapeFile) -> Option<Vec<TapeFile>> {
    let mut files: Vec<TapeFile> = directory
        .files
        .iter()
        .map(|entry| entry.to_tape_file(directory))
        .collect::<Option<_>>()?;
    let last = files.last()?;
    if file.tape_file.0 == 0 {
        // The drive does not count filemarks: the labels before the directory are one tape file.
        file.tape_file.0 = last.next_tape_file().0 + 1;
    }
    files.push(file);
    Some(files)
}

/// Of files with the same number the later one counts, and takes what came after the earlier
/// one with it; a segment's files count together.
fn counting(found: Vec<TapeFile>) -> Vec<TapeFile> {
    let mut files: Vec<TapeFile> = Vec::new();
    for file in found {
        files.truncate(files.partition_point(|earlier| earlier.sequence < file.sequence));
        let expected = files
            .last()
            .map_or(Some(FileSequence::FIRST), |last| last.sequence.next());
        if expected == Some(file.sequence) {
            files.push(file);
        }
    }
    let unfinished = files
        .iter()
        .rev()
        .take_while(|file| matches!(file.kind, FileKind::Segment | FileKind::PartDescription))
        .count();
    files.truncate(files.len() - unfinished);
    files
}
