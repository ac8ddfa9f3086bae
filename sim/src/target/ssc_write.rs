//! WRITE and WRITE FILEMARKS: buffering, early warning, the physical end.

use super::alert::Alert;
use super::drive::{Buffering, Drive, MAX_BLOCK_LENGTH};
use super::medium::{Mounted, Zone, write_failure};
use super::{Exchange, Stop, length24};
use crate::bytes::{u24_at, u64_at};
use crate::clock::Activity;
use crate::fault::Fault;
use crate::sense::{Sense, SenseKey, StreamBits};

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
        if block_length > MAX_BLOCK_LENGTH as usize {
            return Err(Sense::invalid_cdb_field(2).into());
        }
        let count = if fixed { length } else { 1 };
        let data = exchange.take(block_length * count)?;
        // What a residual counts: blocks, or the bytes of the one block.
        let unit = if fixed { 1 } else { length as u64 };
        let fault = self.next_write_fault()?;
        let blocks = data.chunks_exact(block_length).map(Object::Block);
        self.write_objects(blocks, count as u64, unit, fault)?;
        if let Ok(mounted) = self.ready() {
            mounted.cartridge.record.bytes_written += data.len() as u64;
        }
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
        self.write_filemarks(exchange.cdb[1], u64::from(count))
    }

    /// WRITE FILEMARKS(16) (SSC-4): at the address in the CDB, which must be the current one.
    pub(super) fn write_filemarks16(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        self.check_explicit_address(exchange.cdb)?;
        let count = u24_at(exchange.cdb, 12);
        self.write_filemarks(exchange.cdb[1], u64::from(count))
    }

    fn write_filemarks(&mut self, flags: u8, count: u64) -> Result<(), Stop> {
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
        self.write_objects(filemarks, count, 1, fault)?;
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
    }

    /// PARTITION (byte 3) and LOGICAL OBJECT IDENTIFIER (bytes 4-11) of explicit address commands.
    pub(super) fn check_explicit_address(&mut self, cdb: &[u8]) -> Result<(), Sense> {
        let position = self.ready()?.position;
        if cdb[3] != 0 {
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
    ///
    /// `unit` is what one object counts in a residual.
    fn write_objects<'a>(
        &mut self,
        objects: impl Iterator<Item = Object<'a>>,
        count: u64,
        unit: u64,
        fault: Option<Fault>,
    ) -> Result<(), Stop> {
        let warning_size = self.programmable_early_warning();
        let mounted = self.ready()?;
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
            let fits = match object {
                Object::Block(bytes) => mounted.block_fits(bytes.len()),
                Object::Filemark => mounted.filemark_fits(),
            };
            if !fits {
                mounted.synchronize()?;
                return Err(Sense::new(SenseKey::VolumeOverflow, (0x00, 0x02))
                    .with_stream(StreamBits::END_OF_MEDIUM)
                    .with_residual((count - done) * unit)
                    .into());
            }
            put(mounted, object).map_err(|error| {
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

/// Writes one object at the current position.
fn put(mounted: &mut Mounted, object: Object<'_>) -> std::io::Result<()> {
    let store = &mut mounted.cartridge.store;
    if mounted.position < store.len() {
        store.truncate(mounted.position)?;
    }
    match object {
        Object::Block(bytes) => store.append_block(bytes)?,
        Object::Filemark => store.append_filemark(),
    }
    mounted.position += 1;
    Ok(())
}
