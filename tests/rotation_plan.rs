//! `rotation plan` from a record with cartridges, places and a courier.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use chrono::{Days, NaiveDate, Utc};
use serde_json::Value;
use world::World;

const ONSITE: &str = "TWV001L8";
const OFFSITE: &str = "TWV002L8";

/// A courier that comes every day, a safe for the copies on site and a vault for the others.
const PLACES: &str = r#"
[site.TOWN]
name = "Town hall"
[site.TOWN.calendar]
weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
closed = [{ from = "CLOSED", to = "CLOSED", why = "stock-take" }]
[carrier.QUICK]
name = "Quick Couriers"
[carrier.QUICK.calendar]
weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
[place.SAFE1]
kind = "safe"
[place.VAULT]
kind = "vault"
carrier = "QUICK"
acclimatise-hours = 24
[place.VAULT.calendar]
weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
[pool.onsite]
place = "SAFE1"
rotation = { scheme = "monthly", keep-months = 1 }
[pool.offsite]
place = "VAULT"
rotation = { scheme = "monthly", keep-months = 2 }
[rotation]
minimum-scratch = 4
lead-days = 5
"#;

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

fn after(days: u64) -> NaiveDate {
    today().checked_add_days(Days::new(days)).unwrap()
}

/// A set on two cartridges, written today.
fn written() -> World {
    let world = World::with_library("64MiB");
    let closed = after(3).to_string();
    world.configure(&PLACES.replace("CLOSED", &closed));
    let source = world.path("source");
    seeded::make_tree(&source, 12, 1 << 20);
    world.ok(["set", "define", "data", source.to_str().unwrap()]);
    world.ok(["job", "run"]);
    world
}

fn plan(world: &World, to: NaiveDate) -> Value {
    let (from, to) = (today().to_string(), to.to_string());
    world.json(["rotation", "plan", "--from", &from, "--to", &to])
}

/// What is planned with a cartridge: date, action, where to, code.
fn of(plan: &Value, cartridge: &str) -> Vec<(String, String, String, String)> {
    let text = |line: &Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
    let lines = plan["lines"].as_array().unwrap().iter();
    lines
        .filter(|line| line["cartridge"] == cartridge && line["count"].is_null())
        .map(|line| {
            let field = |name| text(line, name);
            (field("date"), field("action"), field("to"), field("reason"))
        })
        .collect()
}

fn actions(plan: &Value, cartridge: &str) -> Vec<String> {
    let of = of(plan, cartridge).into_iter();
    of.map(|(_, action, to, code)| format!("{action} {to} {code}").replace("  ", " "))
        .collect()
}

#[test]
fn what_is_written_goes_out_expires_comes_home_and_is_scratch_again() {
    let world = written();
    let plan = plan(&world, after(75));
    // Kept for 31 days and 62, and until midnight; a cartridge from the vault lies for a day.
    assert_eq!(
        actions(&plan, ONSITE)[..3],
        ["go-out SAFE1 R10", "expire R30", "come-home lib R20"]
            .map(|line| { line.replace("lib", library(&world).as_str()) })
    );
    let offsite = of(&plan, OFFSITE);
    let home = library(&world);
    let expected = [
        (after(1), "go-out", "VAULT", "R10"),
        (after(63), "expire", "", "R30"),
        (after(63), "come-home", home.as_str(), "R20"),
        (after(64), "scratch", "", "R41"),
    ];
    for (found, expected) in offsite.iter().zip(expected) {
        let (date, action, to, code) = expected;
        let expected = [date.to_string().as_str(), action, to, code].map(str::to_owned);
        assert_eq!(
            [&found.0, &found.1, &found.2, &found.3].map(Clone::clone),
            expected
        );
    }
    let lines = plan["lines"].as_array().unwrap();
    let writes = lines
        .iter()
        .filter(|line| line["action"] == "write")
        .count();
    assert!(
        (4..=6).contains(&writes),
        "two copies in two or three months: {plan:#}"
    );
    for line in lines {
        let code = line["reason"].as_str().unwrap();
        assert!(code.starts_with('R') && code.len() == 3, "{line}");
        assert!(!line["why"].as_str().unwrap().is_empty(), "{line}");
    }
    let warnings = plan["warnings"].to_string();
    let closed = after(3).to_string();
    assert!(
        warnings.contains("W03") && warnings.contains(&closed),
        "{warnings}"
    );
    assert!(warnings.contains("Quick Couriers"), "{warnings}");
}

fn library(world: &World) -> String {
    let status = std::fs::read_to_string(world.state().join("config.toml")).unwrap();
    let table: toml::Table = status.parse().unwrap();
    let libraries = table["library"].as_table().unwrap();
    libraries.keys().next().unwrap().clone()
}

#[test]
fn a_hold_keeps_both_copies_where_they_are() {
    let world = written();
    world.ok(["set", "hold", "data", "--reason", "case 7"]);
    let plan = plan(&world, after(400));
    assert_eq!(actions(&plan, ONSITE), ["go-out SAFE1 R10"]);
    assert_eq!(actions(&plan, OFFSITE), ["go-out VAULT R10"]);
    // Every set to come is held too: cartridges are bought, and each is named once.
    let bought = plan["lines"].as_array().unwrap().iter();
    let bought: u64 = bought.filter_map(|line| line["count"].as_u64()).sum();
    assert!(bought > 10, "{bought}");
}

#[test]
fn the_table_has_dates_codes_and_words() {
    let world = written();
    let to = after(70).to_string();
    let (text, _) = world.exits(0, ["rotation", "plan", "--to", &to]);
    let head = text.lines().next().unwrap();
    for column in ["DATE", "ACTION", "CARTRIDGE", "WHAT", "CODE", "WHY"] {
        assert!(head.contains(column), "{head}");
    }
    assert!(text.contains("kept there by its pool's rotation"), "{text}");
    assert!(text.contains("-> VAULT"), "{text}");
    assert!(
        text.contains(&format!("Warning W03 {}", after(3))),
        "{text}"
    );
    let (help, _) = world.exits(0, ["rotation", "plan", "--help"]);
    assert!(
        help.contains("Examples:") && help.contains("keep-sets"),
        "{help}"
    );
}

#[test]
fn what_makes_no_sense_is_refused_in_one_line() {
    let world = written();
    let yesterday = today().pred_opt().unwrap().to_string();
    let (_, err) = world.exits(2, ["rotation", "plan", "--to", &yesterday]);
    assert!(err.contains("is no stretch"), "{err}");
    let config = world.state().join("config.toml");
    let good = std::fs::read_to_string(&config).unwrap();
    let refused = |from: &str, to: &str, what: &str| {
        assert!(good.contains(from), "{from}\n{good}");
        std::fs::write(&config, good.replace(from, to)).unwrap();
        let (_, err) = world.exits(2, ["rotation", "plan", "--to", &after(9).to_string()]);
        assert!(err.contains(what), "{err}");
    };
    refused("scheme = \"monthly\"", "scheme = \"weekly\"", "weekly");
    refused("keep-months = 2", "keep-months = 0", "keep-months = 0");
    refused("place = \"VAULT\"", "place = \"ATTIC\"", "ATTIC");
    refused(
        "place = \"VAULT\"",
        "place = \"SAFE1\"",
        "all copies of data",
    );
    refused("carrier = \"QUICK\"", "", "nobody carries to VAULT");
    refused("kind = \"vault\"", "kind = \"cloud\"", "VAULT");
}
