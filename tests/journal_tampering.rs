//! Whoever changes the journal is found: in the catalogue's file and in exports, by somebody who
//! knows nothing and by somebody who has the server's key.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/seeded.rs"]
mod seeded;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use seeded::Seeded;
use serde_json::Value;
use tapeward::app::{App, Surroundings};
use tapeward::catalogue::{Catalogue, CatalogueError};
use tapeward::clock::ManualClock;
use tapeward::config::Config;
use tapeward::id::CartridgeId;
use tapeward::journal::{
    self, Audited, Checkpoint, Event, Evidence, ExportError, PublicKey, SignedCheckpoint,
    SigningKey, Tampered,
};
use tapeward::key::Secrets;
use tapeward::progress::{Interrupt, Unwatched};

/// How many entries there are.
const ENTRIES: u64 = 120;
/// The one the printed checkpoint is of.
const PRINTED: u64 = 100;

/// A state folder with a journal, and what left the building.
struct Room {
    folder: tempfile::TempDir,
    export: Vec<u8>,
    rows: Vec<Row>,
    printed: SignedCheckpoint,
    public: PublicKey,
    key: SigningKey,
}

type Row = (String, String);

fn start() -> DateTime<Utc> {
    "2026-11-21T09:16:00Z".parse().unwrap()
}

fn room() -> Room {
    // In memory, where synchronising costs nothing.
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory
    } else {
        &std::env::temp_dir()
    };
    let folder = tempfile::tempdir_in(parent).unwrap();
    let around = Surroundings {
        clock: ManualClock::shared(start()),
        watcher: Arc::new(Unwatched),
        interrupt: Interrupt::default(),
        secrets: Arc::new(Secrets::default()),
    };
    let state = folder.path().join("state");
    let app = App::initialise(&state, &Config::default(), around).unwrap();
    // Early, as the first manifest has it.
    app.write(|tx, now| journal::current_key(&app, tx, now))
        .unwrap();
    let mut printed = None;
    let mut entries = 2;
    while entries < ENTRIES {
        let signs = entries == PRINTED || entries % 17 == 0;
        app.write(|tx, now| {
            if signs {
                let signed = journal::sign_head(&app, tx, now)?;
                if entries == PRINTED {
                    printed = Some(signed);
                }
            } else {
                let event = Event::CartridgeRetired {
                    cartridge: CartridgeId::generate(now),
                    reason: format!("worn \"{entries}\"\n"),
                };
                let later = now + TimeDelta::minutes(i64::try_from(entries).unwrap());
                journal::append(tx, later, &app.actor.with_person("anna"), &event)?;
            }
            Ok(())
        })
        .unwrap();
        entries = app
            .catalogue
            .read(|view| view.journal_head())
            .unwrap()
            .unwrap()
            .sequence;
    }
    let mut export = Vec::new();
    app.catalogue
        .read(|view| journal::export(view, 0, &mut export))
        .unwrap();
    let rows = app.catalogue.read(|view| view.journal_after(0, 1000));
    let rows = rows.unwrap().into_iter().map(|row| (row.body, row.hash));
    let copy = folder.path().join("copy");
    app.catalogue.snapshot(&copy).unwrap();
    // No free pages with entries that were moved.
    Connection::open(&copy)
        .unwrap()
        .execute_batch("VACUUM")
        .unwrap();
    let keys = fs::read_dir(state.join("journal-keys")).unwrap();
    let file = keys.map(|file| file.unwrap().path()).next().unwrap();
    let key = SigningKey::from_pem(&fs::read_to_string(file).unwrap()).unwrap();
    let room = Room {
        export,
        rows: rows.collect(),
        printed: printed.unwrap(),
        public: key.public(),
        key,
        folder,
    };
    assert_eq!(room.printed.checkpoint.sequence, PRINTED);
    assert_eq!(room.rows.len() as u64, ENTRIES);
    room
}

impl Room {
    /// What somebody outside has kept.
    fn kept(&self) -> Evidence {
        Evidence {
            keys: vec![self.public],
            checkpoints: vec![self.printed.clone()],
            ..Evidence::default()
        }
    }

    /// The catalogue's file as somebody finds it who comes in at night.
    fn database(&self) -> PathBuf {
        // A file of its own: beside it may be what SQLite had not put into the one before.
        let attacked = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        let (_, path) = attacked.keep().unwrap();
        fs::copy(self.folder.path().join("copy"), &path).unwrap();
        path
    }
}

