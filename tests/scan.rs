//! A clerk with a scanner at a terminal: every mistake has its answer, nothing is lost, nothing twice.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/clerk.rs"]
mod clerk;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use clerk::{Clerk, Room, Travel, catalogue, code, kept, tape_room};
use tapeward::app::{App, Surroundings};
use tapeward::catalogue::{CatalogueError, MovementState, Place, Witness};
use tapeward::clock::{Clock, ManualClock};
use tapeward::key::{PassphraseSource, Secrets};
use tapeward::progress::{Interrupt, Unwatched};
use tapeward::scan::Line;
use tapeward::scan::station::Station;
use world::World;

/// Cartridges that come home to SAFE1.
const COMING: usize = 210;
/// Cartridges that leave it, in case C08.
const LEAVING: usize = 110;

fn coming(number: usize) -> String {
    format!("IN{number:04}L8")
}

fn leaving(number: usize) -> String {
    format!("GO{number:04}L8")
}

/// What is right comes in numbers; of what is wrong there is one each.
fn furnish(room: &Room<'_>) {
    room.person("P06", "Eve Nopin");
    room.person("P09", "Lea Left");
    let now = Utc::now();
    room.tx.close_person(&"P09".parse().unwrap(), now).unwrap();
    for number in 0..COMING {
        let item = room.cartridge(&coming(number), &Place::InTransit);
        room.way(item, &Place::InTransit, "SAFE1", None);
    }
    let (c07, c08, c09) = (
        room.case("C07", 1),
        room.case("C08", 200),
        room.case("C09", 9),
    );
    let run = room.run(&[(c07, None), (c08, None), (c09, Some(now))]);
    let home = kept("SAFE1");
    let mut line = 0;
    let mut travels = |barcode: &str, case| {
        line += 1;
        let item = room.cartridge(barcode, &home);
        room.way(item, &home, "IRON", Some(Travel { run, line, case }));
    };
    for number in 0..LEAVING {
        travels(&leaving(number), c08);
    }
    travels("OTHER1L8", c07);
    travels("OTHER2L8", c07);
    room.cartridge("STAYS1L8", &home);
    let later = room.cartridge("LATER1L8", &home);
    room.way(later, &home, "IRON", None);
    room.cartridge("AWAY01L8", &kept("IRON"));
    room.cartridge("SMALL1L8", &kept("SMALL"));
    room.cartridge("SMALL2L8", &Place::Outside);
    let other = room.cartridge("SAFE02L8", &Place::InTransit);
    room.way(other, &Place::InTransit, "SAFE2", None);
}

/// What is scanned and what is answered.
type Table<'a> = &'a [(&'a str, &'a str)];

#[track_caller]
fn table(clerk: &mut Clerk, lines: Table<'_>) -> usize {
    for (scanned, expected) in lines {
        let answer = clerk.scan(scanned);
        assert_eq!(answer, *expected, "after {scanned}");
    }
    lines.len()
}

