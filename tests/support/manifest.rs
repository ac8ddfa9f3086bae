//! Manifests that nobody sent.

#![allow(dead_code)] // not every program uses all of it

use chrono::{DateTime, NaiveDate, NaiveTime};
use tapeward::journal::Checkpoint;
use tapeward::report::manifest::{
    Case, Direction, Imprint, InHouse, ItemKind, Line, Manifest, Party, Protection, Return,
    Revision, RunWindow, Seal, SealOwner, Urgency,
};

/// Names as long as people have them.
pub const LONG_PARTY: &str = "Landesbetrieb für Daten-, Medien- und Kommunikationstechnik der \
    Verbandsgemeinde Obersontheim-Vordersteinenberg, Abteilung Datensicherung";
pub const LONG_SYSTEM: &str =
    "studentrecordsarchive-production-primary.administration.district-042.example.org";
pub const LONG_REMARK: &str =
    "shell scratched at the write-protect switch; Donaudampfschifffahrtsgesellschaft asks for it";

/// A manifest of this many cartridges in cases of forty, with two other items and an empty case.
pub fn manifest(cartridges: usize) -> Manifest {
    let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
    let cases = cartridges.div_ceil(40);
    let case = |number: usize| format!("C{number:02}").parse().unwrap();
    let mut lines: Vec<Line> = (0..cartridges)
        .map(|at| Line {
            barcode: barcode(at).parse().unwrap(),
            kind: ItemKind::Cartridge,
            media_type: if at % 11 == 0 { "LTO-9 WORM" } else { "LTO-8" }.to_owned(),
            case: Some(case(at / 40 + 1)),
            protection: match at % 50 {
                7 => Protection::Exception("EX-2026-003".to_owned()),
                9 => Protection::NotNeeded,
                _ => Protection::Encrypted,
            },
            returns: if at % 9 == 0 {
                Return::UntilRecalled
            } else {
                Return::On(NaiveDate::from_ymd_opt(2027, 11, 30).unwrap())
            },
            reason: "MONTHLY".to_owned(),
            urgency: if at == 77 {
                Urgency::Urgent
            } else {
                Urgency::Routine
            },
            remark: if at % 33 == 2 {
                LONG_REMARK.to_owned()
            } else {
                String::new()
            },
            in_house: Some(InHouse {
                system: if at % 40 == 3 { LONG_SYSTEM } else { "grades" }.to_owned(),
                owner: "school board".to_owned(),
                content: format!("grades 2026-10 copy 2, segments {at} to {}", at + 1),
            }),
        })
        .collect();
    for (barcode, what, inside) in [
        ("ENV-0012", "sealed envelope", Some(case(1))),
        ("Drive 7 (portable)", "disk cartridge", None),
    ] {
        lines.push(Line {
            barcode: barcode.parse().unwrap(),
            kind: ItemKind::Other,
            media_type: what.to_owned(),
            case: inside,
            protection: Protection::NotNeeded,
            returns: Return::UntilRecalled,
            reason: "ESCROW".to_owned(),
            urgency: Urgency::Routine,
            remark: String::new(),
            in_house: None,
        });
    }
    Manifest {
        number: "CM-2026-0014".parse().unwrap(),
        direction: Direction::Out,
        revision: "B".parse().unwrap(),
        replaces: Some(Revision::FIRST),
        run: RunWindow {
            date: day(30),
            from: NaiveTime::from_hms_opt(17, 0, 0),
            until: NaiveTime::from_hms_opt(18, 30, 0),
        },
        from: Party {
            name: LONG_PARTY.to_owned(),
            address: vec![
                "Tape room, building 3, door B".to_owned(),
                "Hauptstraße 12, 74423 Obersontheim".to_owned(),
            ],
            customer_number: None,
            telephone: Some("+49 7973 555-0".to_owned()),
        },
        to: Party {
            name: "Iron Hill Vault Ltd.".to_owned(),
            address: vec!["Gate 2, 1 Quarry Road, Iron Hill".to_owned()],
            customer_number: Some("77-41022".to_owned()),
            telephone: Some("+44 20 7946 0111".to_owned()),
        },
        carrier: Party {
            name: "Swift & Sure Couriers".to_owned(),
            address: Vec::new(),
            customer_number: Some("SSC 900".to_owned()),
            telephone: Some("+44 20 7946 0222".to_owned()),
        },
        cases: (1..=cases + 1)
            .map(|number| Case {
                code: case(number),
                seals: if number > cases {
                    Vec::new()
                } else {
                    vec![
                        Seal {
                            number: format!("S{:06}", 471_100 + number),
                            owner: SealOwner::Ours,
                        },
                        Seal {
                            number: format!("IH{:05}", 200 + number),
                            owner: SealOwner::Vendor,
                        },
                    ]
                },
            })
            .collect(),
        lines,
        handling: vec![
            "Magnetic media: between 5 and 32 °C, dry, away from magnets and the sun.".to_owned(),
            "Never leave the vehicle unattended with cases in it.".to_owned(),
            "Cases stay closed. A broken seal is told to the telephone number below before the run \
             goes on."
                .to_owned(),
        ],
        imprint: Imprint {
            at: DateTime::parse_from_rfc3339("2026-11-29T18:05:00+01:00").unwrap(),
            by: "Ann Miller".to_owned(),
            checkpoint: Checkpoint {
                sequence: 18_234,
                hash: "3f9a5c1b7d2e804496b1aa0273c5de19f04b86a1d7729c3e5508b6f41c2ad97e".to_owned(),
            },
            loss_telephone: "+49 7973 555-911, day and night".to_owned(),
            copies: ["sender", "carrier", "receiver"]
                .map(str::to_owned)
                .to_vec(),
        },
    }
}

/// The barcode of a cartridge by its place in the list.
pub fn barcode(at: usize) -> String {
    // Six characters and a media identifier, as on a label.
    let letters = [b'T', b'W', b'A' + u8::try_from(at / 1000 % 26).unwrap()];
    let more = at / 26_000;
    let number = at % 1000;
    let media = if more == 0 { "L8" } else { "L9" };
    format!("{}{number:03}{media}", String::from_utf8_lossy(&letters))
}
