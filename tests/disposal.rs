//! Destroying media: two persons, a contractor, and a certificate that is matched item by item.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use chrono::{Datelike, Local, TimeDelta};
use world::World;

/// Forty old cartridges on a shelf, a clerk, a governor.
fn old_tapes() -> (World, Vec<String>) {
    let world = World::with_set_on_tape();
    world.ok(["place", "add-site", "MAIN", "Northern district"]);
    world.ok(["place", "add", "shelf", "SHELF"]);
    world.ok(["person", "add", "P07", "Anna Weber", "--role", "clerk"]);
    world.ok(["person", "add", "P01", "Ben Okri", "--role", "approver"]);
    let tapes: Vec<String> = (1..=40).map(|number| format!("OLD{number:03}L6")).collect();
    let list = world.path("old.csv");
    std::fs::write(&list, tapes.join("\n")).unwrap();
    world.ok([
        "media",
        "import",
        list.to_str().unwrap(),
        "--place",
        "SHELF",
    ]);
    (world, tapes)
}

fn in_days(days: i64) -> String {
    (Local::now().date_naive() + TimeDelta::days(days)).to_string()
}

#[test]
fn a_certificate_for_39_of_40_leaves_one_open() {
    let (world, tapes) = old_tapes();
    let number = format!("D{}-001", Local::now().year());
    let request = ["disposal", "request"].map(str::to_owned);
    let rest = ["--reason", "LTO-6 is out of use", "--as", "P07"].map(str::to_owned);
    world.ok([&request[..], &tapes, &rest].concat());
    let hand_over = [
        "disposal",
        "hand-over",
        &number,
        "--contractor",
        "Shred Ltd",
        "--due",
        &in_days(30),
        "--accredited-until",
    ];
    let year = in_days(365);
    world
        .refuses(2, [&hand_over[..], &[&year]].concat())
        .says(&["is requested", "disposal approve"]);
    world
        .refuses(2, ["disposal", "approve", &number, "--as", "P07"])
        .says(&["Anna Weber is not \"approver\""]);
    world.ok(["disposal", "approve", &number, "--as", "P01"]);
    world
        .refuses(2, [&hand_over[..], &[&in_days(10)]].concat())
        .says(&["accredited until"]);
    world.ok([&hand_over[..], &[&year]].concat());

    let certificate = world.path("certificate.pdf");
    std::fs::write(&certificate, "certified").unwrap();
    let list = world.path("serials.csv");
    std::fs::write(&list, format!("serial,barcode\n{}", rows(&tapes[..39]))).unwrap();
    let enter = [
        "disposal",
        "certificate",
        &number,
        certificate.to_str().unwrap(),
        "--list",
        list.to_str().unwrap(),
        "--certificate",
    ];
    let short = world.stops(21, [&enter[..], &["SH-1"]].concat());
    assert!(
        short.out.contains("39 items are certified, 1 are open"),
        "{short:?}"
    );
    let rows_now = world.json(["disposal", "list"]);
    assert_eq!(
        (&rows_now[0]["items"], &rows_now[0]["open"]),
        (&40.into(), &1.into())
    );
    let open = world.run(["exception", "list", "--json"]);
    let open: serde_json::Value = serde_json::from_slice(&open.stdout).unwrap();
    assert_eq!(open.as_array().unwrap().len(), 1);
    assert_eq!(open[0]["kind"], "short_certificate");
    assert_eq!(open[0]["barcode"], "OLD040L6");
    // What is destroyed is in no inventory any more; what is open is.
    world
        .refuses(2, ["media", "show", "OLD039L6"])
        .says(&["no cartridge OLD039L6"]);
    assert_eq!(
        world.json(["media", "show", "OLD040L6"])["place"]["place"],
        "in_transit"
    );
    world
        .refuses(2, [&enter[..], &["SH-1"]].concat())
        .says(&["was entered before"]);
    std::fs::write(&certificate, "certified, the last one").unwrap();
    std::fs::write(&list, "barcode\nOLD040L6\n").unwrap();
    world.ok([&enter[..], &["SH-2"]].concat());
    assert_eq!(world.json(["disposal", "show", &number])["state"], "closed");
}

fn rows(tapes: &[String]) -> String {
    let rows: Vec<String> = (1..)
        .zip(tapes)
        .map(|(number, tape)| format!("{number},{tape}"))
        .collect();
    rows.join("\n")
}

#[test]
fn what_must_be_kept_is_not_destroyed() {
    let (world, _) = old_tapes();
    let request = [
        "disposal", "request", "TWV001L8", "--reason", "tidying", "--as", "P07",
    ];
    world
        .refuses(2, request)
        .says(&["TWV001L8 must be kept", "hold"]);
    // Nothing of an order is recorded when one is refused.
    let both = [
        "disposal", "request", "OLD001L6", "TWV001L8", "--reason", "tidying",
    ];
    world.refuses(2, both).says(&["TWV001L8 must be kept"]);
    assert!(
        world
            .ok(["disposal", "list"])
            .contains("Nothing was disposed of")
    );
    let one = [
        "disposal", "request", "OLD001L6", "--reason", "worn", "--as", "P01",
    ];
    let number = world.json(one)["number"].as_str().unwrap().to_owned();
    world.refuses(2, one).says(&["is on disposal"]);
    world
        .refuses(2, ["disposal", "approve", &number, "--as", "P01"])
        .says(&["another person must agree", "--signed FILE"]);
    let page = world.path("page.txt");
    std::fs::write(&page, "signed").unwrap();
    let signed = [
        "--signed",
        page.to_str().unwrap(),
        "--name",
        "Chair of governors",
    ];
    world.ok([&["disposal", "approve", &number][..], &signed].concat());
    world.ok(["disposal", "withdraw", &number, "--reason", "one more year"]);
    world
        .refuses(2, ["disposal", "withdraw", &number])
        .says(&["is withdrawn"]);
}
