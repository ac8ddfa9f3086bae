//! Encryption by the drive: SECURITY PROTOCOL 20h as other programs use it.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use support::{BAY, DRIVE, ONE, SLOT, TWO, Unit, World, pattern};
use tapeward_sim::{CartridgeId, CartridgeSpec, LibrarySpec};

fn world() -> World {
    let spec = LibrarySpec::new("generic", "TWTEST");
    World::new(&spec.with_cartridge(CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20)))
}

/// SECURITY PROTOCOL IN as stenc 2.0 sends it (scsiencrypt.cpp, get_des): 8,192 bytes allowed.
fn page(drive: &mut Unit, code: u8) -> Vec<u8> {
    let cdb = [0xa2, 0x20, 0, code, 0, 0, 0, 0, 0x20, 0, 0, 0];
    drive.send_in(&cdb, 8192).good()
}

fn set(drive: &mut Unit, list: &[u8]) -> (u8, u8, u8) {
    let length = u8::try_from(list.len()).unwrap();
    let cdb = [0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, length, 0, 0];
    drive.send_out(&cdb, list).sense()
}

/// The page stenc 2.0 makes for "on" with its option for clearing at demount and raw reading
/// (tests/scsi.cpp, "Enable encryption command with options"), the flags replaceable.
fn on(flags: u8, decryption: u8, key: u8) -> Vec<u8> {
    let mut list = vec![0x00, 0x10, 0x00, 0x30, 0x40, flags, 0x02, decryption, 0x01];
    list.extend([0; 9]);
    list.extend([0x00, 0x20]);
    list.extend([key; 32]);
    list
}

/// stenc 2.0, tests/scsi.cpp, "Disable encryption command".
const OFF: [u8; 20] = [
    0x00, 0x10, 0x00, 0x10, 0x40, 0x40, 0x00, 0x00, 0x01, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// Oracle StorageTek T10000 Interface Reference Manual (August 2016), tables 3-153 to 3-156: the
/// lists of protocols and pages; LTO drives have the same pages (Quantum LTO-4 manual, page 184).
#[test]
fn pages_that_say_what_there_is() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    let protocols = drive.send_in(&[0xa2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], 256);
    assert_eq!(protocols.good(), [0, 0, 0, 0, 0, 0, 0, 2, 0x00, 0x20]);
    let certificate = drive.send_in(&[0xa2, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0], 256);
    assert_eq!(certificate.good(), [0, 0, 0, 0]);
    assert_eq!(
        page(&mut drive, 0x00),
        [
            0, 0, 0, 14, 0, 0, 0, 1, 0, 0x10, 0, 0x11, 0, 0x12, 0, 0x20, 0, 0x21
        ]
    );
    assert_eq!(page(&mut drive, 0x01), [0, 1, 0, 2, 0, 0x10]);
    assert_eq!(page(&mut drive, 0x11), [0, 0x11, 0, 1, 0]);
    let unknown = [0xa2, 0x20, 0, 0x30, 0, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(drive.send_in(&unknown, 256).sense(), (5, 0x24, 0x00));
    let blocks_of_512 = [0xa2, 0x20, 0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0];
    assert_eq!(drive.send_in(&blocks_of_512, 512).sense(), (5, 0x24, 0x00));
    assert_eq!(
        drive
            .send_in(&[0xa2, 0xef, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], 256)
            .sense(),
        (5, 0x24, 0x00)
    );
}

/// The layout of the capabilities an LTO drive was seen to report (stenc 2.0, tests/scsi.cpp,
/// "Interpret data encryption capabilities page", algorithm 2), with this drive's own bits.
#[test]
fn capabilities() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    let empty = page(&mut drive, 0x10);
    assert_eq!(empty[..5], [0, 0x10, 0, 40, 0x05]);
    assert_eq!(empty[20..26], [1, 0, 0, 20, 0x1a, 0x1c]);
    let mut drive = world.loaded();
    let loaded = page(&mut drive, 0x10);
    let mut expected = vec![1, 0, 0, 0x14, 0x9a, 0x9c, 0, 0x20, 0, 0x3c, 0, 0x20, 0xd8];
    expected.extend([0, 0, 0, 0, 0, 0, 0, 0x00, 0x01, 0x00, 0x14]);
    assert_eq!(loaded[20..], expected);
}

