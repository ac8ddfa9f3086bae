//! WRITE and WRITE FILEMARKS: buffering, early warning, the physical end.

use std::borrow::Cow;

use tapeward_drivers::socket::InitiatorId;

use super::alert::Alert;
use super::coding::{Coder, Encoded};
use super::drive::{Buffering, Drive};
use super::medium::{Mounted, Zone, write_failure};
use super::{Exchange, Stop, length24};
use crate::bytes::{u24_at, u64_at};
use crate::clock::Activity;
use crate::fault::Fault;
use crate::sense::{Sense, SenseKey, StreamBits};

/// How much a command writes.
#[derive(Debug, Clone, Copy)]
struct Amount {
    /// Objects.
    count: u64,
    /// What one object counts in a residual.
    unit: u64,
}

/// What to write.
#[derive(Debug, Clone, Copy)]
enum Object<'a> {
    Block(&'a [u8]),
    Filemark,
}

impl Drive {
    /// WRITE(6) (SSC-4): FIXED is bit 0 of byte 1, TRANSFER LENGTH bytes 2-4.
    pub(super) fn write6(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let fixed = exchange.cdb[1] & 0x01 != 0;
        let length = length24(exchange.cdb, 2);
        self.writable()?;
        let block_length = if fixed {
            match self.block_length as usize {
                0 => return Err(Sense::invalid_cdb_field(1).into()),
                block_length => block_length,
            }
        } else {
            length
        };
        if length == 0 {
            return Ok(());
        }
        let protection = self.protection().written_length();
        let longest = self.identity.longest_block as usize;
        if !(1..=longest).contains(&block_length.saturating_sub(protection)) {
            return Err(Sense::invalid_cdb_field(2).into());
        }
        let count = if fixed { length } else { 1 };
        let data = exchange.take(block_length * count)?;
        // What a residual counts: blocks, or the bytes of the one block.
        let unit = if fixed { 1 } else { length as u64 };
        let fault = self.next_write_fault()?;
        let data = damaged(data, fault);
        let blocks = data.chunks_exact(block_length).map(Object::Block);
        self.write_objects(
            exchange.initiator,
            blocks,
            Amount {
                count: count as u64,
                unit,
            },
            fault,
        )?;
        if let Ok(mounted) = self.ready() {
            mounted.cartridge.record.bytes_written += data.len() as u64;
        }
        self.count_written(data.len() as u64);
        self.charge(Activity::Stream {
            bytes: data.len() as u64,
            rate: self.identity.generation.streaming_rate(),
        });
        if self.buffering == Buffering::Unbuffered {
            self.writable()?.synchronize()?;
        }
        self.after_write(fault)
    }

    /// WRITE FILEMARKS(6) (SSC-4): IMMED is bit 0 of byte 1, the count bytes 2-4.
    pub(super) fn write_filemarks6(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let count = u24_at(exchange.cdb, 2);
        self.write_filemarks(exchange, u64::from(count))
    }

    /// WRITE FILEMARKS(16) (SSC-4): at the address in the CDB, which must be the current one.
    pub(super) fn write_filemarks16(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        self.check_explicit_address(exchange.cdb)?;
        let count = u24_at(exchange.cdb, 12);
        self.write_filemarks(exchange, u64::from(count))
    }