const NOBODY: Table<'_> = &[
    ("IN0000L8", "BADGE - scan your badge first"),
    (".P.HELP", "HELP - scan your badge"),
    (".B.P99", "NO SUCH BADGE - nobody has the badge P99"),
    (".B.P09", "NO SUCH BADGE - Lea Left has left"),
    (".B.P06", "PIN - Eve Nopin: type your PIN, then Enter"),
    (
        "1234",
        "NO PIN - Eve Nopin has none yet: \"tapeward person pin P06\" sets it",
    ),
    (".B.P07", "PIN - Ann Weber: type your PIN, then Enter"),
    ("0815", "WRONG PIN - type it again"),
    ("4711", "HELLO - Ann Weber: scan OUT, IN, PACK or COUNT"),
    (
        "IN0000L8",
        "WHAT FOR - scan OUT, IN, PACK, COUNT or PROBLEM first",
    ),
    (
        ".L.SAFE1",
        "WHAT FOR - scan OUT, IN, PACK, COUNT or PROBLEM first",
    ),
    (
        ".P.DONE",
        "NOTHING - nothing is begun: scan OUT, IN, PACK or COUNT",
    ),
    (
        ".P.AWAY",
        "NO SUCH CARD - \".P.AWAY\" is not one of our cards: print them anew with \"tapeward label print\"",
    ),
    (
        ".p.in",
        "CAPS LOCK - the scanner types small letters: switch caps lock off",
    ),
    (
        ".K.AZYM-10",
        "KEYBOARD - letters and signs arrive as they are printed",
    ),
    (
        ".K.AYZMß10",
        "KEYBOARD - the computer takes the scanner for a German keyboard: set both to the same layout",
    ),
    (".P.IN", "IN - scan the card of the place they come to"),
    (
        "IN0000L8",
        "WHERE - scan the card of the place they come to",
    ),
    (".L.NOWHERE", "NO SUCH PLACE - no place is NOWHERE"),
    (".L.SAFE1", "IN - IN SAFE1: scan one by one (0 of 210)"),
];

const COMING_HOME: Table<'_> = &[
    (
        ".P.UNDO",
        "NOTHING - there is nothing to take back (0 of 210)",
    ),
    ("IN0000L8", "GOOD - put it in SAFE1 (1 of 210)"),
    ("IN0000L8", "ALREADY - IN0000L8 is noted: go on (1 of 210)"),
    (
        "in0001l8",
        "CAPS LOCK - switch caps lock off and scan IN0001L8 again (1 of 210, 1 wrong)",
    ),
    (
        "IN0001",
        "SHORT - the scanner left L8 out: scan IN0001L8 again (1 of 210, 2 wrong)",
    ),
    (
        "ZZZ999L8",
        "UNKNOWN - nothing on record is ZZZ999L8: put it aside (1 of 210, 3 wrong)",
    ),
    (
        "http://x?y=1",
        "NOT A BARCODE - scan it again (1 of 210, 3 wrong)",
    ),
    (
        "",
        "NOTHING - nothing was read: scan it again (1 of 210, 3 wrong)",
    ),
    (
        "SAFE02L8",
        "WRONG PLACE - it goes to SAFE2: put it aside (1 of 210, 4 wrong)",
    ),
    (
        "AWAY01L8",
        "NOT EXPECTED - on record it is in IRON: put it aside (1 of 210, 5 wrong)",
    ),
    (
        "=IN0001L8",
        "AGAIN - type IN0001L8 once more (1 of 210, 5 wrong)",
    ),
    (
        "=IN0002L8",
        "NOT THE SAME - first IN0001L8, then IN0002L8: begin again (1 of 210, 5 wrong)",
    ),
    (
        "=IN0001L8",
        "AGAIN - type IN0001L8 once more (1 of 210, 5 wrong)",
    ),
    ("=IN0001L8", "GOOD - put it in SAFE1 (2 of 210, 5 wrong)"),
    ("IN0002L8", "GOOD - put it in SAFE1 (3 of 210, 5 wrong)"),
    (
        ".P.UNDO",
        "UNDONE - IN0002L8 is where it was: put it back (2 of 210, 5 wrong)",
    ),
    ("IN0002L8", "GOOD - put it in SAFE1 (3 of 210, 5 wrong)"),
    (
        ".P.OUT",
        "DONE FIRST - IN SAFE1 is not finished: scan DONE (3 of 210, 5 wrong)",
    ),
    (
        ".L.SAFE2",
        "DONE FIRST - IN SAFE1 is not finished: scan DONE (3 of 210, 5 wrong)",
    ),
    (".L.SAFE1", "ALREADY - this is IN SAFE1 (3 of 210, 5 wrong)"),
];

