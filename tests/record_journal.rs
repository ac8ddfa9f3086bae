//! The journal: whatever is changed afterwards is found.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/record.rs"]
mod record;

use std::io::{Cursor, Write as _};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use record::*;
use serde_json::json;
use tapeward::catalogue::*;
use tapeward::id::*;
use tapeward::journal::{
    self, Broken, BrokenWhy, Checkpoint, Entry, Event, ExportError, verify, verify_export,
};

const ENTRIES: u64 = 60;

fn event(number: u64) -> Event {
    match number % 3 {
        0 => Event::CatalogueCreated {
            program: format!("tapeward \"{number}\"\n\u{1}é"),
        },
        1 => Event::VolumeContent {
            volume: VolumeId::generate(now()),
            run: None,
            content: ContentState::Full,
            reason: "early warning".to_owned(),
        },
        _ => Event::StepIntended {
            run: RunId::generate(now()),
            step: StepId::generate(now()),
            step_kind: "write_segment".parse().unwrap(),
            intent: json!({"z": number, "a": [1, -1, u64::MAX], "m": {"b": null}}),
        },
    }
}

/// A catalogue with a journal of some entries, and the rows of it.
fn journal() -> (World, Vec<(String, String)>) {
    let world = world();
    for number in 0..ENTRIES {
        let at = days(i64::try_from(number).unwrap());
        write(&world, |tx| {
            journal::append(tx, at, &actor(), &event(number))
        })
        .unwrap();
    }
    let rows = rows(&world);
    (world, rows)
}

fn rows(world: &World) -> Vec<(String, String)> {
    read(world, |view| view.journal_after(0, 1000))
        .into_iter()
        .map(|row| (row.body, row.hash))
        .collect()
}

fn check(rows: &[(String, String)], known: &[Checkpoint]) -> Result<(), Broken> {
    let pairs = rows.iter().map(|(body, hash)| (&**body, &**hash));
    verify(pairs, known).map(|_| ())
}

fn checkpoint(rows: &[(String, String)], sequence: u64) -> Checkpoint {
    let place = usize::try_from(sequence).unwrap() - 1;
    Checkpoint {
        sequence,
        hash: rows[place].1.clone(),
    }
}

fn exported(world: &World) -> Vec<u8> {
    let mut out = Vec::new();
    world
        .catalogue
        .read(|view| journal::export(view, 0, &mut out))
        .unwrap();
    out
}

#[test]
fn an_untouched_journal_holds_and_tells_its_end() {
    let (world, rows) = journal();
    let end = checkpoint(&rows, ENTRIES);
    let known = [checkpoint(&rows, 1), checkpoint(&rows, 30), end.clone()];
    let verified = read(&world, |view| journal::verify_catalogue(view, &known)).unwrap();
    assert_eq!(verified.last, Some(end.clone()));
    let file = exported(&world);
    let verified = verify_export(&mut Cursor::new(&file), &known).unwrap();
    assert_eq!(verified.last, Some(end));
    assert_eq!(verify([], &[]).unwrap().last, None);
}

#[test]
fn an_entry_says_who_what_when_and_about_what() {
    let (_world, rows) = journal();
    let entry = Entry::parse(&rows[2].0).unwrap();
    assert_eq!((entry.sequence, entry.at), (3, days(2)));
    assert_eq!(entry.actor, actor());
    assert_eq!(entry.kind, "step_intended");
    let subjects: Vec<_> = entry.subjects.keys().collect();
    assert_eq!(subjects, ["run", "step"]);
    assert_eq!(entry.details["intent"]["a"][2], json!(u64::MAX));
    assert_eq!(entry.previous, rows[1].1);
}

