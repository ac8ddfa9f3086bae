//! Whatever bytes come as a command and as its data, a unit answers as the standards allow, and
//! goes on answering.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{BAY, CHANGER, DRIVE, ONE, SLOT, World};
use tapeward_drivers::sense::SenseData;
use tapeward_drivers::transport::{Data, Reply, Status};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

/// Operation codes the units know, so that most commands get behind the table.
const KNOWN: &[u8] = &[
    0x00, 0x01, 0x03, 0x05, 0x07, 0x08, 0x0a, 0x10, 0x11, 0x12, 0x15, 0x19, 0x1a, 0x1b, 0x1e, 0x2b,
    0x34, 0x37, 0x44, 0x4d, 0x55, 0x5a, 0x80, 0x8c, 0x8d, 0x91, 0x92, 0x93, 0xa0, 0xa5, 0xb8,
];

#[derive(Debug, Clone)]
enum Phase {
    None,
    In(usize),
    Out(Vec<u8>),
}

#[derive(Debug, Clone)]
struct Command {
    to_drive: bool,
    cdb: Vec<u8>,
    phase: Phase,
}

/// Bytes of a CDB are mostly zero or small, as they have to be to mean something.
fn field() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0_u8), 3 => 0_u8..0x20, 2 => any::<u8>()]
}

fn command() -> impl Strategy<Value = Command> {
    let opcode = prop_oneof![9 => prop::sample::select(KNOWN), 1 => any::<u8>()];
    let phase = prop_oneof![
        1 => Just(Phase::None),
        2 => (0_usize..5000).prop_map(Phase::In),
        2 => vec(field(), 0..300).prop_map(Phase::Out),
    ];
    (any::<bool>(), opcode, vec(field(), 15), phase).prop_map(|(to_drive, opcode, rest, phase)| {
        let length = match opcode >> 5 {
            0 => 6,
            1 | 2 => 10,
            4 => 16,
            _ => 12,
        };
        let mut cdb = vec![opcode];
        cdb.extend(&rest[..length - 1]);
        // The length of the data in the CDB is that of the data more often than not.
        if let (Phase::Out(data), 0x0a | 0x15 | 0x55 | 0x8d) = (&phase, opcode) {
            let [high, low] = u16::try_from(data.len()).unwrap().to_be_bytes();
            match opcode {
                0x0a => cdb[2..5].copy_from_slice(&[0, high, low]),
                0x15 => cdb[4] = low,
                0x55 => cdb[7..9].copy_from_slice(&[high, low]),
                _ => cdb[10..14].copy_from_slice(&[0, 0, high, low]),
            }
        }
        Command {
            to_drive,
            cdb,
            phase,
        }
    })
}

fn check(reply: &Reply, room: usize) -> Result<(), TestCaseError> {
    prop_assert!(reply.transferred <= room);
    match reply.status {
        Status::Good => prop_assert!(reply.sense.is_empty()),
        Status::CheckCondition => {
            let sense = SenseData::parse(&reply.sense);
            prop_assert!(sense.is_some(), "{:02x?}", reply.sense);
        }
        other => prop_assert!(false, "status {other:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_command_is_answered(commands in vec(command(), 1..60)) {
        let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
        let world = World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge));
        world.move_medium(SLOT, BAY).good();
        let mut changer = world.unit(CHANGER, ONE);
        let mut drive = world.unit(DRIVE, ONE);
        for Command { to_drive, cdb, phase } in commands {
            let unit = if to_drive { &mut drive } else { &mut changer };
            let (reply, room) = match phase {
                Phase::None => (unit.try_command(&cdb, Data::None), 0),
                Phase::In(length) => {
                    let mut buffer = vec![0; length];
                    (unit.try_command(&cdb, Data::In(&mut buffer)), length)
                }
                Phase::Out(bytes) => (unit.try_command(&cdb, Data::Out(&bytes)), bytes.len()),
            };
            prop_assert!(reply.is_some(), "no answer to {:02x?}", cdb);
            check(&reply.unwrap(), room)?;
        }
        drive.drain_attentions();
        changer.drain_attentions();
        changer.ready().good();
    }
}
