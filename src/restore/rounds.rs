//! Reading everything, in rounds: what one copy does not give is read from another one in the next
//! round, until it was read or no copy is left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::board::{Board, Work};
use super::copies::{Chosen, Copies, Item, Leg, end};
use super::drives::Way;
use super::lane::{Round, Trouble, Troubles};
use super::problems::ProblemList;
use super::request::Wanted;
use super::select::Range;
use super::sink::Sinks;
use super::writer::{Counts, Finished, Writer};
use crate::app::App;
use crate::archive::problem::ProblemKind;
use crate::error::{Error, Result};
use crate::id::{Barcode, CopyNumber};
use crate::job::Drives;
use crate::job::step::RunContext;
use crate::key::Identities;

/// Bytes at the end of a bad block that a member behind it may still begin in: what encrypts works
/// on chunks of 64 KiB, which do not end where blocks do.
const BLOCK_EDGE: u64 = 128 << 10;
/// Stretches nearer to each other than this are read as one: winding takes longer.
const GAP: u64 = 64 << 20;

/// What is said of a member that cannot be told from its header.
const HEADER: &str = "its header on tape is not what was written; not restored";

/// What stays away.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) set: usize,
    pub(super) range: Range,
    pub(super) why: String,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) lost: Vec<Lost>,
    /// Cartridges that have to be brought, with their places.
    pub(super) lacking: BTreeMap<Barcode, String>,
    /// What the tapes do not tell of any member.
    pub(super) remarks: Vec<String>,
}

/// Everything a restore works with.
pub(super) struct Rounds<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) wanted: &'a [Wanted],
    pub(super) identities: &'a Identities,
    pub(super) sinks: &'a dyn Sinks,
    pub(super) problems: &'a ProblemList,
    pub(super) counts: &'a Counts,
    pub(super) total: u64,
    /// Whether members must come one stretch after the other.
    pub(super) one_by_one: bool,
    pub(super) context: &'a RunContext,
    /// What was in each drive at the beginning.
    pub(super) found: Vec<Option<Barcode>>,
    pub(super) way: &'a Way<'a>,
}

/// The items to begin with: what is to be read and not done yet.
pub(super) fn items(
    wanted: &[Wanted],
    left: impl Fn(usize, Range) -> Vec<Range>,
) -> Result<Vec<Item>> {
    let mut items: Vec<Item> = Vec::new();
    for (set, wanted) in wanted.iter().enumerate() {
        for range in wanted.selection.ranges() {
            for range in left(set, range?) {
                match items.last_mut() {
                    Some(last) if last.set == set && is_near(wanted, last.range, range) => {
                        last.range.end = range.end;
                    }
                    _ => items.push(Item {
                        set,
                        range,
                        tried: BTreeSet::new(),
                        why: None,
                        joined: 0,
                    }),
                }
            }
        }
    }
    Ok(items)
}

/// Cuts items where another cartridge begins, at whole members, so that several drives have something
/// to do, and what is here does not wait for what is elsewhere.
pub(super) fn split(wanted: &[Wanted], items: Vec<Item>, copies: &Copies) -> Result<Vec<Item>> {
    let mut split = Vec::new();
    for item in items {
        let changes = copies.changes(wanted, &item);
        let of = &wanted[item.set];
        let cuts = if changes.is_empty() {
            Vec::new()
        } else {
            of.selection.cuts(&of.index, &changes)?
        };
        let mut start = item.range.start;
        let ends = cuts.into_iter().chain([item.range.end]);
        for end in ends.filter(|end| *end <= item.range.end) {
            if start < end {
                split.push(Item {
                    range: Range { start, end },
                    ..item.clone()
                });
                start = end;
            }
        }
    }
    Ok(split)
}

/// Whether it is quicker to read on from one range to the next one.
fn is_near(wanted: &Wanted, one: Range, next: Range) -> bool {
    let segment = |offset: u64| {
        let segments = &wanted.segments;
        segments.partition_point(|segment| end(segment) <= offset)
    };
    one.end == next.start
        || (next.start.saturating_sub(one.end) <= GAP && segment(one.end) == segment(next.start))
}