/// The vector of `docs/journal.md`; its hash is what `sha256sum` prints for the body.
#[test]
fn a_body_and_its_hash_are_what_the_description_says() {
    let world = world();
    write(&world, |tx| {
        let event = Event::CatalogueCreated {
            program: "tapeward 0.1.0".to_owned(),
        };
        journal::append(tx, now(), &actor(), &event)
    })
    .unwrap();
    let (body, hash) = rows(&world).remove(0);
    assert_eq!(
        body,
        "{\"actor\":{\"person\":\"anna\",\"station\":\"tape-host\"},\
         \"at\":\"2026-11-21T09:16:00.123456789Z\",\
         \"details\":{\"program\":\"tapeward 0.1.0\"},\"kind\":\"catalogue_created\",\
         \"previous\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
         \"sequence\":1,\"subjects\":{}}"
    );
    assert_eq!(
        hash,
        "602bfc05db246061f39c2480d06c604eefb1c2c977ceeee5b8298b2d8bb1eaf4"
    );
    let page = include_str!("../docs/journal.md");
    assert!(page.contains(&body), "the description shows another body");
    assert!(page.contains(&hash), "the description shows another hash");
}

#[test]
fn fractions_are_refused_and_nothing_is_recorded() {
    let world = world();
    let event = Event::StepObserved {
        run: world.run,
        step: StepId::generate(now()),
        done: true,
        observation: json!({"rate": 1.5}),
    };
    let error = write(&world, |tx| {
        tx.set_run_state(world.run, RunState::Running, None, now())?;
        journal::append(tx, now(), &actor(), &event)
    })
    .unwrap_err();
    assert!(matches!(error, CatalogueError::Journal(_)), "{error}");
    let run = read(&world, |view| view.run(world.run));
    assert_eq!(run.state, RunState::Planned);
    assert!(rows(&world).is_empty());
}

#[test]
fn a_tail_cut_off_is_found_by_a_checkpoint_behind_it() {
    let (_world, rows) = journal();
    for length in [0, 1, 30, 59] {
        let cut = &rows[..length];
        check(cut, &[]).unwrap();
        let broken = check(cut, &[checkpoint(&rows, ENTRIES)]).unwrap_err();
        assert_eq!(broken.sequence, length as u64 + 1);
        assert!(matches!(broken.why, BrokenWhy::Missing { .. }), "{broken}");
    }
    check(&rows[..30], &[checkpoint(&rows, 30)]).unwrap();
}

#[test]
fn a_journal_written_anew_is_found_by_a_checkpoint() {
    let (_world, rows) = journal();
    let (_other, forged) = journal();
    check(&forged, &[]).unwrap();
    let broken = check(&forged, &[checkpoint(&rows, 40)]).unwrap_err();
    assert_eq!(broken.sequence, 40);
    assert!(
        matches!(broken.why, BrokenWhy::Checkpoint { .. }),
        "{broken}"
    );
}

#[test]
fn the_entries_about_a_run_are_found() {
    let world = world();
    for state in [RunState::Running, RunState::Done] {
        let event = Event::RunChanged {
            run: world.run,
            state,
            note: None,
        };
        write(&world, |tx| {
            journal::append(tx, now(), &actor(), &event)?;
            journal::append(tx, now(), &actor(), &self::event(0))
        })
        .unwrap();
    }
    let about = read(&world, |view| view.journal_of_run(world.run));
    let numbers: Vec<_> = about.iter().map(|row| row.sequence).collect();
    assert_eq!(numbers, [1, 3]);
}

/// One way to change a list of entries.
#[derive(Debug, Clone)]
enum Tampering {
    Body(prop::sample::Index, prop::sample::Index, u8),
    Hash(prop::sample::Index, prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Repeat(prop::sample::Index),
    Rehash(prop::sample::Index, prop::sample::Index, u8),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), at(), 1_u8..128).prop_map(|(a, b, c)| Tampering::Body(a, b, c)),
        (at(), at(), 1_u8..128).prop_map(|(a, b, c)| Tampering::Hash(a, b, c)),
        at().prop_map(Tampering::Remove),
        (at(), at()).prop_map(|(a, b)| Tampering::Swap(a, b)),
        at().prop_map(Tampering::Repeat),
        (at(), at(), 1_u8..128).prop_map(|(a, b, c)| Tampering::Rehash(a, b, c)),
    ]
}

