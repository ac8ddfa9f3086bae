//! Two clerks scan without the record, and what they did comes into it with what contradicts shown.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/clerk.rs"]
mod clerk;
#[path = "support/world.rs"]
mod world;

use std::path::PathBuf;

use clerk::{Clerk, Room, catalogue, code, kept, tape_room};
use serde_json::Value;
use tapeward::catalogue::{CatalogueError, Place, Witness};
use world::World;

fn tape(number: usize) -> String {
    format!("OF{number:04}L8")
}

/// All come home to SAFE1, but for the last ones, which nobody has planned anything for.
fn furnish(room: &Room<'_>) {
    for number in 0..40 {
        let item = room.cartridge(&tape(number), &Place::InTransit);
        room.way(item, &Place::InTransit, "SAFE1", None);
    }
    for number in 40..45 {
        room.cartridge(&tape(number), &Place::Outside);
    }
}

fn export(world: &World, name: &str) -> PathBuf {
    let file = world.path(name);
    world.ok(["scan", "export", file.to_str().unwrap()]);
    file
}

fn at(world: &World, file: &PathBuf) -> Clerk {
    let mut command = world.command(["scan", "offline"]);
    // It needs nothing but the file.
    command
        .arg(file)
        .env("TAPEWARD_STATE", world.path("nothing"));
    Clerk::start(command)
}

fn into(clerk: &mut Clerk, place: &str) {
    clerk.scan(".P.IN");
    let begun = clerk.scan(&format!(".L.{place}"));
    assert!(begun.starts_with(&format!("IN - IN {place}")), "{begun}");
}

fn good(clerk: &mut Clerk, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        let answer = clerk.scan(&tape(number));
        assert!(answer.starts_with("GOOD - "), "{number}: {answer}");
    }
}

fn done(clerk: &mut Clerk) {
    if clerk.scan(".P.DONE").starts_with("OPEN") {
        clerk.scan(".P.DONE");
    }
}

fn place_of(world: &World, number: usize) -> Place {
    let item = catalogue(world).read(|view| view.item_by_barcode(&code(&tape(number))));
    item.unwrap().unwrap().place().clone()
}

