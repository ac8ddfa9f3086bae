//! READ.

use super::alert::Alert;
use super::coding::Coder;
use super::drive::Drive;
use super::medium::{Mounted, read_failure};
use super::{Exchange, Stop, length24};
use crate::clock::Activity;
use crate::fault::Fault;
use crate::sense::{Sense, SenseKey, StreamBits};
use crate::store::{GUARD_LENGTH, RecordKind, Row};

/// What READ(6) asks for.
#[derive(Debug, Clone, Copy)]
struct Request {
    fixed: bool,
    /// Suppress incorrect length indicator.
    suppress: bool,
    block_length: usize,
    count: usize,
}

impl Request {
    /// What is left when this many blocks were read: blocks, or the bytes of the one block.
    fn residual(self, done: usize) -> u64 {
        if self.fixed {
            (self.count - done) as u64
        } else {
            self.block_length as u64
        }
    }
}

impl Drive {
    /// READ(6) (SSC-4): FIXED is bit 0 of byte 1, SILI bit 1, TRANSFER LENGTH bytes 2-4.
    pub(super) fn read6(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let request = self.read_request(exchange.cdb)?;
        self.ready()?.synchronize()?;
        let mut result = Ok(());
        for done in 0..request.count {
            result = self.read_one(request, done, exchange);
            if result.is_err() {
                break;
            }
        }
        let bytes = exchange.moved as u64;
        self.ready()?.cartridge.record.bytes_read += bytes;
        self.count_read(bytes);
        self.charge(Activity::Stream {
            bytes,
            rate: self.identity.generation.streaming_rate(),
        });
        result
    }

    fn read_request(&mut self, cdb: &[u8]) -> Result<Request, Stop> {
        let (fixed, suppress) = (cdb[1] & 0x01 != 0, cdb[1] & 0x02 != 0);
        let length = length24(cdb, 2);
        self.ready()?;
        if fixed && (suppress || self.block_length == 0) {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        let guard = if self.protection().read {
            GUARD_LENGTH
        } else {
            0
        };
        if !fixed && length > self.identity.longest_block as usize + guard {
            return Err(Sense::invalid_cdb_field(2).into());
        }
        Ok(Request {
            fixed,
            suppress,
            block_length: if fixed {
                self.block_length as usize
            } else {
                length
            },
            count: if fixed { length } else { length.min(1) },
        })
    }

    /// Reads the next object, which should be a block of the length asked for.
    fn read_one(
        &mut self,
        request: Request,
        done: usize,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        let lengths_vary = self.block_length == 0;
        let coder = Coder {
            protection: self.protection(),
            encryption: &self.encryption,
            initiator: exchange.initiator,
        };
        let mounted = self.medium.ready()?;
        let position = mounted.position;
        let residual = request.residual(done);
        let Some(row) = mounted.cartridge.store.row(position) else {
            return Err(Sense::new(SenseKey::BlankCheck, (0x00, 0x05))
                .with_residual(residual)
                .into());
        };
        let id = mounted.cartridge.id.clone();
        let fault = self.shared.faults.on_read(id.as_str(), position);
        match fault {
            Some(Fault::PowerCut) => return Err(Stop::PowerCut),
            Some(Fault::Abort) => std::process::abort(),
            None | Some(Fault::FlippedBit) => {}
            Some(Fault::Retried) => self.counters.read.retries += 1,
            Some(Fault::DriveBreaks) => {
                self.broken = true;
                return Err(Sense::internal_failure().into());
            }
            Some(_) => {
                for alert in [Alert::HardError, Alert::Media, Alert::ReadFailure] {
                    self.alerts.raise(alert);
                }
                self.count_hard_read_error();
                return Err(Sense::new(SenseKey::MediumError, (0x11, 0x00))
                    .with_residual(residual)
                    .into());
            }
        }
        if row.kind == RecordKind::Filemark {
            mounted.position += 1;
            return Err(Sense::new(SenseKey::NoSense, (0x00, 0x01))
                .with_stream(StreamBits::FILEMARK)
                .with_residual(residual)
                .into());
        }
        let room = exchange.room(request.block_length);
        // The tape stays before a block the host may not read, so that it can be read with a key.
        let read = read_block(mounted, row, coder, room);
        let (length, actual) = read.map_err(|sense| sense.with_residual(residual))?;
        mounted.position += 1;
        if let (Some(Fault::FlippedBit), [first, ..]) = (fault, &mut room[..]) {
            *first ^= 0x01;
        }
        exchange.advance(length);
        Ok(check_length(request, actual, done, lengths_vary)?)
    }
}

/// Puts a block's first bytes into `room`: how many, and how many there are.
fn read_block(
    mounted: &mut Mounted,
    row: Row,
    coder: Coder<'_>,
    room: &mut [u8],
) -> Result<(usize, u64), Sense> {
    if coder.is_as_stored(row)? {
        let read = mounted.cartridge.store.read(row, room);
        let length = read.map_err(|error| read_failure(&mounted.cartridge, &error))?;
        return Ok((length, u64::from(row.length)));
    }
    let block = coder.decode(mounted, row)?;
    let length = block.len().min(room.len());
    room[..length].copy_from_slice(&block[..length]);
    Ok((length, block.len() as u64))
}

/// Incorrect length (SSC-4): with SILI a short block is right, a long one only if the
/// BLOCK LENGTH of the mode parameters is 0. INFORMATION is the length asked for less the actual
/// one, or the blocks not read.
fn check_length(
    request: Request,
    actual: u64,
    done: usize,
    lengths_vary: bool,
) -> Result<(), Sense> {
    let asked = request.block_length as u64;
    if asked == actual || request.suppress && (actual < asked || lengths_vary) {
        return Ok(());
    }
    let sense = Sense::new(SenseKey::NoSense, (0x00, 0x00));
    let sense = if request.fixed {
        sense.with_residual(request.residual(done))
    } else {
        let signed = |length| i64::try_from(length).unwrap_or(i64::MAX);
        let difference = signed(asked) - signed(actual);
        sense.with_information(difference)
    };
    Err(sense.with_stream(StreamBits::INCORRECT_LENGTH))
}
