//! What must be kept is not labelled again: retention of each copy, holds, the last good copy, and
//! a tape that holds more than the record knows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/dump.rs"]
mod dump;
#[path = "support/later.rs"]
mod later;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use dump::Dump;
use later::Later;
use tapeward::catalogue::ContentState;
use tapeward::clock::{Clock, ManualClock};
use tapeward::error::ErrorKind;
use tapeward_sim::Operator;
use tapeward_sim::front::control::Request;
use world::{World, same_trees, texts};

const ONSITE: &str = "TWV001L8";
const OFFSITE: &str = "TWV002L8";

/// One set in two copies: the first is kept 10 days, the second 100.
fn prepared() -> World {
    let world = World::with_library("64MiB");
    world.configure(
        "[monthly]\neject = false\n[pool.onsite]\nretention-days = 10\n\
         [pool.offsite]\nretention-days = 100\n",
    );
    let source = world.path("source");
    seeded::make_tree(&source, 12, 1 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.ok(["job", "run"]);
    world
}

#[track_caller]
fn is_refused(later: &Later, barcode: &str, words: &str) {
    let error = later.label(barcode).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    let text = error.to_string();
    assert!(text.contains(barcode) && text.contains(words), "{text}");
    assert!(text.contains("nothing was written"), "{text}");
}

#[test]
fn each_copy_is_kept_as_long_as_its_pool_says() {
    let world = prepared();
    let shown = world.json(["set", "show", "data"]);
    let set = &shown["sets"][0];
    assert_eq!(set["retain_until"], set["copies"][1]["retain_until"]);
    assert_ne!(set["retain_until"], set["copies"][0]["retain_until"]);
    is_refused(&Later::days(&world, 9), ONSITE, "kept until");
    is_refused(&Later::days(&world, 11), OFFSITE, "kept until");
    // The other copy was read back and is kept: this one may go.
    let later = Later::days(&world, 11);
    later.label(ONSITE).unwrap();
    let copies = later.copies();
    assert_eq!(copies[0].state.as_str(), "expired");
    assert_eq!(copies[1].state.as_str(), "verified");
    drop(later);
    let back = world.path("back");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    same_trees(&world.path("source"), &back);
    Later::days(&world, 101).label(OFFSITE).unwrap();
}

#[test]
fn the_last_good_copy_is_kept_as_long_as_the_set() {
    let world = prepared();
    let later = Later::days(&world, 11);
    later.set_content(OFFSITE, ContentState::Quarantined);
    is_refused(&later, ONSITE, "no other copy of it was read back");
    // A job may add to it, and does not label it again.
    let before = later.volume(ONSITE).id;
    later.job();
    assert_eq!(later.volume(ONSITE).id, before);
    assert_ne!(later.content(ONSITE), ContentState::Expired);
    drop(later);
    Later::days(&world, 115).label(ONSITE).unwrap();
}

#[test]
fn a_volume_that_has_expired_is_kept_again_when_its_sibling_is_lost() {
    let world = prepared();
    let later = Later::days(&world, 11);
    later.review();
    assert_eq!(later.content(ONSITE), ContentState::Expired);
    later.set_content(OFFSITE, ContentState::Quarantined);
    // Nobody has looked again since: the cartridge is asked when it is to be written.
    is_refused(&later, ONSITE, "no other copy");
    later.review();
    assert_eq!(later.content(ONSITE), ContentState::Full);
}

#[test]
fn a_hold_keeps_what_has_expired_until_it_is_released() {
    let world = prepared();
    world.ok(["set", "hold", "data", "--reason", "case 7/2026"]);
    let (out, _) = world.exits(0, ["set", "show", "data"]);
    assert!(out.contains("Held       case 7/2026"), "{out}");
    let later = Later::days(&world, 101);
    for barcode in [ONSITE, OFFSITE] {
        is_refused(&later, barcode, "case 7/2026");
    }
    later.review();
    assert_eq!(later.content(ONSITE), ContentState::Held);
    assert!(
        later
            .job()
            .cartridges
            .iter()
            .all(|one| { ![ONSITE, OFFSITE].contains(&one.barcode.as_str()) })
    );
    drop(later);
    let (_, err) = world.exits(2, ["set", "release", "data", "--reason", " "]);
    assert!(err.contains("reason"), "{err}");
    world.ok(["set", "release", "data", "--reason", "closed"]);
    world.exits(2, ["set", "release", "data", "--reason", "closed"]);
    let shown = world.json(["set", "show", "data"]);
    let holds = shown["holds"].as_array().unwrap();
    let told: Vec<_> = holds
        .iter()
        .map(|hold| (&hold["change"], &hold["reason"]))
        .collect();
    assert_eq!(told.len(), 2);
    assert!(
        told[0].0 == "placed" && told[0].1 == "case 7/2026",
        "{told:?}"
    );
    assert!(told[1].0 == "released" && told[1].1 == "closed", "{told:?}");
    assert!(holds.iter().all(|hold| hold["actor"]["person"].is_string()));
    Later::days(&world, 101).label(ONSITE).unwrap();
}

#[test]
fn one_set_can_be_held_by_its_id_and_a_definition_from_the_first_on() {
    let world = prepared();
    let shown = world.json(["set", "show", "data"]);
    let id = shown["sets"][0]["id"].as_str().unwrap().to_owned();
    world.ok(["set", "hold", &id, "--reason", "audit"]);
    is_refused(&Later::days(&world, 101), ONSITE, "audit");
    world.ok(["set", "release", &id, "--reason", "done"]);
    let source = world.path("source");
    let define = ["set", "define", "data", source.to_str().unwrap()];
    world.ok([&define[..], &["--hold", "case 8"]].concat());
    is_refused(&Later::days(&world, 101), ONSITE, "case 8");
    let (_, err) = world.exits(2, ["set", "release", &id, "--reason", "done"]);
    assert!(err.contains("tapeward set release data"), "{err}");
    // Defining it again does not end a hold.
    world.ok(define);
    is_refused(&Later::days(&world, 101), ONSITE, "case 8");
}

/// A clock that has something done when it is asked for the time so many times.
#[derive(Debug)]
struct Meddling {
    clock: Arc<ManualClock>,
    left: AtomicUsize,
    command: Mutex<Command>,
    done: OnceLock<Output>,
}

impl Clock for Meddling {
    fn now(&self) -> DateTime<Utc> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let output = self.command.lock().unwrap().output().unwrap();
            self.done.set(output).unwrap();
        }
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn pause(&self, duration: Duration) {
        self.clock.pause(duration);
    }
}