#[test]
fn two_clerks_are_merged_and_three_conflicts_shown() {
    let world = tape_room(furnish);
    let (ann, bob) = (export(&world, "ann.scan"), export(&world, "bob.scan"));
    assert!(!std::fs::read_to_string(&ann).unwrap().contains("argon2"));

    let mut clerk = at(&world, &ann);
    assert_eq!(
        clerk.scan(".B.P07"),
        "HELLO - Ann Weber: scan OUT, IN, PACK or COUNT"
    );
    into(&mut clerk, "SAFE1");
    good(&mut clerk, 0..10);
    // Killed with a scan under way, and half a line on the disk.
    clerk.send(&tape(10));
    clerk.kill();
    let torn = std::fs::OpenOptions::new().append(true).open(&ann);
    std::io::Write::write_all(&mut torn.unwrap(), b"{\"scan\":{\"numb").unwrap();
    let mut clerk = at(&world, &ann);
    let back = clerk.scan(".B.P07");
    assert!(
        back.starts_with("WELCOME BACK - Ann Weber: IN SAFE1 goes on (1"),
        "{back}"
    );
    let last = clerk.scan(&tape(10));
    assert!(last.ends_with("(11 of 40)"), "{last}");
    good(&mut clerk, 11..20);
    let wrong = clerk.scan("ZZZ999L8");
    assert!(wrong.starts_with("UNKNOWN"), "{wrong}");
    good(&mut clerk, [40, 41, 42]);
    // Taken back, so nobody claims it.
    good(&mut clerk, [43]);
    assert!(clerk.scan(".P.UNDO").starts_with("UNDONE - OF0043L8"));
    done(&mut clerk);
    clerk.leave();

    let mut clerk = at(&world, &bob);
    clerk.scan(".B.P08");
    into(&mut clerk, "SAFE1");
    // Both have noted 19: no conflict, both say the same.
    good(&mut clerk, 19..30);
    done(&mut clerk);
    into(&mut clerk, "SAFE2");
    // Ann says that these two are in SAFE1.
    good(&mut clerk, [40, 41]);
    good(&mut clerk, [43, 44]);
    done(&mut clerk);
    clerk.leave();

    // Somebody puts one elsewhere with the record, after the lists were written.
    let check_in = [
        "media", "check-in", "OF0044L8", "--place", "IRON", "--as", "P07",
    ];
    world.ok(check_in);

    let merge = || {
        let mut command = world.command(["--json", "scan", "merge"]);
        let output = command
            .args([&ann, &bob])
            .args(["--as", "P07"])
            .output()
            .unwrap();
        let (out, err) = world::texts(&output);
        let merged: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        (output.status.code(), merged, err)
    };
    let (status, merged, err) = merge();
    assert_eq!(status, Some(20), "{err}");
    assert!(err.contains("3 conflicts are left out"), "{err}");
    let conflicts = merged["conflicts"].as_array().unwrap();
    let about: Vec<&str> = conflicts
        .iter()
        .map(|conflict| conflict["barcode"].as_str().unwrap())
        .collect();
    assert_eq!(about, ["OF0040L8", "OF0041L8", "OF0044L8"], "{merged:#}");
    let both = conflicts[0]["what"].as_str().unwrap();
    assert!(
        both.contains("P07 at ") && both.contains("put it in SAFE1"),
        "{both}"
    );
    assert!(
        both.contains("P08 at ") && both.contains("put it in SAFE2"),
        "{both}"
    );
    let since = conflicts[2]["what"].as_str().unwrap();
    assert!(
        since.contains("since the list was written it is in IRON"),
        "{since}"
    );

    for number in 0..30 {
        assert_eq!(place_of(&world, number), kept("SAFE1"), "{number}");
    }
    assert_eq!(place_of(&world, 30), Place::InTransit);
    assert_eq!(place_of(&world, 40), Place::Outside);
    assert_eq!(place_of(&world, 42), kept("SAFE1"));
    assert_eq!(place_of(&world, 43), kept("SAFE2"));
    assert_eq!(place_of(&world, 44), kept("IRON"));
    record_is_late_and_once(&world);

    // Again: nothing new.
    let open = catalogue(&world)
        .read(|view| view.open_exceptions())
        .unwrap()
        .len();
    let (_, again, err) = merge();
    assert_eq!(again["lines"], 0, "{again:#}{err}");
    assert_eq!(again["applied"], 0);
    record_is_late_and_once(&world);
    let still = catalogue(&world)
        .read(|view| view.open_exceptions())
        .unwrap()
        .len();
    assert_eq!(open, still);
}

fn record_is_late_and_once(world: &World) {
    catalogue(world)
        .read(|view| {
            for number in 0..30 {
                let item = view.item_by_barcode(&code(&tape(number)))?.unwrap();
                let events = view.place_history(item.id())?;
                let scans: Vec<_> = events
                    .iter()
                    .filter(|event| event.witness == Witness::Scanned)
                    .collect();
                // Both clerks scanned 19, at two times.
                assert_eq!(scans.len(), if number == 19 { 2 } else { 1 }, "{number}");
                assert!(scans[0].at < scans[0].entered_at);
            }
            Ok::<_, CatalogueError>(())
        })
        .unwrap();
}

#[test]
fn what_is_no_list_and_a_list_in_use_are_refused() {
    let world = tape_room(furnish);
    let file = export(&world, "ann.scan");
    let path = file.to_str().unwrap();
    let (_, err) = world.exits(1, ["scan", "export", path]);
    assert!(err.contains("ann.scan"), "{err}");
    let clerk = at(&world, &file);
    let (_, err) = world.exits(11, ["scan", "offline", path]);
    assert!(err.contains("somebody else scans with"), "{err}");
    clerk.leave();
    let other = world.path("other");
    std::fs::write(&other, "{\"cards\":1}\n").unwrap();
    let (_, err) = world.exits(2, ["scan", "merge", other.to_str().unwrap()]);
    assert!(err.contains("is no list for scanning: line 1"), "{err}");
}
