//! The session as a machine: units in, units out, no sockets.

use std::sync::Arc;

use proptest::prelude::*;
use tapeward_drivers::socket::InitiatorId;
use tempfile::TempDir;

use super::login::{LoggedIn, SessionType};
use super::negotiate::Parameters;
use super::request::{HEADER_LENGTH, Integrity, Pdu};
use super::session::{End, Session, Sink, Target, WINDOW};
use crate::bytes::u32_at;
use crate::{CartridgeSpec, Durability, Library, LibrarySpec, create};

/// First command number.
const FIRST: u32 = 0xffff_fffe;

/// What came out.
#[derive(Default)]
struct Sent(Vec<(Vec<u8>, Vec<u8>)>);

impl Sink for Sent {
    fn send(&mut self, header: [u8; HEADER_LENGTH], data: &[u8]) -> std::io::Result<()> {
        self.0.push((header.to_vec(), data.to_vec()));
        Ok(())
    }
}

struct World {
    session: Session,
    library: Arc<Library>,
    sent: Sent,
    _dir: TempDir,
}

impl World {
    fn new(change: impl FnOnce(&mut Parameters)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(8 << 20);
        let spec = LibrarySpec::new("generic", "TWSESS").with_cartridge(cartridge);
        create(dir.path(), &spec).unwrap();
        let library = Library::open(dir.path(), Durability::Process).unwrap();
        let mut parameters = Parameters::default();
        change(&mut parameters);
        let target = Target {
            library: Arc::clone(&library),
            name: "iqn.2026-11.test:target".to_owned(),
            address: "127.0.0.1:3260".to_owned(),
        };
        let login = LoggedIn {
            initiator: "iqn.2026-11.test:host".to_owned(),
            isid: [0; 6],
            tsih: 1,
            cid: 0,
            kind: SessionType::Normal,
            parameters,
            status_number: 100,
            command_number: FIRST,
        };
        Self {
            session: Session::new(target, InitiatorId([1; 16]), &login),
            library,
            sent: Sent::default(),
            _dir: dir,
        }
    }

    /// What comes out of a unit: opcode, flags and initiator task tag of each.
    fn give(&mut self, pdu: Pdu) -> Vec<(u8, u8, u32)> {
        self.sent.0.clear();
        self.session.receive(pdu, &mut self.sent).unwrap();
        self.brief()
    }

    fn end(&mut self, pdu: Pdu) -> End {
        self.session.receive(pdu, &mut self.sent).unwrap_err()
    }

    fn brief(&self) -> Vec<(u8, u8, u32)> {
        let brief = |(header, _): &(Vec<u8>, Vec<u8>)| (header[0], header[1], u32_at(header, 16));
        self.sent.0.iter().map(brief).collect()
    }

    /// Takes the first unit attention of a logical unit.
    fn greet(&mut self, number: u32, lun: u8) {
        self.give(command(number, 0xeeee, lun, &[0; 6], 0x80, 0));
    }

    fn load(&mut self, number: u32) {
        self.greet(number, 0);
        let cdb = [0xa5, 0, 0, 0, 4, 1, 1, 1, 0, 0, 0, 0];
        let moved = self.give(command(number.wrapping_add(1), 1, 0, &cdb, 0x80, 0));
        assert_eq!((moved[0].0, self.sent.0[0].0[3]), (0x21, 0));
    }
}

fn request(opcode: u8, flags: u8, tag: u32, number: u32) -> Pdu {
    let mut header = [0; HEADER_LENGTH];
    header[..2].copy_from_slice(&[opcode, flags]);
    header[16..20].copy_from_slice(&tag.to_be_bytes());
    header[24..28].copy_from_slice(&number.to_be_bytes());
    Pdu::new(header)
}

fn command(number: u32, tag: u32, lun: u8, cdb: &[u8], flags: u8, expected: u32) -> Pdu {
    let mut pdu = request(0x01, flags, tag, number);
    pdu.header[9] = lun;
    pdu.header[20..24].copy_from_slice(&expected.to_be_bytes());
    pdu.header[32..32 + cdb.len()].copy_from_slice(cdb);
    pdu
}

/// TEST UNIT READY of the changer.
fn ready(number: u32, tag: u32) -> Pdu {
    command(number, tag, 0, &[0; 6], 0x80, 0)
}

fn write6(length: u32) -> [u8; 6] {
    let [_, a, b, c] = length.to_be_bytes();
    [0x0a, 0, a, b, c, 0]
}

