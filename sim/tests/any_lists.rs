//! Parameter lists of the drive's commands with any bytes in them: answered, and nothing changed
//! by what was refused.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{Unit, World};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

fn loaded() -> (World, Unit) {
    let spec = LibrarySpec::new("generic", "TWTEST");
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(8 << 20);
    let world = World::new(&spec.with_cartridge(cartridge));
    let mut drive = world.loaded();
    drive.write(b"block").good();
    drive.rewind().good();
    (world, drive)
}

/// Data Encryption Status, and the pages for partitions and protection.
fn state(drive: &mut Unit) -> Vec<Vec<u8>> {
    let status = [0xa2, 0x20, 0, 0x20, 0, 0, 0, 0, 1, 0, 0, 0];
    let mut all = vec![drive.send_in(&status, 256).good()];
    for (page, subpage) in [(0x11, 0), (0x0a, 0xf0), (0x10, 1)] {
        all.push(drive.send_in(&[0x1a, 8, page, subpage, 255, 0], 255).good());
    }
    all
}

/// Whether the list was refused, and the state before and after.
fn try_list(cdb: &[u8], list: &[u8]) -> (bool, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (_world, mut drive) = loaded();
    let before = state(&mut drive);
    let refused = drive.send_out(cdb, list).sense() != (0, 0, 0);
    (refused, before, state(&mut drive))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn set_data_encryption(mut list in vec(any::<u8>(), 20..120), whole: bool, modes in 0_u8..4) {
        if whole {
            let length = u16::try_from(list.len() - 4).unwrap();
            list[..2].copy_from_slice(&[0, 0x10]);
            list[2..4].copy_from_slice(&length.to_be_bytes());
            (list[4], list[5], list[6], list[7]) = (0x40, list[5] & 0x73, modes & 2, modes);
            (list[8], list[9], list[10]) = (1, 0, 0);
        }
        let length = u8::try_from(list.len()).unwrap();
        let cdb = [0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, length, 0, 0];
        let (refused, before, after) = try_list(&cdb, &list);
        prop_assert!(!refused || before == after);
    }

    #[test]
    fn pages_of_mode_select(
        page in prop::sample::select(vec![(0x0a_u8, 0xf0_u8), (0x11, 0), (0x10, 1)]),
        bytes in vec(any::<u8>(), 0..40),
    ) {
        let mut list = vec![0, 0, 0x10, 0];
        let body = &bytes[..bytes.len().min(if page.1 == 0 { 10 } else { 28 })];
        match page {
            (code, 0) => list.extend([code, 10]),
            (code, subpage) => list.extend([0x40 | code, subpage, 0, 28]),
        }
        list.extend(body);
        let length = u8::try_from(list.len()).unwrap();
        let (refused, before, after) = try_list(&[0x15, 0x10, 0, 0, length, 0], &list);
        prop_assert!(!refused || before == after);
    }

    #[test]
    fn access_order(list in vec(any::<u8>(), 0..200), stated: bool) {
        let mut list = list;
        if stated && list.len() >= 8 {
            let length = u32::try_from(list.len() - 8).unwrap();
            list[4..8].copy_from_slice(&length.to_be_bytes());
        }
        let length = u8::try_from(list.len()).unwrap();
        let cdb = [0xa4, 0x1d, 2, 0, 0, 0, 0, 0, 0, length, 0, 0];
        let (_, before, after) = try_list(&cdb, &list);
        prop_assert_eq!(before, after);
    }
}
