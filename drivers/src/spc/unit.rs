//! TEST UNIT READY, REQUEST SENSE and PREVENT ALLOW MEDIUM REMOVAL (SPC-5).

use crate::command::Command;
use crate::error::ScsiError;
use crate::sense::{SenseData, SenseKey};
use crate::timeout;
use crate::transport::{MAX_SENSE_LENGTH, Transport};

/// OPERATION CODE of TEST UNIT READY.
pub const TEST_UNIT_READY: u8 = 0x00;
/// OPERATION CODE of REQUEST SENSE.
pub const REQUEST_SENSE: u8 = 0x03;
/// OPERATION CODE of PREVENT ALLOW MEDIUM REMOVAL.
pub const PREVENT_ALLOW_MEDIUM_REMOVAL: u8 = 0x1e;

/// Whether the device may let go of its medium (a drive), or be opened by an operator (a
/// changer's import/export elements, SMC-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Removal {
    /// Held until this host allows it again.
    Prevent,
    /// Free.
    Allow,
}

/// Asks whether the device can be used. A unit attention is an error like any other, and is
/// gone afterwards.
pub fn test_unit_ready(transport: &mut dyn Transport) -> Result<(), ScsiError> {
    Command::new(
        "TEST UNIT READY",
        timeout::SHORT,
        [TEST_UNIT_READY, 0, 0, 0, 0, 0],
    )
    .run(transport)?;
    Ok(())
}

/// Asks for pending sense data or an operation's progress. Many devices answer with old sense
/// data: never a ground for a decision on its own.
pub fn request_sense(transport: &mut dyn Transport) -> Result<SenseData, ScsiError> {
    #[allow(clippy::cast_possible_truncation)] // 252
    let length = MAX_SENSE_LENGTH as u8;
    let command = Command::new(
        "REQUEST SENSE",
        timeout::SHORT,
        [REQUEST_SENSE, 0, 0, 0, length, 0],
    );
    let raw = command.read(transport, usize::from(length))?;
    SenseData::parse(&raw)
        .ok_or_else(|| command.malformed(transport.path(), "no sense data in the reply", &raw))
}

/// Prevents or allows removal of the medium.
pub fn prevent_removal(transport: &mut dyn Transport, removal: Removal) -> Result<(), ScsiError> {
    let prevent = u8::from(removal == Removal::Prevent);
    Command::new(
        "PREVENT ALLOW MEDIUM REMOVAL",
        timeout::SHORT,
        [PREVENT_ALLOW_MEDIUM_REMOVAL, 0, 0, 0, prevent, 0],
    )
    .run(transport)?;
    Ok(())
}

/// Most unit attentions a device is asked for: it keeps one of each condition, and more than
/// eight in a row means that it never stops.
const UNIT_ATTENTIONS: usize = 8;

/// Sends TEST UNIT READY until it is not answered by a unit attention, at most eight times,
/// and returns what was pending. NOT READY and other sense data are left for the next command
/// to report, since they come again; a failed transport or a deferred error, which does not
/// come again, is an error at once.
pub fn consume_unit_attentions(transport: &mut dyn Transport) -> Result<Vec<SenseData>, ScsiError> {
    let mut pending = Vec::new();
    for _ in 0..UNIT_ATTENTIONS {
        match test_unit_ready(transport) {
            Err(ScsiError::Check { sense, .. })
                if sense.key == SenseKey::UnitAttention && !sense.deferred =>
            {
                tracing::debug!(path = transport.path(), %sense, "unit attention taken");
                pending.push(*sense);
            }
            Err(error) if error.sense().is_none_or(|sense| sense.deferred) => return Err(error),
            Ok(()) | Err(_) => break,
        }
    }
    Ok(pending)
}
