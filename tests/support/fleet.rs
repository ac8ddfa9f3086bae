//! A fleet of drives and cartridges, some of them at fault, and what its mounts showed.

#[path = "seeded.rs"]
mod seeded;

use chrono::{DateTime, TimeDelta, Utc};
use seeded::Seeded;
use tapeward::health::{DriveSerial, ErrorCounters, Observation, SenseTally, Snapshot, Usage};
use tapeward::id::CartridgeId;
use tapeward_drivers::ssc::{TapeAlert, TapeAlerts};
use uuid::Uuid;

pub(crate) const DRIVES: usize = 6;
pub(crate) const CARTRIDGES: usize = 60;
/// Mounts of each cartridge: they are used in rotation.
const MOUNTS: usize = 10;
/// Corrected errors per GiB of a sound pair.
const BASE_RATE: f64 = 3.0;
/// Chance that a sound mount fails.
const BASE_FAILURE: f64 = 0.004;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// One drive: 6 times the errors, 15% of its mounts fail. Two cartridges, damaged: 30 times the
    /// errors whatever their age, half of their mounts fail.
    DriveAndCartridges,
}

/// Where the bad cartridges are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    Even,
    /// In the bad drive more than half of the times.
    MostlyInBadDrive,
}

pub(crate) struct Fleet {
    pub(crate) bad_drive: usize,
    /// Ascending.
    pub(crate) bad_cartridges: [usize; 2],
    observations: Vec<Observation>,
}

fn start() -> DateTime<Utc> {
    "2026-01-05T08:00:00Z".parse().unwrap()
}

fn drive(number: usize) -> DriveSerial {
    format!("DRIVE{number:05}").parse().unwrap()
}

fn cartridge(number: usize) -> CartridgeId {
    CartridgeId::from_uuid(Uuid::from_u128(number as u128 + 1))
}

impl Fleet {
    pub(crate) fn new(seed: u64, fault: Fault, placement: Placement) -> Self {
        let mut random = Random(Seeded::new(seed + 1));
        let drive_factors: Vec<f64> = (0..DRIVES).map(|_| random.log_normal(0.3)).collect();
        let age_factors: Vec<f64> = (0..CARTRIDGES).map(|_| random.log_normal(0.5)).collect();
        let bad_drive = random.below(DRIVES);
        let first = random.below(CARTRIDGES - 1);
        let second = first + 1 + random.below(CARTRIDGES - 1 - first);
        let mut fleet = Self {
            bad_drive,
            bad_cartridges: [first, second],
            observations: Vec::new(),
        };
        for mount in 0..MOUNTS * CARTRIDGES {
            let tape = mount % CARTRIDGES;
            let bad_tape = fault != Fault::None && fleet.bad_cartridges.contains(&tape);
            let to_bad = bad_tape && placement == Placement::MostlyInBadDrive;
            let unit = if to_bad && random.chance(0.5) {
                bad_drive
            } else {
                random.below(DRIVES)
            };
            let bad_unit = fault != Fault::None && unit == bad_drive;
            let age = if bad_tape { 1.0 } else { age_factors[tape] };
            let base = drive_factors[unit] * age;
            let mut rate = BASE_RATE * base;
            let mut holds = 1.0 - BASE_FAILURE * base;
            if bad_unit {
                rate *= 6.0;
                holds *= 1.0 - 0.15;
            }
            if bad_tape {
                rate *= 30.0;
                holds *= 1.0 - 0.5;
            }
            let usage = usage(&mut random, rate, 1.0 - holds);
            fleet.observations.push(Observation {
                cartridge: cartridge(tape),
                drive: drive(unit),
                model: "TAPEWARD ULTRIUM-TD8".to_owned(),
                at: start() + TimeDelta::hours(8 * i64::try_from(mount).unwrap()),
                usage,
            });
        }
        fleet
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            observations: self.observations.clone(),
            ..Snapshot::default()
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.observations.last().unwrap().at + TimeDelta::hours(1)
    }

    pub(crate) fn drive_number(serial: &DriveSerial) -> usize {
        (0..DRIVES)
            .find(|number| drive(*number) == *serial)
            .unwrap()
    }

    pub(crate) fn cartridge_number(id: CartridgeId) -> usize {
        (0..CARTRIDGES)
            .find(|number| cartridge(*number) == id)
            .unwrap()
    }
}

fn usage(random: &mut Random, rate: f64, failure: f64) -> Usage {
    let written = 200.0 + 2300.0 * random.uniform();
    let read = if random.chance(0.5) { written } else { 0.0 };
    let noise = random.gamma_3() / 3.0;
    let mut count = |gibibytes: f64| random.poisson(rate * noise * gibibytes);
    let (corrected_write, corrected_read) = (count(written), count(read));
    let mut alerts = TapeAlerts::default();
    let mut sense = SenseTally::default();
    if random.chance(failure) {
        sense.hard = 1;
        for (number, chance) in [(3, 0.9), (6, 0.7), (5, 0.2)] {
            if random.chance(chance) {
                alerts.insert(TapeAlert::try_from(number).unwrap());
            }
        }
    }
    if random.chance(0.03) {
        alerts.insert(TapeAlert::CLEAN_PERIODIC);
    }
    sense.recovered = u32::from(random.chance(0.05));
    let bytes = |gibibytes: f64| Some(whole(gibibytes * 1_073_741_824.0));
    Usage {
        write: ErrorCounters {
            corrected: Some(corrected_write),
            retries: Some(corrected_write / 10),
            uncorrected: Some(u64::from(sense.hard)),
            bytes: bytes(written),
            ..ErrorCounters::default()
        },
        read: ErrorCounters {
            corrected: Some(corrected_read),
            retries: Some(corrected_read / 20),
            uncorrected: Some(0),
            bytes: bytes(read),
            ..ErrorCounters::default()
        },
        sense,
        alerts,
        ..Usage::default()
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small and positive
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

struct Random(Seeded);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.0.below(limit as u64)).unwrap()
    }

    /// Above 0, at most 1.
    fn uniform(&mut self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // 53 bits
        let bits = (self.0.number() >> 11) as f64 + 1.0;
        bits / 9_007_199_254_740_992.0
    }

    fn chance(&mut self, chance: f64) -> bool {
        self.uniform() <= chance
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn log_normal(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal()).exp()
    }

    /// Shape 3, scale 1: the sum of three exponentials.
    fn gamma_3(&mut self) -> f64 {
        -(self.uniform() * self.uniform() * self.uniform()).ln()
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 50.0 {
            return whole(mean + mean.sqrt() * self.normal());
        }
        let limit = (-mean).exp();
        let mut product = self.uniform();
        let mut count = 0;
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}
