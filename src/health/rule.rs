//! What follows from the observations: a state for each drive and cartridge, and what to do.
//!
//! | evidence | state | action |
//! |---|---|---|
//! | a critical TapeAlert flag about the cartridge (or the drive) itself | suspect | taken out at once |
//! | found to be at fault by [`super::blame`] | suspect | proposed to a person |
//! | one failure in 20 mounts or more, a rate that rises, a warning about its life | watch | none |
//! | fewer than [`LEAST_MOUNTS`] mounts, nothing against it | unproven | none |
//!
//! Taken out means: a cartridge is not written any more, what is on it can still be read; a drive
//! is not used for anything. A flag about the cartridge is not acted upon at once while its drive
//! is itself suspect, out of use, or has said the same of two other cartridges: then it is
//! proposed. Requests for cleaning, wrong handling and noise lead to nothing here.
//!
//! A person's decision stands until the next one; evidence from before a release no longer counts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tapeward_drivers::ssc::TapeAlert;

use super::alert::{self, Subject};
use super::blame::{self, Blame, Grade, Mount, Unit};
use super::number::median;
use super::observation::{DriveSerial, Observation};
use super::trend::{Trend, trend};
use crate::id::{CartridgeId, IdError};

/// Evidence older than this many days no longer counts.
pub const WINDOW_DAYS: i64 = 400;
/// With fewer mounts nothing good can be said either.
pub const LEAST_MOUNTS: usize = 3;
/// A mount is strained when its rate of errors overcome is this many times the median of all
/// mounts in drives of the same model: drives and cartridges differ by factors of two or three.
pub const STRAINED: f64 = 10.0;
/// How many mounts a median needs.
const LEAST_PEERS: usize = 20;
/// A median below this many errors per GiB is taken for this.
const LEAST_MEDIAN: f64 = 1.0;
/// One bad mount in so many is worth watching.
const NOTABLE: usize = 20;
/// A drive that says it of more cartridges is not believed at once.
const BELIEVED: usize = 2;

/// A person's, or the rule's, decision about a drive or cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Out of use.
    Quarantined,
    /// In use again; what was observed before no longer counts.
    Released,
}

impl Verdict {
    /// The word that stands for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Released => "released",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Verdict {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        [Self::Quarantined, Self::Released]
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or_else(|| IdError {
                text: text.to_owned(),
                expected: "one of quarantined released",
            })
    }
}

/// The newest decision about a drive or cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// What.
    pub verdict: Verdict,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything a judgement rests on.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// All mounts, oldest first.
    pub observations: Vec<Observation>,
    /// Decisions about drives.
    pub drives: BTreeMap<DriveSerial, Decided>,
    /// Decisions about cartridges.
    pub cartridges: BTreeMap<CartridgeId, Decided>,
}

/// How a drive or cartridge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Out of use by a decision.
    Quarantined,
    /// Should be out of use.
    Suspect,
    /// Something to look out for.
    Watch,
    /// Too few mounts to tell.
    Unproven,
    /// Nothing against it.
    Good,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Quarantined => "quarantined",
            Self::Suspect => "suspect",
            Self::Watch => "watch",
            Self::Unproven => "unproven",
            Self::Good => "good",
        })
    }
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    None,
    /// A person should take it out of use.
    Propose,
    /// It is to be taken out of use at once.
    TakeOut,
}

/// Kind of a reason, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// It explains bad mounts with several others.
    FailsWithSeveral,
    /// The drive raised a critical flag about it.
    CriticalAlert,
    /// The drive raised a flag about it.
    Alert,
    /// A mount failed, and who is at fault is open.
    Failure,
    /// A mount needed far more corrections than is usual.
    Strained,
    /// The rate of errors overcome rises.
    Rising,
    /// Somebody decided.
    Decided,
}

/// A reason in a code and in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// For programs.
    pub code: ReasonCode,
    /// For people.
    pub text: String,
}

/// What was found about a drive or cartridge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// Mounts that count.
    pub mounts: usize,
    /// Of them failed.
    pub failed: usize,
    /// Of them good, but with far more corrections than usual.
    pub strained: usize,
    /// Median of errors overcome per GiB.
    pub rate: Option<f64>,
    /// Where the rate is going.
    pub trend: Trend,
    /// The state.
    pub state: State,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What to do.
    pub action: Action,
}

/// A drive's health.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriveHealth {
    /// The drive.
    pub drive: DriveSerial,
    /// What was found.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// A cartridge's health.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CartridgeHealth {
    /// The cartridge.
    pub cartridge: CartridgeId,
    /// What was found.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Assessment {
    /// By serial number.
    pub drives: Vec<DriveHealth>,
    /// By id.
    pub cartridges: Vec<CartridgeHealth>,
}