/// Another text that differs in one character; `None` when it would not be text.
fn changed(text: &str, place: prop::sample::Index, by: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let place = place.index(bytes.len());
    bytes[place] ^= by;
    String::from_utf8(bytes).ok()
}

fn tamper(rows: &mut Vec<(String, String)>, how: &Tampering) -> Option<()> {
    let length = rows.len();
    match how {
        Tampering::Body(at, place, by) => {
            let row = &mut rows[at.index(length)];
            row.0 = changed(&row.0, *place, *by)?;
        }
        Tampering::Hash(at, place, by) => {
            let row = &mut rows[at.index(length)];
            row.1 = changed(&row.1, *place, *by)?;
        }
        // The last entry gone is a tail cut off, which only a checkpoint shows.
        Tampering::Remove(at) => drop(rows.remove(at.index(length - 1))),
        Tampering::Swap(a, b) => {
            let (a, b) = (a.index(length), b.index(length));
            (a != b).then(|| rows.swap(a, b))?;
        }
        Tampering::Repeat(at) => {
            let at = at.index(length);
            rows.insert(at, rows[at].clone());
        }
        // A cleverer one: the entry is changed and its own hash made to fit.
        Tampering::Rehash(at, place, by) => {
            let row = &mut rows[at.index(length - 1)];
            row.0 = changed(&row.0, *place, *by)?;
            row.1 = sha256(&row.0);
        }
    }
    Some(())
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    use std::fmt::Write;
    let mut hash = String::new();
    for byte in sha2::Sha256::digest(text) {
        write!(hash, "{byte:02x}").unwrap();
    }
    hash
}

#[test]
fn two_hundred_tamperings_are_found() {
    let (_world, rows) = journal();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    runner
        .run(&tampering(), |how| {
            let mut touched = rows.clone();
            prop_assume!(tamper(&mut touched, &how).is_some());
            prop_assert!(check(&touched, &[]).is_err(), "not found");
            Ok(())
        })
        .unwrap();
}

#[test]
fn two_hundred_changes_of_an_exported_file_are_found() {
    let (world, rows) = journal();
    let file = exported(&world);
    let known = [checkpoint(&rows, ENTRIES)];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let strategy = (any::<prop::sample::Index>(), 1_u8..=255, any::<bool>());
    runner
        .run(&strategy, |(place, by, cut)| {
            let mut touched = file.clone();
            let place = place.index(touched.len());
            if cut {
                touched.truncate(place);
            } else {
                touched[place] ^= by;
            }
            let result = verify_export(&mut Cursor::new(&touched), &known);
            prop_assert!(matches!(result, Err(ExportError::Broken(_))), "{result:?}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn every_line_of_an_exported_file_is_json() {
    let (world, rows) = journal();
    let file = String::from_utf8(exported(&world)).unwrap();
    assert_eq!(file.lines().count() as u64, ENTRIES);
    for (line, (body, hash)) in file.lines().zip(&rows) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["hash"], json!(hash));
        assert_eq!(journal::canonical_json(&value["entry"]).unwrap(), *body);
    }
}

/// Runs the script of `docs/journal.md` on a file: whether it is content, and what it prints.
fn script(file: &[u8]) -> (bool, String) {
    let page = include_str!("../docs/journal.md");
    let script = page.split("```sh\n").nth(1).unwrap();
    let script = script.split("```").next().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The script may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(file);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text)
}

#[test]
fn a_shell_can_check_an_exported_file() {
    let (world, rows) = journal();
    let file = exported(&world);
    let (content, text) = script(&file);
    assert!(content, "{text}");
    let expected = format!("60 entries hold, the last has hash {}\n", rows[59].1);
    assert_eq!(text, expected);
    let changed = String::from_utf8(file).unwrap().replacen("anna", "otto", 5);
    let (content, text) = script(changed.as_bytes());
    assert!(!content);
    assert_eq!(text, "entry 1 is changed\n");
}
