//! Courier runs by commands, out and back.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/desk.rs"]
mod desk;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use chrono::{Datelike, Local, TimeDelta};
use desk::{courier_desk, hand_over, in_days, piped, place_of, sealed_run, today};
use world::World;

#[test]
fn a_run_goes_out_and_its_tape_comes_back() {
    let world = courier_desk();
    let run = sealed_run(&world, &["TWV001L8"]);
    assert_eq!(run, format!("R{}-0001", today().year()));
    hand_over(&world, &run, "A");
    assert_eq!(place_of(&world, "TWV001L8")["case"], "C07");
    let things = world.json(["thing", "list"]);
    assert_eq!(things[0]["place"]["place"], "in_transit");
    world
        .refuses(20, ["courier", "close", &run])
        .says(&["1 open lines: TWV001L8", "--roll"]);
    let receipt = ["courier", "receipt", &run, "--case", "C07", "--seal-intact"];
    assert!(
        world
            .ok(receipt)
            .contains("case C07 arrived intact: 1 lines closed")
    );
    world.ok(["courier", "close", &run]);
    world
        .refuses(2, ["courier", "drop", &run, "TWV001L8"])
        .says(&["is closed", "courier correct"]);
    // In the vault, in its case, with the grade on the line.
    let shown = world.json(["courier", "show", &run]);
    assert_eq!(shown["lines"][0]["grade"], "case");
    assert_eq!(shown["lines"][0]["state"], "received");
    assert_eq!(shown["prints"][0]["revision"], "A");
    let inside = world.json(["place", "show", "IRON"]);
    assert_eq!(inside.as_array().unwrap().len(), 2, "{inside:#}");

    let recalled = world.json([
        "courier",
        "recall",
        "TWV001L8",
        "--reason",
        "restore of grades",
    ]);
    let back = recalled["run"].as_str().unwrap();
    let received = world.command(["courier", "receive", back, "-", "--place", "SAFE1"]);
    let output = piped(received, "TWV001L8\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(place_of(&world, "TWV001L8")["code"], "SAFE1");
    world.ok(["courier", "close", back]);
    let shown = world.json(["courier", "show", back]);
    assert_eq!(shown["lines"][0]["grade"], "scanned");
    assert!(world.ok(["courier"]).contains("No run is open"));
    assert!(world.ok(["journal", "verify"]).contains("hold"));
    let story = world.ok(["media", "history", "TWV001L8"]);
    for words in ["item_placed", "movement_changed"] {
        assert!(story.contains(words), "no {words} in\n{story}");
    }
}

#[test]
fn a_change_after_printing_voids_print_and_seal() {
    let world = courier_desk();
    world.ok(["thing", "add", "envelope", "ENV001", "escrow key"]);
    let run = sealed_run(&world, &["TWV001L8"]);
    let dry = world.path("dry.pdf");
    world.ok([
        "courier",
        "print",
        &run,
        "--dry-run",
        "--output",
        dry.to_str().unwrap(),
    ]);
    assert!(!dry.exists());
    world.ok(["courier", "print", &run]);
    // The same list again is the same revision.
    assert!(
        world
            .ok(["courier", "print", &run])
            .contains("revision A as printed")
    );
    world.ok(["courier", "add", &run, "ENV001"]);
    let over = [
        "courier",
        "handover",
        &run,
        "--driver",
        "Jo Driver",
        "--revision",
        "A",
    ];
    world.refuses(20, over).says(&["ENV001 is not packed"]);
    let packed = world.ok(["courier", "pack", &run, "--case", "C07", "ENV001"]);
    assert!(
        packed.contains("case C07 is not sealed any more: seal 884213 is void"),
        "{packed}"
    );
    world
        .refuses(20, ["courier", "print", &run])
        .says(&["case C07 is not sealed"]);
    world.ok(["courier", "seal", &run, "--case", "C07", "--seal", "884214"]);
    world
        .refuses(2, over)
        .says(&["has changed since revision A", "print it again"]);
    assert!(
        world
            .ok(["courier", "print", &run])
            .contains("revision A is void")
    );
    world
        .refuses(2, over)
        .says(&["revision A", "B is the one to be signed"]);
    let stranger = [
        "courier",
        "handover",
        &run,
        "--revision",
        "B",
        "--driver",
        "Max",
    ];
    world
        .refuses(2, stranger)
        .says(&["\"Max\" is no driver", "Jo Driver"]);
    world.ok([
        "courier",
        "handover",
        &run,
        "--revision",
        "B",
        "--driver",
        "Jo Driver",
    ]);
    let prints = world.json(["courier", "show", &run])["prints"].clone();
    assert_eq!(prints.as_array().unwrap().len(), 2);
}

#[test]
fn not_both_copies_of_a_set_travel_together() {
    let world = courier_desk();
    world.ok([
        "movement",
        "plan",
        "TWV001L8",
        "TWV002L8",
        "--to",
        "IRON",
        "--due",
        &in_days(0),
    ]);
    world
        .refuses(2, ["courier", "build", "--direction", "back"])
        .says(&["back from IRON"]);
    let built = world.ok(["courier", "build"]);
    assert!(built.contains("1 lines, 1 of them new"), "{built}");
    assert!(
        built.contains("TWV002L8 stays: all copies of data would be in one vehicle"),
        "{built}"
    );
    let run = format!("R{}-0001", today().year());
    world
        .refuses(2, ["courier", "add", &run, "TWV002L8"])
        .says(&["all copies of data would be in one vehicle"]);
    world.ok([
        "courier",
        "add",
        &run,
        "TWV002L8",
        "--despite",
        "the building is flooded",
    ]);
}

#[test]
fn rotation_says_what_goes_with_the_next_run() {
    let world = courier_desk();
    let path = world.state().join("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let rotation = r#"{ scheme = "monthly", keep-months = 2 }"#;
    let pools = format!(
        "[pool.onsite]\nplace = \"SAFE1\"\nrotation = {rotation}\n\
         [pool.offsite]\nplace = \"IRON\"\nrotation = {rotation}\n"
    );
    std::fs::write(&path, format!("{text}\n{pools}")).unwrap();
    let built = world.json(["courier", "build"]);
    let run = built["run"].as_str().unwrap();
    let shown = world.json(["courier", "show", run]);
    let lines = shown["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "{shown:#}");
    assert_eq!(lines[0]["barcode"], "TWV002L8");
    assert_eq!(lines[0]["reason"], "offsite");
    // Built again it is the same run with the same lines.
    let again = world.ok(["courier", "build"]);
    assert!(again.contains("1 lines, 0 of them new"), "{again}");
}

#[test]
fn what_is_planned_for_later_is_said() {
    let world = courier_desk();
    world.ok([
        "movement",
        "plan",
        "TWV001L8",
        "--to",
        "IRON",
        "--due",
        &in_days(30),
    ]);
    let later = format!("1 item is planned for later, the first by {}", in_days(30));
    world
        .refuses(2, ["courier", "build"])
        .says(&["nothing is to go to IRON", &later]);
    assert!(world.ok(["courier"]).contains("No run is open"));
    world.ok(["courier", "build", "--on", &in_days(30)]);
}

#[test]
fn what_was_signed_on_paper_is_entered_late() {
    let world = courier_desk();
    let run = sealed_run(&world, &["TWV001L8"]);
    world.ok(["courier", "print", &run]);
    let page = world.path("page.txt");
    std::fs::write(&page, "signed").unwrap();
    let earlier = (Local::now() - TimeDelta::seconds(1)).to_rfc3339();
    let over = [
        "courier",
        "handover",
        &run,
        "--revision",
        "A",
        "--driver",
        "Jo Driver",
    ];
    let late = [
        "--signed",
        page.to_str().unwrap(),
        "--at",
        &earlier,
        "--as",
        "P07",
    ];
    let said = world.ok([&over[..], &late].concat());
    assert!(said.contains("entered late"), "{said}");
    let over = world.json(["courier", "show", &run])["handed_over"].clone();
    assert_ne!(over["at"], over["entered_at"]);
    assert_eq!(over["by"], "P07");
    assert_eq!(over["signed"].as_str().unwrap().len(), 64);
}

#[test]
fn what_is_to_leave_takes_no_new_data() {
    let world = World::with_set_on_tape();
    world.ok(["place", "add-site", "MAIN", "Northern district"]);
    world.ok(["place", "add", "safe", "SAFE1"]);
    let first = |world: &World| {
        let plan = world.json(["job", "run", "--plan"]);
        plan["cartridges"][0]["first_cartridge"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(first(&world), "TWV001L8");
    world.ok([
        "movement",
        "plan",
        "TWV001L8",
        "--to",
        "SAFE1",
        "--due",
        &in_days(9),
    ]);
    let other = first(&world);
    assert_ne!(other, "TWV001L8");
    world.ok(["movement", "cancel", "TWV001L8"]);
    assert_eq!(first(&world), "TWV001L8");
}
