//! Which drive or cartridge explains the bad mounts.
//!
//! **Model.** A mount goes bad by itself with a small chance `b`, by a faulty drive, or by a faulty
//! cartridge, independently (a "noisy or"): it stays good with `(1 - b)(1 - q drive)(1 - q
//! cartridge)`, where `q` is 0 for everything that is not at fault. Bad is strained (far more
//! corrections than usual) or failed, and failing has chances of its own, composed alike. The one
//! that fails with several others is at fault; what fails only beside something already known to be
//! faulty is not.
//!
//! **Rule.** Starting with nobody at fault, each drive and cartridge is a suspect. Under "not at
//! fault" its mounts are tosses whose chances follow from the model without it, and the probability
//! of at least so much bad luck is computed exactly (`tail`). The least likely one is found to be at
//! fault if that probability is below half of [`FALSE_ALARM`] divided by the number of drives, or of
//! cartridges; then the `q` of all that are at fault are fitted (expectation-maximisation), all
//! others are looked at again, and whoever is explained by the others after all is let go.
//!
//! **Bound on false alarms.** What is not at fault is granted a multiple of the rates of the rest of
//! the fleet ([`DRIVE_TOLERANCE`], [`CARTRIDGE_TOLERANCE`]; and at least [`LEAST_FAILED`] and
//! [`LEAST_STRAINED`]), because drives differ and cartridges, which age, differ more. As long
//! as every sound one is within that, at most one look in 1 / [`FALSE_ALARM`] accuses anybody
//! falsely, however few mounts there are; and fewer than [`LEAST_BAD`] bad mounts convict nobody. A
//! suspect's own mounts do not count for the rates it is compared with.
//!
//! **Several others.** A drive must have failed with [`LEAST_CARTRIDGES`] cartridges that are not at
//! fault themselves; a cartridge in two drives, one of them not at fault. A cartridge that was ever
//! in one drive only can still be found at fault when that drive is good with the others.
//!
//! **Power**, as `tests/health_fleet.rs` has it over 50 fleets of 6 drives and 60 cartridges with 10
//! mounts each: a drive with 6 times the corrections of which 15% of the mounts fail, and cartridges
//! with 30 times the corrections of which half of the mounts fail, are all found; when those
//! cartridges were mostly in that drive at least 98 of 100 of them; nobody else ever.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::number::real;
use super::observation::DriveSerial;
use super::tail::{Toss, log_tail};
use crate::id::CartridgeId;

/// Probability that one look at a sound fleet accuses anybody.
pub const FALSE_ALARM: f64 = 0.01;
/// How many times the fleet's rates are still sound for a drive.
pub const DRIVE_TOLERANCE: f64 = 2.0;
/// How many times the fleet's rates are still sound for a cartridge.
pub const CARTRIDGE_TOLERANCE: f64 = 3.0;
/// The least chance of a failed mount that is granted to everybody.
pub const LEAST_FAILED: f64 = 0.015;
/// The least chance of a strained mount that is granted to everybody.
pub const LEAST_STRAINED: f64 = 0.02;
/// With how many sound cartridges a drive must have failed.
pub const LEAST_CARTRIDGES: usize = 3;
/// How often a suspect must have gone bad in any case.
pub const LEAST_BAD: usize = 3;
/// A fleet of which nothing is known yet is taken to have had one bad mount of so many.
const PRIOR_MOUNTS: f64 = 20.0;
/// How many others must have been good in a cartridge's only drive.
const LEAST_OTHERS: usize = 5;
/// Fitting ends when nothing changes by more than this, and in any case.
const FITTED: f64 = 0.002;
const FITTING_ROUNDS: usize = 30;

/// Whoever may be at fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A drive.
    Drive(DriveSerial),
    /// A cartridge.
    Cartridge(CartridgeId),
}

/// How a mount went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// As mounts go.
    Good,
    /// With far more corrections than usual.
    Strained,
    /// Data could not be written or read.
    Failed,
}

/// Chances that a mount goes bad: strained or failed, and failed only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Often {
    pub(super) bad: f64,
    pub(super) failed: f64,
}

impl Often {
    const NEVER: Self = Self {
        bad: 0.0,
        failed: 0.0,
    };

    /// Of two independent causes at least one.
    pub(super) fn or(self, other: Self) -> Self {
        let either = |one: f64, two: f64| (1.0 - (1.0 - one) * (1.0 - two)).min(0.99);
        let failed = either(self.failed, other.failed);
        Self {
            failed,
            // Strain always keeps a chance of its own.
            bad: either(self.bad, other.bad).max(failed + 0.005),
        }
    }

