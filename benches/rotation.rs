//! Planning ten years of rotation beside a toy that only hands out cartridges in turn.
//!
//! `cargo bench --bench rotation`; `TAPEWARD_BENCH_VOLUMES` (10,000) and `TAPEWARD_BENCH_ROUNDS` (5) change
//! it. A room of so many cartridges and one of ten times as many are planned over ten years, by each
//! scheme; the toy takes, each day, the cartridge that is free for longest and gives it back when its time is
//! over, without places, carriers, rules or reasons. Rounds are interleaved; the least time counts.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a program that prints figures"
)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate, Weekday};
use tapeward::catalogue::{Generation, MediumUse};
use tapeward::rotation::{
    Calendar, Carrier, CarrierIndex, Content, Daily, GrandfatherFatherSon, KeepSets, Monthly,
    Place, PlaceIndex, PlaceKind, Pool, PoolIndex, Protection, Scheme, Series, Snapshot, Stock,
    Volume, plan,
};

const YEARS: u64 = 10;
const CAPACITY: u64 = 12_000_000_000_000;

fn main() {
    // `cargo test --benches` runs this too; only a bench run measures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let volumes = variable("TAPEWARD_BENCH_VOLUMES", 10_000) as usize;
    let rounds = variable("TAPEWARD_BENCH_ROUNDS", 5).max(1);
    let sizes = [volumes, 10 * volumes];
    println!("{YEARS} years, least of {rounds} rounds, times in ms");
    println!("scheme                    volumes      lines      ms   toy ms    times");
    for (name, scheme, on_site, at_a_time) in schemes() {
        let mut least = [[Duration::MAX; 2]; 2];
        let mut lines = [0; 2];
        for _ in 0..rounds {
            for (at, size) in sizes.iter().enumerate() {
                let room = room(*size, &scheme, &on_site, at_a_time);
                let begun = Instant::now();
                let plan = plan(&room, first(), last()).unwrap();
                least[at][0] = least[at][0].min(begun.elapsed());
                lines[at] = plan.lines.len();
                let begun = Instant::now();
                std::hint::black_box(toy(*size, at_a_time));
                least[at][1] = least[at][1].min(begun.elapsed());
            }
        }
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        for (at, size) in sizes.iter().enumerate() {
            let ratio = ms(least[at][0]) / ms(least[0][0]);
            println!(
                "{name:24} {size:8} {:10} {:7.1} {:8.1} {:>8.1}",
                lines[at],
                ms(least[at][0]),
                ms(least[at][1]),
                ratio
            );
        }
    }
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn first() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

fn last() -> NaiveDate {
    first().checked_add_days(Days::new(YEARS * 365)).unwrap()
}

/// Each scheme with figures that use a cartridge about once a year, that of the copies on site, and how
/// many copies there are at a time.
fn schemes() -> Vec<(&'static str, Scheme, Scheme, usize)> {
    let keep_months = 12;
    let monthly = Scheme::Monthly(Monthly {
        keep_months,
        day: 1,
    });
    let daily = Scheme::Daily(Daily { keep_days: 365 });
    let fathers = Scheme::GrandfatherFatherSon(GrandfatherFatherSon {
        keep_days: 180,
        keep_weeks: 26,
        keep_months,
        day: Weekday::Fri,
    });
    let weekly = Scheme::KeepSets(KeepSets {
        sets: 52,
        days: [Weekday::Mon].into(),
    });
    vec![
        ("monthly", monthly.clone(), monthly.clone(), 26),
        ("grandfather-father-son", fathers, monthly.clone(), 148),
        ("keep-sets", weekly, monthly, 66),
        ("daily", daily.clone(), daily, 524),
    ]
}

/// A room whose cartridges are all used in turn: two pools, ten series.
fn room(volumes: usize, scheme: &Scheme, on_site: &Scheme, at_a_time: usize) -> Snapshot {
    let place = |name: &str, kind, carrier| Place {
        name: name.to_owned(),
        kind,
        capacity: None,
        calendar: Calendar::default(),
        carrier,
        others: 0,
    };
    let pool = |name: &str, scheme: &Scheme, keep_at| Pool {
        name: name.to_owned(),
        scheme: scheme.clone(),
        keep_at,
        retention_days: None,
    };
    let each = (volumes as u64 * CAPACITY) / (at_a_time as u64 * 10);
    let series = (0..10).map(|at| Series {
        name: format!("system{at}"),
        copies: vec![PoolIndex(0), PoolIndex(1)],
        bytes: each.max(1),
        retention_days: None,
        held: false,
        protection: Protection::Encrypted,
    });
    let volume = |at: usize| Volume {
        barcode: format!("V{at:05}L8"),
        generation: Generation::Lto8,
        medium_use: MediumUse::Data,
        content: Content::Scratch,
        pool: None,
        capacity: CAPACITY,
        remaining: CAPACITY,
        wear: (at % 7) as u32,
        place: Some(PlaceIndex(0)),
        since: first(),
        written: None,
        protection: Protection::Encrypted,
        planned: None,
        recall: None,
    };
    Snapshot {
        site: Calendar::default(),
        library: PlaceIndex(0),
        writable: vec![Generation::Lto8],
        places: vec![
            place("library", PlaceKind::Library, None),
            place("safe", PlaceKind::Safe, None),
            place("vault", PlaceKind::Vault, Some(CarrierIndex(0))),
        ],
        carriers: vec![Carrier {
            name: "courier".to_owned(),
            calendar: Calendar::on([Weekday::Tue, Weekday::Fri]),
        }],
        pools: vec![
            pool("onsite", on_site, PlaceIndex(1)),
            pool("offsite", scheme, PlaceIndex(2)),
        ],
        series: series.collect(),
        sets: Vec::new(),
        copies: Vec::new(),
        volumes: (0..volumes).map(volume).collect(),
        late: Vec::new(),
        stock: Stock {
            minimum: 20,
            lead_days: 14,
            generation: Generation::Lto8,
            capacity: CAPACITY,
            ordered: Vec::new(),
        },
        acclimatisation_days: 1,
    }
}

/// Cartridges handed out in turn, and given back after a year; returns how many were.
fn toy(volumes: usize, at_a_time: usize) -> usize {
    let days = (YEARS * 365) as usize;
    let mut free: VecDeque<u32> = (0..volumes as u32).collect();
    let mut due: Vec<Vec<u32>> = vec![Vec::new(); days + 366];
    let mut written = 0;
    for day in 0..days {
        free.extend(std::mem::take(&mut due[day]));
        let every = (2 * 365 / at_a_time).max(1);
        if day % every == 0 {
            for _ in 0..(volumes * every / 365) {
                if let Some(volume) = free.pop_front() {
                    due[day + 365].push(volume);
                    written += 1;
                }
            }
        }
    }
    written
}
