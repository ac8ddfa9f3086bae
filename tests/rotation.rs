//! Ten years of rotation by lot, followed by a model that shares no code with the planner.
//!
//! `TAPEWARD_ROTATION_SEEDS` rooms (20) for each scheme; each goes through ten years in stretches, between
//! which cartridges are lost and found, sets held and released, recalls and movements come in, and
//! sites, couriers and vaults close.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/rotation_model.rs"]
mod model;
#[path = "support/rotation_worlds.rs"]
mod worlds;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use model::{Fault, Model};
use tapeward::rotation::{Action, Plan, plan};
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
        let days = lot.from_to(20, 900).into();
        let to = from.checked_add_days(Days::new(days)).unwrap().min(last_day());
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
    "R10", "R11", "R12", "R20", "R21", "R22", "R30", "R40", "R41", "R50", "R51", "W02", "W05", "W06",
];

#[test]
fn monthly_fulls() {
    lives(Tried::Monthly, &[COMMON, &["R01"]].concat());
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
