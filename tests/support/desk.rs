//! A courier desk: a set in two copies, a safe, a vault, a carrier, two cases.
#![allow(dead_code)] // each test program uses a part of it

use chrono::{Local, NaiveDate, TimeDelta};
use serde_json::Value;

use crate::world::World;

/// A set in two copies on cartridges that were taken out, a safe, a vault, a carrier that comes every
/// day, two cases.
pub(crate) fn courier_desk() -> World {
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

pub(crate) fn today() -> NaiveDate {
    Local::now().date_naive()
}

pub(crate) fn in_days(days: i64) -> String {
    (today() + TimeDelta::days(days)).to_string()
}

/// The run with these barcodes, packed into C07 and sealed.
pub(crate) fn sealed_run(world: &World, barcodes: &[&str]) -> String {
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

pub(crate) fn place_of(world: &World, barcode: &str) -> Value {
    world.json(["media", "show", barcode])["place"].clone()
}

pub(crate) fn hand_over(world: &World, run: &str, revision: &str) {
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

pub(crate) fn piped(mut command: std::process::Command, input: &str) -> std::process::Output {
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

pub(crate) fn exceptions(world: &World) -> Vec<Value> {
    let output = world.run(["exception", "list", "--json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    list.as_array().unwrap().clone()
}
