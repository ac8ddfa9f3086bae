//! Courier runs on which something goes wrong: seals, lists, lost tapes, nobody who comes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/desk.rs"]
mod desk;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use desk::{courier_desk, exceptions, hand_over, in_days, place_of, sealed_run};
use serde_json::Value;

#[test]
fn a_broken_seal_keeps_lines_open_until_a_list_names_them() {
    let world = courier_desk();
    let run = sealed_run(&world, &["TWV001L8"]);
    hand_over(&world, &run, "A");
    let broken = [
        "courier",
        "receipt",
        &run,
        "--case",
        "C07",
        "--seal-found",
        "884299",
    ];
    world.stops(21, broken).says(&["open exceptions 1"]);
    let list = world.path("receipt.csv");
    std::fs::write(&list, "slot,barcode\n1,TWV001L8\n2,XYZ999L8\n").unwrap();
    let named = world.stops(21, ["courier", "receipt", &run, list.to_str().unwrap()]);
    assert!(
        named.out.contains("1 lines closed by the list, 0 open"),
        "{named:?}"
    );
    assert!(named.out.contains("XYZ999L8 is not ours"), "{named:?}");
    world.stops(21, ["courier", "close", &run]);
    let kinds: Vec<Value> = exceptions(&world)
        .iter()
        .map(|row| row["kind"].clone())
        .collect();
    assert_eq!(kinds, ["seal", "foreign"]);
}

#[test]
fn a_tape_the_courier_lost_is_missing_and_rolled_lines_go_again() {
    let world = courier_desk();
    world.ok(["thing", "add", "envelope", "ENV001", "escrow key"]);
    let run = sealed_run(&world, &["TWV001L8", "ENV001"]);
    hand_over(&world, &run, "A");
    let lost = [
        "courier",
        "except",
        &run,
        "TWV001L8",
        "--kind",
        "lost",
        "--reason",
        "van stolen",
    ];
    let said = world.stops(21, lost);
    said.says(&["open exceptions 1"]);
    assert!(said.out.contains("1 copy is to be made again"), "{said:?}");
    assert_eq!(place_of(&world, "TWV001L8")["place"], "missing");
    world.stops(
        21,
        ["courier", "close", &run, "--roll", "vault did not list it"],
    );
    let kinds: Vec<Value> = exceptions(&world)
        .iter()
        .map(|row| row["kind"].clone())
        .collect();
    assert_eq!(kinds, ["lost", "overdue"]);
    let planned = world.json(["movement", "list"]);
    assert_eq!(planned[0]["barcode"], "ENV001");
    assert!(
        planned[0]["note"]
            .as_str()
            .unwrap()
            .contains("vault did not list it")
    );
    world
        .refuses(2, ["courier", "correct", &run, "TWV001L8"])
        .says(&["--reason"]);
    let correct = [
        "courier",
        "correct",
        &run,
        "TWV001L8",
        "--reason",
        "vault found it",
    ];
    let corrected = world.json(correct);
    let second = corrected["run"].as_str().unwrap();
    let list = world.path("receipt.csv");
    std::fs::write(&list, "TWV001L8\n").unwrap();
    world.ok(["courier", "receipt", second, list.to_str().unwrap()]);
    assert_eq!(place_of(&world, "TWV001L8")["code"], "IRON");
    world.ok(["courier", "close", second]);
}

#[test]
fn nobody_came_and_a_recall_at_night() {
    let world = courier_desk();
    world.ok([
        "movement",
        "plan",
        "TWV001L8",
        "--to",
        "IRON",
        "--due",
        &in_days(0),
    ]);
    let run = world.json(["courier", "build", "--on", &in_days(0)])["run"].clone();
    let run = run.as_str().unwrap();
    world
        .stops(21, ["courier", "no-show", run, "--reason", "snow"])
        .says(&["exceptions 1"]);
    let shown = world.json(["courier", "show", run]);
    assert!(
        shown["due"].as_str().unwrap() > in_days(0).as_str(),
        "{shown:#}"
    );
    world
        .refuses(2, ["courier", "recall", "TWV002L8"])
        .says(&["TWV002L8 is in no vault: it is in safe SAFE1"]);
    world.ok(["media", "check-out", "TWV002L8", "--to", "IRON"]);
    let urgent = [
        "courier",
        "recall",
        "TWV002L8",
        "--urgent",
        "--authorised-by",
    ];
    world
        .refuses(2, [&urgent[..], &["P07"]].concat())
        .says(&["Anna Weber may not authorise", "P01"]);
    let said = world.ok([&urgent[..], &["P01"]].concat());
    assert!(
        said.contains("call +1 555 0100 now, customer number 4711"),
        "{said}"
    );
}

#[test]
fn a_bad_list_is_named_by_row_and_column_and_nothing_is_taken() {
    let world = courier_desk();
    let run = sealed_run(&world, &["TWV001L8"]);
    hand_over(&world, &run, "A");
    let list = world.path("receipt.csv");
    std::fs::write(&list, "slot,barcode\n1,TWV001L8\n2,\n").unwrap();
    let receipt = ["courier", "receipt", &run, list.to_str().unwrap()];
    world
        .refuses(2, receipt)
        .says(&["row 3, column 2", "--partial"]);
    assert_eq!(
        world.json(["courier", "show", &run])["lines"][0]["state"],
        "in_transit"
    );
    let said = world.ok([&receipt[..], &["--partial"]].concat());
    assert!(said.contains("1 lines closed"), "{said}");
    // What is named is there, and so is the case it travelled in.
    let inside = world.json(["place", "show", "IRON"]);
    assert_eq!(inside.as_array().unwrap().len(), 2, "{inside:#}");
}

#[test]
fn a_vaults_inventory_is_compared_with_the_record() {
    let world = courier_desk();
    let run = sealed_run(&world, &["TWV001L8"]);
    hand_over(&world, &run, "A");
    let list = world.path("inventory.csv");
    let compare = ["place", "compare", "IRON", list.to_str().unwrap()];
    // On its way: neither missed nor surplus.
    std::fs::write(&list, "barcode\nXYZ999L8\nTWV002L8\nTWV002L8\n").unwrap();
    let found = world.stops(21, compare);
    assert!(
        found
            .out
            .contains("XYZ999L8 is on the list and not on record"),
        "{found:?}"
    );
    assert!(
        found
            .out
            .contains("TWV002L8 is on the list, on record it is in safe SAFE1")
    );
    assert!(
        found.out.contains("TWV002L8 is on the list more than once"),
        "{found:?}"
    );
    assert!(!found.out.contains("TWV001L8"), "{found:?}");
    world.ok(["courier", "receipt", &run, "--case", "C07", "--seal-intact"]);
    world.ok(["courier", "close", &run]);
    for number in ["1", "2", "3"] {
        world.ok(["exception", "explain", number, "asked the vault"]);
    }
    std::fs::write(&list, "barcode\nTWV001L8\nC07\n").unwrap();
    assert_eq!(world.ok(compare).trim(), "IRON is as on record");
    std::fs::write(&list, "barcode\nC07\n").unwrap();
    let found = world.stops(21, compare);
    assert!(
        found.out.contains("TWV001L8 is not on the list"),
        "{found:?}"
    );
}
