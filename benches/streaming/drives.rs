//! Drives that keep nothing: one as fast as it is fed, one as fast as an LTO-9 drive.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tapeward_drivers::TapeDrive;
use tapeward_drivers::device::Missing;
use tapeward_drivers::error::ScsiError;
use tapeward_drivers::sense::SenseData;
use tapeward_drivers::spc::unit::Removal;
use tapeward_drivers::ssc::modes::ModesSet;
use tapeward_drivers::ssc::position::Partition;
use tapeward_drivers::ssc::{
    self, BlockAddress, Buffering, DriveModes, FilemarkCount, Position, ReadOutcome, Readiness,
    Space, Synchronize, WriteError, WriteOutcome,
};

/// Takes blocks and filemarks, counts them and forgets them.
#[derive(Debug)]
pub struct KeepsNothing {
    block: u64,
    file: u64,
    pace: Option<Pace>,
}

impl KeepsNothing {
    pub fn new(pace: Option<Pace>) -> Self {
        Self {
            block: 0,
            file: 0,
            pace,
        }
    }
}

/// A drive's buffer and the tape behind it, in real time.
#[derive(Debug)]
pub struct Pace {
    level: f64,
    at: Instant,
    streaming: bool,
    stops: Arc<AtomicU64>,
}

impl Pace {
    /// Bytes of the drive's buffer.
    const BUFFER: f64 = 1e9;
    /// Native speed, and the slowest the tape can run at, in bytes a second.
    const FASTEST: f64 = 400e6;
    const SLOWEST: f64 = 177e6;

    /// `stops` counts how often the tape had to stop in the middle of data.
    pub fn lto9(stops: Arc<AtomicU64>) -> Self {
        Self {
            level: 0.0,
            at: Instant::now(),
            streaming: false,
            stops,
        }
    }

    /// The slower the emptier the buffer is, as far as the drive can match its speed.
    fn rate(&self) -> f64 {
        (Self::FASTEST * 2.0 * self.level / Self::BUFFER).clamp(Self::SLOWEST, Self::FASTEST)
    }

    fn advance(&mut self) {
        let passed = self.at.elapsed().as_secs_f64();
        self.at = Instant::now();
        if !self.streaming {
            return;
        }
        // In small steps: the rate follows the level.
        let steps = (passed / 0.01).ceil().max(1.0);
        let mut left = steps;
        while left > 0.0 && self.streaming {
            self.level -= self.rate() * passed / steps;
            left -= 1.0;
            if self.level <= 0.0 {
                self.level = 0.0;
                self.streaming = false;
                self.stops.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn take(&mut self, bytes: f64) {
        self.advance();
        while self.level + bytes > Self::BUFFER {
            self.streaming = true;
            std::thread::sleep(Duration::from_millis(5));
            self.advance();
        }
        self.level += bytes;
        // The tape starts when the buffer is half full.
        self.streaming |= self.level >= Self::BUFFER / 2.0;
    }

    /// Writes out what is buffered and stops: asked for, so it is not counted.
    fn flush(&mut self) {
        self.advance();
        let left = Duration::from_secs_f64(self.level / Self::FASTEST);
        std::thread::sleep(left);
        self.level = 0.0;
        self.streaming = false;
        self.at = Instant::now();
    }
}

const MODES: DriveModes = DriveModes {
    buffering: Buffering::Buffered,
    block_length: 0,
    compression: None,
    programmable_early_warning: None,
    write_protected: false,
};

impl TapeDrive for KeepsNothing {
    fn path(&self) -> &'static str {
        "null"
    }

    fn scsi(&mut self) -> Option<&mut ssc::Drive> {
        None
    }

    fn lacks(&self) -> &'static [Missing] {
        &[]
    }

    fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError> {
        Ok(Vec::new())
    }

    fn readiness(&mut self) -> Readiness {
        Readiness::Ready
    }

    fn load(&mut self) -> Result<(), ScsiError> {
        Ok(())
    }

    fn unload(&mut self) -> Result<(), ScsiError> {
        Ok(())
    }

    fn rewind(&mut self) -> Result<(), ScsiError> {
        (self.block, self.file) = (0, 0);
        Ok(())
    }

    fn prevent_removal(&mut self, _removal: Removal) -> Result<(), ScsiError> {
        Ok(())
    }

    fn write_block(&mut self, block: &[u8]) -> Result<WriteOutcome, WriteError> {
        if let Some(pace) = &mut self.pace {
            pace.take(std::hint::black_box(block).len() as f64);
        }
        self.block += 1;
        Ok(WriteOutcome::Written)
    }

    fn write_filemarks(
        &mut self,
        count: u32,
        synchronize: Synchronize,
    ) -> Result<WriteOutcome, WriteError> {
        if let (Some(pace), Synchronize::Flush) = (&mut self.pace, synchronize) {
            pace.flush();
        }
        self.block += u64::from(count);
        self.file += u64::from(count);
        Ok(WriteOutcome::Written)
    }

    fn read_block(&mut self, _buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
        Ok(ReadOutcome::EndOfData)
    }

    fn space(&mut self, _space: Space) -> Result<(), ScsiError> {
        Ok(())
    }

    fn locate(&mut self, block: BlockAddress) -> Result<(), ScsiError> {
        self.block = block.0;
        Ok(())
    }

    fn position(&mut self) -> Result<Position, ScsiError> {
        Ok(Position {
            block: BlockAddress(self.block),
            partition: Partition(0),
            file: Some(FilemarkCount(self.file)),
            beginning_of_partition: self.block == 0,
            end_of_partition: false,
            buffered_blocks: Some(0),
            beyond_programmable_early_warning: false,
            position_unknown: false,
        })
    }

    fn modes(&mut self) -> Result<DriveModes, ScsiError> {
        Ok(MODES)
    }

    fn set_modes(&mut self, _wanted: &DriveModes) -> Result<ModesSet, ScsiError> {
        Ok(ModesSet {
            modes: MODES,
            shortfalls: Vec::new(),
        })
    }
}
