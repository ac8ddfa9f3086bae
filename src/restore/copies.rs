//! Where every segment can be read, and which copy of it to take.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::request::Wanted;
use super::select::Range;
use crate::app::App;
use crate::archive::member::SegmentNumber;
use crate::catalogue::{Generation, Place, Segment, SegmentCopy, SegmentCopyState};
use crate::error::{Error, Result};
use crate::id::{Barcode, CopyNumber, LibraryId};
use crate::media::reconcile::place_words;

/// How often in a row a copy of a segment may fail before the rest of it is not tried any more.
const FAILURES: u32 = 64;

/// How often a member is put together from several copies, with ever more places known to be bad.
const JOINS: u32 = 64;

/// A copy of a segment.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) row: SegmentCopy,
    pub(super) barcode: Barcode,
    pub(super) generation: Generation,
    /// Size of a full block in bytes.
    pub(super) block_size: u64,
    /// Whether the cartridge is in the library.
    pub(super) here: bool,
    /// Where the cartridge is.
    pub(super) place: String,
}

/// The copies of the segments of some sets.
#[derive(Debug)]
pub(super) struct Copies {
    /// For each set.
    of: Vec<HashMap<SegmentNumber, Vec<Held>>>,
    /// Cartridges with more of what is wanted come before those with less.
    rank: HashMap<Barcode, usize>,
    /// Failures in a row.
    failures: HashMap<(usize, SegmentNumber, CopyNumber), u32>,
    /// Stream offsets from which on a copy of a segment could not be read.
    bad: HashMap<(usize, SegmentNumber, CopyNumber), BTreeSet<u64>>,
    /// Cartridges that are of no use, and why.
    useless: HashMap<Barcode, String>,
}

/// A stretch of stream of one set that is to be read.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Which set.
    pub(super) set: usize,
    pub(super) range: Range,
    /// Where its first member could not be read.
    pub(super) tried: BTreeSet<(SegmentNumber, CopyNumber)>,
    /// Why not, the last time.
    pub(super) why: Option<String>,
    /// How often it was put together from several copies.
    pub(super) joined: u32,
}

/// The part of an item that one segment holds, and the copy of it to read.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub(super) segment: Segment,
    pub(super) held: Held,
    pub(super) range: Range,
}

/// Where an item is to be read.
#[derive(Debug)]
pub(super) enum Chosen {
    /// In this order.
    Legs(Vec<Leg>),
    /// These cartridges are lacking, each with its place, and which copy it holds.
    Bring(BTreeMap<Barcode, (String, Generation, CopyNumber)>),
    /// On no tape that is left.
    Nowhere(String),
}

fn is_live(state: SegmentCopyState) -> bool {
    matches!(
        state,
        SegmentCopyState::Committed | SegmentCopyState::Verified
    )
}