#[test]
fn what_is_written_with_a_key_is_read_with_it_only() {
    let world = world();
    let mut drive = world.loaded();
    let block = pattern(1, 100_000);
    drive.write(b"in clear").good();
    assert_eq!(set(&mut drive, &on(0x40, 3, 0x11)), (0, 0, 0));
    drive.write(&block).good();
    drive.filemarks(1, false).good();
    drive.rewind().good();
    // MIXED reads both kinds.
    assert_eq!(drive.read(8).good(), b"in clear");
    assert_eq!(drive.read(100_000).good(), block);
    // DECRYPT refuses what is not encrypted, and stays before it.
    assert_eq!(set(&mut drive, &on(0x40, 2, 0x11)), (0, 0, 0));
    drive.rewind().good();
    assert_eq!(drive.read(8).sense(), (7, 0x74, 0x02));
    assert_eq!(drive.position().1, 0);
    drive.locate(1).good();
    // Another key, then none.
    assert_eq!(set(&mut drive, &on(0x40, 3, 0x22)), (0, 0, 0));
    assert_eq!(drive.read(100_000).sense(), (7, 0x74, 0x03));
    assert_eq!(set(&mut drive, &OFF), (0, 0, 0));
    assert_eq!(drive.read(100_000).sense(), (7, 0x74, 0x01));
    assert_eq!(
        drive.send(&[0x13, 0x20, 0, 0, 0, 0]).sense(),
        (7, 0x74, 0x01)
    );
    assert_eq!(drive.position().1, 1);
    // Positioning needs no key.
    drive.space(1, 1).good();
    assert_eq!(drive.position().1, 3);
    drive.locate(1).good();
    assert_eq!(set(&mut drive, &on(0x40, 2, 0x11)), (0, 0, 0));
    assert_eq!(drive.read(100_000).good(), block);
}

#[test]
fn nothing_of_the_block_lies_on_the_medium() {
    let world = world();
    let mut drive = world.loaded();
    assert_eq!(set(&mut drive, &on(0x40, 2, 0x11)), (0, 0, 0));
    let block = [b"find me if you can".as_slice(); 100].concat();
    drive.write(&block).good();
    drive.write(&block).good();
    drive.filemarks(1, false).good();
    world.move_medium(BAY, SLOT).good();
    let data = std::fs::read(world.dir.path().join("cartridges/TW0001L8/data")).unwrap();
    assert!(data.len() > 2 * block.len());
    assert!(!data.windows(7).any(|window| window == b"find me"));
    let (first, second) = data.split_at(data.len() / 2);
    assert_ne!(first[..block.len()], second[..block.len()]);
    let id = CartridgeId::new("TW0001L8").unwrap();
    let to = tempfile::tempdir().unwrap();
    // What is dumped is what lies there.
    let files = tapeward_sim::dump(world.dir.path(), &id, to.path()).unwrap();
    assert!(files[0].blocks[0].encrypted, "{files:?}");
    let dumped = std::fs::read(to.path().join(&files[0].name)).unwrap();
    assert_eq!(dumped.len(), 2 * block.len());
    assert!(!dumped.windows(7).any(|window| window == b"find me"));
}

#[test]
fn raw_reading_is_for_blocks_that_allow_it() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(b"clear").good();
    for (flags, block) in [(0x40, b"one"), (0x40 | 0x20, b"two")] {
        assert_eq!(set(&mut drive, &on(flags, 2, 0x11)), (0, 0, 0));
        drive.write(block).good();
    }
    let mut raw = OFF;
    raw[7] = 1;
    assert_eq!(set(&mut drive, &raw), (0, 0, 0));
    drive.rewind().good();
    assert_eq!(drive.read(100).sense(), (7, 0x74, 0x02));
    drive.locate(1).good();
    assert_eq!(drive.read(100).sense(), (7, 0x74, 0x0a));
    drive.locate(2).good();
    let read = drive.read(100);
    assert_eq!((read.sense(), read.stream_bits()), ((0, 0, 0), 0x20));
    assert!(read.data.len() > 3 && read.data[..3] != *b"two");
}

/// The page an LTO drive was seen to answer (stenc 2.0, tests/scsi.cpp, "Interpret device
/// encryption status page"), made by the page of "Enable encryption command with key name". The
/// only difference is RDMD: blocks are marked as not to be read raw.
#[test]
fn status_of_encryption() {
    let world = world();
    let mut drive = world.loaded();
    let off = page(&mut drive, 0x20);
    assert_eq!(
        off[..14],
        [0, 0x20, 0, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0]
    );
    let mut named = on(0x40, 2, 0x11);
    named[3] = 0x40;
    named[10] = 0x02;
    named.extend([0x00, 0x00, 0x00, 0x0c]);
    named.extend(b"Hello world!");
    assert_eq!(set(&mut drive, &named), (0, 0, 0));
    drive.write(b"secret").good();
    let mut expected = vec![0, 0x20, 0, 0x24, 0x42, 2, 2, 1, 0, 0, 0, 1, 0x1b, 2];
    expected.extend([0; 10]);
    expected.extend([0x00, 0x01, 0x00, 0x0c]);
    expected.extend(b"Hello world!");
    assert_eq!(page(&mut drive, 0x20), expected);
    // The other initiator has no scope of its own and the same key.
    let mut other = world.unit(DRIVE, TWO);
    assert_eq!(page(&mut other, 0x20)[4..8], [0x02, 2, 2, 1]);
}