const BETWEEN: Table<'_> = &[
    (".P.IN", "IN - scan the card of the place they come to"),
    (".L.SMALL", "IN - IN SMALL: scan one by one (0)"),
    ("SMALL2L8", "FULL - put it in SAFE2 (0, 1 wrong)"),
    (".P.PROBLEM", "PROBLEM - scan what it is about (0, 1 wrong)"),
    (
        "SMALL1L8",
        "WHICH - SMALL1L8: type the number: 1 dropped, 2 wet, 3 unreadable, 4 broken, 5 lost, 6 foreign (0, 1 wrong)",
    ),
    (
        "9",
        "WHICH - SMALL1L8: type the number: 1 dropped, 2 wet, 3 unreadable, 4 broken, 5 lost, 6 foreign (0, 1 wrong)",
    ),
    (
        "1",
        "NOTED - SMALL1L8 is dropped: put it aside (0, 1 wrong)",
    ),
    (".P.DONE", "DONE - IN SMALL is finished (0, 1 wrong)"),
    (".P.OUT", "OUT - scan the card of the place they leave"),
    (".L.SAFE1", "OUT - OUT SAFE1: scan one by one (0 of 112)"),
    (
        "AWAY01L8",
        "NOT HERE - on record it is in IRON: put it aside (0 of 112, 1 wrong)",
    ),
    (
        "STAYS1L8",
        "STAY - nobody wants it: put it back (0 of 112, 2 wrong)",
    ),
];

const PACKING: Table<'_> = &[
    (".P.PACK", "PACK - scan the card of the case"),
    (".L.SAFE1", "CASE - PACK wants the card of a case"),
    (".C.C99", "NO SUCH CASE - no case is C99"),
    (".C.C09", "SEALED - C09 is sealed: ask the courier desk"),
    (".C.C07", "PACK - PACK case C07: scan one by one (0 of 2)"),
    ("GO0000L8", "WRONG CASE - put it in C08 (0 of 2, 1 wrong)"),
    (
        "STAYS1L8",
        "NOT ON LIST - it does not travel: put it back (0 of 2, 2 wrong)",
    ),
    (
        "C08",
        "CASE - a case does not go into a case (0 of 2, 3 wrong)",
    ),
    ("OTHER1L8", "GOOD - it is in C07 (1 of 2, 3 wrong)"),
    (
        "OTHER2L8",
        "FULL - C07 is full: ask the courier desk (1 of 2, 4 wrong)",
    ),
    (
        ".P.DONE",
        "OPEN - 1 not scanned: scan DONE again to leave it so, or go on (1 of 2, 4 wrong)\n  OTHER2L8",
    ),
    (
        ".P.DONE",
        "DONE - PACK case C07 is over, 1 stay open (1 of 2, 4 wrong)",
    ),
    (".P.PACK", "PACK - scan the card of the case"),
    (".C.C08", "PACK - PACK case C08: scan one by one (0 of 110)"),
];

fn place_of(world: &World, barcode: &str) -> Place {
    let view = catalogue(world);
    let item = view.read(|view| view.item_by_barcode(&code(barcode)));
    item.unwrap().unwrap().place().clone()
}

/// Accepted lines by answer, and how often each item was placed by a scanner.
fn kept_of(world: &World) -> (usize, BTreeMap<String, usize>) {
    catalogue(world)
        .read(|view| {
            let mut placed = BTreeMap::new();
            for item in view.items()? {
                let scans = view.place_history(item.id())?.into_iter().filter(|event| {
                    matches!(event.witness, Witness::Scanned | Witness::Keyed)
                        && event.note.is_none()
                });
                placed.insert(item.barcode().to_string(), scans.count());
            }
            let mut lines = 0;
            for session in view.scan_sessions()? {
                lines += view.scan_lines(session.id)?.len();
            }
            Ok::<_, CatalogueError>((lines, placed))
        })
        .unwrap()
}

