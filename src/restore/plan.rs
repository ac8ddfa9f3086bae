//! What a restore will do: which cartridges, where they are, in which order, and about how long it
//! takes. Pure but for the record it is made from.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::copies::{Chosen, Copies, Item};
use super::request::Wanted;
use crate::catalogue::Generation;
use crate::id::{Barcode, CopyNumber, SetId};

/// What a restore will do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The sets.
    pub sets: Vec<PlannedSet>,
    /// The cartridges, in the order of reading; those that are not in the library last.
    pub cartridges: Vec<PlannedCartridge>,
    /// What is on no tape, and why.
    pub unreadable: Vec<String>,
    /// Bytes of tar stream to read.
    pub bytes: u64,
    /// Drives that are used at once.
    pub drives: usize,
    /// About how long it takes, without the time to bring what is elsewhere.
    pub seconds: u64,
}

/// A set of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedSet {
    /// The set.
    pub set: SetId,
    /// What it is a set of.
    pub name: String,
    /// When it was begun.
    pub made: chrono::DateTime<chrono::Utc>,
    /// Bytes of tar stream to read of it.
    pub bytes: u64,
}

/// A cartridge of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedCartridge {
    /// Its barcode.
    pub barcode: Barcode,
    /// Where it is now, in words.
    pub place: String,
    /// Whether it has to be brought first.
    pub bring: bool,
    /// Which copy of the sets it holds.
    pub copy: CopyNumber,
    /// How many stretches are read of it, one after the other.
    pub stretches: u64,
    /// Bytes of tape from the first block of one to its last.
    pub bytes: u64,
    /// About how long that takes, mounting and winding included.
    pub seconds: u64,
}

/// What a generation of drives takes for what: seconds to load and thread, to wind to a far place,
/// to wind back and unload; bytes a second. LTO Program roadmap for the rates; times as in the
/// product specifications of IBM's full-height drives, rounded up.
pub(crate) struct Figures {
    load: u64,
    wind: u64,
    unload: u64,
    rate: u64,
}

/// What a robot takes to fetch a cartridge, or to take it back.
const ROBOT_SECONDS: u64 = 15;
/// What a drive takes to go to a near place: nearer than this it goes on reading.
const NEAR: u64 = 1 << 30;
const NEAR_SECONDS: u64 = 4;

impl Figures {
    pub(crate) fn of(generation: Generation) -> Self {
        let (wind, megabytes) = match generation {
            Generation::Lto1 => (52, 20),
            Generation::Lto2 => (52, 40),
            Generation::Lto3 => (54, 80),
            Generation::Lto4 => (46, 120),
            Generation::Lto5 => (50, 140),
            Generation::Lto6 => (50, 160),
            Generation::Lto7 | Generation::Lto7TypeM => (56, 300),
            Generation::Lto8 | Generation::Unknown => (59, 360),
            Generation::Lto9 | Generation::Lto10 => (60, 400),
        };
        Self {
            load: 17,
            wind,
            unload: wind + 24,
            rate: megabytes * 1_000_000,
        }
    }

    /// Seconds for reading or writing so many bytes in one stretch, mounting included.
    pub(crate) fn whole(&self, bytes: u64) -> u64 {
        2 * ROBOT_SECONDS + self.load + self.wind + bytes / self.rate + self.unload
    }
}

/// Stretches of one cartridge while it is added up.
struct Sum {
    place: String,
    here: bool,
    copy: CopyNumber,
    generation: Generation,
    stretches: u64,
    bytes: u64,
    /// Places it winds to that are far from the one before.
    far: u64,
    /// Tape file and plaintext offset behind the last stretch.
    last: Option<(u32, u64)>,
}

impl Sum {
    fn seconds(&self) -> u64 {
        let figures = Figures::of(self.generation);
        let near = self.stretches - self.far;
        2 * ROBOT_SECONDS
            + figures.load
            + figures.unload
            + self.far * figures.wind
            + near * NEAR_SECONDS
            + self.bytes / figures.rate
    }
}