    fn of(self, level: Grade) -> f64 {
        if level == Grade::Failed {
            self.failed
        } else {
            self.bad
        }
    }
}

/// One mount, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The cartridge.
    pub cartridge: CartridgeId,
    /// The drive.
    pub drive: DriveSerial,
    /// How it went.
    pub grade: Grade,
}

/// Somebody found to be at fault, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Blame {
    /// Who.
    pub unit: Unit,
    /// Mounts.
    pub mounts: usize,
    /// Of them bad.
    pub bad: usize,
    /// With how many others it failed.
    pub others: usize,
    /// Natural logarithm of the probability of so much bad luck for a sound one.
    pub log_chance: f64,
}

/// Those at fault, by number, and how often each goes bad by itself.
type AtFault = BTreeMap<usize, Often>;

/// Where fitting starts.
const FIRST_GUESS: Often = Often {
    bad: 0.5,
    failed: 0.3,
};

/// Mounts by number of their units.
struct Fleet {
    units: Vec<Unit>,
    /// Drive and cartridge, and how it went.
    mounts: Vec<([usize; 2], Grade)>,
    /// For each unit its mounts.
    of: Vec<Vec<usize>>,
}

impl Fleet {
    fn new(mounts: &[Mount]) -> Self {
        let units: BTreeSet<Unit> = mounts
            .iter()
            .flat_map(|mount| {
                [
                    Unit::Drive(mount.drive.clone()),
                    Unit::Cartridge(mount.cartridge),
                ]
            })
            .collect();
        let number: BTreeMap<Unit, usize> = units
            .iter()
            .enumerate()
            .map(|(index, unit)| (unit.clone(), index))
            .collect();
        let mut of = vec![Vec::new(); units.len()];
        let mounts: Vec<_> = mounts
            .iter()
            .enumerate()
            .map(|(index, mount)| {
                let pair = [
                    number[&Unit::Drive(mount.drive.clone())],
                    number[&Unit::Cartridge(mount.cartridge)],
                ];
                for unit in pair {
                    of[unit].push(index);
                }
                (pair, mount.grade)
            })
            .collect();
        Self {
            units: units.into_iter().collect(),
            mounts,
            of,
        }
    }

    fn partner(&self, mount: usize, unit: usize) -> usize {
        let [drive, cartridge] = self.mounts[mount].0;
        if drive == unit { cartridge } else { drive }
    }

    fn is_drive(&self, unit: usize) -> bool {
        matches!(self.units.get(unit), Some(Unit::Drive(_)))
    }

    /// How often mounts go bad that `suspect` had no part in and nobody at fault had.
    fn usual(&self, suspect: Option<usize>, at_fault: &AtFault) -> Often {
        let (mut strained, mut failed, mut all) = (0, 0, 0);
        for (pair, grade) in &self.mounts {
            let concerned = pair
                .iter()
                .any(|unit| Some(*unit) == suspect || at_fault.contains_key(unit));
            if !concerned {
                all += 1;
                strained += usize::from(*grade == Grade::Strained);
                failed += usize::from(*grade == Grade::Failed);
            }
        }
        let rate = |count| (real(count) + 0.5) / (real(all) + PRIOR_MOUNTS);
        Often {
            failed: rate(failed),
            bad: rate(strained) + rate(failed),
        }
    }

    /// How often a sound suspect's mounts may go bad by themselves.
    fn granted(&self, suspect: usize, at_fault: &AtFault) -> Often {
        let usual = self.usual(Some(suspect), at_fault);
        let tolerance = if self.is_drive(suspect) {
            DRIVE_TOLERANCE
        } else {
            CARTRIDGE_TOLERANCE
        };
        let failed = (usual.failed * tolerance).clamp(LEAST_FAILED, 0.4);
        let strained = ((usual.bad - usual.failed) * tolerance).clamp(LEAST_STRAINED, 0.4);
        Often {
            failed,
            bad: failed + strained,
        }
    }

    /// How unlikely the suspect's mounts are if it is not at fault and those in `at_fault` are.
    fn log_chance(&self, suspect: usize, at_fault: &AtFault) -> f64 {
        let granted = self.granted(suspect, at_fault);
        let mut at_fault = at_fault.clone();
        self.fit(&mut at_fault, Some(suspect));
        let tosses: Vec<Toss> = self.of[suspect]
            .iter()
            .map(|mount| {
                let partner = at_fault.get(&self.partner(*mount, suspect)).copied();
                Toss {
                    sound: granted.or(partner.unwrap_or(Often::NEVER)),
                    grade: self.mounts[*mount].1,
                }
            })
            .collect();
        log_tail(&tosses)
    }

    fn is_bad(&self, mount: usize) -> bool {
        self.mounts[mount].1 != Grade::Good
    }