#[test]
fn five_hundred_scans_are_answered_by_the_table_and_survive_kills() {
    let world = tape_room(furnish);
    let start = || Clerk::start(world.command(["scan"]));
    let mut clerk = start();
    let mut scans = table(&mut clerk, NOBODY) + table(&mut clerk, COMING_HOME);
    for number in 3..COMING - 1 {
        // In the middle the program is killed, whether the last scan was answered or not.
        if number % 60 == 0 {
            if number == 120 {
                clerk.scan(&coming(number));
            } else {
                clerk.send(&coming(number));
            }
            clerk.kill();
            clerk = start();
            let back = clerk.sign_in("P07");
            assert!(
                back.starts_with("WELCOME BACK - Ann Weber: IN SAFE1 goes on"),
                "{back}"
            );
            scans += 3;
        }
        let answer = clerk.scan(&coming(number));
        let sentence = if answer.starts_with("ALREADY") {
            format!("ALREADY - {} is noted: go on", coming(number))
        } else {
            "GOOD - put it in SAFE1".to_owned()
        };
        let done = number + 1;
        assert_eq!(answer, format!("{sentence} ({done} of 210, 5 wrong)"));
        scans += 1;
    }
    let open = "OPEN - 1 not scanned: scan DONE again to leave it so, or go on (209 of 210, 5 wrong)\n  IN0209L8";
    let last = "GOOD - put it in SAFE1 (210 of 210, 5 wrong)";
    let done = "DONE - IN SAFE1 is finished (210 of 210, 5 wrong)";
    let end = [(".P.DONE", open), ("IN0209L8", last), (".P.DONE", done)];
    scans += table(&mut clerk, &end) + table(&mut clerk, BETWEEN);
    let later = clerk.scan("LATER1L8");
    assert!(later.starts_with("NOT DUE - it leaves on 2"), "{later}");
    for number in 0..LEAVING {
        let answer = clerk.scan(&leaving(number));
        let done = number + 1;
        assert_eq!(
            answer,
            format!("GOOD - put it in C08 ({done} of 112, 3 wrong)")
        );
    }
    for (number, barcode) in [(111, "OTHER1L8"), (112, "OTHER2L8")] {
        let good = format!("GOOD - put it in C07 ({number} of 112, 3 wrong)");
        assert_eq!(clerk.scan(barcode), good);
    }
    let done = "DONE - OUT SAFE1 is finished (112 of 112, 3 wrong)";
    scans += table(&mut clerk, &[(".P.DONE", done)]) + table(&mut clerk, PACKING);
    for number in 0..LEAVING {
        let done = number + 1;
        let good = format!("GOOD - it is in C08 ({done} of 110)");
        assert_eq!(clerk.scan(&leaving(number)), good);
    }
    let done = "DONE - PACK case C08 is finished (110 of 110)";
    scans += table(&mut clerk, &[(".P.DONE", done)]) + 2 * LEAVING + 3;
    clerk.leave();
    assert!(scans >= 500, "{scans}");
    let (lines, placed) = kept_of(&world);
    assert!(lines > 450, "{lines}");

    // None lost, none twice: IN0002L8 was taken back and put there again.
    for number in 0..COMING {
        assert_eq!(place_of(&world, &coming(number)), kept("SAFE1"));
        let times = if number == 2 { 2 } else { 1 };
        assert_eq!(placed[&coming(number)], times, "{}", coming(number));
    }
    for number in 0..LEAVING {
        let case = Place::Case { case: code("C08") };
        assert_eq!(place_of(&world, &leaving(number)), case);
        assert_eq!(placed[&leaving(number)], 2);
    }
    the_record_has_who_and_how(&world);
}