    fn write_filemarks(&mut self, exchange: &Exchange<'_>, count: u64) -> Result<(), Stop> {
        let flags = exchange.cdb[1];
        if flags & 0x02 != 0 {
            return Err(Sense::invalid_cdb_field(1).into()); // WSMK is obsolete
        }
        let immediate = flags & 0x01 != 0;
        if immediate && self.buffering == Buffering::Unbuffered {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        if count == 0 {
            // Nothing to write, only the buffer to be written out: allowed on any medium.
            self.ready()?;
        } else {
            self.writable()?;
        }
        let fault = self.next_write_fault()?;
        let filemarks = (0..count).map(|_| Object::Filemark);
        self.write_objects(
            exchange.initiator,
            filemarks,
            Amount { count, unit: 1 },
            fault,
        )?;
        if !immediate {
            self.ready()?.synchronize()?;
        }
        if count == 0 {
            return power_cut_after(fault);
        }
        self.after_write(fault)
    }

    /// The medium, if it may be written.
    pub(super) fn writable(&mut self) -> Result<&mut Mounted, Sense> {
        if self.ready()?.cartridge.record.write_protected {
            self.alerts.raise(Alert::WriteProtect);
            return Err(Sense::new(SenseKey::DataProtect, (0x27, 0x00)));
        }
        self.ready()
    }

    fn alert_write_failure(&mut self) {
        for alert in [Alert::HardError, Alert::Media, Alert::WriteFailure] {
            self.alerts.raise(alert);
        }
        self.count_hard_write_error();
    }

    /// PARTITION (byte 3) and LOGICAL OBJECT IDENTIFIER (bytes 4-11) of explicit address commands.
    pub(super) fn check_explicit_address(&mut self, cdb: &[u8]) -> Result<(), Sense> {
        let mounted = self.ready()?;
        let (partition, position) = (mounted.cartridge.partition(), mounted.position);
        if cdb[3] != partition {
            return Err(Sense::invalid_cdb_field(3));
        }
        if u64_at(cdb, 4) != position {
            return Err(Sense::invalid_cdb_field(4));
        }
        Ok(())
    }

    /// Counts the command; faults that take its place happen here.
    fn next_write_fault(&mut self) -> Result<Option<Fault>, Stop> {
        let mounted = self.ready()?;
        let (id, position) = (mounted.cartridge.id.clone(), mounted.position);
        let fault = self.shared.faults.on_write(id.as_str(), position);
        match fault {
            Some(Fault::PowerCut) => Err(Stop::PowerCut),
            Some(Fault::Abort) => std::process::abort(),
            Some(Fault::NeedsCleaning) => {
                self.alerts.raise(Alert::CleanNow);
                Ok(None)
            }
            Some(Fault::Retried) => {
                self.counters.written.retries += 1;
                Ok(None)
            }
            Some(Fault::DriveBreaks) => {
                self.broken = true;
                Err(Sense::internal_failure().into())
            }
            Some(Fault::Stalls) => {
                self.shared.faults.wait_for_another();
                Ok(None)
            }
            fault => Ok(fault),
        }
    }

    /// Writes the objects one by one at the current position, where the tape then ends.
    fn write_objects<'a>(
        &mut self,
        initiator: InitiatorId,
        objects: impl Iterator<Item = Object<'a>>,
        amount: Amount,
        fault: Option<Fault>,
    ) -> Result<(), Stop> {
        let Amount { count, unit } = amount;
        if count > 0 {
            self.check_append_only()?;
        }
        let warning_size = self.programmable_early_warning();
        let coder = Coder {
            protection: self.protection(),
            encryption: &self.encryption,
            initiator,
        };
        let mounted = self.medium.ready()?;
        let first = mounted.position;
        if count > 0 && mounted.is_worm() && first != mounted.cartridge.store.len() {
            // WORM MEDIUM - OVERWRITE ATTEMPTED
            return Err(Sense::new(SenseKey::DataProtect, (0x30, 0x0c)).into());
        }
        if fault == Some(Fault::MediumError) {
            self.alert_write_failure();
            return Err(Sense::new(SenseKey::MediumError, (0x0c, 0x00))
                .with_residual(count * unit)
                .into());
        }
        let before = mounted.zone(mounted.used(), warning_size);
        for (object, done) in objects.zip(0..) {
            let encoded = match object {
                Object::Block(bytes) => Some(coder.encode(bytes)),
                Object::Filemark => None,
            };
            let encoded = encoded.transpose();
            let encoded = encoded.map_err(|sense| sense.with_residual((count - done) * unit))?;
            let fits = match &encoded {
                Some(block) => mounted.block_fits(block.stored.len()),
                None => mounted.filemark_fits(),
            };
            if !fits {
                mounted.synchronize()?;
                return Err(Sense::new(SenseKey::VolumeOverflow, (0x00, 0x02))
                    .with_stream(StreamBits::END_OF_MEDIUM)
                    .with_residual((count - done) * unit)
                    .into());
            }
            put(mounted, encoded).map_err(|error| {
                write_failure(&mounted.cartridge, &error).with_residual((count - done) * unit)
            })?;
        }
        let after = mounted.zone(mounted.used(), warning_size);
        if before == Zone::Normal && after > Zone::Normal && warning_size > 0 {
            mounted.warning_due = true;
        }
        if before < Zone::BeyondEarlyWarning && after == Zone::BeyondEarlyWarning {
            // SEW of mode page 10h is set.
            mounted.synchronize()?;
        }
        if fault == Some(Fault::DeferredWriteError) {
            let lost = mounted.cartridge.store.lose_from(first);
            lost.map_err(|error| write_failure(&mounted.cartridge, &error))?;
            mounted.position = mounted.cartridge.store.len();
            self.alert_write_failure();
            self.deferred = Some(Sense::new(SenseKey::MediumError, (0x0c, 0x00)).as_deferred());
        }
        Ok(())
    }

    /// How a write that succeeded ends: programmable early warning once, before anything about
    /// early warning (SSC-4); beyond early warning every time (SSC-4).
    fn after_write(&mut self, fault: Option<Fault>) -> Result<(), Stop> {
        power_cut_after(fault)?;
        let size = self.programmable_early_warning();
        let mounted = self.ready()?;
        let sense = Sense::new(SenseKey::NoSense, (0x00, 0x02))
            .with_stream(StreamBits::END_OF_MEDIUM)
            .with_residual(0);
        match mounted.zone(mounted.used(), size) {
            Zone::Normal => {
                mounted.warning_due = false;
                Ok(())
            }
            _ if mounted.warning_due => {
                mounted.warning_due = false;
                let additional = (0x00, 0x07);
                Err(Sense {
                    additional,
                    ..sense
                }
                .into())
            }
            Zone::BeyondProgrammableEarlyWarning => Ok(()),
            Zone::BeyondEarlyWarning => Err(sense.into()),
        }
    }
}

fn power_cut_after(fault: Option<Fault>) -> Result<(), Stop> {
    match fault {
        Some(Fault::PowerCutAfter) => Err(Stop::PowerCut),
        _ => Ok(()),
    }
}

/// The data with one bit of its first block turned, if that is the fault.
fn damaged(data: &[u8], fault: Option<Fault>) -> Cow<'_, [u8]> {
    let mut data = Cow::Borrowed(data);
    if fault == Some(Fault::FlippedBit)
        && let Some(first) = data.to_mut().first_mut()
    {
        *first ^= 0x01;
    }
    data
}

/// Writes one object at the current position; without a block it is a filemark.
fn put(mounted: &mut Mounted, block: Option<Encoded<'_>>) -> std::io::Result<()> {
    let store = &mut mounted.cartridge.store;
    if mounted.position < store.len() {
        store.truncate(mounted.position)?;
    }
    match block {
        Some(block) => store.append_block(&block.stored, block.trailer, block.flags)?,
        None => store.append_filemark(),
    }
    mounted.position += 1;
    Ok(())
}
