//! A safe is counted blind, and again by somebody else.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/clerk.rs"]
mod clerk;
#[path = "support/world.rs"]
mod world;

use std::fmt::Write;

use clerk::{Clerk, Room, catalogue, kept, tape_room};
use serde_json::Value;
use tapeward::catalogue::{Exception, Place};
use tapeward::id::Barcode;
use world::World;

fn in_safe(number: usize) -> String {
    format!("CT{number:04}L8")
}

fn furnish(room: &Room<'_>) {
    for number in 0..100 {
        room.cartridge(&in_safe(number), &kept("SAFE1"));
    }
    room.cartridge("OTHER1L8", &kept("SAFE2"));
    room.cartridge("VAULT1L8", &kept("IRON"));
    room.cartridge("HANDS1L8", &Place::Outside);
}

/// What lies in the safe: two are not there, two belong elsewhere, one nobody knows.
fn found(missing: &[usize]) -> Vec<String> {
    let mut all: Vec<String> = (0..100)
        .filter(|number| !missing.contains(number))
        .map(in_safe)
        .collect();
    for stranger in ["OTHER1L8", "VAULT1L8", "XYZ001L8"] {
        all.insert(all.len() / 2, stranger.to_owned());
    }
    all
}

/// Counts from a pipe: exit code, answers, errors.
fn count(
    world: &World,
    arguments: &[&str],
    barcodes: &[String],
) -> (Option<i32>, Vec<Value>, String) {
    let mut text = barcodes.iter().fold(String::new(), |mut text, barcode| {
        writeln!(text, "{barcode}").unwrap();
        text
    });
    text.push_str(".P.DONE\n");
    let lines = world.path("lines");
    std::fs::write(&lines, text).unwrap();
    let all = [&["--json", "scan", "count", "SAFE1"][..], arguments].concat();
    let mut command = world.command(all);
    command.stdin(std::fs::File::open(&lines).unwrap());
    let output = command.output().unwrap();
    let (out, err) = world::texts(&output);
    let answers = out.lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), answers.collect(), err)
}

fn exceptions(world: &World) -> Vec<Exception> {
    catalogue(world)
        .read(|view| view.open_exceptions())
        .unwrap()
}

fn named(exceptions: &[Exception]) -> Vec<(String, String)> {
    let name = |one: &Exception| {
        let barcode = one.barcode.as_ref().map(Barcode::to_string);
        (one.kind.to_string(), barcode.unwrap())
    };
    let mut all: Vec<_> = exceptions.iter().map(name).collect();
    all.sort();
    all
}

fn pair(kind: &str, barcode: &str) -> (String, String) {
    (kind.to_owned(), barcode.to_owned())
}

#[test]
fn a_blind_count_of_a_hundred_tapes_with_five_differences_finds_the_five() {
    let world = tape_room(furnish);
    let before = world.json(["scan", "counts"]);
    assert_eq!(before[1]["last_count"], Value::Null, "{before:#}");
    let blind = ["--blind", "--as", "P07"];
    let (status, answers, err) = count(&world, &blind, &found(&[17, 60]));
    assert_eq!(status, Some(20), "{err}");
    // Nothing tells what is expected, nor that anything is wrong, before the end.
    let (last, others) = answers.split_last().unwrap();
    assert_eq!(others.len(), 102);
    for answer in others {
        assert_eq!(
            (answer.get("of"), &answer["wrong"]),
            (Some(&Value::Null), &0.into()),
            "{answer}"
        );
        assert_eq!(answer["bell"], "good");
    }
    assert_eq!(last["word"], "DONE");
    assert_eq!(last["sentence"], "5 differences are noted");
    assert_eq!(last["list"].as_array().unwrap().len(), 5, "{last:#}");
    let five = [
        pair("misplaced", "OTHER1L8"),
        pair("misplaced", "VAULT1L8"),
        pair("missing", "CT0017L8"),
        pair("missing", "CT0060L8"),
        pair("surplus", "XYZ001L8"),
    ];
    assert_eq!(named(&exceptions(&world)), five);
    let counts = world.json(["scan", "counts"]);
    let safe = &counts[1]["last_count"];
    assert_eq!(
        (&counts[1]["place"], &safe["counted_by"]),
        (&"SAFE1".into(), &"P07".into()),
        "{counts:#}"
    );
    assert_eq!(
        (&safe["expected"], &safe["found"]),
        (&100.into(), &101.into())
    );
    assert!(world.ok(["scan", "counts"]).contains("P07"));

    // The second count is by somebody else, who finds one of the two that were missed.
    let first = safe["id"].as_str().unwrap();
    let (status, _, err) = count(
        &world,
        &["--blind", "--as", "P07", "--second-of", first],
        &[],
    );
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("P07 counted first"), "{err}");
    let second = ["--blind", "--as", "P08", "--second-of", first];
    let (status, answers, err) = count(&world, &second, &found(&[17]));
    assert_eq!(status, Some(20), "{err}");
    assert_eq!(
        answers.last().unwrap()["sentence"],
        "4 differences are noted"
    );
    let left = named(&exceptions(&world));
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(!left.contains(&pair("missing", "CT0060L8")));
}

#[test]
fn a_count_that_sees_the_list_says_at_once_what_is_wrong_and_asks_at_the_end() {
    let world = tape_room(furnish);
    let mut clerk = Clerk::start(world.command(["scan", "count", "SAFE1", "--as", "P07"]));
    for number in 0..98 {
        let done = number + 1;
        let good = format!("GOOD - it is in SAFE1 ({done} of 100)");
        assert_eq!(clerk.scan(&in_safe(number)), good);
    }
    let surplus =
        "SURPLUS - on record it is in somebody's hands: leave it, it is noted (99 of 101, 1 wrong)";
    assert_eq!(clerk.scan("HANDS1L8"), surplus);
    let undone = "UNDONE - HANDS1L8 is where it was: put it back (98 of 100, 1 wrong)";
    assert_eq!(clerk.scan(".P.UNDO"), undone);
    let open = "OPEN - 2 not scanned: scan DONE again to leave them so, or go on (98 of 100, 1 wrong)\n  CT0098L8\n  CT0099L8";
    assert_eq!(clerk.scan(".P.DONE"), open);
    // Whoever is interrupted here has closed nothing.
    clerk.kill();
    assert_eq!(exceptions(&world), []);
    let mut clerk = Clerk::start(world.command(["scan", "count", "SAFE1", "--as", "P07"]));
    assert_eq!(
        clerk.scan(&in_safe(98)),
        "GOOD - it is in SAFE1 (99 of 100, 1 wrong)"
    );
    clerk.scan(".P.DONE");
    let done = "DONE - 1 difference is noted (99 of 100, 1 wrong)\n  CT0099L8 is not in SAFE1";
    assert_eq!(clerk.scan(".P.DONE"), done);
    clerk.leave();
    assert_eq!(named(&exceptions(&world)), [pair("missing", "CT0099L8")]);
}
