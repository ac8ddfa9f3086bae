//! What is answered for a logical unit number behind which there is nothing (SPC-5, incorrect
//! logical unit numbers).

use tapeward_drivers::transport::{Reply, Status};

use super::{Exchange, Outcome, inquiry};
use crate::bytes::u16_at;
use crate::sense::{Sense, SenseFormat, SenseKey};

/// PERIPHERAL QUALIFIER 011b and PERIPHERAL DEVICE TYPE 1Fh: nothing can be here (SPC-5).
const NO_DEVICE: u8 = 0x7f;

/// Carries out one command for no logical unit of a target that has `units`.
pub(crate) fn execute(units: u16, mut exchange: Exchange<'_>) -> Outcome {
    // LOGICAL UNIT NOT SUPPORTED
    let sense = Sense::new(SenseKey::IllegalRequest, (0x25, 0x00));
    let done = match exchange.cdb[0] {
        0x03 => {
            inquiry::answer_request_sense(Some(sense), &mut exchange);
            Ok(())
        }
        0x12 => answer_inquiry(&mut exchange),
        0xa0 => inquiry::answer_report_luns(units, &mut exchange),
        _ => Err(sense),
    };
    Outcome::Reply(match done {
        Ok(()) => exchange.finish(Status::Good, Vec::new()),
        Err(sense) => Reply {
            status: Status::CheckCondition,
            sense: sense.encode(SenseFormat::Fixed),
            transferred: 0,
        },
    })
}

/// Standard INQUIRY data only: there is nothing that has vital product data.
fn answer_inquiry(exchange: &mut Exchange<'_>) -> Result<(), Sense> {
    if exchange.cdb[1] & 0x01 != 0 {
        return Err(Sense::invalid_cdb_field(1));
    }
    if exchange.cdb[2] != 0 {
        return Err(Sense::invalid_cdb_field(2));
    }
    let mut bytes = [0; 36];
    bytes[0] = NO_DEVICE;
    bytes[2] = 0x06; // SPC-4
    bytes[3] = 0x02; // RESPONSE DATA FORMAT
    bytes[4] = 36 - 5;
    bytes[8..].fill(b' ');
    let allocation = usize::from(u16_at(exchange.cdb, 3));
    exchange.reply(&bytes, allocation);
    Ok(())
}
