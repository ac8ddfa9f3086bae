//! Ten years of rotation by lot, followed by a model that shares no code with the planner.
//!
//! `TAPEWARD_ROTATION_SEEDS` rooms (20) for each scheme; each goes through ten years in stretches, between
//! which cartridges are lost and found, sets held and released, recalls and movements come in, and
//! sites, couriers and vaults close.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/rotation_ends.rs"]
mod ends;
#[path = "support/rotation_model.rs"]
mod model;
#[path = "support/rotation_planted.rs"]
mod planted;
#[path = "support/rotation_rules.rs"]
mod rules;
#[path = "support/rotation_worlds.rs"]
mod worlds;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use model::{Fault, Model};
use tapeward::rotation::{Plan, plan};
use worlds::{Tried, disturb, first_day, world};

const YEARS: u32 = 10;

fn seeds() -> u64 {
    let text = std::env::var("TAPEWARD_ROTATION_SEEDS");
    text.map_or(20, |text| text.parse().unwrap())
}

fn last_day() -> NaiveDate {
    first_day().with_year_after(YEARS)
}

trait Years {
    fn with_year_after(self, years: u32) -> NaiveDate;
}

impl Years for NaiveDate {
    fn with_year_after(self, years: u32) -> NaiveDate {
        let days = u64::from(years) * 365;
        self.checked_add_days(Days::new(days)).unwrap()
    }
}

/// Ten years of one room; what was done, counted.
fn live(seed: u64, tried: Tried, done: &mut BTreeMap<&'static str, u64>) {
    let (mut model, mut lot) = world(seed, tried);
    while model.today < last_day() {
        let from = model.today;
        let days = lot.between(20, 900).into();
        let to = from
            .checked_add_days(Days::new(days))
            .unwrap()
            .min(last_day());
        let plan = plan(&model.snapshot(), from, to).unwrap();
        count(&plan, done);
        model.follow(&plan, to);
        assert!(
            model.faults.is_empty(),
            "{tried:?}, seed {seed}, {from} to {to}: {:#?}",
            &model.faults[..model.faults.len().min(5)]
        );
        disturb(&mut model, &mut lot);
    }
}

fn count(plan: &Plan, done: &mut BTreeMap<&'static str, u64>) {
    for line in &plan.lines {
        *done.entry(line.reason.code()).or_default() += 1;
    }
    for warning in &plan.warnings {
        *done.entry(warning.what.code()).or_default() += 1;
    }
}

fn lives(tried: Tried, expected: &[&str]) {
    let mut done = BTreeMap::new();
    for seed in 0..seeds() {
        live(seed, tried, &mut done);
    }
    println!("{tried:?}: {done:?}");
    // Rooms in which nothing of the kind happens would prove nothing.
    for code in expected {
        assert!(done.contains_key(code), "{tried:?}: no {code} in {done:?}");
    }
}

const COMMON: &[&str] = &[
    "R10", "R11", "R12", "R20", "R21", "R22", "R30", "R40", "R41", "R50", "R51", "W02", "W05",
];

#[test]
fn monthly_fulls() {
    lives(Tried::Monthly, &[COMMON, &["R01", "W06"]].concat());
}

#[test]
fn grandfather_father_son() {
    lives(
        Tried::GrandfatherFatherSon,
        &[COMMON, &["R01", "R02", "R03"]].concat(),
    );
}

#[test]
fn sets_kept_off_site() {
    lives(Tried::KeepSets, &[COMMON, &["R02", "R31"]].concat());
}

#[test]
fn daily_off_site() {
    lives(Tried::Daily, &[COMMON, &["R03"]].concat());
}

/// Spoils a plan, or the room it is followed in; `None`: this room has nothing of the kind.
type Spoil = fn(&mut Plan, &mut Model) -> Option<()>;

#[test]
fn each_planted_fault_is_named() {
    use planted as p;
    let table: &[(Fault, Tried, Spoil)] = &[
        (Fault::WriteBeforeExpiry, Tried::Daily, p::no_expiry),
        (Fault::WriteUnderHold, Tried::Daily, p::held_after_planning),
        (
            Fault::WriteToDueOut,
            Tried::Monthly,
            p::written_while_it_waits,
        ),
        (
            Fault::WriteNotLoadable,
            Tried::Monthly,
            p::written_in_the_vault,
        ),
        (Fault::WriteTooMuch, Tried::Monthly, p::more_than_it_takes),
        (Fault::AllInOnePlace, Tried::Monthly, p::both_to_the_vault),
        (
            Fault::AllInOneVehicle,
            Tried::Monthly,
            p::both_in_one_vehicle,
        ),
        (Fault::EarlyReturn, Tried::Monthly, p::home_at_once),
        (Fault::EarlyExpiry, Tried::Monthly, p::expired_at_once),
        (
            Fault::ScratchTooSoon,
            Tried::Daily,
            p::scratch_without_expiry,
        ),
        (Fault::ReasonMissing, Tried::Monthly, p::wrong_reason),
        (Fault::NobodyCarries, Tried::Monthly, p::courier_closed),
        (Fault::NotThere, Tried::Monthly, p::fetched_from_elsewhere),
        (Fault::Overfull, Tried::Monthly, p::no_room),
        (Fault::Unencrypted, Tried::Monthly, p::not_encrypted),
        (Fault::OutOfOrder, Tried::Monthly, p::backwards),
        (Fault::NotDue, Tried::Monthly, p::another_day),
        (Fault::NotWritten, Tried::Monthly, p::not_written),
        (Fault::NotExpired, Tried::Daily, p::never_expired),
        (Fault::LeftBehind, Tried::Monthly, p::left_in_the_library),
    ];
    for (fault, tried, spoil) in table {
        let mut tried_rooms = 0;
        for seed in 0..200 {
            let (mut model, to) = after_a_year(seed, *tried);
            let mut plan = plan(&model.snapshot(), model.today, to).unwrap();
            if spoil(&mut plan, &mut model).is_none() {
                continue;
            }
            tried_rooms += 1;
            model.follow(&plan, to);
            let named = model.faults.iter().any(|(_, named, _)| named == fault);
            assert!(named, "{fault:?} in seed {seed}: {:#?}", model.faults);
            if tried_rooms == 3 {
                break;
            }
        }
        assert_eq!(tried_rooms, 3, "{fault:?} could not be planted");
    }
}

/// A room after a quiet year, and the last day of the next.
fn after_a_year(seed: u64, tried: Tried) -> (Model, NaiveDate) {
    let (mut model, _) = world(seed, tried);
    let year = |from: NaiveDate| from.checked_add_days(Days::new(365)).unwrap();
    let to = year(model.today);
    let first = plan(&model.snapshot(), model.today, to).unwrap();
    model.follow(&first, to);
    assert_eq!(model.faults, []);
    (model, year(to))
}