    fn bad(&self, unit: usize) -> usize {
        let mounts = self.of[unit].iter();
        mounts.filter(|mount| self.is_bad(**mount)).count()
    }

    /// Those a unit failed with.
    fn failed_with(&self, unit: usize) -> BTreeSet<usize> {
        self.of[unit]
            .iter()
            .filter(|mount| self.is_bad(**mount))
            .map(|mount| self.partner(*mount, unit))
            .collect()
    }

    fn with_several(&self, suspect: usize, at_fault: &AtFault) -> bool {
        let failed = self.failed_with(suspect);
        let sound = failed
            .iter()
            .filter(|unit| !at_fault.contains_key(unit))
            .count();
        match self.units[suspect] {
            Unit::Drive(_) => sound >= LEAST_CARTRIDGES,
            Unit::Cartridge(_) => {
                (failed.len() >= 2 && sound >= 1) || self.only_drive_is_good(suspect)
            }
        }
    }

    /// It was ever in one drive only, and that is good with the others.
    fn only_drive_is_good(&self, cartridge: usize) -> bool {
        let drives: BTreeSet<usize> = self.of[cartridge]
            .iter()
            .map(|mount| self.partner(*mount, cartridge))
            .collect();
        let mut drives = drives.into_iter();
        let (Some(drive), None) = (drives.next(), drives.next()) else {
            return false;
        };
        let others = |bad: bool| {
            self.of[drive]
                .iter()
                .filter(|mount| self.is_bad(**mount) == bad)
                .map(|mount| self.partner(*mount, drive))
                .filter(|other| *other != cartridge)
                .collect::<BTreeSet<_>>()
                .len()
        };
        others(false) >= LEAST_OTHERS && others(true) * 10 <= others(false)
    }

    /// Fits how often each that is at fault goes bad by itself.
    /// The mounts of `suspect` do not count.
    fn fit(&self, at_fault: &mut AtFault, suspect: Option<usize>) {
        let usual = self.usual(suspect, at_fault);
        for _ in 0..FITTING_ROUNDS {
            let next: Vec<(usize, Often)> = at_fault
                .keys()
                .map(|unit| {
                    let failed = self.share(*unit, Grade::Failed, suspect, usual, at_fault);
                    let bad = self.share(*unit, Grade::Strained, suspect, usual, at_fault);
                    (*unit, Often { bad, failed })
                })
                .collect();
            let change = next
                .iter()
                .filter_map(|(unit, now)| {
                    let before = at_fault.insert(*unit, *now)?;
                    Some(f64::max(
                        (before.bad - now.bad).abs(),
                        (before.failed - now.failed).abs(),
                    ))
                })
                .fold(0.0, f64::max);
            if change < FITTED {
                break;
            }
        }
    }

    /// In how much of its mounts a unit itself was the cause of what is `level` or worse, by what
    /// is known of it and its partners so far. Mounts with `suspect` do not count.
    fn share(
        &self,
        unit: usize,
        level: Grade,
        suspect: Option<usize>,
        usual: Often,
        at_fault: &AtFault,
    ) -> f64 {
        let known = |unit: usize| at_fault.get(&unit).map_or(0.0, |often| often.of(level));
        let own = known(unit);
        let (mut all, mut caused) = (0, 0.0);
        for mount in &self.of[unit] {
            let partner = self.partner(*mount, unit);
            if Some(partner) == suspect {
                continue;
            }
            all += 1;
            if self.mounts[*mount].1 >= level {
                caused +=
                    own / (1.0 - (1.0 - usual.of(level)) * (1.0 - own) * (1.0 - known(partner)));
            }
        }
        (caused / real(all.max(1))).clamp(0.001, 0.98)
    }

    fn without(at_fault: &AtFault, unit: usize) -> AtFault {
        let mut rest = at_fault.clone();
        rest.remove(&unit);
        rest
    }

    /// Whether a unit is at fault if the others in `at_fault` are.
    fn convicts(&self, unit: usize, at_fault: &AtFault) -> Option<f64> {
        if self.bad(unit) < LEAST_BAD {
            return None;
        }
        let log_chance = self.log_chance(unit, at_fault);
        let peers = (0..self.units.len())
            .filter(|other| self.is_drive(*other) == self.is_drive(unit))
            .count();
        (log_chance < (FALSE_ALARM / 2.0 / real(peers)).ln() && self.with_several(unit, at_fault))
            .then_some(log_chance)
    }