impl Copies {
    /// Finds all copies; `only` leaves out the others.
    pub(super) fn find(
        app: &App,
        library: LibraryId,
        wanted: &[Wanted],
        only: Option<CopyNumber>,
    ) -> Result<Self> {
        let mut copies = Self {
            of: Vec::new(),
            rank: HashMap::new(),
            failures: HashMap::new(),
            bad: HashMap::new(),
            useless: HashMap::new(),
        };
        app.catalogue.read(|view| {
            let mut cartridges = HashMap::new();
            for (number, set) in wanted.iter().enumerate() {
                let mut of: HashMap<SegmentNumber, Vec<Held>> = HashMap::new();
                let rows = view.segment_copies(set.set.id)?;
                let live: HashSet<(SegmentNumber, CopyNumber)> = rows
                    .iter()
                    .filter(|row| is_live(row.state))
                    .map(|row| (row.segment, row.copy))
                    .collect();
                for row in rows {
                    let other = only.is_some_and(|only| only != row.copy);
                    // One that was lost and copied again is read where it is now; one on its way to
                    // take another's place is not read back yet.
                    let counts = is_live(row.state)
                        || row.state == SegmentCopyState::Lost
                            && !live.contains(&(row.segment, row.copy));
                    if other || !counts {
                        continue;
                    }
                    let (cartridge, place, block_size) = match cartridges.entry(row.volume) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => {
                            let volume = view.volume(row.volume)?;
                            let cartridge = view.cartridge(volume.cartridge)?;
                            let words = place_words(view, &cartridge.place)?;
                            new.insert((cartridge, words, u64::from(volume.block_size)))
                        }
                    };
                    if row.state == SegmentCopyState::Lost {
                        // What is damaged may still be read in part, after all others.
                        copies.failures.insert((number, row.segment, row.copy), 1);
                    }
                    of.entry(row.segment).or_default().push(Held {
                        barcode: cartridge.barcode.clone(),
                        generation: cartridge.generation,
                        block_size: *block_size,
                        here: matches!(cartridge.place,
                            Place::Element { library: place, .. } if place == library),
                        place: place.clone(),
                        row,
                    });
                }
                copies.of.push(of);
            }
            Ok::<_, Error>(())
        })?;
        copies.order();
        Ok(copies)
    }

    /// Few cartridges rather than many: those with most segments first, copy 1 before copy 2.
    fn order(&mut self) {
        let mut seen: BTreeMap<&Barcode, (usize, CopyNumber)> = BTreeMap::new();
        for held in self.of.iter().flat_map(HashMap::values).flatten() {
            let (segments, copy) = seen.entry(&held.barcode).or_insert((0, held.row.copy));
            *segments += 1;
            *copy = (*copy).min(held.row.copy);
        }
        let mut order: Vec<_> = seen.into_iter().collect();
        order.sort_by_key(|(_, (segments, copy))| (std::cmp::Reverse(*segments), *copy));
        self.rank = order
            .into_iter()
            .enumerate()
            .map(|(rank, (barcode, _))| (barcode.clone(), rank))
            .collect();
    }

    /// Where to read an item. Among copies that were read without trouble so far one that is here
    /// is taken.
    pub(super) fn choose(&self, wanted: &[Wanted], item: &Item) -> Chosen {
        let segments = &wanted[item.set].segments;
        let first = segments.partition_point(|segment| end(segment) <= item.range.start);
        let mut legs = Vec::new();
        let mut lacking = BTreeMap::new();
        let mut at = item.range.start;
        for segment in &segments[first..] {
            if segment.stream_offset >= item.range.end {
                break;
            }
            if segment.stream_offset > at {
                break;
            }
            let upto = end(segment).min(item.range.end);
            let (here, elsewhere): (Vec<_>, Vec<_>) = self
                .usable(item, segment.number)
                .partition(|(held, _)| held.here);
            let best = |list: Vec<(&Held, u32)>| {
                list.into_iter()
                    .min_by_key(|(held, failures)| (*failures, self.rank.get(&held.barcode)))
                    .map(|(held, _)| held.clone())
            };
            match (best(here), best(elsewhere)) {
                (Some(held), _) => legs.push(Leg {
                    segment: segment.clone(),
                    held,
                    range: Range {
                        start: at,
                        end: upto,
                    },
                }),
                (None, Some(held)) => {
                    let what = (held.place, held.generation, held.row.copy);
                    lacking.insert(held.barcode, what);
                }
                (None, None) => {
                    let range = Range {
                        start: at,
                        end: upto,
                    };
                    if let Some(joined) = self.join(item, segment, range) {
                        legs.extend(joined);
                        at = upto;
                        continue;
                    }
                    return Chosen::Nowhere(item.why.clone().unwrap_or_else(|| {
                        self.why_useless(item, segment.number).unwrap_or_else(|| {
                            format!(
                                "segment {} of set {} is on no tape",
                                segment.number.0, wanted[item.set].set.id
                            )
                        })
                    }));
                }
            }
            at = upto;
        }
        if at < item.range.end {
            return Chosen::Nowhere(format!(
                "the record has a hole at byte {at} of set {}",
                wanted[item.set].set.id
            ));
        }
        if lacking.is_empty() {
            Chosen::Legs(legs)
        } else {
            Chosen::Bring(lacking)
        }
    }

    /// The stream offsets within an item at which it goes on on another cartridge, or on one that is
    /// not here.
    pub(super) fn changes(&self, wanted: &[Wanted], item: &Item) -> Vec<u64> {
        let mut changes = Vec::new();
        let mut last = None;
        for segment in &wanted[item.set].segments {
            if end(segment) <= item.range.start || segment.stream_offset >= item.range.end {
                continue;
            }
            let best = self
                .usable(item, segment.number)
                .min_by_key(|(held, failures)| {
                    (!held.here, *failures, self.rank.get(&held.barcode))
                })
                .map(|(held, _)| &held.barcode);
            if last.is_some_and(|last| last != best) {
                changes.push(segment.stream_offset);
            }
            last = Some(best);
        }
        changes
    }

    /// A stretch put together from copies that could all not be read as a whole, each up to the
    /// next place where it is known to be bad.
    fn join(&self, item: &Item, segment: &Segment, range: Range) -> Option<Vec<Leg>> {
        if item.joined >= JOINS {
            return None;
        }
        let all = self.of[item.set].get(&segment.number)?;
        let next_bad = |held: &Held, at: u64| {
            let key = (item.set, segment.number, held.row.copy);
            let bad = self.bad.get(&key)?.range(at..range.end).next();
            Some(bad.copied().unwrap_or(range.end))
        };
        let mut legs = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let usable = all
                .iter()
                .filter(|held| held.here && !self.useless.contains_key(&held.barcode));
            let (end, held) = usable
                .filter_map(|held| Some((next_bad(held, at)?, held)))
                .max_by_key(|(end, _)| *end)?;
            if end == at {
                return None;
            }
            legs.push(Leg {
                segment: segment.clone(),
                held: held.clone(),
                range: Range { start: at, end },
            });
            at = end;
        }
        Some(legs)
    }

    fn usable<'a>(
        &'a self,
        item: &'a Item,
        segment: SegmentNumber,
    ) -> impl Iterator<Item = (&'a Held, u32)> {
        let all = self.of[item.set].get(&segment).map(Vec::as_slice);
        all.unwrap_or_default().iter().filter_map(move |held| {
            let copy = held.row.copy;
            let failures = self
                .failures
                .get(&(item.set, segment, copy))
                .copied()
                .unwrap_or(0);
            let usable = failures < FAILURES
                && !item.tried.contains(&(segment, copy))
                && !self.useless.contains_key(&held.barcode);
            usable.then_some((held, failures))
        })
    }

    fn why_useless(&self, item: &Item, segment: SegmentNumber) -> Option<String> {
        let all = self.of[item.set].get(&segment)?;
        all.iter()
            .find_map(|held| self.useless.get(&held.barcode).cloned())
    }

    /// Notes that a copy of a segment could not be read from a stream offset on.
    pub(super) fn bad(&mut self, set: usize, leg: &Leg, at: u64) {
        let key = (set, leg.segment.number, leg.held.row.copy);
        self.bad.entry(key).or_default().insert(at);
    }

    /// Notes that a copy of a segment failed. `progress`: whether anything was read of it since it
    /// failed last.
    pub(super) fn failed(&mut self, set: usize, leg: &Leg, progress: bool) {
        let key = (set, leg.segment.number, leg.held.row.copy);
        let failures = self.failures.entry(key).or_default();
        *failures = if progress { 1 } else { *failures + 1 };
    }

    /// All cartridges.
    pub(super) fn barcodes(&self) -> Vec<Barcode> {
        self.rank.keys().cloned().collect()
    }

    /// Notes that a cartridge is of no use.
    pub(super) fn useless(&mut self, barcode: &Barcode, why: String) {
        self.useless.entry(barcode.clone()).or_insert(why);
    }
}

/// Stream offset of the end of a segment.
pub(super) fn end(segment: &Segment) -> u64 {
    segment.stream_offset + segment.plaintext_length
}
