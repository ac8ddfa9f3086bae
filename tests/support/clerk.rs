//! A tape room for scanning: people, places, cases, cartridges that are to move; and a clerk at a terminal.
#![allow(dead_code)] // each test program uses a part of it

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, Days, Utc};
use nix::pty::openpty;
use tapeward::catalogue::{
    Catalogue, CourierCase, CourierRun, CourierState, Direction, Generation, MediumUse, MoveReason,
    Movement, MovementState, NewCartridge, NewPlace, NewThing, Person, Place, PlaceKind, Revision,
    ThingKind, Tx, Witness,
};
use tapeward::error::Error;
use tapeward::id::{Barcode, CartridgeId, CourierRunId, ItemId, MovementId, PlaceCode, ThingId};

use crate::world::World;

/// The PIN of P07 and P08.
pub(crate) const PIN: &str = "4711";

const PLACES: &str = "
[site.MAIN]
name = \"Northern district\"
[carrier.ACME]
name = \"Acme Couriers\"
[place.SAFE1]
kind = \"safe\"
[place.SAFE2]
kind = \"safe\"
[place.SMALL]
kind = \"safe\"
capacity = 1
overflow = [\"SAFE2\"]
[place.IRON]
kind = \"vault\"
carrier = \"ACME\"
";

/// A record that is being furnished.
pub(crate) struct Room<'a> {
    pub(crate) tx: &'a Tx<'a>,
    pub(crate) now: DateTime<Utc>,
}

pub(crate) fn code(text: &str) -> Barcode {
    text.parse().unwrap()
}

/// A place by its code: IRON is a vault, all others are safes.
pub(crate) fn kept(place: &str) -> Place {
    Place::Kept {
        kind: if place == "IRON" {
            PlaceKind::Vault
        } else {
            PlaceKind::Safe
        },
        code: place.parse::<PlaceCode>().unwrap(),
    }
}

impl Room<'_> {
    pub(crate) fn person(&self, badge: &str, name: &str) {
        let person = Person {
            code: badge.parse().unwrap(),
            name: name.to_owned(),
            roles: vec!["clerk".to_owned()],
            telephone: None,
            mail: None,
            organisation: None,
            added_at: self.now,
            closed_at: None,
        };
        self.tx.add_person(&person).unwrap();
    }

    fn seen(&self, item: ItemId, place: &Place) {
        let new = NewPlace {
            item,
            place: place.clone(),
            at: self.now,
            entered_at: self.now,
            witness: Witness::Person,
            run: None,
            note: None,
        };
        self.tx.record_place(&new).unwrap();
    }

    pub(crate) fn cartridge(&self, barcode: &str, place: &Place) -> ItemId {
        let id = CartridgeId::generate(self.now);
        let new = NewCartridge {
            id,
            barcode: code(barcode),
            generation: Generation::Lto8,
            medium_use: MediumUse::Data,
            medium_serial: None,
            added_at: self.now,
        };
        self.tx.add_cartridge(&new).unwrap();
        self.seen(id.into(), place);
        id.into()
    }

    pub(crate) fn case(&self, barcode: &str, holds: u32) -> ThingId {
        let id = ThingId::generate(self.now);
        let new = NewThing {
            id,
            barcode: code(barcode),
            kind: ThingKind::Case,
            description: "grey".to_owned(),
            holds: Some(holds),
            added_at: self.now,
        };
        self.tx.add_thing(&new).unwrap();
        self.seen(id.into(), &kept("SAFE1"));
        id
    }

    /// It is to go from one place to another, as a line of a run where one is given.
    pub(crate) fn way(&self, item: ItemId, from: &Place, to: &str, travel: Option<Travel>) {
        let on_way = *from == Place::InTransit;
        let movement = Movement {
            id: MovementId::generate(self.now),
            item,
            origin: from.clone(),
            destination: kept(to),
            reason: MoveReason::Offsite,
            note: String::new(),
            role: "clerk".to_owned(),
            due: self.now.date_naive() + Days::new(if travel.is_some() || on_way { 0 } else { 90 }),
            urgent: false,
            authorised_by: None,
            state: if on_way {
                MovementState::InTransit
            } else {
                MovementState::Planned
            },
            planned_at: self.now,
            planned_by: "test".to_owned(),
            line: travel.map(|travel| (travel.run, travel.line)),
            in_case: travel.map(|travel| travel.case),
            return_on: None,
            exempt: None,
            grade: None,
            ended_at: None,
            ended_note: None,
        };
        self.tx.add_movement(&movement).unwrap();
    }

    pub(crate) fn run(&self, cases: &[(ThingId, Option<DateTime<Utc>>)]) -> CourierRunId {
        let id = CourierRunId::generate(self.now);
        let run = CourierRun {
            id,
            number: "2026-0001".to_owned(),
            direction: Direction::Out,
            carrier: "ACME".parse().unwrap(),
            site: "MAIN".parse().unwrap(),
            vault: "IRON".parse().unwrap(),
            due: self.now.date_naive(),
            state: CourierState::Building,
            revision: Revision::NONE,
            printed_digest: None,
            handed_over: None,
            corrects: None,
            built_at: self.now,
            built_by: "test".to_owned(),
            closed_at: None,
            closed_by: None,
        };
        self.tx.add_courier_run(&run).unwrap();
        for (ordinal, (thing, sealed_at)) in (1..).zip(cases) {
            let case = CourierCase {
                thing: *thing,
                ordinal,
                seals: Vec::new(),
                sealed_at: *sealed_at,
                arrival: None,
            };
            self.tx.put_courier_case(id, &case).unwrap();
        }
        id
    }
}