    fn search(&self) -> AtFault {
        let mut at_fault = AtFault::new();
        // Each round accuses one more; letting go ends when nothing changes, and in any case.
        for _ in 0..self.units.len() {
            let worst = (0..self.units.len())
                .filter(|unit| !at_fault.contains_key(unit))
                .filter_map(|unit| Some((self.convicts(unit, &at_fault)?, unit)))
                .min_by(|left, right| left.0.total_cmp(&right.0));
            let Some((_, unit)) = worst else { break };
            at_fault.insert(unit, FIRST_GUESS);
            self.fit(&mut at_fault, None);
            let excused = at_fault.keys().copied().find(|other| {
                let rest = Self::without(&at_fault, *other);
                self.convicts(*other, &rest).is_none()
            });
            if let Some(other) = excused {
                at_fault.remove(&other);
                self.fit(&mut at_fault, None);
                if other == unit {
                    break;
                }
            }
        }
        at_fault
    }
}

/// Who is at fault, drives first.
#[must_use]
pub fn blame(mounts: &[Mount]) -> Vec<Blame> {
    let fleet = Fleet::new(mounts);
    let at_fault = fleet.search();
    at_fault
        .keys()
        .map(|unit| {
            let own = &fleet.of[*unit];
            Blame {
                unit: fleet.units[*unit].clone(),
                mounts: own.len(),
                bad: fleet.bad(*unit),
                others: fleet.failed_with(*unit).len(),
                log_chance: fleet.log_chance(*unit, &Fleet::without(&at_fault, *unit)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cartridge(number: u128) -> CartridgeId {
        CartridgeId::from_uuid(uuid::Uuid::from_u128(number))
    }

    /// `good` mounts and `bad` ones that failed of a cartridge in a drive.
    fn mounts(drive: &str, number: u128, good: usize, bad: usize) -> Vec<Mount> {
        let mount = |grade| Mount {
            cartridge: cartridge(number),
            drive: drive.parse().unwrap(),
            grade,
        };
        let mut all = vec![mount(Grade::Good); good];
        all.extend(vec![mount(Grade::Failed); bad]);
        all
    }

    fn guilty(all: &[Vec<Mount>]) -> Vec<Unit> {
        let found = blame(&all.concat());
        found.into_iter().map(|blame| blame.unit).collect()
    }

    #[test]
    fn few_failures_convict_nobody() {
        assert_eq!(blame(&[]), []);
        let all = [mounts("A", 1, 0, 1), mounts("B", 1, 0, 1)];
        assert_eq!(guilty(&all), []);
        let all = [
            mounts("A", 1, 3, 1),
            mounts("B", 2, 3, 1),
            mounts("A", 3, 5, 1),
        ];
        assert_eq!(guilty(&all), []);
    }

    #[test]
    fn the_cartridge_that_fails_in_several_drives_is_at_fault() {
        let mut all = vec![mounts("A", 1, 1, 2), mounts("B", 1, 0, 2)];
        for number in 2..12 {
            all.push(mounts("A", number, 4, 0));
            all.push(mounts("B", number, 4, 0));
        }
        assert_eq!(guilty(&all), [Unit::Cartridge(cartridge(1))]);
    }

    #[test]
    fn the_drive_that_fails_with_several_cartridges_is_at_fault() {
        let mut all = Vec::new();
        for number in 1..12 {
            all.push(mounts("A", number, 3, 1));
            all.push(mounts("B", number, 4, 0));
        }
        assert_eq!(guilty(&all), [Unit::Drive("A".parse().unwrap())]);
    }

    #[test]
    fn a_pair_that_does_not_get_on_convicts_neither() {
        let mut all = vec![mounts("A", 1, 0, 6), mounts("B", 1, 6, 0)];
        for number in 2..12 {
            all.push(mounts("A", number, 4, 0));
        }
        assert_eq!(guilty(&all), []);
    }

    #[test]
    fn with_one_drive_only_the_cartridge_stands_out_from_the_others() {
        let mut all = vec![mounts("A", 1, 0, 4)];
        for number in 2..12 {
            all.push(mounts("A", number, 4, 0));
        }
        assert_eq!(guilty(&all), [Unit::Cartridge(cartridge(1))]);
        // Where many fail, it is the drive.
        let all: Vec<_> = (1..12).map(|number| mounts("A", number, 2, 2)).collect();
        assert_eq!(guilty(&all), [Unit::Drive("A".parse().unwrap())]);
    }

    #[test]
    fn a_sound_cartridge_that_was_mostly_in_a_bad_drive_is_let_go() {
        let mut all = vec![mounts("A", 1, 4, 5), mounts("B", 1, 3, 0)];
        for number in 2..20 {
            all.push(mounts("A", number, 2, 2));
            all.push(mounts("B", number, 4, 0));
        }
        assert_eq!(guilty(&all), [Unit::Drive("A".parse().unwrap())]);
    }
}
