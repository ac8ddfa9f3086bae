//! Any commands with any data, sent to a small virtual library.

use std::time::Duration;

use tapeward_drivers::sense::SenseData;
use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::transport::{Cdb, Data, Status, Transport};
use tapeward_sim::{CartridgeSpec, Durability, InProcess, Library, LibrarySpec, create};

use super::puppet::Bytes;

/// Commands of one input.
const MOST: usize = 48;
/// MOVE MEDIUM from the first slot to the first drive of the generic model.
const LOAD: [u8; 12] = [0xa5, 0, 0, 0, 4, 1, 1, 1, 0, 0, 0, 0];

/// Commands, one after the other: a byte that says to which unit, from whom and which way the data
/// goes; the CDB, as long as its group has it; the length of the data, and the data.
pub fn cdb(data: &[u8]) {
    let dir = tempfile::tempdir().expect("a folder for the library");
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(8 << 20);
    let spec = LibrarySpec::new("generic", "TWFUZZ").with_cartridge(cartridge);
    create(dir.path(), &spec).expect("a library");
    let library = Library::open(dir.path(), Durability::Process).expect("the library opens");
    let connect = |unit: u16, initiator: u8| {
        InProcess::connect(&library, Lun(unit), InitiatorId([initiator; 16]))
    };
    let mut units: Vec<InProcess> = (0..4)
        .flat_map(|unit| [connect(unit, 1), connect(unit, 2)])
        .collect();
    for _ in 0..3 {
        // The first answer is the unit attention.
        send(&mut units[0], &LOAD, Data::None);
    }
    let mut bytes = Bytes(data);
    for _ in 0..MOST {
        if next(&mut units, &mut bytes).is_none() {
            break;
        }
    }
    // It still answers: REQUEST SENSE is never refused.
    let mut sense = [0; 252];
    send(
        &mut connect(0, 3),
        &[0x03, 0, 0, 0, 252, 0],
        Data::In(&mut sense),
    );
}

fn next(units: &mut [InProcess], bytes: &mut Bytes<'_>) -> Option<()> {
    let kind = bytes.byte()?;
    let unit = &mut units[usize::from(kind & 0x07)];
    let length = match bytes.0.first()? >> 5 {
        0 => 6,
        1 | 2 => 10,
        4 => 16,
        _ => 12,
    };
    let mut cdb = [0; 16];
    let given = bytes.take(length);
    cdb[..given.len()].copy_from_slice(given);
    let cdb = &cdb[..length];
    match kind >> 6 {
        0 => send(unit, cdb, Data::None),
        1 => {
            let length = bytes.length()?;
            send(unit, cdb, Data::Out(bytes.take(length)));
        }
        _ => {
            let mut buffer = vec![0; bytes.length()?];
            send(unit, cdb, Data::In(&mut buffer));
        }
    }
    Some(())
}

fn send(unit: &mut InProcess, cdb: &[u8], data: Data<'_>) {
    let room = match &data {
        Data::None => 0,
        Data::In(buffer) => buffer.len(),
        Data::Out(bytes) => bytes.len(),
    };
    let command = Cdb::from_slice(cdb).expect("a CDB of its group's length");
    let reply = unit
        .execute(&command, data, Duration::from_secs(1))
        .expect("the power is on");
    assert!(
        reply.transferred <= room,
        "{cdb:02x?}: more than there is room for"
    );
    match reply.status {
        Status::Good | Status::ReservationConflict => {
            assert!(
                reply.sense.is_empty(),
                "{cdb:02x?}: sense data without need"
            );
        }
        Status::CheckCondition => {
            let sense = SenseData::parse(&reply.sense);
            assert!(
                sense.is_some(),
                "{cdb:02x?}: sense data {:02x?}",
                reply.sense
            );
        }
        other => panic!("{cdb:02x?}: status {other:?}"),
    }
}
