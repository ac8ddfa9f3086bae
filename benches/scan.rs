//! How long a scan takes to be answered, beside a bare SQLite transaction of one row, in the same run.
//!
//! `cargo bench --bench scan`; `TAPEWARD_BENCH_ITEMS` (10,000) is the size of the larger list, the other one
//! has a tenth. A place is counted with the list in sight: each answer is judged, carried out and on stable
//! storage when it is given. The peer inserts one row in a transaction of its own, as durably. Both are in
//! a temporary folder (`TMPDIR`).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints figures"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tapeward::app::{App, Surroundings};
use tapeward::catalogue::{
    Generation, MediumUse, NewCartridge, NewPlace, Person, Place, PlaceKind, Witness,
};
use tapeward::clock::SystemClock;
use tapeward::config::Config;
use tapeward::error::Error;
use tapeward::id::CartridgeId;
use tapeward::key::{PassphraseSource, Secrets};
use tapeward::progress::{Interrupt, Unwatched};
use tapeward::scan::station::Station;
use tapeward::scan::task::Sight;
use tapeward::scan::{Bell, Line};

/// Scans of which the time is taken, at the end of the list.
const SCANS: usize = 400;

fn main() {
    let items: usize = std::env::var("TAPEWARD_BENCH_ITEMS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10_000);
    println!("list      scan, median   99 %      bare row, median");
    for size in [items / 10, items] {
        let folder = tempfile::tempdir().unwrap();
        let mut ours = scans(folder.path(), size);
        let mut bare = rows(&folder.path().join("peer.sqlite"));
        println!(
            "{size:<8}  {:>8.2} ms    {:>6.2} ms  {:>8.2} ms",
            millis(quantile(&mut ours, 50)),
            millis(quantile(&mut ours, 99)),
            millis(quantile(&mut bare, 50)),
        );
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn quantile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn barcode(number: usize) -> String {
    format!("{number:06}L8")
}

fn scans(folder: &Path, size: usize) -> Vec<Duration> {
    let app = Arc::new(room(&folder.join("state"), size));
    let mut station = Station::new(app);
    station.enter(&"P07".parse().unwrap()).unwrap();
    let safe = "SAFE1".parse().unwrap();
    station.count(&safe, Sight::Open, None).unwrap();
    let mut times = Vec::new();
    for number in 0..size {
        let line = Line::new(&barcode(number), None);
        let begun = Instant::now();
        let answer = station.line(&line).unwrap();
        assert_eq!(answer.bell, Bell::Good, "{answer}");
        if number + SCANS >= size {
            times.push(begun.elapsed());
        }
    }
    times
}

/// A safe with so many cartridges.
fn room(state: &Path, size: usize) -> App {
    let config: Config = toml::from_str("[place.SAFE1]\nkind = \"safe\"\n").unwrap();
    let around = Surroundings {
        clock: SystemClock::shared(),
        watcher: Arc::new(Unwatched),
        interrupt: Interrupt::default(),
        secrets: Arc::new(Secrets::from_source(PassphraseSource::Terminal)),
    };
    let app = App::initialise(state, &config, around).unwrap();
    let now = Utc::now();
    app.catalogue
        .write(|tx| {
            tx.add_person(&Person {
                code: "P07".parse()?,
                name: "Ann Weber".to_owned(),
                roles: Vec::new(),
                telephone: None,
                mail: None,
                organisation: None,
                added_at: now,
                closed_at: None,
            })?;
            for number in 0..size {
                let id = CartridgeId::generate(now);
                tx.add_cartridge(&NewCartridge {
                    id,
                    barcode: barcode(number).parse()?,
                    generation: Generation::Lto8,
                    medium_use: MediumUse::Data,
                    medium_serial: None,
                    added_at: now,
                })?;
                tx.record_place(&NewPlace {
                    item: id.into(),
                    place: Place::Kept {
                        kind: PlaceKind::Safe,
                        code: "SAFE1".parse()?,
                    },
                    at: now,
                    entered_at: now,
                    witness: Witness::Person,
                    run: None,
                    note: None,
                })?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    app
}

/// One row a transaction, as durable as the record.
fn rows(path: &Path) -> Vec<Duration> {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE line (number INTEGER PRIMARY KEY, text TEXT NOT NULL);",
        )
        .unwrap();
    (0..SCANS)
        .map(|number| {
            let begun = Instant::now();
            connection
                .execute("INSERT INTO line (text) VALUES (?1)", [barcode(number)])
                .unwrap();
            begun.elapsed()
        })
        .collect()
}