/// A mount with its grade.
struct Graded<'a> {
    observation: &'a Observation,
    grade: Grade,
}

/// Judges every drive and cartridge by what was observed up to now.
#[must_use]
pub fn assess(snapshot: &Snapshot, now: DateTime<Utc>) -> Assessment {
    let graded = grade(snapshot, now);
    let mounts: Vec<Mount> = graded
        .iter()
        .map(|mount| Mount {
            cartridge: mount.observation.cartridge,
            drive: mount.observation.drive.clone(),
            grade: mount.grade,
        })
        .collect();
    let blamed: BTreeMap<Unit, Blame> = blame::blame(&mounts)
        .into_iter()
        .map(|blame| (blame.unit.clone(), blame))
        .collect();
    let case = Case {
        snapshot,
        graded: &graded,
        blamed: &blamed,
    };
    let drives: BTreeSet<&DriveSerial> = graded
        .iter()
        .map(|mount| &mount.observation.drive)
        .chain(snapshot.drives.keys())
        .collect();
    let cartridges: BTreeSet<CartridgeId> = graded
        .iter()
        .map(|mount| mount.observation.cartridge)
        .chain(snapshot.cartridges.keys().copied())
        .collect();
    Assessment {
        drives: drives
            .into_iter()
            .map(|drive| DriveHealth {
                drive: drive.clone(),
                evidence: case.evidence(&Unit::Drive(drive.clone())),
            })
            .collect(),
        cartridges: cartridges
            .into_iter()
            .map(|cartridge| CartridgeHealth {
                cartridge,
                evidence: case.evidence(&Unit::Cartridge(cartridge)),
            })
            .collect(),
    }
}

/// The mounts that count: recent, and after the last release of both.
fn grade(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<Graded<'_>> {
    let oldest = now - TimeDelta::days(WINDOW_DAYS);
    let after = |decided: Option<&Decided>, at: DateTime<Utc>| {
        decided.is_none_or(|decided| decided.verdict == Verdict::Quarantined || decided.at < at)
    };
    let counted: Vec<&Observation> = snapshot
        .observations
        .iter()
        .filter(|one| one.at >= oldest)
        .filter(|one| after(snapshot.drives.get(&one.drive), one.at))
        .filter(|one| after(snapshot.cartridges.get(&one.cartridge), one.at))
        .collect();
    let usual = usual_rates(&counted);
    counted
        .into_iter()
        .map(|observation| {
            let limit = usual.get(observation.model.as_str());
            let strained = observation
                .usage
                .rate()
                .zip(limit)
                .is_some_and(|(rate, usual)| rate > usual * STRAINED);
            let grade = match (observation.usage.failed(), strained) {
                (true, _) => Grade::Failed,
                (false, true) => Grade::Strained,
                (false, false) => Grade::Good,
            };
            Graded { observation, grade }
        })
        .collect()
}

/// Median rate by model of drive, where there are enough mounts for one.
fn usual_rates<'a>(observations: &[&'a Observation]) -> BTreeMap<&'a str, f64> {
    let mut rates: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for observation in observations {
        if let Some(rate) = observation.usage.rate() {
            rates.entry(&observation.model).or_default().push(rate);
        }
    }
    rates
        .into_iter()
        .filter(|(_, rates)| rates.len() >= LEAST_PEERS)
        .filter_map(|(model, rates)| Some((model, median(rates)?.max(LEAST_MEDIAN))))
        .collect()
}

/// Everything a unit's evidence comes from.
struct Case<'a> {
    snapshot: &'a Snapshot,
    graded: &'a [Graded<'a>],
    blamed: &'a BTreeMap<Unit, Blame>,
}

