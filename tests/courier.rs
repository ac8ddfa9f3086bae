//! Courier runs by commands, out and back, and what goes wrong on the way.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use chrono::{Datelike, Local, NaiveDate, TimeDelta};
use serde_json::Value;
use world::World;

/// A set in two copies on cartridges that were taken out, a safe, a vault, a carrier that comes every
/// day, two cases.
fn courier_desk() -> World {
    let world = World::with_set_on_tape();
    world.ok(["library", "eject", "TWV001L8", "TWV002L8"]);
    world.empty_mail_slots();
    world.ok([
        "place",
        "add-site",
        "MAIN",
        "Northern district",
        "--telephone",
        "+1 555 0111",
    ]);
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(|day| ["--day", day]);
    let carrier = [
        "place",
        "add-carrier",
        "ACME",
        "Acme Couriers",
        "--driver",
        "Jo Driver",
    ];
    world.ok([&carrier[..], &days.concat()].concat());
    world.ok([
        "place",
        "add",
        "safe",
        "SAFE1",
        "--fire-rating",
        "en1047-1-dis",
    ]);
    let vault = [
        "place",
        "add",
        "vault",
        "IRON",
        "--carrier",
        "ACME",
        "--vendor",
        "Iron Hill",
    ];
    let more = [
        "--customer-number",
        "4711",
        "--emergency-line",
        "+1 555 0100",
    ];
    world.ok([&vault[..], &more, &["--authorised", "P01"]].concat());
    // The vault takes and gives every day, too.
    let path = world.state().join("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let week = r#"weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]"#;
    std::fs::write(&path, format!("{text}\n[place.IRON.calendar]\n{week}\n")).unwrap();
    world.ok(["person", "add", "P01", "Head of IT"]);
    world.ok(["person", "add", "P07", "Anna Weber"]);
    world.ok(["thing", "add", "case", "C07", "grey", "--holds", "20"]);
    world.ok(["thing", "add", "case", "C08", "blue", "--holds", "1"]);
    world.ok([
        "media", "check-in", "TWV001L8", "TWV002L8", "--place", "SAFE1",
    ]);
    world
}

fn today() -> NaiveDate {
    Local::now().date_naive()
}

fn in_days(days: i64) -> String {
    (today() + TimeDelta::days(days)).to_string()
}

/// The run with these barcodes, packed into C07 and sealed.
fn sealed_run(world: &World, barcodes: &[&str]) -> String {
    let plan = [
        &["movement", "plan"][..],
        barcodes,
        &["--to", "IRON", "--due", &in_days(1)],
    ];
    world.ok(plan.concat());
    let built = world.json(["courier", "build"]);
    let run = built["run"].as_str().unwrap().to_owned();
    world.ok([&["courier", "pack", &run, "--case", "C07"][..], barcodes].concat());
    world.ok([
        "courier", "seal", &run, "--case", "C07", "--seal", "884213", "--as", "P07",
    ]);
    run
}

fn place_of(world: &World, barcode: &str) -> Value {
    world.json(["media", "show", barcode])["place"].clone()
}

fn hand_over(world: &World, run: &str, revision: &str) {
    let pdf = world.path("m.pdf");
    world.ok(["courier", "print", run, "--output", pdf.to_str().unwrap()]);
    assert!(std::fs::read(pdf).unwrap().starts_with(b"%PDF"));
    world.ok([
        "courier",
        "handover",
        run,
        "--revision",
        revision,
        "--driver",
        "Jo Driver",
    ]);
}

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

fn piped(mut command: std::process::Command, input: &str) -> std::process::Output {
    use std::io::Write;
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
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

fn exceptions(world: &World) -> Vec<Value> {
    let output = world.run(["exception", "list", "--json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    list.as_array().unwrap().clone()
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
