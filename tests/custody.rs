//! Who has what: people, places, check-in and check-out, problems and what disagrees.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use world::World;

/// A command that is refused with this exit code, and says all of this in its line or hint.
#[track_caller]
fn refused(world: &World, command: &[&str], code: i32, says: &[&str]) {
    world.refuses(code, command).says(says);
}

/// A site with two safes and a vault, a clerk and a driver, a set on two cartridges in mail slots.
fn tape_room() -> World {
    let world = World::with_set_on_tape();
    world.ok(["library", "eject", "TWV001L8", "TWV002L8"]);
    world.empty_mail_slots();
    world.ok(["place", "add-site", "MAIN", "Northern district"]);
    world.ok([
        "place",
        "add-carrier",
        "ACME",
        "Acme Couriers",
        "--day",
        "Tue",
    ]);
    let safe = ["place", "add", "safe"];
    world.ok([&safe[..], &["SAFE2", "--capacity", "50"]].concat());
    let rating = ["--fire-rating", "en1047-1-dis", "--overflow", "SAFE2"];
    world.ok([&safe[..], &["SAFE1", "--capacity", "1"], &rating].concat());
    let vault = ["place", "add", "vault", "IRON", "--carrier", "ACME"];
    world.ok([&vault[..], &["--customer-number", "4711"]].concat());
    world.ok(["person", "add", "P07", "Anna Weber", "--role", "clerk"]);
    world
}

#[test]
fn what_is_checked_in_is_on_record_with_who_and_when() {
    let world = tape_room();
    let check_in = [
        "media", "check-in", "TWV001L8", "--place", "SAFE1", "--as", "P07",
    ];
    let out = world.ok(check_in);
    assert_eq!(out.trim(), "TWV001L8 is in safe SAFE1");
    let again = world.ok(check_in);
    assert_eq!(again.trim(), "TWV001L8 is in safe SAFE1, as before");
    let shown = world.json(["media", "show", "TWV001L8"]);
    assert_eq!(shown["place"]["code"], "SAFE1", "{shown:#}");
    let story = world.ok(["media", "history", "TWV001L8"]);
    assert!(story.contains("P07"), "{story}");
    let safes = world.json(["place", "list"]);
    let safe = &safes
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["code"] == "SAFE1")
        .unwrap();
    assert_eq!(safe["cartridges"], 1);
    let inside = world.json(["place", "show", "SAFE1"]);
    assert_eq!(inside[0]["barcode"], "TWV001L8");
}

