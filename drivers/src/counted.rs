//! Drives that do not know where they are: some answer READ POSITION with "unknown" even at the
//! beginning of the tape (tgt's virtual drives), and lack LOCATE as well.
//!
//! [`Counted`] finds that out after the first REWIND and from then on counts blocks and filemarks
//! itself, and goes anywhere by rewinding and reading. A drive that can tell its position is
//! always believed, and whatever the drive may have done unseen makes the count unknown again.

use crate::device::{Missing, TapeDrive};
use crate::error::ScsiError;
use crate::sense::SenseData;
use crate::ssc::block::LARGEST_BLOCK;
use crate::ssc::modes::ModesSet;
use crate::ssc::{
    self, BlockAddress, Capacity, DriveModes, Position, ReadOutcome, Readiness, Removal, Space,
    Synchronize, WriteError, WriteOutcome,
};

/// Room for a block that is only read to move over it; what is longer is moved over all the same.
const MOVING_BUFFER: usize = 1 << 20;

/// Whether a drive can say where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// It has not been at the beginning of a tape yet.
    NotKnown,
    Yes,
    No,
}

/// A drive whose position is counted if it can't tell it.
#[derive(Debug)]
pub struct Counted<D> {
    drive: D,
    tells: Tells,
    /// Blocks and filemarks before the tape's position, as long as they can be counted.
    at: Option<u64>,
}

impl<D: TapeDrive> Counted<D> {
    /// Nothing is sent.
    #[must_use]
    pub fn new(drive: D) -> Self {
        Self {
            drive,
            tells: Tells::NotKnown,
            at: None,
        }
    }

    fn counts(&self) -> bool {
        self.tells == Tells::No
    }

    /// The tape is at its beginning, where every drive that can tell a position does.
    fn at_beginning(&mut self) {
        self.at = Some(0);
        if self.tells != Tells::NotKnown {
            return;
        }
        self.tells = match self.drive.position() {
            Ok(position) if !position.position_unknown => Tells::Yes,
            // A path that fails is no answer.
            Err(ScsiError::Transport(_)) => Tells::NotKnown,
            Ok(_) | Err(_) => Tells::No,
        };
        if self.counts() {
            tracing::warn!(
                path = self.path(),
                "the drive does not tell its position: blocks are counted"
            );
        }
    }

    fn moved<T, E>(&mut self, objects: u64, outcome: Result<T, E>) -> Result<T, E> {
        self.at = match &outcome {
            Ok(_) => self.at.map(|at| at.saturating_add(objects)),
            Err(_) => None,
        };
        outcome
    }

    /// Moves over one block or filemark by reading it.
    fn step(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
        let outcome = self.drive.read_block(buffer);
        let objects = match &outcome {
            Ok(ReadOutcome::EndOfData | ReadOutcome::EndOfMedium) => 0,
            _ => 1,
        };
        self.moved(objects, outcome)
    }

    fn rewind_and_count(&mut self) -> Result<(), ScsiError> {
        let outcome = self.drive.rewind();
        match &outcome {
            Ok(()) => self.at_beginning(),
            Err(_) => self.at = None,
        }
        outcome
    }

    /// Reads up to the end of data, or until `enough` says so.
    fn read_on(
        &mut self,
        mut enough: impl FnMut(ReadOutcome, Option<u64>) -> bool,
    ) -> Result<bool, ScsiError> {
        let mut buffer = vec![0; MOVING_BUFFER.min(LARGEST_BLOCK)];
        loop {
            let outcome = self.step(&mut buffer)?;
            if enough(outcome, self.at) {
                return Ok(true);
            }
            if matches!(outcome, ReadOutcome::EndOfData | ReadOutcome::EndOfMedium) {
                return Ok(false);
            }
        }
    }

    fn read_to(&mut self, block: BlockAddress) -> Result<(), ScsiError> {
        if self.at.is_none_or(|at| at > block.0) {
            self.rewind_and_count()?;
        }
        if self.at == Some(block.0) || self.read_on(|_, at| at == Some(block.0))? {
            return Ok(());
        }
        Err(self.ends_before(format!("block {block}")))
    }

    fn read_filemarks(&mut self, count: u64) -> Result<(), ScsiError> {
        let mut left = count;
        let found = left == 0
            || self.read_on(|outcome, _| {
                left -= u64::from(outcome == ReadOutcome::Filemark);
                left == 0
            })?;
        if found {
            return Ok(());
        }
        Err(self.ends_before(format!("{count} filemarks")))
    }