fn the_record_has_who_and_how(world: &World) {
    let catalogue = catalogue(world);
    catalogue
        .read(|view| {
            let typed = view.item_by_barcode(&code("IN0001L8"))?.unwrap();
            let movements = view.movements_of(typed.id())?;
            assert_eq!(movements[0].state, MovementState::Received);
            assert_eq!(movements[0].grade, Some(Witness::Keyed));
            let scanned = view.item_by_barcode(&code("IN0005L8"))?.unwrap();
            let movements = view.movements_of(scanned.id())?;
            assert_eq!(movements[0].grade, Some(Witness::Scanned));
            let open = view.open_exceptions()?;
            let kinds: Vec<String> = open.iter().map(|one| one.kind.to_string()).collect();
            assert_eq!(kinds, ["surplus", "never_expected", "dropped", "misplaced"]);
            // No PIN anywhere.
            for session in view.scan_sessions()? {
                for line in view.scan_lines(session.id)? {
                    assert!(line.text != clerk::PIN && line.text != "0815");
                }
            }
            Ok::<_, CatalogueError>(())
        })
        .unwrap();
    let story = world.ok(["media", "history", "IN0005L8"]);
    assert!(story.contains("P07"), "{story}");
}

#[test]
fn a_pin_is_not_shown_and_bells_tell_good_from_bad() {
    let world = tape_room(furnish);
    let mut clerk = Clerk::start(world.command(["scan"]));
    let (echo, answer) = clerk.scan_seen(".B.P07");
    assert_eq!(
        (echo.as_str(), answer.matches('\x07').count()),
        (".B.P07", 1)
    );
    let (echo, answer) = clerk.scan_seen("0815");
    assert_eq!((echo.as_str(), answer.matches('\x07').count()), ("", 2));
    let (echo, answer) = clerk.scan_seen(clerk::PIN);
    assert_eq!((echo.as_str(), answer.matches('\x07').count()), ("", 1));
    // Erasing with the backspace key works, though the terminal gives each character.
    let (_, answer) = clerk.scan_seen(".P.INX\x7f");
    assert!(answer.contains("IN - scan the card"), "{answer}");
    clerk.leave();
}

#[test]
fn a_pipe_gets_json_and_an_exit_code() {
    let world = tape_room(furnish);
    let lines = world.path("lines");
    let run = |text: &str, arguments: &[&str]| {
        std::fs::write(&lines, text).unwrap();
        let mut command = world.command(arguments);
        command.stdin(std::fs::File::open(&lines).unwrap());
        let output = command.output().unwrap();
        let (out, err) = world::texts(&output);
        (output.status.code(), out, err)
    };
    let piped = ["--json", "scan", "--as", "P07"];
    let (status, out, err) = run(".P.IN\n.L.SAFE1\nIN0000L8\r\nZZZ999L8\n", &piped);
    assert_eq!(status, Some(20), "{out}{err}");
    assert!(err.contains("IN SAFE1 is not finished"), "{err}");
    let answers: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 5, "{out}");
    assert_eq!(answers[3]["word"], "GOOD");
    assert_eq!(
        (answers[3]["done"].as_u64(), answers[3]["of"].as_u64()),
        (Some(1), Some(210))
    );
    assert_eq!(
        (&answers[4]["word"], &answers[4]["bell"]),
        (&"UNKNOWN".into(), &"bad".into())
    );
    // It goes on; with the PIN it needs no option.
    let text = ".B.P07\n4711\nIN0000L8\nIN0001L8\n.P.DONE\n.P.DONE\n";
    let (status, out, _) = run(text, &["scan"]);
    assert_eq!(status, Some(20), "{out}");
    assert!(
        out.contains("WELCOME BACK - Ann Weber: IN SAFE1 goes on (1 of 210, 1 wrong)"),
        "{out}"
    );
    assert!(
        out.contains("ALREADY - IN0000L8 is noted: go on (1 of 210, 1 wrong)"),
        "{out}"
    );
    assert!(
        out.contains("DONE - IN SAFE1 is over, 208 stay open (2 of 210, 1 wrong)"),
        "{out}"
    );
    assert!(!out.contains('\x07'));
    let (status, _, err) = run("", &["scan", "--as", "P99"]);
    assert_eq!(status, Some(2), "{err}");
    let (status, out, _) = run(".P.HELP\n", &["scan", "--as", "P08"]);
    assert_eq!((status, out.lines().count()), (Some(0), 2), "{out}");
}