#[test]
fn a_full_safe_names_the_next_place_and_nothing_is_half_done() {
    let world = tape_room();
    world.ok(["media", "check-in", "TWV001L8", "--place", "SAFE1"]);
    let both = [
        "media", "check-in", "TWV002L8", "TWV001L8", "--place", "SAFE1",
    ];
    refused(&world, &both, 2, &["TWV002L8", "full (1 of 1)", "SAFE2"]);
    let listed = world.json(["media", "show", "TWV002L8"]);
    assert_ne!(listed["place"]["code"], "SAFE1");
    let dry = [
        "media",
        "check-in",
        "TWV002L8",
        "--place",
        "SAFE2",
        "--dry-run",
        "--despite",
        "one room",
    ];
    assert!(world.ok(dry).contains("TWV002L8 would be in safe SAFE2"));
    assert_eq!(
        world
            .json(["place", "show", "SAFE2"])
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn mistakes_are_named_in_one_line() {
    let world = tape_room();
    let place = ["--place", "SAFE1"];
    let check_in = |barcode: &'static str| [&["media", "check-in", barcode][..], &place].concat();
    refused(
        &world,
        &check_in("TWV001"),
        2,
        &["TWV001", "TWV001L8 is known"],
    );
    refused(
        &world,
        &check_in("twv001l8"),
        2,
        &["twv001l8", "TWV001L8 is known"],
    );
    refused(
        &world,
        &check_in("TWV001L9"),
        2,
        &["TWV001L9", "TWV001L8 is known"],
    );
    refused(
        &world,
        &check_in("XYZ999L8"),
        2,
        &["nothing has the barcode XYZ999L8", "media add"],
    );
    refused(
        &world,
        &check_in("TWV005L8"),
        2,
        &["in a slot of the library", "eject TWV005L8"],
    );
    let nowhere = ["media", "check-in", "TWV001L8", "--place", "SAFE9"];
    refused(&world, &nowhere, 2, &["SAFE9", "SAFE1"]);
    let tomorrow = [
        "media",
        "check-in",
        "TWV001L8",
        "--place",
        "SAFE1",
        "--at",
        "2199-01-01 08:00",
    ];
    refused(&world, &tomorrow, 2, &["in the future"]);
    let nobody = [
        "media", "check-in", "TWV001L8", "--place", "SAFE1", "--as", "P99",
    ];
    refused(
        &world,
        &nobody,
        2,
        &["nobody has the badge P99", "person list"],
    );
}

#[test]
fn a_loan_is_signed_for_and_keeps_a_person_from_leaving() {
    let world = tape_room();
    let page = world.path("loan.txt");
    std::fs::write(&page, "signed").unwrap();
    let lend = [
        "media",
        "check-out",
        "TWV001L8",
        "--to-person",
        "P07",
        "--due",
        "2199-01-31",
    ];
    let page = page.to_str().unwrap();
    let signed = ["--signed", page, "--reason", "audit"];
    let out = world.ok([&lend[..], &signed].concat());
    assert_eq!(out.trim(), "TWV001L8 is with P07");
    let people = world.json(["person", "list"]);
    assert_eq!(people[0]["loans"][0]["barcode"], "TWV001L8");
    refused(
        &world,
        &["person", "close", "P07"],
        2,
        &["Anna Weber still has TWV001L8"],
    );
    world.ok(["media", "check-in", "TWV001L8", "--place", "SAFE1"]);
    world.ok(["person", "close", "P07", "--reason", "moved away"]);
    let late = [
        "media", "check-in", "TWV001L8", "--place", "SAFE1", "--as", "P07",
    ];
    refused(&world, &late, 2, &["Anna Weber (P07) has left"]);
}

#[test]
fn all_copies_do_not_go_to_one_vault_unless_somebody_says_why() {
    let world = tape_room();
    world.ok(["media", "check-out", "TWV001L8", "--to", "IRON"]);
    let second = ["media", "check-out", "TWV002L8", "--to", "IRON"];
    refused(
        &world,
        &second,
        2,
        &["all copies would be in one place: data", "--despite"],
    );
    let out = world.ok([&second[..], &["--despite", "safe is being moved"]].concat());
    assert!(
        out.contains("although all copies would be in one place"),
        "{out}"
    );
}

#[test]
fn a_dropped_tape_is_out_of_use_and_its_copy_is_made_again() {
    let world = tape_room();
    world.ok(["media", "check-in", "TWV001L8", "--place", "SAFE1"]);
    let dropped = [
        "media", "problem", "TWV001L8", "--kind", "dropped", "--reason", "trolley",
    ];
    let out = world.ok(dropped);
    assert!(
        out.contains("exception 1 is open, 1 copies are to be made again"),
        "{out}"
    );
    let listed = world.run(["exception", "list", "--json"]);
    assert_eq!(listed.status.code(), Some(20));
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed[0]["kind"], "dropped");
    assert_eq!(listed[0]["place"], "SAFE1");
    refused(
        &world,
        &["media", "check-out", "TWV001L8", "--to", "IRON"],
        2,
        &["out of use"],
    );
    refused(&world, &["exception", "explain", "1", " "], 2, &["words"]);
    world.ok([
        "exception",
        "explain",
        "1",
        "shell cracked, sent to disposal",
    ]);
    assert_eq!(world.ok(["exception", "list"]).trim(), "Nothing disagrees.");
    refused(
        &world,
        &["exception", "explain", "1", "again"],
        2,
        &["explained already"],
    );
}

#[test]
fn what_is_lost_is_missing_until_it_is_found() {
    let world = tape_room();
    world.ok(["media", "check-in", "TWV001L8", "--place", "SAFE1"]);
    world.ok(["media", "problem", "TWV001L8", "--kind", "lost"]);
    assert_eq!(
        world.json(["media", "show", "TWV001L8"])["place"]["place"],
        "missing"
    );
    let found = ["media", "problem", "TWV001L8", "--kind", "found"];
    refused(&world, &found, 2, &["where is TWV001L8 now", "--place"]);
    world.ok([&found[..], &["--place", "SAFE2"]].concat());
    assert_eq!(
        world.json(["media", "show", "TWV001L8"])["place"]["code"],
        "SAFE2"
    );
    refused(
        &world,
        &[&found[..], &["--place", "SAFE2"]].concat(),
        2,
        &["is not missed"],
    );
    let ours = ["media", "problem", "TWV001L8", "--kind", "foreign"];
    refused(&world, &ours, 2, &["TWV001L8 is ours"]);
}

#[test]
fn things_are_kept_like_cartridges_and_sticks_are_refused() {
    let world = tape_room();
    world.ok(["thing", "add", "envelope", "ENV001", "escrow key"]);
    world.ok(["media", "check-in", "ENV001", "--place", "SAFE1"]);
    let list = world.json(["thing", "list"]);
    assert_eq!(list[0]["place"]["code"], "SAFE1");
    // An envelope takes no cartridge's room.
    world.ok(["media", "check-in", "TWV001L8", "--place", "SAFE1"]);
    refused(
        &world,
        &["thing", "add", "usb-stick", "U1", "blue"],
        2,
        &["USB sticks are not taken"],
    );
    let twice = ["thing", "add", "key", "ENV001", "room 2"];
    refused(
        &world,
        &twice,
        2,
        &["ENV001 is a sealed envelope already", "in safe SAFE1"],
    );
    refused(
        &world,
        &["thing", "add", "key", "TWV001L8", "x"],
        2,
        &["TWV001L8 is a cartridge"],
    );
    world.ok(["thing", "add", "case", "C07", "grey", "--holds", "1"]);
    world.ok(["media", "check-out", "TWV001L8", "--to-case", "C07"]);
    let full = ["media", "check-out", "TWV002L8", "--to-case", "C07"];
    refused(&world, &full, 2, &["full (1 of 1)"]);
    refused(
        &world,
        &["thing", "retire", "C07"],
        2,
        &["not empty: TWV001L8"],
    );
    // What is in a case is where the case is.
    world.ok(["media", "check-in", "C07", "--place", "SAFE2"]);
    let inside = world.json(["place", "show", "SAFE2"]);
    assert_eq!(inside.as_array().unwrap().len(), 2, "{inside:#}");
}

#[test]
fn a_pin_never_stands_in_the_record() {
    let world = tape_room();
    let pin = world.path("pin");
    std::fs::write(&pin, "482913\n").unwrap();
    std::fs::set_permissions(&pin, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let file = pin.to_str().unwrap();
    world.ok(["--passphrase-file", file, "person", "pin", "P07"]);
    assert_eq!(world.json(["person", "list"])[0]["has_pin"], true);
    std::fs::write(&pin, "abc\n").unwrap();
    refused(
        &world,
        &["--passphrase-file", file, "person", "pin", "P07"],
        2,
        &["4 to 12 digits"],
    );
    let holds =
        |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|at| at == text.as_bytes());
    let record = std::fs::read(world.state().join("catalogue.db")).unwrap();
    assert!(!holds(&record, "482913"));
}

#[test]
fn a_vaulted_tape_in_a_mail_slot_is_an_alarm() {
    let world = tape_room();
    world.ok(["media", "check-out", "TWV001L8", "--to", "IRON"]);
    world.ok(["media", "check-in", "TWV002L8", "--place", "SAFE1"]);
    // One that waits in the safe may come back without a word.
    world.ok(["sim", "insert", "TWV002L8"]);
    world.ok(["library", "inventory"]);
    assert_eq!(world.ok(["exception", "list"]).trim(), "Nothing disagrees.");
    world.ok(["sim", "insert", "TWV001L8"]);
    world.ok(["library", "inventory"]);
    let refusal = world.stops(20, ["exception", "list"]);
    let says = "TWV001L8 is in vault IRON by the record, and the robot sees it in mail:";
    assert!(refusal.out.contains(says), "{refusal:?}");
    // Seen again it is the same exception.
    world.ok(["library", "inventory"]);
    let refusal = world.stops(20, ["exception", "list"]);
    assert_eq!(
        refusal.out.matches("TWV001L8 is in vault").count(),
        1,
        "{refusal:?}"
    );
}

#[test]
fn a_list_is_registered_as_a_whole_and_serials_do_not_clash() {
    let world = tape_room();
    let list = world.path("cartridges.csv");
    let file = list.to_str().unwrap();
    std::fs::write(&list, "slot;barcode\n1;ABC123L8\n2;ABC124L8\n").unwrap();
    world.ok(["media", "import", file, "--place", "SAFE2", "--as", "P07"]);
    assert_eq!(
        world.json(["media", "show", "ABC124L8"])["place"]["code"],
        "SAFE2"
    );
    let again = ["media", "import", file];
    refused(
        &world,
        &again,
        2,
        &["ABC123L8 is registered already", "safe SAFE2"],
    );
    std::fs::write(&list, "ABC125L8\nABC123L9\n").unwrap();
    refused(
        &world,
        &again,
        2,
        &[
            "ABC123L9 has the serial ABC123 of ABC123L8",
            "SAFE2",
            "--despite",
        ],
    );
    refused(&world, &["media", "show", "ABC125L8"], 2, &["no cartridge"]);
    world.ok([
        "media",
        "import",
        file,
        "--despite",
        "two sites were joined",
    ]);
    let unknown = world.run(["media", "add", "ABC900Q9"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        unknown.status.success() && said.contains("media identifier Q9 is not known"),
        "{said}"
    );
}

#[test]
fn another_barcode_keeps_the_history() {
    let world = tape_room();
    world.ok(["media", "check-in", "TWV001L8", "--place", "SAFE1"]);
    let relabel = ["media", "relabel", "TWV001L8", "--to", "TWV901L8"];
    refused(&world, &relabel, 2, &["--reason"]);
    let taken = [
        "media", "relabel", "TWV001L8", "--to", "TWV002L8", "--reason", "x",
    ];
    refused(&world, &taken, 2, &["TWV002L8 is taken"]);
    world.ok([&relabel[..], &["--reason", "label came off"]].concat());
    refused(
        &world,
        &["media", "show", "TWV001L8"],
        2,
        &["no cartridge TWV001L8"],
    );
    assert_eq!(
        world.json(["media", "show", "TWV901L8"])["place"]["code"],
        "SAFE1"
    );
    let story = world.ok(["media", "history", "TWV901L8"]);
    assert!(
        story.contains("barcode_changed") && story.contains("label came off"),
        "{story}"
    );
}
