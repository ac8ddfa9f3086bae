//! What the virtual library answers to, every operation code and page tried, is what the page has.

use std::collections::BTreeSet;

use tapeward_sim::{CartridgeSpec, LibrarySpec};

use crate::rows::{Kind, mode_page, names_of, rows};
use crate::support::{CHANGER, ONE, Unit, World};

fn world() -> World {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

/// Commands, those with service actions on the page one by one, from REPORT SUPPORTED OPERATION
/// CODES (`primary.rs` shows that no other is known).
fn commands(unit: &mut Unit) -> BTreeSet<String> {
    let all = unit
        .send_in(&[0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0], 4096)
        .good();
    let listed = all[4..].chunks(8).map(|one| [one[0], one[3]]);
    listed
        .filter(|[code, _]| *code != 0xa2)
        .flat_map(|[code, action]| match code {
            // Their pages are asked for below.
            0x12 | 0x1a | 0x5a | 0x4d => vec![format!("{code:02X}")],
            _ => names_of(&[code, action]),
        })
        .collect()
}

/// Everything a unit has.
fn asked(unit: &mut Unit) -> BTreeSet<String> {
    let mut found = commands(unit);
    for code in 0..=0xff {
        let page = unit.send_in(&[0x12, 1, code, 0, 0xff, 0], 255);
        if page.sense() == (0, 0, 0) {
            found.insert(format!("VPD {code:02X}"));
        }
        let cdb = [0xa2, code, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        if unit.send_in(&cdb, 256).sense() == (0, 0, 0) {
            found.insert(format!("A2 {code:02X}"));
        }
    }
    // 3Fh and FFh ask for all of them.
    for code in 0..0x3f {
        let cdb = [0x4d, 0, 0x40 | code, 0, 0, 0, 0, 4, 0, 0];
        if unit.send_in(&cdb, 1024).sense() == (0, 0, 0) {
            found.insert(format!("log {code:02X}"));
        }
        for subpage in 0..0xff {
            let cdb = [0x5a, 0, code, subpage, 0, 0, 0, 1, 0, 0];
            if unit.send_in(&cdb, 256).sense() == (0, 0, 0) {
                found.insert(mode_page(code, subpage));
            }
        }
    }
    found
}

#[test]
fn the_page_has_every_command_and_page_and_no_other() {
    let world = world();
    let mut drive = world.loaded();
    let mut changer = world.unit(CHANGER, ONE);
    for (kind, unit) in [(Kind::Drive, &mut drive), (Kind::Changer, &mut changer)] {
        let mut written = BTreeSet::new();
        for row in rows() {
            if row.kinds().contains(&kind) {
                for name in row.names {
                    assert!(written.insert(name.clone()), "{name} has two rows");
                }
            }
        }
        let found = asked(unit);
        let missing: Vec<_> = found.difference(&written).collect();
        let surplus: Vec<_> = written.difference(&found).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{kind:?}: docs/scsi.md lacks {missing:?}, and has {surplus:?}, which is not there"
        );
    }
}

/// The pages of SECURITY PROTOCOL IN 20h stand in one row.
#[test]
fn the_page_has_every_page_of_tape_data_encryption() {
    let world = world();
    let mut drive = world.loaded();
    let list = drive
        .send_in(&[0xa2, 0x20, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], 256)
        .good();
    let listed = list[4..].chunks(2);
    let listed: Vec<String> = listed
        .map(|page| format!("{:02X}{:02X}h", page[0], page[1]))
        .collect();
    let rows = rows();
    let row = rows.iter().find(|row| row.names == ["A2 20"]).unwrap();
    let written: Vec<&str> = row
        .text
        .split([' ', ','])
        .filter(|word| word.len() == 5)
        .collect();
    let written: Vec<&str> = written
        .into_iter()
        .filter(|word| word.ends_with('h'))
        .collect();
    assert_eq!(written, listed);
}