/// A line of a run, in a case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Travel {
    pub(crate) run: CourierRunId,
    pub(crate) line: u32,
    pub(crate) case: ThingId,
}

pub(crate) fn catalogue(world: &World) -> Catalogue {
    Catalogue::open(&world.state().join("catalogue.db")).unwrap()
}

/// A tape room with Ann (P07) and Bob (P08), who have PINs, and what `furnish` puts in.
pub(crate) fn tape_room(furnish: impl FnOnce(&Room<'_>)) -> World {
    let world = World::in_memory();
    world.ok(["init"]);
    world.configure(PLACES);
    catalogue(&world)
        .write(|tx| {
            let now = Utc::now();
            let room = Room { tx, now };
            room.person("P07", "Ann Weber");
            room.person("P08", "Bob Klein");
            furnish(&room);
            Ok::<_, Error>(())
        })
        .unwrap();
    let pin = world.path("pin");
    std::fs::write(&pin, format!("{PIN}\n")).unwrap();
    std::fs::set_permissions(&pin, std::fs::Permissions::from_mode(0o600)).unwrap();
    for badge in ["P07", "P08"] {
        let file = pin.to_str().unwrap();
        world.ok(["--passphrase-file", file, "person", "pin", badge]);
    }
    world
}

/// A clerk at a terminal.
pub(crate) struct Clerk {
    child: Child,
    terminal: File,
    seen: String,
}

impl Clerk {
    /// Starts the program at a terminal of its own and reads to its first prompt.
    pub(crate) fn start(mut command: Command) -> Self {
        let pty = openpty(None, None).unwrap();
        let slave = File::from(pty.slave);
        let child = command
            .stdin(Stdio::from(slave.try_clone().unwrap()))
            .stdout(Stdio::from(slave.try_clone().unwrap()))
            .stderr(Stdio::from(slave))
            .spawn()
            .unwrap();
        drop(command);
        let mut clerk = Self {
            child,
            terminal: File::from(pty.master),
            seen: String::new(),
        };
        clerk.until_prompt();
        clerk
    }

    /// What is shown up to the next prompt.
    fn until_prompt(&mut self) -> String {
        let mut bytes = [0; 4096];
        while !self.seen.ends_with("> ") {
            let length = self.terminal.read(&mut bytes).unwrap_or(0);
            assert!(length > 0, "the program ended: {}", self.seen);
            self.seen
                .push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        std::mem::take(&mut self.seen)
    }

    /// Types without waiting for an answer.
    pub(crate) fn send(&mut self, text: &str) {
        self.terminal
            .write_all(format!("{text}\r").as_bytes())
            .unwrap();
    }

    /// Scans a line: what the terminal showed for it, and the answer without bells.
    pub(crate) fn scan_seen(&mut self, text: &str) -> (String, String) {
        self.send(text);
        let shown = self.until_prompt().replace("\r\n", "\n");
        let (echo, answer) = shown.split_once('\n').unwrap();
        let answer = answer.rsplit_once('\n').unwrap().0;
        (echo.to_owned(), answer.to_owned())
    }

    /// Scans a line and returns the answer, without bells.
    pub(crate) fn scan(&mut self, text: &str) -> String {
        self.scan_seen(text).1.replace('\x07', "")
    }

    /// Scans a badge and types the PIN.
    pub(crate) fn sign_in(&mut self, badge: &str) -> String {
        let asked = self.scan(&format!(".B.{badge}"));
        assert!(asked.starts_with("PIN - "), "{asked}");
        self.scan(PIN)
    }

    /// Ends it at once, wherever it is.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it by Ctrl-D.
    pub(crate) fn leave(mut self) {
        self.terminal.write_all(&[4]).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}