fn audit_file(file: &[u8], evidence: Evidence) -> Result<Audited, Tampered> {
    match journal::audit_export(&mut Cursor::new(file), evidence) {
        Ok(audited) => Ok(audited),
        Err(ExportError::Tampered(wrong)) => Err(wrong),
        Err(ExportError::Broken(broken)) => Err(broken.into()),
        Err(other) => panic!("{other}"),
    }
}

fn audit_database(path: &Path, evidence: Evidence) -> Result<Audited, Tampered> {
    let catalogue = Catalogue::open(path).unwrap();
    let audited = catalogue.read(|view| {
        journal::audit_catalogue(view, evidence, &mut |_| Ok::<_, CatalogueError>(()))
    });
    audited.unwrap()
}

fn lines(rows: &[Row]) -> Vec<u8> {
    let lines = rows
        .iter()
        .map(|(body, hash)| format!("{{\"entry\":{body},\"hash\":\"{hash}\"}}\n"));
    lines.collect::<String>().into_bytes()
}

/// Puts other entries into the catalogue's file, with the index that belongs to them.
fn put_into(path: &Path, rows: &[Row]) {
    let connection = Connection::open(path).unwrap();
    let connection = &connection;
    unguard(connection);
    connection
        .execute_batch("DELETE FROM journal_subject; DELETE FROM journal;")
        .unwrap();
    for (place, row) in rows.iter().enumerate() {
        connection
            .execute(
                "INSERT INTO journal (sequence, body, hash) VALUES (?1, ?2, ?3)",
                (place as u64 + 1, &row.0, &row.1),
            )
            .unwrap();
    }
}

/// What whoever has the file can always do.
fn unguard(connection: &Connection) {
    connection
        .execute_batch(
            "DROP TRIGGER journal_no_update; DROP TRIGGER journal_no_delete;
             DROP TRIGGER journal_in_order; DROP TRIGGER journal_subject_no_update;
             DROP TRIGGER journal_subject_no_delete;
             PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;",
        )
        .unwrap();
}

fn pick(random: &mut Seeded, below: usize) -> usize {
    usize::try_from(random.below(below as u64)).unwrap()
}

/// Changes one byte of a text within a file, in place: where the text stands last. The first page
/// of a table in SQLite keeps bytes of entries that have since moved to others.
fn change_byte(file: &mut [u8], text: &[u8], random: &mut Seeded) {
    let at = file.windows(text.len()).rposition(|window| window == text);
    let at = at.expect("the text stands in the file in one piece") + pick(random, text.len());
    let by = u8::try_from(random.below(255) + 1).unwrap();
    file[at] ^= by;
}

/// One change by somebody who recomputes nothing, or only the hash of the entry.
fn tamper_rows(rows: &mut Vec<Row>, random: &mut Seeded) -> &'static str {
    let length = rows.len();
    let at = pick(random, length);
    match random.below(5) {
        // The last one gone is the tail cut off.
        0 => {
            rows.remove(pick(random, length - 1));
            "removed"
        }
        1 => {
            let other = (at + 1 + pick(random, length - 1)) % length;
            rows.swap(at, other);
            "reordered"
        }
        2 => {
            rows.insert(at, rows[at].clone());
            "repeated"
        }
        3 => {
            rows[at].0 = rows[at]
                .0
                .replacen("anna", "otto", 1)
                .replacen("09:", "10:", 1);
            "changed"
        }
        _ => {
            let row = &mut rows[pick(random, length - 1)];
            row.0 = row.0.replacen("T09:", "T10:", 1).replacen("T1", "T2", 1);
            row.1 = sha256(&row.0);
            "changed with its hash"
        }
    }
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
fn the_journal_as_it_is_holds_here_and_in_its_export() {
    let room = room();
    for audited in [
        audit_file(&room.export, room.kept()).unwrap(),
        audit_database(&room.database(), room.kept()).unwrap(),
    ] {
        assert_eq!(audited.entries, ENTRIES);
        assert_eq!(audited.proved_up_to, Some(PRINTED));
        assert!(audited.recorded_checkpoints > 5, "{audited:?}");
        assert!(audited.keys.iter().all(|key| key.trusted), "{audited:?}");
    }
    assert_eq!(lines(&room.rows), room.export);
}

