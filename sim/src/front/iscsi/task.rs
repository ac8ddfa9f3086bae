//! A command and the data it waits for. Data comes in order (DataPDUInOrder and
//! DataSequenceInOrder are Yes), so a count says all about what is there.

use tapeward_drivers::transport::Cdb;
use thiserror::Error;

use super::negotiate::Parameters;
use super::request::{Command, DataOut, Delivery, Integrity, LunField, Pdu};

/// Longest data of one command taken from an initiator, in bytes: a transfer length has three
/// bytes (SSC-4).
pub(crate) const MAX_TRANSFER: u32 = 1 << 24;

/// The initiator broke the rules of a transfer (RFC 7143 clauses 4.2.5 and 11.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Violation(pub(crate) &'static str);

/// Data that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sequence {
    /// Target Transfer Tag; `None` for unsolicited data.
    tag: Option<u32>,
    /// DataSN of the next unit.
    number: u32,
    /// Where it ends at the latest, in bytes from the beginning.
    end: u32,
}

/// What the target asks for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Solicitation {
    /// R2TSN.
    pub(crate) number: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

/// What has to be true of a command before it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A unit of its data did not match its digest.
    CorruptData,
    /// It would move data both ways.
    Bidirectional,
    /// It would send more than is taken.
    TooLong,
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) tag: u32,
    pub(crate) lun: LunField,
    pub(crate) cdb: Cdb,
    pub(crate) writes: bool,
    /// Expected Data Transfer Length, in bytes.
    pub(crate) expected: u32,
    pub(crate) delivery: Delivery,
    pub(crate) fault: Option<Fault>,
    pub(crate) data: Vec<u8>,
    sequence: Option<Sequence>,
    solicitations: u32,
}

impl Task {
    /// From a SCSI Command with its immediate data.
    pub(crate) fn new(pdu: &mut Pdu, agreed: &Parameters) -> Result<Self, Violation> {
        let command =
            Command::parse(pdu).ok_or(Violation("additional header segments that do not end"))?;
        let fault = match (command.reads && command.writes, command.expected) {
            (true, _) => Some(Fault::Bidirectional),
            (false, length) if command.writes && length > MAX_TRANSFER => Some(Fault::TooLong),
            _ => None,
        };
        let data = std::mem::take(&mut pdu.data);
        if !data.is_empty() {
            let limit = agreed.first_burst.min(command.expected) as usize;
            if !command.writes || !agreed.immediate_data || data.len() > limit {
                return Err(Violation("immediate data that was not agreed"));
            }
        }
        let unsolicited = command.writes && !pdu.is_final();
        if unsolicited && agreed.initial_r2t {
            return Err(Violation("unsolicited data that was not agreed"));
        }
        Ok(Self {
            tag: pdu.tag(),
            lun: pdu.lun(),
            cdb: cdb(&command.cdb),
            writes: command.writes,
            expected: command.expected,
            delivery: pdu.delivery(),
            fault,
            data,
            sequence: unsolicited.then_some(Sequence {
                tag: None,
                number: 0,
                end: agreed.first_burst.min(command.expected),
            }),
            solicitations: 0,
        })
    }

    /// Whether nothing is missing any more.
    pub(crate) fn is_complete(&self) -> bool {
        self.sequence.is_none() && (self.fault.is_some() || !self.writes || self.missing() == 0)
    }

    fn missing(&self) -> u32 {
        // Never more than expected, see `accept`.
        let there = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        self.expected.saturating_sub(there)
    }

    /// R2Ts sent.
    pub(crate) fn solicitations(&self) -> u32 {
        self.solicitations
    }

    /// Asks for what is missing, with this Target Transfer Tag, unless data is on its way.
    pub(crate) fn solicit(&mut self, tag: u32, max_burst: u32) -> Option<Solicitation> {
        if self.sequence.is_some() || self.is_complete() {
            return None;
        }
        let offset = self.expected - self.missing();
        let length = self.missing().min(max_burst);
        self.sequence = Some(Sequence {
            tag: Some(tag),
            number: 0,
            end: offset + length,
        });
        let number = self.solicitations;
        self.solicitations += 1;
        Some(Solicitation {
            number,
            offset,
            length,
        })
    }

    /// Whether this unit is of the sequence that is on its way.
    pub(crate) fn awaits(&self, tag: u32, out: &DataOut) -> bool {
        let awaited = |sequence: &Sequence| sequence.tag == out.solicited_by;
        self.tag == tag && self.sequence.as_ref().is_some_and(awaited)
    }

    /// Takes data; the sequence it is of must be [awaited](Self::awaits).
    pub(crate) fn accept(
        &mut self,
        out: &DataOut,
        data: &[u8],
        integrity: Integrity,
    ) -> Result<(), Violation> {
        let Some(sequence) = &mut self.sequence else {
            return Err(Violation("data that nobody waits for"));
        };
        let offset = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        if out.number != sequence.number {
            return Err(Violation("a DataSN out of order"));
        }
        if out.offset != offset {
            return Err(Violation("a Buffer Offset out of order"));
        }
        if length > sequence.end.saturating_sub(offset) {
            return Err(Violation("more data than was asked for"));
        }
        let short = offset + length < sequence.end;
        if short && out.is_final && sequence.tag.is_some() {
            return Err(Violation("less data than was asked for"));
        }
        if integrity == Integrity::Corrupt {
            self.fault = Some(Fault::CorruptData);
        }
        sequence.number += 1;
        if out.is_final {
            self.sequence = None;
        } else if !short {
            return Err(Violation("a sequence without its end"));
        }
        self.data.extend_from_slice(data);
        Ok(())
    }
}

/// The CDB in its true length, by its operation code (SPC-5, operation codes); a longer one is cut
/// to 16 bytes, as all that have more are refused by their first byte.
fn cdb(bytes: &[u8]) -> Cdb {
    let mut all = [0; 16];
    all.copy_from_slice(&bytes[..16]);
    let length = match all[0] >> 5 {
        0 => 6,
        1 | 2 => 10,
        5 => 12,
        _ => 16,
    };
    Cdb::from_slice(&all[..length]).unwrap_or(Cdb::new(all))
}
