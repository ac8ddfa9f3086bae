//! A drive that answers anything.

use std::hint::black_box;

use tapeward_drivers::spc::reservation;
use tapeward_drivers::ssc::density::DensityScope;
use tapeward_drivers::ssc::position::ShortKind;
use tapeward_drivers::ssc::{
    AttributeId, BlockAddress, Drive, ReadOutcome, Space, Synchronize, TapeAlerts,
};

use super::puppet::{Bytes, Puppet};

/// Every function of a drive, chosen by the first bytes, answered by the rest; and the parsers of
/// what a drive says of its tape.
pub fn tape(data: &[u8]) {
    super::tape_replies(data);
    let mut bytes = Bytes(data);
    let choices = bytes.byte().map_or(0, |count| usize::from(count & 0x0f));
    let choices = bytes.take(choices).to_vec();
    let mut drive = Drive::new(Box::new(Puppet::new(bytes.0)));
    for choice in choices {
        call(&mut drive, choice);
    }
}

fn call(drive: &mut Drive, choice: u8) {
    let mut buffer = [0; 4096];
    match choice % 32 {
        0 => drop(black_box(drive.inquiry())),
        1 => drop(black_box((drive.serial(), drive.designators()))),
        2 => drop(black_box((drive.capabilities(), drive.is_worm()))),
        3 => drop(black_box(drive.consume_unit_attentions())),
        4 => drop(black_box(drive.request_sense())),
        5 => drop(black_box(drive.attributes())),
        6 => drop(black_box(drive.attribute(AttributeId(0x0400)))),
        7 => drop(black_box((drive.access_order_limits(), drive.partitions()))),
        8 => drop(black_box(drive.write_block(&buffer))),
        9 | 10 => {
            if let Ok(ReadOutcome::Block(length)) = drive.read_block(&mut buffer) {
                assert!(length <= buffer.len(), "{length} bytes in a smaller buffer");
            }
        }
        11 => drop(black_box(drive.capacity())),
        12 => drop(black_box((
            drive.device_status(),
            drive.device_statistics(),
        ))),
        13 => drop(black_box((drive.write_errors(), drive.read_errors()))),
        14 => drop(black_box(drive.read_block_limits())),
        15 => {
            if let Ok(modes) = drive.modes() {
                black_box(drive.set_modes(&modes).ok());
            }
        }
        16 => drop(black_box(drive.locate(BlockAddress(7)))),
        17 => drop(black_box(drive.space(Space::Filemarks(-2)))),
        18 => drop(black_box(drive.position())),
        19 => drop(black_box(drive.extended_position())),
        20 => drop(black_box(drive.short_form(ShortKind::LogicalObjects))),
        21 => drop(black_box((
            drive.block_protection(),
            drive.protect_blocks(true),
        ))),
        22 => drop(black_box(drive.readiness())),
        23 => drop(black_box(drive.volume_statistics())),
        24 => drop(black_box(
            drive
                .tape_alerts()
                .map(|alerts| alerts.map(TapeAlerts::worst)),
        )),
        25 => drop(black_box(drive.encryption_capabilities())),
        26 => drop(black_box((
            drive.encryption_status(),
            drive.next_block_encryption(),
        ))),
        27 => drop(black_box(drive.report_density_support(DensityScope::Drive))),
        28 => drop(black_box(drive.sequential_access_counters())),
        29 => drop(black_box(drive.write_filemarks(1, Synchronize::Flush))),
        30 => drop(black_box(reservation::read_full_status(
            drive.transport_mut(),
        ))),
        _ => drop(black_box((drive.security_protocols(), drive.unload()))),
    }
}
