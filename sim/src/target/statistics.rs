//! Log pages of what a drive counts and of how it is (SPC-4, error counters; SSC-4, sequential-
//! access device, DT device status and device statistics log pages).

use std::time::Duration;

use super::alert::Alert;
use super::counters::Direction;
use super::drive::Drive;
use super::log::{Parameter, ascii, binary, counter};
use super::medium::{Fitness, Medium};

const HOUR: u64 = 3600;

fn hours(time: Duration) -> Vec<u8> {
    counted(time.as_secs() / HOUR)
}

/// A counter of four bytes that stops at its highest value.
fn counted(value: u64) -> Vec<u8> {
    u32::try_from(value)
        .unwrap_or(u32::MAX)
        .to_be_bytes()
        .to_vec()
}

/// Write error counters 02h and read error counters 03h: corrected without and with delay,
/// retries, corrected in all, correction algorithm processed, bytes, uncorrected.
pub(super) fn error_counters(direction: Direction) -> Vec<Parameter> {
    let values = [
        0,
        direction.retries,
        direction.retries,
        direction.retries,
        direction.retries,
        direction.bytes,
        direction.uncorrected,
    ];
    let codes = 0_u16..;
    codes
        .zip(values)
        .map(|(code, value)| counter(code, &value.to_be_bytes()))
        .collect()
}

impl Drive {
    /// Sequential-access device 0Ch: bytes from the host, written to tape, read from tape, to the
    /// host; megabytes up to the end of data, to early warning, behind it, to here, in the buffer;
    /// cleaning required.
    pub(super) fn sequential_access(&self) -> Vec<Parameter> {
        let (written, read) = (self.counters.written.bytes, self.counters.read.bytes);
        let mut all: Vec<Parameter> = (0_u16..)
            .zip([written, written, read, read])
            .map(|(code, value)| counter(code, &value.to_be_bytes()))
            .collect();
        if let Medium::Loaded(mounted) = &self.medium {
            let record = &mounted.cartridge.record;
            let used = record.capacity - mounted.remaining();
            let megabytes = [
                used,
                record.capacity.saturating_sub(record.early_warning),
                record.early_warning,
                mounted.used(),
            ];
            let parameters = (0x0004_u16..)
                .zip(megabytes)
                .map(|(code, bytes)| counter(code, &(bytes / 1_000_000).to_be_bytes()));
            all.extend(parameters);
        }
        let cleaning = u64::from(self.alerts.is_active(Alert::CleanNow));
        all.push(binary(0x0100, &cleaning.to_be_bytes()));
        all
    }

    /// DT device status 11h: very high frequency data 0000h and the delay for polling it 0001h in
    /// milliseconds.
    pub(super) fn device_status(&self) -> Vec<Parameter> {
        let flag = |bit: u32, set: bool| u8::from(set) << bit;
        let cartridge = match &self.medium {
            Medium::Empty => None,
            Medium::Unloaded(cartridge) => Some(&**cartridge),
            Medium::Loaded(mounted) => Some(&mounted.cartridge),
        };
        let loaded = matches!(self.medium, Medium::Loaded(_));
        let usable = matches!(&self.medium, Medium::Loaded(mounted)
            if mounted.fitness == Fitness::Usable && self.calibration.is_none());
        let compressing = self.pages.current(0x0f, 0).get(2).copied().unwrap_or(0) & 0x80 != 0;
        let protected = cartridge.is_some_and(|held| held.record.write_protected);
        let required = self.alerts.is_active(Alert::CleanNow);
        let requested = required || self.alerts.is_active(Alert::CleanPeriodic);
        // PAMR, HIU, MACC, CMPR, WRTP, CRQST, CRQRD, DINIT.
        let first = flag(7, self.is_removal_prevented())
            | flag(6, true)
            | flag(5, cartridge.is_some())
            | flag(4, compressing)
            | flag(3, protected)
            | flag(2, requested)
            | flag(1, required)
            | flag(0, true);
        // RAA, MPRSNT, MSTD, MTHRD, MOUNTED.
        let second = flag(5, self.is_accessible())
            | flag(4, cartridge.is_some())
            | flag(2, cartridge.is_some())
            | flag(1, loaded)
            | flag(0, usable);
        // No activity between two commands; TAFC: a TapeAlert flag that nobody has read.
        let fourth = flag(0, self.alerts.has_unread());
        vec![
            binary(0x0000, &[first, second, 0, fourth]),
            binary(0x0001, &[0x01, 0xf4]),
        ]
    }

    /// Device statistics 14h.
    pub(super) fn device_statistics(&self) -> Vec<Parameter> {
        let now = self.shared.clock.monotonic();
        let life = &self.counters.lifetime;
        let serial = self.identity.inquiry.serial.as_bytes();
        vec![
            counter(0x0000, &counted(life.loads)),
            counter(0x0001, &counted(life.cleanings)),
            counter(0x0002, &hours(self.counters.power_on(now))),
            counter(0x0003, &hours(life.motion)),
            counter(0x0008, &hours(self.counters.motion_since_cleaning())),
            counter(0x000c, &counted(life.power_cycles)),
            counter(0x000d, &counted(life.loads)),
            counter(0x000e, &counted(life.hard_write_errors)),
            counter(0x000f, &counted(life.hard_read_errors)),
            ascii(0x0040, serial),
            ascii(0x0041, serial),
            binary(0x0080, &[u8::from(self.is_removal_prevented())]),
            binary(0x0081, &[0]),
        ]
    }

    /// Counts a block or blocks that went to the tape, or came from it.
    pub(super) fn count_written(&mut self, bytes: u64) {
        self.counters.written.bytes += bytes;
        self.count_motion(bytes);
    }

    pub(super) fn count_read(&mut self, bytes: u64) {
        self.counters.read.bytes += bytes;
        self.count_motion(bytes);
    }

    fn count_motion(&mut self, bytes: u64) {
        let rate = self.identity.generation.streaming_rate();
        self.counters.moved(bytes, rate);
    }

    pub(super) fn count_hard_write_error(&mut self) {
        self.counters.written.uncorrected += 1;
        self.counters.lifetime.hard_write_errors += 1;
    }

    pub(super) fn count_hard_read_error(&mut self) {
        self.counters.read.uncorrected += 1;
        self.counters.lifetime.hard_read_errors += 1;
    }

    /// Writes down what is counted over the drive's life; the next time does, if this one fails.
    pub(super) fn save_counters(&self) {
        if let Err(error) = self.counters.save(self.shared.clock.monotonic()) {
            tracing::error!(%error, drive = %self.identity.inquiry.serial, "counters not saved");
        }
    }
}