impl Case<'_> {
    fn of<'a>(&'a self, unit: &'a Unit) -> impl Iterator<Item = &'a Graded<'a>> {
        self.graded.iter().filter(move |mount| match unit {
            Unit::Drive(drive) => mount.observation.drive == *drive,
            Unit::Cartridge(cartridge) => mount.observation.cartridge == *cartridge,
        })
    }

    fn decided(&self, unit: &Unit) -> Option<&Decided> {
        match unit {
            Unit::Drive(drive) => self.snapshot.drives.get(drive),
            Unit::Cartridge(cartridge) => self.snapshot.cartridges.get(cartridge),
        }
    }

    fn evidence(&self, unit: &Unit) -> Evidence {
        let count = |grade| self.of(unit).filter(|mount| mount.grade == grade).count();
        let (failed, strained) = (count(Grade::Failed), count(Grade::Strained));
        let mounts = self.of(unit).count();
        let rates: Vec<f64> = self
            .of(unit)
            .filter_map(|mount| mount.observation.usage.rate())
            .collect();
        let trend = trend(&rates);
        let mut reasons = Vec::new();
        let mut action = Action::None;
        if let Some(blame) = self.blamed.get(unit) {
            reasons.push(fails_with_several(blame));
            action = Action::Propose;
        }
        for flag in self.alerts(unit) {
            let critical = alert::is_critical(flag);
            let code = if critical {
                ReasonCode::CriticalAlert
            } else {
                ReasonCode::Alert
            };
            let text = format!("{flag}: {}; {}", flag.meaning(), flag.advice());
            reasons.push(reason(code, text));
            action = match (critical, action) {
                (true, Action::None | Action::Propose) if self.believed(unit, flag) => {
                    Action::TakeOut
                }
                (true, Action::None) => Action::Propose,
                (_, unchanged) => unchanged,
            };
        }
        let notable = |count: usize| count * NOTABLE >= mounts.max(1) && count > 0;
        if notable(failed) && !self.blamed.contains_key(unit) {
            let text = format!("{failed} of {mounts} mounts failed; who is at fault is open");
            reasons.push(reason(ReasonCode::Failure, text));
        }
        if notable(strained) && !self.blamed.contains_key(unit) {
            let text =
                format!("{strained} of {mounts} mounts needed far more corrections than usual");
            reasons.push(reason(ReasonCode::Strained, text));
        }
        if let Trend::Rising { .. } = trend {
            reasons.push(reason(
                ReasonCode::Rising,
                format!("corrected errors: {trend}"),
            ));
        }
        let state = match action {
            Action::Propose | Action::TakeOut => State::Suspect,
            Action::None if !reasons.is_empty() => State::Watch,
            Action::None if mounts < LEAST_MOUNTS => State::Unproven,
            Action::None => State::Good,
        };
        let quarantined = self
            .decided(unit)
            .filter(|decided| decided.verdict == Verdict::Quarantined);
        match quarantined {
            None => {}
            Some(decided) => reasons.insert(
                0,
                reason(
                    ReasonCode::Decided,
                    format!("out of use since {}", decided.at.format("%Y-%m-%d")),
                ),
            ),
        }
        Evidence {
            mounts,
            failed,
            strained,
            rate: median(rates),
            trend,
            state: if quarantined.is_some() {
                State::Quarantined
            } else {
                state
            },
            reasons,
            action: if quarantined.is_some() {
                Action::None
            } else {
                action
            },
        }
    }

    /// Flags about the unit itself, each once, ascending.
    fn alerts(&self, unit: &Unit) -> BTreeSet<TapeAlert> {
        let about = match unit {
            Unit::Drive(_) => Subject::Drive,
            Unit::Cartridge(_) => Subject::Medium,
        };
        self.of(unit)
            .flat_map(|mount| mount.observation.usage.alerts.iter())
            .filter(|flag| alert::subject(*flag) == about)
            .collect()
    }

    /// Whether a critical flag is acted upon at once. What a drive says about itself is; what it
    /// says about a cartridge only while nothing is against the drive.
    fn believed(&self, unit: &Unit, flag: TapeAlert) -> bool {
        let Unit::Cartridge(cartridge) = unit else {
            return true;
        };
        let raised = |mount: &&Graded<'_>| mount.observation.usage.alerts.contains(flag);
        self.of(unit).filter(raised).any(|mount| {
            let drive = Unit::Drive(mount.observation.drive.clone());
            let others: BTreeSet<CartridgeId> = self
                .of(&drive)
                .filter(raised)
                .map(|mount| mount.observation.cartridge)
                .filter(|other| other != cartridge)
                .collect();
            let out = self
                .decided(&drive)
                .is_some_and(|decided| decided.verdict == Verdict::Quarantined);
            !out && !self.blamed.contains_key(&drive)
                && others.len() < BELIEVED
                && !self.alerts(&drive).into_iter().any(alert::is_critical)
        })
    }
}

fn reason(code: ReasonCode, text: String) -> Reason {
    Reason { code, text }
}

fn fails_with_several(blame: &Blame) -> Reason {
    let others = match (&blame.unit, blame.others) {
        (Unit::Drive(_), 1) => "1 cartridge".to_owned(),
        (Unit::Drive(_), others) => format!("{others} cartridges"),
        (Unit::Cartridge(_), 1) => "1 drive".to_owned(),
        (Unit::Cartridge(_), others) => format!("{others} drives"),
    };
    // A millionth is certain enough; more would claim to know the model to be right.
    let chance = blame.log_chance.exp().max(1e-6);
    let text = format!(
        "{} of {} mounts went bad, with {others}; a sound one would have a chance of 1 in {:.0}",
        blame.bad,
        blame.mounts,
        1.0 / chance
    );
    reason(ReasonCode::FailsWithSeveral, text)
}