/// Likewise "Interpret next block encryption status page".
#[test]
fn status_of_the_next_block() {
    let world = world();
    let mut drive = world.loaded();
    let mut named = on(0x40, 2, 0x11);
    named[3] = 0x40;
    named.extend([0x00, 0x00, 0x00, 0x0c]);
    named.extend(b"Hello world!");
    drive.write(b"clear").good();
    assert_eq!(set(&mut drive, &named), (0, 0, 0));
    drive.write(b"secret").good();
    drive.filemarks(1, false).good();
    for (object, status) in [(0, 0x03), (2, 0x02), (3, 0x01)] {
        drive.locate(object).good();
        let page = page(&mut drive, 0x21);
        assert_eq!((page.len(), page[12]), (16, status), "{page:02x?}");
    }
    drive.locate(1).good();
    let mut expected = vec![
        0, 0x21, 0, 0x1c, 0, 0, 0, 0, 0, 0, 0, 1, 0x05, 0x01, 0x01, 0,
    ];
    expected.extend([0x00, 0x01, 0x00, 0x0c]);
    expected.extend(b"Hello world!");
    assert_eq!(page(&mut drive, 0x21), expected);
    assert_eq!(set(&mut drive, &on(0x40, 2, 0x22)), (0, 0, 0));
    assert_eq!(page(&mut drive, 0x21)[12], 0x06);
    world.move_medium(BAY, SLOT).good();
    drive.drain_attentions();
    let cdb = [0xa2, 0x20, 0, 0x21, 0, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(drive.send_in(&cdb, 256).sense(), (2, 0x3a, 0x00));
}

#[test]
fn keys_go_when_they_were_to_go() {
    let world = world();
    let mut drive = world.loaded();
    let modes = |drive: &mut Unit| page(drive, 0x20)[5..7].to_vec();
    for (flags, after_demount) in [(0x44, [0, 0]), (0x40, [2, 2])] {
        assert_eq!(set(&mut drive, &on(flags, 2, 0x11)), (0, 0, 0));
        world.move_medium(BAY, SLOT).good();
        drive.drain_attentions();
        assert_eq!(modes(&mut drive), after_demount);
        world.move_medium(SLOT, BAY).good();
        drive.drain_attentions();
    }
    world.library.power_cut();
    let mut drive = world.fresh_unit(DRIVE, ONE);
    drive.drain_attentions();
    assert_eq!(modes(&mut drive), [0, 0]);
    // Without a volume there is no demount to clear the key at.
    world.move_medium(BAY, SLOT).good();
    drive.drain_attentions();
    assert_eq!(set(&mut drive, &on(0x44, 2, 0x11)), (5, 0x26, 0x00));
}

/// PERSISTENT RESERVE OUT: service action, type, RESERVATION KEY, SERVICE ACTION RESERVATION KEY.
fn reserve_out(drive: &mut Unit, action: u8, key: u8, other: u8) {
    let mut list = [0; 24];
    (list[7], list[15]) = (key, other);
    let cdb = [0x5f, action, 0x03, 0, 0, 0, 0, 0, 24, 0];
    drive.send_out(&cdb, &list).good();
}

/// Oracle StorageTek T10000 Interface Reference Manual (August 2016), page 223: CKORL and CKORP
/// need a reservation, and what each clears the key at.
#[test]
fn keys_go_with_the_reservation() {
    let world = world();
    let mut one = world.loaded();
    let mut two = world.unit(DRIVE, TWO);
    let mode = |drive: &mut Unit| page(drive, 0x20)[5];
    for bit in [0x01, 0x02] {
        assert_eq!(set(&mut one, &on(0x40 | bit, 2, 0x11)), (5, 0x26, 0x00));
    }
    for (bit, release_clears, preempt_clears) in [(0x01, true, true), (0x02, false, true)] {
        reserve_out(&mut one, 0x00, 0, 1); // register
        reserve_out(&mut one, 0x01, 1, 0); // reserve
        let mut local = on(0x40 | bit, 2, 0x11);
        local[4] = 0x20;
        assert_eq!(set(&mut one, &local), (0, 0, 0));
        reserve_out(&mut one, 0x02, 1, 0); // release
        assert_eq!(mode(&mut one), if release_clears { 0 } else { 2 }, "{bit}");
        reserve_out(&mut one, 0x01, 1, 0);
        assert_eq!(set(&mut one, &local), (0, 0, 0));
        two.drain_attentions();
        reserve_out(&mut two, 0x00, 0, 2);
        reserve_out(&mut two, 0x04, 2, 1); // preempt
        reserve_out(&mut two, 0x03, 2, 0); // clear
        one.drain_attentions();
        assert_eq!(mode(&mut one), if preempt_clears { 0 } else { 2 }, "{bit}");
    }
    one.send(&[0x16, 0, 0, 0, 0, 0]).good();
    let mut local = on(0x41, 2, 0x11);
    local[4] = 0x20;
    assert_eq!(set(&mut one, &local), (0, 0, 0));
    one.send(&[0x17, 0, 0, 0, 0, 0]).good();
    assert_eq!(mode(&mut one), 0);
}

#[test]
fn scopes_keep_initiators_apart() {
    let world = world();
    let mut one = world.loaded();
    let mut two = world.unit(DRIVE, TWO);
    // ALL I_T NEXUS: the other is told, and reads with it.
    assert_eq!(set(&mut one, &on(0x40, 2, 0x11)), (0, 0, 0));
    assert_eq!(two.ready().sense(), (6, 0x2a, 0x11));
    one.write(b"shared").good();
    one.rewind().good();
    assert_eq!(two.read(6).good(), b"shared");
    // LOCAL: nobody else is concerned.
    let mut local = on(0x40, 2, 0x22);
    local[4] = 0x20;
    assert_eq!(set(&mut two, &local), (0, 0, 0));
    one.ready().good();
    two.rewind().good();
    assert_eq!(two.read(6).sense(), (7, 0x74, 0x03));
    assert_eq!(page(&mut two, 0x20)[4], 0x21);
    assert_eq!(one.read(6).good(), b"shared");
    // One's next change is not told to two, who has its own.
    assert_eq!(set(&mut one, &OFF), (0, 0, 0));
    two.ready().good();
    // PUBLIC: back to what all have.
    let mut public = OFF;
    public[4] = 0x00;
    assert_eq!(set(&mut two, &public), (0, 0, 0));
    assert_eq!(page(&mut two, 0x20)[4..7], [0x02, 0, 0]);
}

#[test]
fn pages_that_ask_for_what_there_is_not() {
    let world = world();
    let mut drive = world.loaded();
    let changed = |at: usize, value: u8| {
        let mut list = on(0x40, 2, 0x11);
        list[at] = value;
        list
    };
    let mut with_nonce = on(0x40, 2, 0x11);
    with_nonce[3] += 5;
    with_nonce.extend([0x02, 0, 0, 1, 0xaa]);
    let mut wrong_order = on(0x40, 2, 0x11);
    wrong_order[3] += 10;
    wrong_order.extend([0x01, 0, 0, 1, 0xaa, 0x00, 0, 0, 1, 0xaa]);
    for (what, list, code) in [
        ("page code", changed(1, 0x11), 0x26),
        ("page length", changed(3, 0x31), 0x1a),
        ("scope", changed(4, 0x60), 0x26),
        ("lock", changed(4, 0x41), 0x26),
        ("external mode checked", changed(5, 0x80), 0x26),
        ("supplemental key", changed(5, 0x48), 0x26),
        ("raw decryption mode", changed(5, 0x50), 0x26),
        ("external encryption", changed(6, 1), 0x26),
        ("decryption mode", changed(7, 4), 0x26),
        ("algorithm", changed(8, 0), 0x26),
        ("key format", changed(9, 2), 0x26),
        ("format of associated data", changed(10, 3), 0x26),
        ("key length", changed(19, 16), 0x26),
        ("key longer than the page", changed(19, 33), 0x26),
        ("nonce", with_nonce, 0x26),
        ("order of descriptors", wrong_order, 0x26),
        ("cut off", vec![0; 19], 0x1a),
    ] {
        assert_eq!(set(&mut drive, &list), (5, code, 0x00), "{what}");
    }
    let no_key = [
        0, 0x10, 0, 0x10, 0x40, 0x40, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(set(&mut drive, &no_key), (5, 0x26, 0x00));
    assert_eq!(page(&mut drive, 0x20)[5..7], [0, 0]);
    assert_eq!(
        drive
            .send_out(&[0xb5, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0], &[0; 4])
            .sense(),
        (5, 0x24, 0x00)
    );
}
