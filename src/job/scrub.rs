//! Scrubbing: volumes are read back in the order of the plan, each segment on record at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::drives::Drives;
use super::lease::Leases;
use super::run::{Job, can_be_opened};
use super::set_aside::SetAside;
use super::single::{SingleRun, settle_interrupted};
use super::step::{RunContext, VERIFY};
use super::verify::{Files, ReadBack};
use crate::app::App;
use crate::catalogue::{RunKind, SegmentCopy, SegmentCopyState};
use crate::copies::last::{WithoutCopy, left_without, without_copy};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, SetId};
use crate::key::Identities;
use crate::library::Library;
use crate::media::reconcile;
use crate::progress::{Event, counted};
use crate::scrub::{self, Line};
use crate::tape::content::Cut;
use crate::tape::verify::Depth;

/// Where to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nothing is begun after this.
    pub until: Option<DateTime<Utc>>,
    /// As many volumes at most.
    pub volumes: Option<usize>,
    /// Only those that are due.
    pub only_due: bool,
}

/// What came of a volume.
#[derive(Debug, Clone, Serialize)]
pub struct Scrubbed {
    /// Its cartridge.
    pub barcode: Barcode,
    /// Segments that are as they were written.
    pub segments: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Segments that are not, and why.
    pub damaged: Vec<String>,
    /// What became of the files, where they were compared.
    #[serde(flatten)]
    pub files: Files,
    /// Segments that nobody could look at, and why.
    pub unread: Vec<String>,
    /// Whether all of it was looked at.
    pub whole: bool,
}

/// What came of all of them.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The volumes, in the order in which they were read.
    pub volumes: Vec<Scrubbed>,
    /// Volumes that are due and not in the library.
    pub elsewhere: Vec<Line>,
    /// Sets of which segments are left without any good copy.
    pub without_copy: Vec<WithoutCopy>,
}

impl Report {
    /// # Errors
    /// That something is not as it was written, or could not be looked at.
    pub fn outcome(&self) -> Result<()> {
        without_copy(&self.without_copy)?;
        let damaged: usize = self.volumes.iter().map(|volume| volume.damaged.len()).sum();
        if damaged > 0 {
            let what = counted(
                damaged as u64,
                "segment is not as it was written",
                "segments are not as they were written",
            );
            return Err(Error::failed(what)
                .hint("tasks to copy them again are open: \"tapeward copy list\""));
        }
        let unread: Vec<&str> = self
            .volumes
            .iter()
            .flat_map(|volume| volume.unread.iter().map(String::as_str))
            .collect();
        match unread.first() {
            None => Ok(()),
            Some(first) => Err(Error::new(
                ErrorKind::OperatorNeeded,
                format!(
                    "{} could not be looked at, the first one: {first}",
                    counted(unread.len() as u64, "segment", "segments")
                ),
            )),
        }
    }
}

/// What is to be read, how closely, and what is known from volumes read before.
struct Reading<'a> {
    limits: Limits,
    depth: Depth<'a>,
    /// Files that go on in the next segment of a copy, perhaps on another volume.
    cuts: HashMap<(SetId, CopyNumber), Cut>,
    /// Sets with damaged segments.
    damaged: BTreeSet<SetId>,
}

/// Reads volumes back. Without identities the bytes on tape are compared, with them what is in
/// them too.
pub fn run(
    app: &Arc<App>,
    library: &Arc<Library>,
    limits: Limits,
    identities: Option<&Arc<Identities>>,
) -> Result<Report> {
    let view = library.view()?;
    let held = library.hold_drives_of_each_kind(&view, 1)?;
    let library_id = reconcile::identify(app, library)?;
    reconcile::reconcile(app, library, &view, None)?;
    let lines = scrub::plan(app, Some(library_id))?;
    let elsewhere = lines.iter().filter(|line| !line.here && line.due).cloned();
    let elsewhere = elsewhere.collect();
    let chosen: Vec<Line> = lines
        .into_iter()
        .filter(|line| line.here && (line.due || !limits.only_due))
        .take(limits.volumes.unwrap_or(usize::MAX))
        .collect();
    let barcodes: Vec<&Barcode> = chosen.iter().map(|line| &line.barcode).collect();
    let run = SingleRun::begin(app, RunKind::Verify, json!({ "scrub": barcodes }))?;
    let context = RunContext {
        app: Arc::clone(app),
        library: Arc::clone(library),
        library_id,
        run: run.id,
    };
    let _leases = Leases::take(&context, &held)?;
    let mut job = Job {
        drives: Drives::new(context.clone(), held).with_identities(identities.cloned()),
        context,
        set_aside: SetAside::default(),
        failed: Vec::new(),
        warnings: Vec::new(),
    };
    let mut reading = Reading {
        limits,
        depth: identities.map_or(Depth::Bytes, |identities| Depth::Content(identities)),
        cuts: HashMap::new(),
        damaged: BTreeSet::new(),
    };
    let outcome = job.scrub_all(&chosen, &mut reading);
    let outcome = job.drives.put_away(outcome);
    run.end(&outcome, |_, _, _| Ok(()))?;
    let volumes = outcome?;
    Ok(Report {
        volumes,
        elsewhere,
        without_copy: app
            .catalogue
            .read(|view| left_without(view, &reading.damaged))?,
    })
}

