//! Copying from tape to tape is killed, or the power of the library is cut, at moments spread over
//! the whole of it. The same command goes on; nothing that counted is lost meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::sync::LazyLock;

use rstest::rstest;
use seeded::Seeded;
use tapeward::catalogue::{Catalogue, CatalogueError, SegmentCopyState};
use tapeward::id::CopyNumber;
use tapeward_sim::Operator;
use tapeward_sim::fault::Counts;
use tapeward_sim::front::control::{Request, Response};
use world::{World, texts};

const SMALL: &str = "[stream]\nsegment-size = \"256KiB\"\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n\
                     [monthly]\neject = false\n";
const MOMENTS: u64 = 8;

/// What copying gives that nothing happens to.
static UNHARMED: LazyLock<Counts> = LazyLock::new(|| {
    let world = prepared();
    world.ok(["sim", "kill-host", "--at-command", "1000000000"]);
    world.ok(["copy", "run", "--all"]);
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    let Response::Faults { counts, .. } = operator.ask(&Request::Faults).unwrap() else {
        panic!("no counts");
    };
    assert!(counts.writes > 4 * MOMENTS && counts.commands > counts.writes);
    counts
});

/// A set on two cartridges, one lost and one to be replaced.
fn prepared() -> World {
    let world = World::in_memory();
    world.prepare_library("8MiB");
    world.configure(SMALL);
    world.define_data(43, 1 << 20);
    world.ok(["job", "run"]);
    let lost = [
        "copy",
        "lost",
        "TWV002L8",
        "--due",
        "2031-01-31",
        "--reason",
        "x",
    ];
    world.ok(lost);
    world.ok(["copy", "refresh", "TWV001L8"]);
    world
}

fn moment(nth: u64, commands: u64) -> String {
    let share = commands * 19 / 20;
    (1 + (nth - 1) * share / MOMENTS + Seeded::new(nth).below(share / MOMENTS)).to_string()
}

fn is_over(world: &World) -> bool {
    let plan = std::fs::read_to_string(world.virtual_folder().join("faults.json")).unwrap();
    plan.trim() == "[]"
}

fn run_until_done(world: &World) {
    let mut said = String::new();
    for _ in 0..4 {
        let output = world.run(["copy", "run", "--all"]);
        let (out, err) = texts(&output);
        said = format!("{said}{err}{out}");
        match output.status.code() {
            Some(0) => return,
            None | Some(1 | 11 | 20) => {}
            code => panic!("exits {code:?}\n{said}"),
        }
    }
    panic!("not done\n{said}");
}

#[track_caller]
fn is_whole(world: &World) {
    assert_eq!(world.json(["copy", "list"]), serde_json::json!([]));
    world.ok(["verify", "data"]);
    world.both_copies_restore();
    let shown = world.json(["media", "show", "TWV001L8"]);
    assert_eq!(shown["content"], "retired");
}

#[rstest]
fn killed_at_any_command_it_goes_on(#[values(1, 2, 3, 4, 5, 6, 7, 8)] nth: u64) {
    let moment = moment(nth, UNHARMED.commands);
    let world = prepared();
    world.ok(["sim", "kill-host", "--at-command", &moment]);
    let output = world.run(["copy", "run", "--all"]);
    assert_eq!(output.status.code(), None, "{:?}", texts(&output));
    // Whatever was done: a copy can be restored.
    let back = world.path("back-after-kill");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    run_until_done(&world);
    is_whole(&world);
}

/// Killed between writing all that is to take the place of what is on TWV001L8 and reading all of
/// that back; the new cartridge.
fn killed_before_reading_back() -> (World, String) {
    for share in [32, 34, 36, 30, 38, 40, 28, 42, 44, 46, 26, 48, 50, 24] {
        let world = prepared();
        let moment = (UNHARMED.commands * share / 100).to_string();
        world.ok(["sim", "kill-host", "--at-command", &moment]);
        assert_eq!(world.run(["copy", "run", "--all"]).status.code(), None);
        let all = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
        let waiting = all.read(|view| {
            let set = view.sets()?[0].id;
            let rows = view.segment_copies(set)?;
            let mut waiting = rows
                .iter()
                .filter(|row| row.state == SegmentCopyState::Replacing);
            let left = view.segments_to_move(set, CopyNumber(1), rows[0].volume)?;
            let Some(volume) = waiting.next().map(|row| row.volume) else {
                return Ok(None);
            };
            if !left.is_empty() {
                return Ok(None);
            }
            let cartridge = view.volume(volume)?.cartridge;
            Ok::<_, CatalogueError>(Some(view.cartridge(cartridge)?.barcode))
        });
        if let Some(barcode) = waiting.unwrap() {
            return (world, barcode.to_string());
        }
    }
    panic!("never killed before reading back");
}

#[test]
fn what_is_not_read_back_yet_counts_when_the_old_one_is_lost() {
    let (world, _) = killed_before_reading_back();
    let planned = |world: &World| {
        let plan = world.json(["copy", "plan"]);
        let tasks = plan["tasks"].as_array().unwrap().clone();
        tasks
            .iter()
            .map(|task| task["segments"].as_u64().unwrap())
            .sum::<u64>()
    };
    let before = planned(&world);
    let lost = [
        "copy",
        "lost",
        "TWV001L8",
        "--due",
        "2031-01-31",
        "--reason",
        "x",
    ];
    world.ok(lost);
    // Nothing of what is on the new one is to be written again.
    assert_eq!(planned(&world), before);
    run_until_done(&world);
    assert_eq!(world.json(["copy", "list"]), serde_json::json!([]));
    world.ok(["verify", "data"]);
    world.both_copies_restore();
}

#[test]
fn what_is_on_a_cartridge_taken_out_of_use_takes_no_place() {
    let (world, target) = killed_before_reading_back();
    let quarantine = ["health", "quarantine", &target, "--reason", "dropped"];
    // 20 when something was read back already, which then has a doubtful copy only.
    let code = world.run(quarantine).status.code();
    assert!(matches!(code, Some(0 | 20)), "{code:?}");
    let output = world.run(["copy", "run", "--all"]);
    let (out, err) = texts(&output);
    assert!(
        err.contains("taken out of use before it counted"),
        "{err}{out}"
    );
    run_until_done(&world);
    is_whole(&world);
    let shown = world.json(["set", "show", "data"]);
    let copies = shown["sets"][0]["copies"].to_string();
    assert!(!copies.contains(&target), "{copies}");
}

#[rstest]
fn after_a_power_cut_at_any_write_it_goes_on(#[values(1, 2, 3, 4, 5, 6, 7, 8)] nth: u64) {
    let moment = moment(nth, UNHARMED.writes);
    let world = prepared();
    world.ok(["sim", "power-cut", "--at-write", &moment]);
    run_until_done(&world);
    assert!(is_over(&world), "the power never went");
    is_whole(&world);
}