impl Rounds<'_> {
    /// Reads all items with these drives, each of which works on its own.
    ///
    /// # Errors
    /// What ends the restore as a whole.
    pub(super) fn run(
        &self,
        mut pending: Vec<Item>,
        copies: &mut Copies,
        drives: &mut Vec<Drives>,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        loop {
            let works = self.works(&mut pending, copies, &mut outcome);
            if works.is_empty() {
                return Ok(outcome);
            }
            self.some_drive(drives)?;
            let (troubles, finished) = self.round(&works, drives);
            settle(drives, copies);
            if let Some(fatal) = troubles.fatal {
                return Err(fatal);
            }
            self.app.interrupt.check()?;
            self.after(
                &works,
                troubles,
                finished,
                copies,
                &mut pending,
                &mut outcome,
            )?;
        }
    }

    /// Chooses copies; what nobody has any more is lost, what is elsewhere is lacking. Where the
    /// stretches must come one by one, the rest waits behind one that goes over two cartridges.
    fn works(&self, pending: &mut Vec<Item>, copies: &Copies, outcome: &mut Outcome) -> Vec<Work> {
        let mut works: Vec<Work> = Vec::new();
        let mut waiting = Vec::new();
        let mut full = false;
        for item in std::mem::take(pending) {
            if full {
                waiting.push(item);
                continue;
            }
            match copies.choose(self.wanted, &item) {
                Chosen::Legs(legs) => {
                    for leg in &legs {
                        tracing::debug!(set = item.set, range = ?leg.range, copy = %leg.held.row.copy,
                            segment = leg.segment.number.0, barcode = %leg.held.barcode, "to read");
                    }
                    full = self.one_by_one && legs.len() > 1;
                    works.push(Work {
                        item: works.len(),
                        set: item.set,
                        tried: item.tried,
                        joined: item.joined,
                        legs,
                    });
                }
                Chosen::Bring(lacking) => {
                    let places = lacking.into_iter().map(|(barcode, what)| (barcode, what.0));
                    outcome.lacking.extend(places);
                }
                Chosen::Nowhere(why) => {
                    tracing::debug!(set = item.set, range = ?item.range, tried = ?item.tried, %why, "lost");
                    outcome.lost.push(Lost {
                        set: item.set,
                        range: item.range,
                        why,
                    });
                }
            }
        }
        *pending = waiting;
        works
    }

    /// At least one drive works.
    fn some_drive(&self, drives: &mut Vec<Drives>) -> Result<()> {
        if drives.iter().any(|drives| drives.available() > 0) {
            return Ok(());
        }
        // Those that failed are still held.
        let library = &self.context.library;
        let held = library
            .hold_drives(&library.view()?, 1, &[])
            .map_err(|error| {
                let failed: Vec<String> = drives.iter().flat_map(Drives::failures).collect();
                Error::new(
                    crate::error::ErrorKind::OperatorNeeded,
                    format!("no drive is left to read with: {}", failed.join("; ")),
                )
                .hint("repair or exchange it, or turn it off and on; then restore again")
                .because(error)
            })?;
        drives.push(Drives::new(self.context.clone(), held));
        Ok(())
    }

    fn round(&self, works: &[Work], drives: &mut [Drives]) -> (Troubles, Vec<Finished>) {
        let usable: Vec<(usize, &mut Drives)> = drives
            .iter_mut()
            .enumerate()
            .filter(|(_, drives)| drives.available() > 0)
            .collect();
        let mounted = usable
            .iter()
            .map(|(number, drives)| {
                // A process that died may have left a cartridge in a drive that is ours now.
                let found = self.found.get(*number).into_iter().flatten();
                let known: Vec<Barcode> = drives.mounted().cloned().collect();
                let mounted = if known.is_empty() {
                    found.cloned().collect()
                } else {
                    known
                };
                (*number, mounted)
            })
            .collect();
        let writer = Writer {
            app: self.app,
            wanted: self.wanted,
            sinks: self.sinks,
            problems: self.problems,
            counts: self.counts,
            total: self.total,
            finished: Mutex::default(),
        };
        let round = Round {
            app: self.app,
            wanted: self.wanted,
            works,
            identities: self.identities,
            way: self.way,
            board: Board::new(works, mounted),
            writer: &writer,
            troubles: Mutex::default(),
        };
        std::thread::scope(|scope| {
            for (number, drives) in usable {
                let round = &round;
                scope.spawn(move || round.run(number, drives, scope));
            }
        });
        let troubles = round
            .troubles
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let finished = writer
            .finished
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (troubles, finished)
    }

    /// What is still to be done after a round.
    fn after(
        &self,
        works: &[Work],
        troubles: Troubles,
        finished: Vec<Finished>,
        copies: &mut Copies,
        pending: &mut Vec<Item>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        for (barcode, error) in &troubles.cartridges {
            copies.useless(barcode, error.to_string());
        }
        let mut finished: HashMap<usize, Finished> = finished
            .into_iter()
            .map(|finished| (finished.item, finished))
            .collect();
        let mut trouble: HashMap<usize, Trouble> = troubles
            .stretches
            .into_iter()
            .map(|trouble| (trouble.work, trouble))
            .collect();
        let mut left = Vec::new();
        for (number, work) in works.iter().enumerate() {
            let came = finished.remove(&number);
            left.extend(self.left_of(
                work,
                came.as_ref(),
                trouble.remove(&number).as_ref(),
                copies,
                outcome,
            )?);
        }
        left.append(pending);
        *pending = left;
        Ok(())
    }

    fn left_of(
        &self,
        work: &Work,
        finished: Option<&Finished>,
        trouble: Option<&Trouble>,
        copies: &mut Copies,
        outcome: &mut Outcome,
    ) -> Result<Vec<Item>> {
        let whole = work.range();
        let upto = finished.map_or(whole.start, |finished| finished.upto);
        let mut left = Vec::new();
        for damaged in finished.iter().flat_map(|finished| &finished.damaged) {
            for leg in work.legs.iter().filter(|leg| touches(leg, *damaged)) {
                copies.failed(work.set, leg, true);
            }
            left.push(Item {
                set: work.set,
                range: *damaged,
                tried: work.tried_too(*damaged),
                why: Some(ProblemKind::DigestMismatch.to_string()),
                joined: 0,
            });
        }
        if upto >= whole.end {
            // All members came, and still the segment is not what was written.
            outcome
                .remarks
                .extend(trouble.map(|trouble| trouble.error.to_string()));
            return Ok(left);
        }
        let rest = Range {
            start: upto,
            end: whole.end,
        };
        let as_it_is = Item {
            set: work.set,
            range: rest,
            tried: work.tried.clone(),
            why: None,
            joined: work.joined,
        };
        let (leg, at, why) = match (trouble, finished) {
            (Some(trouble), _) if !trouble.of_drive => (
                &work.legs[trouble.leg],
                trouble.at,
                trouble.error.to_string(),
            ),
            // It came whole, and its labels and headers make no sense.
            (None, Some(finished)) if finished.came => match work.leg_at(upto) {
                Some(leg) => (leg, upto, HEADER.to_owned()),
                None => return Ok(vec![as_it_is]),
            },
            // It was not read, or not to its end, for a reason that lies elsewhere.
            _ => {
                left.push(as_it_is);
                return Ok(left);
            }
        };
        if trouble.is_some() {
            copies.bad(work.set, leg, at);
        }
        copies.failed(work.set, leg, upto > leg.range.start.max(whole.start));
        let bad = self.bad_end(work.set, leg, at, rest)?;
        let failed = Range {
            start: upto,
            end: bad,
        };
        let mut tried = work.tried.clone();
        tried.insert((leg.segment.number, leg.held.row.copy));
        left.push(Item {
            set: work.set,
            range: failed,
            tried,
            why: Some(why),
            joined: work.joined + 1,
        });
        if bad < rest.end {
            left.push(Item {
                range: Range {
                    start: bad,
                    end: rest.end,
                },
                tried: BTreeSet::new(),
                joined: 0,
                ..as_it_is
            });
        }
        Ok(left)
    }

    /// Where the first member begins that may be read where the one at `rest` could not: nothing
    /// of the block that failed belongs to it.
    fn bad_end(&self, set: usize, leg: &Leg, at: u64, rest: Range) -> Result<u64> {
        let compressed = leg.segment.codec.is_compressed();
        let certain = if compressed {
            0
        } else {
            leg.held.block_size.saturating_sub(BLOCK_EDGE)
        };
        let wanted = &self.wanted[set];
        let behind = (rest.start + 1).max(at.saturating_add(certain));
        let next = wanted.selection.members_after(&wanted.index, &[behind])?;
        Ok(next[0].unwrap_or(rest.end).min(rest.end))
    }
}