impl Job {
    fn scrub_all(&mut self, lines: &[Line], reading: &mut Reading<'_>) -> Result<Vec<Scrubbed>> {
        settle_interrupted(&self.context.clone(), &mut self.drives)?;
        let mut volumes = Vec::new();
        for line in lines {
            if self.is_over(reading.limits) {
                break;
            }
            let intent = json!({ "volume": line.volume, "barcode": line.barcode });
            let step = self.context.intend(VERIFY, &intent)?;
            match self.scrub(line, reading) {
                Ok(scrubbed) => {
                    self.context.observe(step, &scrubbed, |_, _| Ok(()))?;
                    self.drives.unmount(&line.barcode, None)?;
                    volumes.push(scrubbed);
                }
                Err(error) => {
                    self.context.failed(step, &error)?;
                    return Err(error);
                }
            }
        }
        Ok(volumes)
    }

    fn is_over(&self, limits: Limits) -> bool {
        limits
            .until
            .is_some_and(|until| self.context.app.clock.now() >= until)
    }

    fn scrub(&mut self, line: &Line, reading: &mut Reading<'_>) -> Result<Scrubbed> {
        let app = Arc::clone(&self.context.app);
        let rows = app
            .catalogue
            .read(|view| view.segment_copies_on(line.volume))?;
        let mut scrubbed = Scrubbed {
            barcode: line.barcode.clone(),
            segments: 0,
            bytes: 0,
            damaged: Vec::new(),
            files: Files::default(),
            unread: Vec::new(),
            whole: true,
        };
        let task = format!("reading back {}", line.barcode);
        for row in rows.iter().filter(|row| is_live(row)) {
            app.interrupt.check()?;
            if self.is_over(reading.limits) {
                scrubbed.whole = false;
                break;
            }
            let read = self.scrub_segment(row, reading).map(|read| {
                scrubbed.files.add(read.files);
                read.outcome
            });
            match read {
                Ok(Ok(bytes)) => {
                    scrubbed.segments += 1;
                    scrubbed.bytes += bytes;
                }
                Ok(Err(damage)) => {
                    reading.damaged.insert(row.set);
                    app.watcher.event(Event::Problem {
                        subject: line.barcode.to_string(),
                        what: damage.clone(),
                    });
                    scrubbed.damaged.push(damage);
                }
                // What takes a key that is not here can be looked at another time.
                Err(error) if error.kind() == ErrorKind::OperatorNeeded => {
                    scrubbed.whole = false;
                    scrubbed.unread.push(error.to_string());
                }
                Err(error) => return Err(error),
            }
            app.watcher.event(Event::Progress {
                task: task.clone(),
                bytes: scrubbed.bytes,
                total: Some(line.bytes),
                files: scrubbed.segments,
            });
        }
        app.watcher.event(Event::ProgressEnd { task });
        Ok(scrubbed)
    }

    fn scrub_segment(&mut self, row: &SegmentCopy, reading: &mut Reading<'_>) -> Result<ReadBack> {
        let app = Arc::clone(&self.context.app);
        let set = app.catalogue.read(|view| view.set(row.set))?;
        let name = set.id.to_string();
        self.must_open_keys(&set, &name)?;
        let depth = reading.depth;
        if let Depth::Content(identities) = depth {
            can_be_opened(&app, row.set, identities)?;
        }
        let copy = (row.set, row.copy);
        let mut cut = reading.cuts.remove(&copy);
        let read = self.with_other_drives(|job| job.read_back(row, depth, &mut cut))?;
        reading.cuts.extend(cut.map(|cut| (copy, cut)));
        app.write(|tx, now| self.record_read(tx, now, row, &read.outcome, depth))?;
        Ok(read)
    }
}

fn is_live(row: &SegmentCopy) -> bool {
    matches!(
        row.state,
        SegmentCopyState::Committed | SegmentCopyState::Verified
    )
}
