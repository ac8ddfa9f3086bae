//! Which cartridge goes into which drive.

use proptest::prelude::*;
use rstest::rstest;
use tapeward_drivers::ssc::density;
use tapeward_drivers::ssc::generation::{
    CartridgeAccess, Incompatible, LtoCartridge, LtoFormat, LtoGeneration, Rewriting, may,
};

use crate::script::hex;

/// IBM TS4500 manual, table 13 (page 33): for each media identifier what drives of LTO-8, -7, -6
/// and -5 do with it; W reads and writes, R reads only, - is not compatible.
const TS4500: &[(&str, &str)] = &[
    ("L8", "W---"),
    ("LY", "W---"),
    ("M8", "W---"),
    ("L7", "WW--"),
    ("LX", "WW--"),
    ("L6", "-WW-"),
    ("LW", "-WW-"),
    ("L5", "-RWW"),
    ("LV", "-RWW"),
    ("L4", "--RW"),
    ("LU", "--RW"),
    ("L3", "---R"),
    ("LT", "---R"),
];

/// The rest, for drives of LTO-10, -9, -4 to -1: the archiware blog's table "LTO Tape - Backwards
/// Compatibility", and LTFS's lto_drive_density for LTO-9 and LTO-10.
const OTHERS: &[(&str, &str)] = &[
    ("LA", "W-----"),
    ("PA", "W-----"),
    ("LH", "W-----"),
    ("L9", "-W----"),
    ("LZ", "-W----"),
    ("L8", "-W----"),
    ("LY", "-W----"),
    ("M8", "------"),
    ("L7", "------"),
    ("L5", "------"),
    ("L4", "--W---"),
    ("L3", "--WW--"),
    ("L2", "--RWW-"),
    ("L1", "---RWW"),
];

fn sign(drive: u8, identifier: &str) -> char {
    let cartridge = LtoCartridge::from_media_identifier(identifier).unwrap();
    match may(LtoGeneration::new(drive).unwrap(), cartridge) {
        CartridgeAccess::ReadWrite => 'W',
        CartridgeAccess::ReadOnly => 'R',
        CartridgeAccess::No(_) => '-',
    }
}

#[test]
fn tables_of_others() {
    for (rows, drives) in [(TS4500, &[8, 7, 6, 5][..]), (OTHERS, &[10, 9, 4, 3, 2, 1])] {
        for (identifier, expected) in rows {
            let found: String = drives
                .iter()
                .map(|drive| sign(*drive, identifier))
                .collect();
            assert_eq!(found, *expected, "{identifier} in drives {drives:?}");
        }
    }
}

#[rstest]
#[case(9, "L7", Incompatible::TooOld, "LTO-7")]
#[case(7, "M8", Incompatible::TypeM, "LTO-7 type M (M8)")]
#[case(8, "LZ", Incompatible::TooNew, "LTO-9 WORM")]
fn reasons(
    #[case] drive: u8,
    #[case] identifier: &str,
    #[case] why: Incompatible,
    #[case] name: &str,
) {
    let cartridge = LtoCartridge::from_media_identifier(identifier).unwrap();
    let access = may(LtoGeneration::new(drive).unwrap(), cartridge);
    assert_eq!(access, CartridgeAccess::No(why));
    assert_eq!(cartridge.to_string(), name);
}

/// Product identifications of drives as LTFS knows them (ibm_tape.c, hp_tape.c, quantum_tape.c).
#[rstest]
#[case("ULT3580-TD5", Some(5))]
#[case("ULTRIUM-HH8", Some(8))]
#[case("ULTRIUM-TDA", Some(10))]
#[case("ULT3580-HHA", Some(10))]
#[case("Ultrium 6-SCSI", Some(6))]
#[case("ULTRIUM 5", Some(5))]
#[case("ULTRIUM-TD12", None)]
#[case("VIRTUAL TAPE", None)]
#[case("03592E08", None)]
#[case("", None)]
fn generation_of_a_drive(#[case] product: &str, #[case] expected: Option<u8>) {
    let found = LtoGeneration::from_product(product);
    assert_eq!(found.map(LtoGeneration::number), expected);
}

/// Density codes of LTFS's tape_ops.h (TC_DC_LTO1 to TC_DC_LTOP10).
#[test]
fn densities() {
    let codes = [0x40, 0x42, 0x44, 0x46, 0x58, 0x5a, 0x5c, 0x5e, 0x60, 0x62];
    for (code, number) in codes.into_iter().zip(1..) {
        let generation = LtoGeneration::new(number).unwrap();
        assert_eq!(
            LtoFormat::from_density(code),
            Some(LtoFormat::Generation(generation))
        );
    }
    assert_eq!(LtoFormat::from_density(0x63), LtoFormat::from_density(0x62));
    assert_eq!(LtoFormat::from_density(0x5d), Some(LtoFormat::TypeM));
    assert_eq!(LtoFormat::from_density(0x5b), None);
}

/// A drive that writes 5Ch and 5Dh and reads 5Ah: the newest written decides, type M for LTO-8.
#[test]
fn generation_by_densities() {
    let row = |code: &str, flags: &str| format!("{code}{code}{flags}{}", "00".repeat(49));
    let rows = [row("5a", "00"), row("5c", "80"), row("5d", "80")].concat();
    let raw = hex(&format!("009e0000{rows}"));
    let found = LtoGeneration::from_densities(&density::parse(&raw));
    assert_eq!(found, LtoGeneration::new(8));
    assert_eq!(LtoGeneration::from_densities(&[]), None);
}

#[test]
fn identifiers_that_are_no_data_cartridges() {
    for text in ["CU", "L0", "LS", "Q9", "L", "", "l8", "LAX"] {
        assert_eq!(LtoCartridge::from_media_identifier(text), None, "{text}");
    }
    let worm = LtoCartridge::from_media_identifier("LT").unwrap();
    assert_eq!(worm.rewriting, Rewriting::Worm);
}

proptest! {
    #[test]
    fn any_text_is_taken(text in "\\PC{0,20}") {
        let _ = LtoGeneration::from_product(&text);
        let _ = LtoGeneration::from_product(&format!("ULTRIUM-{text}"));
        let _ = LtoCartridge::from_media_identifier(&text);
    }
}
