//! Labels that a process had begun to write when it died: the next try finishes them, and only
//! what is nothing but such a beginning is written over.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::sync::LazyLock;

use rstest::rstest;
use tapeward::tape::label::VolumeLabel;
use tapeward_sim::Operator;
use tapeward_sim::fault::{Counts, Fault, Place, PlannedFault};
use tapeward_sim::front::control::{Request, Response};
use world::{World, texts};

/// VOL1 HDR1 HDR2 UHL1, a filemark, `volume.json` in one block, a filemark, EOF1 EOF2 UTL1 UTL2, a
/// filemark.
const LABEL_WRITES: u64 = 12;

fn prepared() -> World {
    let world = World::in_memory();
    world.prepare_library("64MiB");
    // With the first one blocks are tried, once for all.
    world.ok(label("TWV001L8"));
    world
}

fn label(barcode: &str) -> [&str; 5] {
    ["media", "label", barcode, "--pool", "onsite"]
}

fn kill_at(world: &World, command: u64) {
    world.ok(["sim", "kill-host", "--at-command", &command.to_string()]);
}

/// What the library was given since the kill was planned.
fn counts(world: &World) -> Counts {
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    match operator.ask(&Request::Faults).unwrap() {
        Response::Faults { counts, .. } => counts,
        other => panic!("{other:?}"),
    }
}

/// What labelling takes when nothing happens.
fn unharmed(world: &World, barcode: &str) -> Counts {
    kill_at(world, 1_000_000_000);
    world.ok(label(barcode));
    let counts = counts(world);
    assert_eq!(counts.writes, LABEL_WRITES);
    counts
}

/// Labels and is killed before this command is carried out; returns how many blocks and filemarks
/// it had written.
fn killed_at(world: &World, barcode: &str, command: u64) -> u64 {
    kill_at(world, command);
    let output = world.run(label(barcode));
    assert_eq!(output.status.code(), None, "{:?}", texts(&output));
    counts(world).writes
}

/// Whether it is labelled, in the record and on the tape.
fn is_labelled(world: &World, barcode: &str) {
    let shown = world.json(["media", "show", barcode]);
    let found = world.json(["media", "identify", barcode]);
    assert_eq!(found["kind"], "ours", "{found}");
    let id = shown["volume"]["id"].as_str().unwrap();
    assert!(
        found["found"].as_str().unwrap().contains(id),
        "{found} {shown}"
    );
}

/// Where a process can die between the first and the last block of its label.
struct Stages {
    /// Commands of labelling a blank cartridge.
    blank: u64,
    /// How many commands before the last one, and how many blocks and filemarks it has written by
    /// then.
    stages: Vec<(u64, u64)>,
}

/// Found by dying over the label of a cartridge that has one already.
static STAGES: LazyLock<Stages> = LazyLock::new(|| {
    let world = prepared();
    let blank = unharmed(&world, "TWV002L8").commands;
    let again = unharmed(&world, "TWV002L8").commands;
    let mut stages: Vec<(u64, u64)> = Vec::new();
    for moment in (1..=again).rev() {
        let written = killed_at(&world, "TWV002L8", moment);
        world.ok(label("TWV002L8"));
        if written == 0 {
            break;
        }
        if stages.last().is_none_or(|(_, last)| written < *last) {
            stages.push((again - moment, written));
        }
    }
    is_labelled(&world, "TWV002L8");
    Stages { blank, stages }
});

/// Dies over the label of a blank cartridge behind about so many blocks and filemarks: how often a
/// drive is asked whether it is ready is not always the same. Returns how many it was.
fn killed_behind(world: &World, barcode: &str, writes: u64) -> u64 {
    let stage = STAGES.stages.iter().find(|stage| stage.1 == writes);
    let (before_end, _) = stage.unwrap();
    killed_at(world, barcode, STAGES.blank - before_end)
}

/// A world in which that happened behind this many.
fn world_killed_behind(
    barcode: &str,
    is_meant: impl Fn(u64) -> bool,
    writes: u64,
    first: impl Fn(&World),
) -> World {
    for _ in 0..20 {
        let world = prepared();
        first(&world);
        if is_meant(killed_behind(&world, barcode, writes)) {
            return world;
        }
    }
    panic!("never killed behind about {writes} blocks and filemarks");
}

#[test]
fn the_next_try_finishes_it_wherever_it_ends() {
    let world = prepared();
    for writes in 1..=LABEL_WRITES {
        let barcode = format!("TWV{:03}L8", writes + 1);
        killed_behind(&world, &barcode, writes);
        world.ok(label(&barcode));
        is_labelled(&world, &barcode);
    }
}

/// The drive gives up in the middle of a label, and takes the next try.
#[rstest]
fn one_that_could_not_be_finished_is_ours(#[values(1, 4, 6, 9)] record: u64) {
    let world = prepared();
    world.ok(["library", "status"]);
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    let at = Place::WriteRecord {
        cartridge: "TWV009L8".to_owned(),
        record,
    };
    let faults = vec![PlannedFault {
        at,
        fault: Fault::MediumError,
    }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
    world.refuses(1, label("TWV009L8")).says(&["TWV009L8"]);
    let found = world.json(["media", "identify", "TWV009L8"]);
    assert_ne!(found["kind"], "blank", "{found}");
    world.ok(label("TWV009L8"));
    is_labelled(&world, "TWV009L8");
}

#[test]
fn one_that_another_record_began_stays_unless_somebody_says_so() {
    let other = world_killed_behind("TWV009L8", |written| (1..=5).contains(&written), 5, |_| {});
    let world = prepared();
    world.take_tape(&other, "TWV009L8", "TWV009L8");
    // What was refused is not what was begun.
    for _ in 0..2 {
        let refusal = world.refuses(1, label("TWV009L8"));
        refusal.says(&[
            "TWV009L8",
            "the beginning of a label with serial TWV009",
            "nothing was written",
            "--overwrite-foreign",
        ]);
    }
    world.ok([&label("TWV009L8")[..], &["--overwrite-foreign"]].concat());
    is_labelled(&world, "TWV009L8");
}

/// The tape under this barcode is not the one that was begun with, or somebody else went on with
/// it.
#[test]
fn with_anything_behind_it_it_is_not_what_was_begun() {
    let serial = "TWV009".parse().unwrap();
    let begun = VolumeLabel::new(&serial).encode().to_vec();
    let other = [begun, b"wages".repeat(100)];
    let is_meant = |written| written == 1;
    let world = world_killed_behind("TWV009L8", is_meant, 1, |world| {
        world.write_foreign("TWV010L8", &other);
    });
    world.exchange("TWV009L8", "TWV010L8");
    let refusal = world.refuses(1, label("TWV009L8"));
    refusal.says(&["TWV009L8", "header is damaged", "nothing was written"]);

    world.exchange("TWV009L8", "TWV010L8");
    world.ok(label("TWV009L8"));
    is_labelled(&world, "TWV009L8");
}