/// Whenever somebody holds a set while a cartridge with a copy of it is labelled: either that is
/// refused, or who holds it learns that it is too late.
#[test]
fn a_hold_that_is_placed_while_a_label_is_written_keeps_it_or_says_that_it_does_not() {
    let world = prepared();
    let hold = ["set", "hold", "data", "--reason", "case 7"];
    let mut refused = 0;
    for asked in 2.. {
        let clock = Arc::new(Meddling {
            clock: ManualClock::shared(Utc::now() + TimeDelta::days(11)),
            left: asked.into(),
            command: Mutex::new(world.command(hold)),
            done: OnceLock::new(),
        });
        let later = Later::by(&world, clock.clone());
        let labelled = later.label(ONSITE);
        let held = clock.done.get().expect("labelled before it was held");
        let (out, err) = texts(held);
        assert!(out.contains("is held: case 7"), "{out}{err}");
        if let Err(error) = labelled {
            let text = error.to_string();
            assert!(
                text.contains("case 7") && text.contains("nothing was written"),
                "{text}"
            );
            assert_eq!(held.status.code(), Some(0), "{err}");
            world.ok(["set", "release", "data", "--reason", "closed"]);
            refused += 1;
            continue;
        }
        assert_eq!(held.status.code(), Some(3), "{err}");
        assert!(err.contains(ONSITE) && err.contains("too late"), "{err}");
        break;
    }
    assert!(refused > 3, "{refused}");
    // What is gone is copied again.
    let open = world.json(["copy", "list"]);
    assert_eq!(open[0]["reason"], "lost", "{open}");
    world.ok(["copy", "run", "--all"]);
    let back = world.path("back");
    world.ok([
        "restore",
        "data",
        "--copy",
        "1",
        "--to",
        back.to_str().unwrap(),
    ]);
    same_trees(&world.path("source"), &back);
}

#[test]
fn a_raw_copy_ends_what_was_on_its_cartridge() {
    let world = prepared();
    world.write_foreign("TWV003L8", &[b"wages".repeat(100)]);
    let raw = world.path("raw");
    world.ok([
        "media",
        "raw-copy",
        "TWV003L8",
        "--to",
        raw.to_str().unwrap(),
    ]);
    let later = Later::days(&world, 11);
    later.review();
    later.raw_write(&raw, ONSITE);
    assert_eq!(later.copies()[0].state.as_str(), "expired");
}

/// Ends the virtual library's process, so that its files can be changed.
fn shut_down(world: &World) {
    if let Ok(operator) = Operator::connect(&world.state().join("virtual")) {
        operator.ask(&Request::ShutDown).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_tape_that_holds_something_newer_is_quarantined_not_overwritten() {
    let world = prepared();
    let keep = world.path("keep");
    fs::create_dir(&keep).unwrap();
    let names = ["catalogue.db", "indexes"];
    for name in names {
        copy(&world.state().join(name), &keep.join(name));
    }
    // Another host with the same record of old appends, of which this one never learns.
    world.ok(["job", "run"]);
    shut_down(&world);
    for name in names {
        copy(&keep.join(name), &world.state().join(name));
    }
    for tail in ["-wal", "-shm"] {
        let _ = fs::remove_file(world.state().join(format!("catalogue.db{tail}")));
    }
    world.ok(["library", "status"]);
    let before = dump::all_bytes(&Dump::take(&world, ONSITE).folder);
    let later = Later::days(&world, 11);
    let error = later.label(ONSITE).unwrap_err().to_string();
    assert!(error.contains("the last trailer on the tape"), "{error}");
    assert_eq!(later.content(ONSITE), ContentState::Quarantined);
    drop(later);
    assert!(dump::all_bytes(&Dump::take(&world, ONSITE).folder) == before);
}

#[test]
fn a_job_writes_on_a_cartridge_whose_retention_has_ended() {
    let world = prepared();
    let later = Later::days(&world, 11);
    for barcode in later.others(&[ONSITE, OFFSITE]) {
        later.set_aside(&barcode);
    }
    let report = later.job();
    let onsite = report.cartridges.iter().find(|one| one.pool == "onsite");
    assert_eq!(onsite.unwrap().barcode.as_str(), ONSITE);
    assert_eq!(later.volume(ONSITE).retain_until, Some(later.moment(10)));
}