/// 150 by somebody who does not recompute everything: half of them on the catalogue's file.
#[test]
fn one_hundred_and_fifty_tamperings_are_found() {
    let room = room();
    let mut cut_off = 0;
    for seed in 0..150 {
        let mut random = Seeded::new(seed);
        let on_database = seed % 2 == 0;
        // A cut tail is found by the checkpoint when that is behind it, else by the count.
        if seed % 5 == 0 {
            let left = pick(&mut random, room.rows.len());
            let mut evidence = room.kept();
            if left as u64 >= PRINTED {
                evidence.checkpoints.clear();
                evidence.entries = Some(ENTRIES);
            }
            let found = if on_database {
                let path = room.database();
                put_into(&path, &room.rows[..left]);
                audit_database(&path, evidence)
            } else {
                audit_file(&lines(&room.rows[..left]), evidence)
            };
            let wrong = found.expect_err(&format!("{seed}: cut behind {left}"));
            assert!(
                matches!(&wrong, Tampered::Broken(broken)
                if broken.sequence == left as u64 + 1),
                "{seed}: {wrong}"
            );
            cut_off += 1;
            continue;
        }
        // Everything else is found without anything from outside.
        let nothing = Evidence::default();
        let (what, found) = if random.below(2) == 0 {
            let row = &room.rows[pick(&mut random, room.rows.len())];
            let text = if random.below(2) == 0 { &row.0 } else { &row.1 };
            if on_database {
                let path = room.database();
                let mut file = fs::read(&path).unwrap();
                change_byte(&mut file, text.as_bytes(), &mut random);
                fs::write(&path, file).unwrap();
                ("byte", audit_database(&path, nothing))
            } else {
                let mut file = room.export.clone();
                change_byte(&mut file, text.as_bytes(), &mut random);
                ("byte", audit_file(&file, nothing))
            }
        } else {
            let mut rows = room.rows.clone();
            let what = tamper_rows(&mut rows, &mut random);
            assert_ne!(rows, room.rows, "{seed}: {what}");
            if on_database {
                let path = room.database();
                put_into(&path, &rows);
                (what, audit_database(&path, nothing))
            } else {
                (what, audit_file(&lines(&rows), nothing))
            }
        };
        let wrong = found.expect_err(&format!("{seed}: {what}"));
        assert!(wrong.to_string().contains("entry"), "{seed}: {wrong}");
    }
    assert_eq!(cut_off, 30);
}

/// The whole journal anew from these bodies: numbers, hashes, and what the server's key signed.
fn forged(bodies: Vec<Value>, key: &SigningKey) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for mut body in bodies {
        let previous = rows
            .last()
            .map_or_else(|| "0".repeat(64), |row| row.1.clone());
        if body["kind"] == "checkpoint_signed" {
            let signed = key.sign(Checkpoint {
                sequence: rows.len() as u64,
                hash: previous.clone(),
            });
            body["details"]["number"] = signed.checkpoint.sequence.into();
            body["details"]["hash"] = signed.checkpoint.hash.into();
            body["details"]["signing_key"] = signed.key.to_string().into();
            body["details"]["signature"] = signed.signature.to_string().into();
        }
        body["sequence"] = (rows.len() as u64 + 1).into();
        body["previous"] = previous.into();
        let text = journal::canonical_json(&body).unwrap();
        let hash = sha256(&text);
        rows.push((text, hash));
    }
    rows
}

/// What somebody changes who can hide it from everything that is in the building.
fn forge(room: &Room, random: &mut Seeded) -> (&'static str, Vec<Row>) {
    let bodies = room.rows.iter().map(|row| &row.0);
    let mut bodies: Vec<Value> = bodies.map(|body| body.parse().unwrap()).collect();
    let ordinary = |body: &Value| body["kind"] == "cartridge_retired";
    // Before the checkpoint that is outside.
    let at = loop {
        let at = pick(random, usize::try_from(PRINTED).unwrap());
        if ordinary(&bodies[at]) {
            break at;
        }
    };
    let what = match random.below(5) {
        0 => {
            bodies.remove(at);
            "removed"
        }
        1 => {
            bodies[at]["actor"]["person"] = "otto".into();
            "somebody else's"
        }
        2 => {
            bodies[at]["details"]["reason"] = format!("lent {}", random.number()).into();
            "another reason"
        }
        3 => {
            let other = (0..).map(|_| pick(random, at.max(30)));
            let other = { other }
                .find(|other| *other != at && ordinary(&bodies[*other]))
                .unwrap();
            bodies.swap(at, other);
            "reordered"
        }
        _ => {
            bodies.truncate(at + 1);
            "cut off"
        }
    };
    // Nobody shall notice by the number of entries.
    while bodies.len() < room.rows.len() {
        let mut more = bodies[at.min(bodies.len() - 1)].clone();
        more["details"]["reason"] = format!("worn {}", random.number()).into();
        more["kind"] = "cartridge_retired".into();
        bodies.push(more);
    }
    (what, forged(bodies, &room.key))
}

