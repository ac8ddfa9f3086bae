//! VERIFY.

use super::alert::Alert;
use super::coding::{Coder, guard_check_failed};
use super::drive::Drive;
use super::{Exchange, Stop, length24};
use crate::clock::Activity;
use crate::fault::Fault;
use crate::sense::{Sense, SenseKey, StreamBits};
use crate::store::RecordKind;

/// What VERIFY(6) goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// One block of this many bytes.
    Block(u64),
    /// Blocks of the fixed length, this many.
    Blocks(u64),
    /// VBF: up to and over this many filemarks.
    Filemarks(u64),
    /// VTE: to the end of data.
    EndOfData,
}

/// What one command asks for.
#[derive(Debug, Clone, Copy)]
struct Request {
    extent: Extent,
    /// VLBPM: blocks are checked against their protection information.
    guards: bool,
}

impl Drive {
    /// VERIFY(6) (SSC-4): VTE is bit 5 of byte 1, VLBPM bit 4, VBF bit 3, IMMED bit 2, BYTCMP bit
    /// 1, FIXED bit 0; VERIFICATION LENGTH bytes 2-4.
    pub(super) fn verify6(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let request = self.verify_request(exchange.cdb)?;
        let immediate = exchange.cdb[1] & 0x04 != 0;
        self.ready()?.synchronize()?;
        let start = self.ready()?.used();
        let verified = self.verify(request, exchange);
        let mounted = self.ready()?;
        let bytes = mounted.used().saturating_sub(start);
        let rate = self.identity.generation.streaming_rate();
        self.charge(Activity::Stream { bytes, rate });
        match verified {
            // The command was answered before it was carried out.
            Err(Stop::Check(sense)) if immediate => {
                self.deferred = Some(sense.as_deferred());
                Ok(())
            }
            other => other,
        }
    }

    fn verify_request(&mut self, cdb: &[u8]) -> Result<Request, Stop> {
        let flag = |bit: u8| cdb[1] & bit != 0;
        let (to_end, guards, filemarks, fixed) = (flag(0x20), flag(0x10), flag(0x08), flag(0x01));
        self.ready()?;
        // BYTCMP compares with data from the host, which drives of this kind do not.
        if flag(0x02) || guards && !self.protection().verify || to_end && filemarks {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        if fixed && (filemarks || to_end || self.block_length == 0) {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        let length = length24(cdb, 2) as u64;
        let extent = match (to_end, filemarks, fixed) {
            (true, _, _) if length != 0 => return Err(Sense::invalid_cdb_field(2).into()),
            (true, _, _) => Extent::EndOfData,
            (_, true, _) => Extent::Filemarks(length),
            (_, _, true) => Extent::Blocks(length),
            _ => Extent::Block(length),
        };
        Ok(Request { extent, guards })
    }

    fn verify(&mut self, request: Request, exchange: &Exchange<'_>) -> Result<(), Stop> {
        let fixed_length = u64::from(self.block_length);
        let (mut left, unit) = match request.extent {
            Extent::Block(length) => (length.min(1), length),
            Extent::Blocks(count) | Extent::Filemarks(count) => (count, 1),
            Extent::EndOfData => (1, 0),
        };
        while left > 0 {
            let residual = left * unit;
            let met = self.verify_object(request, exchange, residual)?;
            match (met, request.extent) {
                (Met::Filemark, Extent::Filemarks(_)) => left -= 1,
                (Met::EndOfData, Extent::EndOfData) => return Ok(()),
                (Met::Block(_), Extent::Filemarks(_) | Extent::EndOfData)
                | (Met::Filemark, Extent::EndOfData) => {}
                (Met::EndOfData, _) => {
                    let sense = Sense::new(SenseKey::BlankCheck, (0x00, 0x05));
                    return Err(sense.with_residual(residual).into());
                }
                (Met::Filemark, _) => {
                    let sense = Sense::new(SenseKey::NoSense, (0x00, 0x01));
                    let sense = sense.with_stream(StreamBits::FILEMARK);
                    return Err(sense.with_residual(residual).into());
                }
                (Met::Block(actual), Extent::Blocks(_)) => {
                    check_length(fixed_length, actual)
                        .map_err(|sense| sense.with_residual(residual))?;
                    left -= 1;
                }
                (Met::Block(actual), Extent::Block(asked)) => {
                    check_length(asked, actual)?;
                    left -= 1;
                }
            }
        }
        Ok(())
    }

    /// Reads the next object and goes behind it; before a block that is wrong it stops.
    fn verify_object(
        &mut self,
        request: Request,
        exchange: &Exchange<'_>,
        residual: u64,
    ) -> Result<Met, Stop> {
        let coder = Coder {
            protection: self.protection(),
            encryption: &self.encryption,
            initiator: exchange.initiator,
        };
        let mounted = self.medium.ready()?;
        let position = mounted.position;
        let Some(row) = mounted.cartridge.store.row(position) else {
            return Ok(Met::EndOfData);
        };
        let fault = self
            .shared
            .faults
            .on_read(mounted.cartridge.id.as_str(), position);
        match fault {
            Some(Fault::PowerCut) => return Err(Stop::PowerCut),
            Some(Fault::Abort) => std::process::abort(),
            Some(Fault::Retried) => self.counters.read.retries += 1,
            Some(Fault::MediumError) => {
                for alert in [Alert::HardError, Alert::Media, Alert::ReadFailure] {
                    self.alerts.raise(alert);
                }
                self.count_hard_read_error();
                let sense = Sense::new(SenseKey::MediumError, (0x11, 0x00));
                return Err(sense.with_residual(residual).into());
            }
            _ => {}
        }
        if row.kind == RecordKind::Filemark {
            mounted.position += 1;
            return Ok(Met::Filemark);
        }
        let intact = coder.is_intact(mounted, row);
        let intact = intact.map_err(|sense| sense.with_residual(residual))?;
        if request.guards && (!intact || fault == Some(Fault::FlippedBit)) {
            return Err(guard_check_failed().with_residual(residual).into());
        }
        mounted.position += 1;
        Ok(Met::Block(coder.length_for_host(row)))
    }
}

/// What was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// A block of this length, as READ would bring it.
    Block(u64),
    Filemark,
    EndOfData,
}

/// Incorrect length: INFORMATION is the length asked for less the actual one (SSC-4).
fn check_length(asked: u64, actual: u64) -> Result<(), Sense> {
    if asked == actual {
        return Ok(());
    }
    let signed = |length| i64::try_from(length).unwrap_or(i64::MAX);
    Err(Sense::new(SenseKey::NoSense, (0x00, 0x00))
        .with_information(signed(asked) - signed(actual))
        .with_stream(StreamBits::INCORRECT_LENGTH))
}