impl Plan {
    /// Plans reading these items.
    pub(super) fn new(wanted: &[Wanted], items: &[Item], copies: &Copies, drives: usize) -> Self {
        let mut order: Vec<Barcode> = Vec::new();
        let mut sums: BTreeMap<Barcode, Sum> = BTreeMap::new();
        let mut unreadable = Vec::new();
        let mut of_set = vec![0; wanted.len()];
        for item in items {
            of_set[item.set] += item.range.end - item.range.start;
            match copies.choose(wanted, item) {
                Chosen::Legs(legs) => {
                    for leg in legs {
                        let data = leg.segment.coded_length.max(1);
                        let plain = leg.segment.plaintext_length.max(1);
                        let length = leg.range.end - leg.range.start;
                        let coded = u128::from(length) * u128::from(data) / u128::from(plain);
                        let held = &leg.held;
                        let sum = sums.entry(held.barcode.clone()).or_insert_with(|| {
                            order.push(held.barcode.clone());
                            Sum::new(
                                held.place.clone(),
                                held.here,
                                held.row.copy,
                                held.generation,
                            )
                        });
                        let start = leg.range.start - leg.segment.stream_offset;
                        sum.add(
                            held.row.tape_file.0,
                            start,
                            length,
                            u64::try_from(coded).unwrap_or(u64::MAX),
                        );
                    }
                }
                Chosen::Bring(lacking) => {
                    for (barcode, (place, generation, copy)) in lacking {
                        let length = item.range.end - item.range.start;
                        let sum = sums.entry(barcode.clone()).or_insert_with(|| {
                            order.push(barcode);
                            Sum::new(place, false, copy, generation)
                        });
                        sum.add(0, item.range.start, length, length);
                    }
                }
                Chosen::Nowhere(why) => {
                    if !unreadable.contains(&why) {
                        unreadable.push(why);
                    }
                }
            }
        }
        order.sort_by_key(|barcode| !sums[barcode].here);
        let cartridges: Vec<PlannedCartridge> = order
            .into_iter()
            .map(|barcode| {
                let sum = &sums[&barcode];
                PlannedCartridge {
                    place: sum.place.clone(),
                    bring: !sum.here,
                    copy: sum.copy,
                    stretches: sum.stretches,
                    bytes: sum.bytes,
                    seconds: sum.seconds(),
                    barcode,
                }
            })
            .collect();
        let drives = drives.min(cartridges.len()).max(1);
        let total: u64 = cartridges.iter().map(|cartridge| cartridge.seconds).sum();
        let longest = cartridges.iter().map(|cartridge| cartridge.seconds).max();
        let sets = wanted
            .iter()
            .zip(&of_set)
            .map(|(wanted, bytes)| PlannedSet {
                set: wanted.set.id,
                name: wanted.name.clone(),
                made: wanted.set.started_at,
                bytes: *bytes,
            });
        Self {
            sets: sets.collect(),
            unreadable,
            bytes: of_set.iter().sum(),
            seconds: (total / drives as u64).max(longest.unwrap_or(0)),
            drives,
            cartridges,
        }
    }

    /// The cartridges that have to be brought.
    pub fn to_bring(&self) -> impl Iterator<Item = &PlannedCartridge> {
        self.cartridges.iter().filter(|cartridge| cartridge.bring)
    }
}

impl Sum {
    fn new(place: String, here: bool, copy: CopyNumber, generation: Generation) -> Self {
        Self {
            place,
            here,
            copy,
            generation,
            stretches: 0,
            bytes: 0,
            far: 0,
            last: None,
        }
    }

    fn add(&mut self, file: u32, start: u64, length: u64, coded: u64) {
        let near = self.last.is_some_and(|(last, end)| {
            (last == file && start.abs_diff(end) < NEAR) || (file == last + 9 && start == 0)
        });
        self.far += u64::from(!near);
        self.stretches += 1;
        self.bytes += coded;
        self.last = Some((file, start + length));
    }
}

/// A time for people: minutes, or hours and minutes.
#[derive(Debug, Clone, Copy)]
pub struct About(pub u64);

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.div_ceil(60);
        if minutes < 60 {
            write!(f, "{minutes} min")
        } else {
            write!(f, "{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(generation: Generation) -> Sum {
        Sum::new("slot:1".to_owned(), true, CopyNumber(1), generation)
    }

    #[test]
    fn one_file_takes_the_time_to_wind_and_a_whole_cartridge_that_to_read() {
        let mut one = sum(Generation::Lto9);
        one.add(4, 30 << 30, 10_000, 10_000);
        // Fetch, load, wind, wind back and unload, take back.
        assert_eq!(one.seconds(), 15 + 17 + 60 + 84 + 15);

        let mut all = sum(Generation::Lto9);
        for segment in 0..560_u32 {
            all.add(4 + 9 * segment, 0, 32 << 30, 32 << 30);
        }
        let hours = all.seconds() / 3600;
        assert_eq!((all.far, hours), (1, 14), "19 TB at 400 MB/s and 559 steps");
    }

    #[test]
    fn places_near_each_other_take_less_than_far_ones() {
        let mut near = sum(Generation::Lto8);
        let mut far = sum(Generation::Lto8);
        for number in 0..10 {
            near.add(4, number * (100 << 20), 1 << 20, 1 << 20);
            far.add(4, number * (3 << 30), 1 << 20, 1 << 20);
        }
        assert_eq!((near.far, far.far), (1, 10));
        assert!(far.seconds() > near.seconds() + 400);
    }

    #[test]
    fn times_are_for_people() {
        assert_eq!(About(0).to_string(), "0 min");
        assert_eq!(About(61).to_string(), "2 min");
        assert_eq!(About(3 * 3600 + 300).to_string(), "3 h 05 min");
    }
}
