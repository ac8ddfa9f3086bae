//! LOCATE, SPACE and ERASE (SSC-4, each under its name, in the forms of 6, 10 and 16 bytes).

use super::drive::Drive;
use super::position::{BlockAddress, Partition};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;

/// OPERATION CODE of SPACE(6).
pub const SPACE_6: u8 = 0x11;
/// OPERATION CODE of ERASE(6).
pub const ERASE_6: u8 = 0x19;
/// OPERATION CODE of LOCATE(10).
pub const LOCATE_10: u8 = 0x2b;
/// OPERATION CODE of SPACE(16).
pub const SPACE_16: u8 = 0x91;
/// OPERATION CODE of LOCATE(16).
pub const LOCATE_16: u8 = 0x92;

/// What to pass over. Negative numbers go towards the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// Blocks; a filemark in the way stops it (NO SENSE, FILEMARK).
    Blocks(i64),
    /// Filemarks; forwards the tape stops behind the last, backwards before it.
    Filemarks(i64),
    /// To the end of the recorded data.
    EndOfData,
}

/// How much ERASE does, from the current position on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Erase {
    /// Marks the end of data here.
    Short,
    /// Overwrites to the end of the partition. Takes hours.
    Long,
}

impl Drive {
    /// Goes to a block of the current partition: LOCATE(16), or LOCATE(10) when the drive
    /// lacks it.
    pub fn locate(&mut self, block: BlockAddress) -> Result<(), ScsiError> {
        self.locate_to(block, None)
    }

    /// Goes to a block of a partition (CP).
    pub fn locate_in_partition(
        &mut self,
        block: BlockAddress,
        partition: Partition,
    ) -> Result<(), ScsiError> {
        self.locate_to(block, Some(partition))
    }

    fn locate_to(
        &mut self,
        block: BlockAddress,
        partition: Option<Partition>,
    ) -> Result<(), ScsiError> {
        let change = u8::from(partition.is_some()) << 1;
        let number = partition.map_or(0, |partition| partition.0);
        let Ok(number) = u8::try_from(number) else {
            return Err(self.not_sent("LOCATE(16)", format!("partition {number} is above 255")));
        };
        if !self.forms.no_locate_16 {
            let mut cdb = [0; 16];
            cdb[0] = LOCATE_16;
            cdb[1] = change;
            cdb[3] = number;
            cdb[4..12].copy_from_slice(&block.0.to_be_bytes());
            let command = Command::new("LOCATE(16)", timeout::POSITIONING, cdb);
            match command.run(&mut *self.transport) {
                Err(error) if error.is_missing_command() => self.forms.no_locate_16 = true,
                other => return other.map(|_| ()),
            }
        }
        let Ok(short) = u32::try_from(block.0) else {
            let what = format!("block {block} does not fit, and the drive lacks LOCATE(16)");
            return Err(self.not_sent("LOCATE(10)", what));
        };
        let [a, b, c, d] = short.to_be_bytes();
        Command::new(
            "LOCATE(10)",
            timeout::POSITIONING,
            [LOCATE_10, change, 0, a, b, c, d, 0, number, 0],
        )
        .run(&mut *self.transport)?;
        Ok(())
    }

    /// Passes over blocks or filemarks: SPACE(6), or SPACE(16) for more than its 24 bits say.
    ///
    /// # Errors
    /// [`ScsiError::Check`] when something else was met first; INFORMATION in its sense data
    /// says how many were not passed over.
    pub fn space(&mut self, space: Space) -> Result<(), ScsiError> {
        let (code, count) = match space {
            Space::Blocks(count) => (0, count),
            Space::Filemarks(count) => (1, count),
            Space::EndOfData => (3, 0),
        };
        let command = if (-0x0080_0000..=0x007f_ffff).contains(&count) {
            let [.., a, b, c] = count.to_be_bytes();
            Command::new(
                "SPACE(6)",
                timeout::POSITIONING,
                [SPACE_6, code, a, b, c, 0],
            )
        } else {
            let mut cdb = [0; 16];
            cdb[0] = SPACE_16;
            cdb[1] = code;
            cdb[4..12].copy_from_slice(&count.to_be_bytes());
            Command::new("SPACE(16)", timeout::POSITIONING, cdb)
        };
        command.run(&mut *self.transport)?;
        Ok(())
    }

    /// Erases from here on. What was recorded behind this place can't be read afterwards.
    pub fn erase(&mut self, erase: Erase) -> Result<(), ScsiError> {
        let (long, time) = match erase {
            Erase::Short => (0, timeout::POSITIONING),
            Erase::Long => (1, timeout::LONG_ERASE),
        };
        Command::new("ERASE(6)", time, [ERASE_6, long, 0, 0, 0, 0]).run(&mut *self.transport)?;
        Ok(())
    }

    pub(crate) fn not_sent(&self, command: &'static str, what: String) -> ScsiError {
        ScsiError::NotSent {
            command,
            path: self.path().to_owned(),
            what,
        }
    }
}
