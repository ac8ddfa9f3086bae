//! What lists and tables show, for people and for programs.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use rstest::rstest;
use world::World;

/// Every word of a table's first column is in the JSON of the same list, row by row.
#[rstest]
#[case(&["media", "list"], "/", "barcode")]
#[case(&["set", "list"], "/", "name")]
#[case(&["key", "list"], "/", "name")]
#[case(&["job", "list"], "/", "started_at")]
#[case(&["drive", "status"], "/", "name")]
#[case(&["sim", "list"], "/", "barcode")]
#[case(&["library", "status"], "/places", "name")]
#[case(&["library", "status", "--all"], "/places", "name")]
#[case(&["find", "f"], "/", "set_name")]
#[case(&["job", "run", "--plan"], "/cartridges", "set")]
fn a_list_for_programs_has_what_its_table_has(
    #[case] command: &[&str],
    #[case] rows: &str,
    #[case] first: &str,
) {
    let world = World::with_set_on_tape();
    let table = world.ok(command);
    let json = world.json(command);
    let rows = json.pointer(rows.trim_end_matches('/')).unwrap();
    let rows = rows.as_array().unwrap();
    let lines: Vec<&str> = table.lines().skip_while(|line| !is_header(line)).collect();
    assert_eq!(lines.len() - 1, rows.len(), "{table}\n{json:#}");
    for (line, row) in lines[1..].iter().zip(rows) {
        let word = line.split_whitespace().next().unwrap();
        let value = row[first].as_str().unwrap();
        // Moments in tables have no fractions.
        let same = value == word || value.starts_with(word.trim_end_matches('Z'));
        assert!(same, "{word} is not {value}\n{table}");
    }
}

/// Whether a line heads a table: words in capitals. Titles and remarks above it are sentences.
fn is_header(line: &str) -> bool {
    line.starts_with(char::is_uppercase) && !line.contains(char::is_lowercase)
}

/// People are told the number on the door, with the address the robot uses.
#[test]
fn places_are_named_by_number_and_address() {
    let world = World::with_set_on_tape();
    let status = world.json(["library", "status"]);
    let address = |barcode: &str| {
        let places = status["places"].as_array().unwrap();
        let place = places.iter().find(|place| place["barcode"] == barcode);
        let place = place.unwrap();
        let number = place["name"].as_str().unwrap().split(':').nth(1).unwrap();
        format!("slot {number} (@{})", place["address"])
    };
    for barcode in ["TWV001L8", "TWV003L8"] {
        let place = address(barcode);
        for command in [&["media", "list"][..], &["media", "show", barcode]] {
            let out = world.ok(command);
            assert!(out.contains(&place), "no {place} in\n{out}");
        }
    }
    let place = address("TWV001L8");
    for command in [&["set", "show", "data"][..], &["find", "f"]] {
        let out = world.ok(command);
        assert!(out.contains(&format!("TWV001L8 ({place})")), "{out}");
    }
    let job = world.ok(["job", "show", "last"]);
    assert!(job.contains("from slot 1 (@1025), to drive "), "{job}");
    assert!(job.contains("to mail slot 1 (@769)"), "{job}");
    // Programs get numbers.
    let media = world.json(["media", "show", "TWV001L8"]);
    assert!(media["place"]["address"].is_u64(), "{media:#}");
}