/// 50 by somebody who recomputes every later hash and signs again with the server's key: nothing
/// in the building shows it, and a printed checkpoint does.
#[test]
fn fifty_forgeries_with_the_servers_key_are_found_by_a_printed_checkpoint() {
    let room = room();
    for seed in 0..50 {
        let mut random = Seeded::new(1000 + seed);
        let (what, rows) = forge(&room, &mut random);
        let printed_line: SignedCheckpoint = room.printed.to_string().parse().unwrap();
        let inside = Evidence {
            keys: vec![room.public],
            entries: Some(ENTRIES),
            ..Evidence::default()
        };
        let with_line = Evidence {
            checkpoints: vec![printed_line],
            ..inside.clone()
        };
        let (unseen, seen) = if seed % 2 == 0 {
            let path = room.database();
            put_into(&path, &rows);
            (
                audit_database(&path, inside),
                audit_database(&path, with_line),
            )
        } else {
            let file = lines(&rows);
            (audit_file(&file, inside), audit_file(&file, with_line))
        };
        unseen.unwrap_or_else(|wrong| panic!("{seed}: {what} is seen inside: {wrong}"));
        let wrong = seen.expect_err(&format!("{seed}: {what}"));
        assert!(
            matches!(&wrong, Tampered::Broken(broken) if broken.sequence == PRINTED),
            "{seed}: {what}: {wrong}"
        );
    }
}

/// A key of the forger's own in place of the server's.
#[test]
fn a_journal_signed_with_another_key_is_found_by_the_public_key() {
    let room = room();
    let own = SigningKey::generate().unwrap();
    let bodies = room.rows.iter().map(|row| &row.0);
    let mut bodies: Vec<Value> = bodies.map(|body| body.parse().unwrap()).collect();
    for body in &mut bodies {
        if body["kind"] == "journal_key_made" {
            body["details"]["signing_key"] = own.public().id().to_string().into();
            body["details"]["public_key"] = own.public().to_string().into();
        }
    }
    let file = lines(&forged(bodies, &own));
    audit_file(&file, Evidence::default()).unwrap();
    let known = Evidence {
        keys: vec![room.public],
        ..Evidence::default()
    };
    let wrong = audit_file(&file, known).unwrap_err();
    assert!(matches!(wrong, Tampered::Stranger { .. }), "{wrong}");
    // Without the public key a line of the server's is of somebody unknown, and of other entries.
    let line = Evidence {
        checkpoints: vec![room.printed.clone()],
        ..Evidence::default()
    };
    audit_file(&file, line).unwrap_err();
}

/// Entries whose rows have other numbers than they say.
#[test]
fn rows_under_other_numbers_are_found() {
    let room = room();
    let path = room.database();
    let connection = Connection::open(&path).unwrap();
    unguard(&connection);
    let last = ENTRIES - 1;
    for table in ["journal", "journal_subject"] {
        let move_up = format!("UPDATE {table} SET sequence = sequence + 7 WHERE sequence > {last}");
        connection.execute(&move_up, []).unwrap();
    }
    drop(connection);
    let wrong = audit_database(&path, room.kept()).unwrap_err();
    assert!(
        matches!(&wrong, Tampered::Broken(broken) if broken.sequence == ENTRIES),
        "{wrong}"
    );
}

#[test]
fn an_index_that_hides_an_entry_is_found() {
    let room = room();
    for hide in [
        "DELETE FROM journal_subject WHERE sequence = 40",
        "UPDATE journal_subject SET subject = 'x' WHERE sequence = 40",
    ] {
        let path = room.database();
        let connection = Connection::open(&path).unwrap();
        unguard(&connection);
        assert_eq!(connection.execute(hide, []).unwrap(), 1);
        drop(connection);
        let wrong = audit_database(&path, room.kept()).unwrap_err();
        assert!(
            matches!(&wrong, Tampered::Broken(broken) if broken.sequence == 40),
            "{wrong}"
        );
    }
    let path = room.database();
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("INSERT INTO journal_subject VALUES ('TWV001L8', 40)", [])
        .unwrap();
    drop(connection);
    audit_database(&path, room.kept()).unwrap_err();
}