    fn read_blocks(&mut self, count: u64) -> Result<(), ScsiError> {
        let mut left = count;
        let mut filemark = false;
        let found = left == 0
            || self.read_on(|outcome, _| {
                filemark = outcome == ReadOutcome::Filemark;
                left -= u64::from(matches!(
                    outcome,
                    ReadOutcome::Block(_) | ReadOutcome::TooLong { .. }
                ));
                filemark || left == 0
            })?;
        match (found, filemark) {
            (true, false) => Ok(()),
            (true, true) => Err(self.not_done("a filemark comes before as many blocks")),
            (false, _) => Err(self.ends_before(format!("{count} blocks"))),
        }
    }

    /// As BLANK CHECK of a drive that goes there itself.
    fn ends_before(&self, what: String) -> ScsiError {
        ScsiError::EndOfData {
            path: self.path().to_owned(),
            what,
        }
    }

    fn not_done(&self, what: &str) -> ScsiError {
        ScsiError::NotSent {
            command: "SPACE",
            path: self.path().to_owned(),
            what: format!("{what}, and this drive does not tell its position"),
        }
    }
}

impl<D: TapeDrive> TapeDrive for Counted<D> {
    fn path(&self) -> &str {
        self.drive.path()
    }

    /// Commands sent this way must not move the tape.
    fn scsi(&mut self) -> Option<&mut ssc::Drive> {
        self.drive.scsi()
    }

    fn lacks(&self) -> &'static [Missing] {
        self.drive.lacks()
    }

    fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError> {
        let pending = self.drive.consume_unit_attentions();
        if !pending.as_ref().is_ok_and(Vec::is_empty) {
            self.at = None;
        }
        pending
    }

    fn readiness(&mut self) -> Readiness {
        let state = self.drive.readiness();
        if !matches!(state, Readiness::Ready) {
            self.at = None;
        }
        state
    }

    fn load(&mut self) -> Result<(), ScsiError> {
        self.at = None;
        self.drive.load()
    }

    fn unload(&mut self) -> Result<(), ScsiError> {
        self.at = None;
        self.drive.unload()
    }

    fn rewind(&mut self) -> Result<(), ScsiError> {
        self.rewind_and_count()
    }

    fn prevent_removal(&mut self, removal: Removal) -> Result<(), ScsiError> {
        self.drive.prevent_removal(removal)
    }

    fn write_block(&mut self, block: &[u8]) -> Result<WriteOutcome, WriteError> {
        let outcome = self.drive.write_block(block);
        self.moved(1, outcome)
    }

    fn write_filemarks(
        &mut self,
        count: u32,
        synchronize: Synchronize,
    ) -> Result<WriteOutcome, WriteError> {
        let outcome = self.drive.write_filemarks(count, synchronize);
        self.moved(u64::from(count), outcome)
    }

    fn read_block(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
        self.step(buffer)
    }

    fn space(&mut self, space: Space) -> Result<(), ScsiError> {
        if !self.counts() {
            return self.drive.space(space);
        }
        match space {
            Space::EndOfData => self.read_on(|_, _| false).map(drop),
            Space::Filemarks(count) => match u64::try_from(count) {
                Ok(count) => self.read_filemarks(count),
                Err(_) => Err(self.not_done("backwards over filemarks")),
            },
            Space::Blocks(count) => match (u64::try_from(count), self.at) {
                (Ok(count), _) => self.read_blocks(count),
                (Err(_), Some(at)) => {
                    self.read_to(BlockAddress(at.saturating_sub(count.unsigned_abs())))
                }
                (Err(_), None) => Err(self.not_done("backwards over blocks")),
            },
        }
    }

    fn locate(&mut self, block: BlockAddress) -> Result<(), ScsiError> {
        if self.counts() {
            self.read_to(block)
        } else {
            self.drive.locate(block)
        }
    }

    fn position(&mut self) -> Result<Position, ScsiError> {
        if !self.counts() {
            return self.drive.position();
        }
        Ok(Position {
            block: BlockAddress(self.at.unwrap_or(0)),
            beginning_of_partition: self.at == Some(0),
            position_unknown: self.at.is_none(),
            ..Position::default()
        })
    }

    fn modes(&mut self) -> Result<DriveModes, ScsiError> {
        self.drive.modes()
    }

    fn set_modes(&mut self, wanted: &DriveModes) -> Result<ModesSet, ScsiError> {
        self.drive.set_modes(wanted)
    }

    fn capacity(&mut self) -> Result<Option<Capacity>, ScsiError> {
        self.drive.capacity()
    }

    fn is_worm(&mut self) -> Result<Option<bool>, ScsiError> {
        self.drive.is_worm()
    }
}