/// Gets cartridges out of drives that failed; one that stays there cannot be read.
fn settle(drives: &mut [Drives], copies: &mut Copies) {
    for drives in drives {
        if drives.failures().is_empty() || drives.take_out_of_failed().is_ok() {
            continue;
        }
        for barcode in copies.barcodes() {
            if drives.is_stuck(&barcode) {
                let why = format!("{barcode} is in a drive that failed");
                copies.useless(&barcode, why);
            }
        }
    }
}

fn touches(leg: &Leg, range: Range) -> bool {
    leg.range.start < range.end && range.start < leg.range.end
}

impl Work {
    fn range(&self) -> Range {
        Range {
            start: self.legs.first().map_or(0, |leg| leg.range.start),
            end: self.legs.last().map_or(0, |leg| leg.range.end),
        }
    }

    fn leg_at(&self, at: u64) -> Option<&Leg> {
        self.legs
            .iter()
            .find(|leg| (leg.range.start..leg.range.end).contains(&at))
    }

    /// The copies tried for a stretch of it, those of this work too.
    fn tried_too(
        &self,
        range: Range,
    ) -> BTreeSet<(crate::archive::member::SegmentNumber, CopyNumber)> {
        let here = self.legs.iter().filter(|leg| touches(leg, range));
        let mut tried = self.tried.clone();
        tried.extend(here.map(|leg| (leg.segment.number, leg.held.row.copy)));
        tried
    }
}