fn data_out(tag: u32, transfer_tag: u32, number: u32, offset: u32, data: &[u8], last: bool) -> Pdu {
    let mut pdu = request(0x05, u8::from(last) << 7, tag, 0);
    pdu.header[20..24].copy_from_slice(&transfer_tag.to_be_bytes());
    pdu.header[36..40].copy_from_slice(&number.to_be_bytes());
    pdu.header[40..44].copy_from_slice(&offset.to_be_bytes());
    pdu.data = data.to_vec();
    pdu
}

#[test]
fn commands_are_carried_out_in_the_order_of_their_numbers() {
    let mut world = World::new(|_| {});
    assert_eq!(world.give(ready(FIRST.wrapping_add(2), 3)), []);
    assert_eq!(world.give(ready(FIRST.wrapping_add(1), 2)), []);
    let done = world.give(ready(FIRST, 1));
    assert_eq!(
        done.iter().map(|unit| unit.2).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    // A second time, and beyond the window: silently ignored (RFC 7143 clause 4.2.2.1).
    assert_eq!(world.give(ready(FIRST, 1)), []);
    assert_eq!(world.give(ready(FIRST.wrapping_add(3 + WINDOW), 9)), []);
    assert_eq!(world.give(ready(FIRST.wrapping_add(3), 4)).len(), 1);
    let header = &world.sent.0[0].0;
    assert_eq!(u32_at(header, 24), 103, "StatSN");
    assert_eq!(u32_at(header, 28), FIRST.wrapping_add(4), "ExpCmdSN");
    assert_eq!(
        u32_at(header, 32),
        FIRST.wrapping_add(4 + WINDOW - 1),
        "MaxCmdSN"
    );
}

#[test]
fn an_immediate_command_does_not_wait() {
    let mut world = World::new(|_| {});
    world.load(FIRST);
    world.greet(FIRST.wrapping_add(2), 1);
    let write = command(FIRST.wrapping_add(3), 7, 1, &write6(100), 0xa0, 100);
    assert_eq!(world.give(write), [(0x31, 0x80, 7)]);
    assert_eq!(
        world.give(ready(FIRST.wrapping_add(4), 8)),
        [],
        "behind the write"
    );
    let mut immediate = ready(FIRST.wrapping_add(5), 9);
    immediate.header[0] |= 0x40;
    assert_eq!(world.give(immediate), [(0x21, 0x80, 9)]);
    let header = &world.sent.0[0].0;
    assert_eq!(u32_at(header, 28), FIRST.wrapping_add(5), "ExpCmdSN");
    assert_eq!(
        u32_at(header, 32),
        FIRST.wrapping_add(5 + WINDOW - 1 - 2),
        "two wait, so two fewer may come"
    );
}

#[test]
fn data_is_asked_for_in_bursts() {
    let mut world = World::new(|parameters| {
        parameters.max_burst = 1024;
        parameters.first_burst = 512;
        parameters.initial_r2t = false;
    });
    world.load(FIRST);
    world.greet(FIRST.wrapping_add(2), 1);
    // 100 bytes immediate, 412 unsolicited, then 1024 and 464 on request.
    let mut write = command(FIRST.wrapping_add(3), 7, 1, &write6(2000), 0x20, 2000);
    write.data = vec![1; 100];
    assert_eq!(world.give(write), []);
    assert_eq!(
        world.give(data_out(7, 0xffff_ffff, 0, 100, &[2; 412], true)),
        [(0x31, 0x80, 7)]
    );
    let header = world.sent.0[0].0.clone();
    assert_eq!([36, 40, 44].map(|at| u32_at(&header, at)), [0, 512, 1024]);
    let tag = u32_at(&header, 20);
    assert_eq!(world.give(data_out(7, tag, 0, 512, &[3; 1000], false)), []);
    assert_eq!(
        world.give(data_out(7, tag, 1, 1512, &[3; 24], true)),
        [(0x31, 0x80, 7)]
    );
    let header = world.sent.0[0].0.clone();
    assert_eq!([36, 40, 44].map(|at| u32_at(&header, at)), [1, 1536, 464]);
    let tag = u32_at(&header, 20);
    assert_eq!(
        world.give(data_out(7, tag, 0, 1536, &[4; 464], true)),
        [(0x21, 0x80, 7)]
    );
    assert_eq!(
        (world.sent.0[0].0[3], u32_at(&world.sent.0[0].0, 36)),
        (0, 2)
    );
    world.give(command(
        FIRST.wrapping_add(4),
        8,
        1,
        &[1, 0, 0, 0, 0, 0],
        0x80,
        0,
    ));
    world.give(command(
        FIRST.wrapping_add(5),
        9,
        1,
        &[8, 0, 0, 0x07, 0xd0, 0],
        0xc0,
        2000,
    ));
    let read: Vec<u8> = world
        .sent
        .0
        .iter()
        .flat_map(|(_, data)| data.clone())
        .collect();
    let expected = [vec![1; 100], vec![2; 412], vec![3; 1024], vec![4; 464]].concat();
    assert_eq!(read, expected);
    // Sequences of 1024 end with F; the status goes with the last (RFC 7143 clause 11.7).
    assert_eq!(world.brief(), [(0x25, 0x80, 9), (0x25, 0x81, 9)]);
}

#[test]
fn unsolicited_data_of_a_command_that_waits_is_kept_for_it() {
    let mut world = World::new(|parameters| parameters.initial_r2t = false);
    world.load(FIRST);
    world.greet(FIRST.wrapping_add(2), 1);
    let write = command(FIRST.wrapping_add(4), 7, 1, &write6(5), 0x20, 5);
    assert_eq!(world.give(write), []);
    assert_eq!(
        world.give(data_out(7, 0xffff_ffff, 0, 0, b"later", true)),
        []
    );
    let done = world.give(ready(FIRST.wrapping_add(3), 6));
    assert_eq!(done, [(0x21, 0x80, 6), (0x21, 0x80, 7)]);
    assert_eq!(world.sent.0[1].0[3], 0);
}

#[test]
fn wrong_data_ends_the_session() {
    for (wrong, what) in [
        (data_out(7, 1, 1, 0, &[0; 8], true), "a DataSN out of order"),
        (
            data_out(7, 1, 0, 4, &[0; 8], true),
            "a Buffer Offset out of order",
        ),
        (
            data_out(7, 1, 0, 0, &[0; 9], true),
            "more data than was asked for",
        ),
        (
            data_out(7, 1, 0, 0, &[0; 7], true),
            "less data than was asked for",
        ),
        (
            data_out(7, 1, 0, 0, &[0; 8], false),
            "a sequence without its end",
        ),
    ] {
        let mut world = World::new(|_| {});
        assert_eq!(
            world.give(command(FIRST, 7, 1, &write6(8), 0xa0, 8)),
            [(0x31, 0x80, 7)]
        );
        assert_eq!(u32_at(&world.sent.0[0].0, 20), 1);
        assert_eq!(world.end(wrong).to_string(), what);
    }
    let mut world = World::new(|_| {});
    let unsolicited = command(FIRST, 7, 1, &write6(8), 0x20, 8);
    assert_eq!(
        world.end(unsolicited).to_string(),
        "unsolicited data that was not agreed"
    );
    let mut world = World::new(|_| {});
    let mut reading = command(FIRST, 7, 1, &[0x12, 0, 0, 0, 8, 0], 0xc0, 8);
    reading.data = vec![0; 8];
    assert_eq!(
        world.end(reading).to_string(),
        "immediate data that was not agreed"
    );
}

#[test]
fn data_of_an_unknown_command_is_dropped() {
    let mut world = World::new(|_| {});
    assert_eq!(
        world.give(data_out(7, 0xffff_ffff, 0, 0, &[0; 8], true)),
        []
    );
    assert_eq!(world.give(data_out(7, 5, 0, 0, &[0; 8], true)), []);
    assert_eq!(world.give(ready(FIRST, 1)).len(), 1);
}

#[test]
fn corrupt_data_fails_its_command_alone() {
    let mut world = World::new(|_| {});
    assert_eq!(
        world.give(command(FIRST, 7, 1, &write6(8), 0xa0, 8)),
        [(0x31, 0x80, 7)]
    );
    let mut corrupt = data_out(7, 1, 0, 0, &[0; 8], true);
    corrupt.integrity = Integrity::Corrupt;
    assert_eq!(
        world.give(corrupt),
        [(0x3f, 0x80, 0xffff_ffff), (0x21, 0x82, 7)]
    );
    assert_eq!(world.sent.0[0].0[2], 2, "data digest error");
    // ABORTED COMMAND, PROTOCOL SERVICE CRC ERROR
    let sense = &world.sent.0[1].1;
    assert_eq!(
        (sense[..2].to_vec(), sense[4], sense[14], sense[15]),
        (vec![0, 18], 0x0b, 0x47, 5)
    );
}

#[test]
fn an_aborted_command_is_not_carried_out() {
    let mut world = World::new(|_| {});
    world.greet(FIRST, 1);
    let write = command(FIRST.wrapping_add(1), 7, 1, &write6(8), 0xa0, 8);
    assert_eq!(world.give(write), [(0x31, 0x80, 7)]);
    let abort = |referenced: u32, number: u32| {
        let mut abort = request(0x42, 0x81, 50, FIRST.wrapping_add(3));
        abort.header[9] = 1;
        abort.header[20..24].copy_from_slice(&referenced.to_be_bytes());
        abort.header[32..36].copy_from_slice(&number.to_be_bytes());
        abort
    };
    assert_eq!(
        world.give(abort(7, FIRST.wrapping_add(1))),
        [(0x22, 0x80, 50)]
    );
    assert_eq!(world.sent.0[0].0[2], 0, "function complete");
    assert_eq!(world.give(data_out(7, 1, 0, 0, &[0; 8], true)), []);
    // Done long ago, and not yet here.
    world.give(abort(9, FIRST));
    assert_eq!(world.sent.0[0].0[2], 1, "task does not exist");
    world.give(abort(9, FIRST.wrapping_add(2)));
    assert_eq!(world.sent.0[0].0[2], 0, "function complete");
    assert_eq!(
        world.give(ready(FIRST.wrapping_add(2), 9)),
        [],
        "aborted before it came"
    );
    assert_eq!(
        world.give(ready(FIRST.wrapping_add(3), 10)),
        [(0x21, 0x80, 10)]
    );
}

#[test]
fn resets_are_told_of() {
    let mut world = World::new(|_| {});
    world.greet(FIRST, 0);
    world.greet(FIRST.wrapping_add(1), 1);
    let reset = |function: u8, lun: u8| {
        let mut reset = request(0x42, 0x80 | function, 50, 0);
        reset.header[9] = lun;
        reset
    };
    let codes: Vec<u8> = [(5, 1), (5, 9), (2, 0), (2, 9), (3, 0), (8, 0), (99, 0)]
        .map(|(function, lun)| {
            world.give(reset(function, lun));
            world.sent.0[0].0[2]
        })
        .to_vec();
    assert_eq!(codes, [0, 2, 0, 2, 5, 4, 5]);
    let mut sense = |number: u32, lun: u8| {
        world.give(command(
            FIRST.wrapping_add(number),
            1,
            lun,
            &[0; 6],
            0x80,
            0,
        ));
        let (header, data) = &world.sent.0[0];
        (header[3] == 2).then(|| (data[4], data[14], data[15]))
    };
    assert_eq!(sense(2, 1), Some((6, 0x29, 3)));
    assert_eq!(sense(3, 0), None);
    world.give(reset(6, 0));
    let mut sense = |number: u32, lun: u8| {
        world.give(command(
            FIRST.wrapping_add(number),
            1,
            lun,
            &[0; 6],
            0x80,
            0,
        ));
        let (header, data) = &world.sent.0[0];
        (header[3] == 2).then(|| (data[4], data[14], data[15]))
    };
    assert_eq!(sense(4, 0), Some((6, 0x29, 3)));
    assert!(matches!(world.end(reset(7, 0)), End::ColdReset));
}

#[test]
fn silence_is_asked_about_once() {
    let mut world = World::new(|_| {});
    world.session.idle(&mut world.sent).unwrap();
    assert_eq!(world.brief(), [(0x20, 0x80, 0xffff_ffff)]);
    let tag = u32_at(&world.sent.0[0].0, 20);
    let mut answer = request(0x40, 0x80, 0xffff_ffff, FIRST);
    answer.header[20..24].copy_from_slice(&tag.to_be_bytes());
    assert_eq!(world.give(answer), []);
    world.session.idle(&mut world.sent).unwrap();
    let end = world.session.idle(&mut world.sent).unwrap_err();
    assert!(matches!(end, End::NoAnswer));
}

#[test]
fn a_session_does_not_outlive_a_power_cut() {
    let mut world = World::new(|_| {});
    world.greet(FIRST, 0);
    world.library.power_cut();
    assert!(matches!(
        world.end(ready(FIRST.wrapping_add(1), 1)),
        End::PowerCut
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_units_end_or_are_answered(
        units in proptest::collection::vec(
            (any::<[u8; 48]>(), proptest::collection::vec(any::<u8>(), 0..64), 0_u32..4),
            1..60,
        ),
    ) {
        let mut world = World::new(|parameters| parameters.initial_r2t = false);
        for (mut header, data, number) in units {
            header[0] &= 0x47; // the opcodes there are, immediate or not
            header[24..28].copy_from_slice(&FIRST.wrapping_add(number).to_be_bytes());
            header[16..19].fill(0);
            header[19] &= 0x07;
            let mut pdu = Pdu::new(header);
            pdu.data = data;
            if world.session.receive(pdu, &mut world.sent).is_err() {
                break;
            }
        }
    }
}