/// A station in this process, with a clock that stands still.
fn station(world: &World) -> (Station, Arc<ManualClock>) {
    let clock = ManualClock::shared(Utc::now());
    let app = App::open(
        &world.state(),
        Surroundings {
            clock: clock.clone(),
            watcher: Arc::new(Unwatched),
            interrupt: Interrupt::default(),
            secrets: Arc::new(Secrets::from_source(PassphraseSource::Terminal)),
        },
    );
    (Station::new(Arc::new(app.unwrap())), clock)
}

#[test]
fn a_badge_ends_after_five_idle_minutes_and_closes_nothing() {
    let world = tape_room(furnish);
    let (mut ann, clock) = station(&world);
    let scan = |station: &mut Station, text: &str| {
        let answer = station.line(&Line::new(text, None)).unwrap();
        answer.to_string()
    };
    for line in [".B.P07", clerk::PIN, ".P.IN", ".L.SAFE1", "IN0000L8"] {
        scan(&mut ann, line);
    }
    clock.pause(Duration::from_secs(299));
    assert_eq!(
        scan(&mut ann, "IN0001L8"),
        "GOOD - put it in SAFE1 (2 of 210)"
    );
    clock.pause(Duration::from_secs(300));
    let idle = "BADGE - five minutes have passed: scan your badge, nothing is lost";
    assert_eq!(scan(&mut ann, "IN0002L8"), idle);
    assert_eq!(scan(&mut ann, "IN0002L8"), "BADGE - scan your badge first");
    // Another clerk at the same station has a task of his own.
    scan(&mut ann, ".B.P08");
    let hello = "HELLO - Bob Klein: scan OUT, IN, PACK or COUNT";
    assert_eq!(scan(&mut ann, clerk::PIN), hello);
    scan(&mut ann, ".B.P07");
    let back = "WELCOME BACK - Ann Weber: IN SAFE1 goes on (2 of 210)";
    assert_eq!(scan(&mut ann, clerk::PIN), back);
    // What a second process does with the same badge here is one task.
    let (mut second, _) = station(&world);
    second.enter(&"P07".parse().unwrap()).unwrap();
    assert_eq!(
        scan(&mut second, "IN0002L8"),
        "GOOD - put it in SAFE1 (3 of 210)"
    );
    assert_eq!(
        scan(&mut ann, "IN0002L8"),
        "ALREADY - IN0002L8 is noted: go on (3 of 210)"
    );
    // After three wrong PINs the badge is wanted again.
    scan(&mut ann, ".B.P07");
    scan(&mut ann, "0000");
    scan(&mut ann, "0001");
    let third = "WRONG PIN - three times wrong: scan your badge again";
    assert_eq!(scan(&mut ann, "0002"), third);
    assert_eq!(scan(&mut ann, clerk::PIN), "BADGE - scan your badge first");
}

#[test]
fn a_cartridge_is_loaded_and_its_label_read() {
    let world = World::with_library("64MiB");
    let found = world.json(["scan", "identify", "TWV001L8"]);
    assert_eq!(found["kind"], "blank", "{found:#}");
    let (_, err) = world.exits(2, ["scan", "identify"]);
    assert!(
        err.contains("no cartridge with a barcode is in a mail slot"),
        "{err}"
    );
    world.ok(["media", "label", "TWV001L8", "--pool", "monthly"]);
    world.ok(["library", "eject", "TWV001L8"]);
    let found = world.json(["scan", "identify"]);
    let (kind, barcode) = (&found["kind"], &found["barcode"]);
    assert_eq!(
        (kind, barcode),
        (&"ours".into(), &"TWV001L8".into()),
        "{found:#}"
    );
}
