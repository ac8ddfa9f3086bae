//! VERIFY(6) (SSC-4): the drive reads and checks, nothing is transferred.

use super::drive::Drive;
use crate::bytes::low24;
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;

/// OPERATION CODE of VERIFY(6).
pub const VERIFY_6: u8 = 0x13;

const TO_END_OF_DATA: u8 = 0x20;
const BLOCK_PROTECTION: u8 = 0x10;
const BY_FILEMARKS: u8 = 0x08;

/// What is gone over, from the current position on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerifyExtent {
    /// One block of this many bytes, at most 16,777,215.
    Block(u32),
    /// VBF: up to this many filemarks, and over them, at most 16,777,215.
    Filemarks(u32),
    /// VTE: to the end of the recorded data.
    EndOfData,
}

/// Against what blocks are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerifyAgainst {
    /// What the drive needs to read them.
    ErrorCorrection,
    /// VLBPM: likewise, and the protection information they were written with. Block protection
    /// has to be on.
    BlockProtection,
}

impl Drive {
    /// Goes over blocks and checks them. The tape stops before a block that is wrong.
    ///
    /// # Errors
    /// [`ScsiError::Check`] with 10h/01h LOGICAL BLOCK GUARD CHECK FAILED for a block that is not
    /// what was written, MEDIUM ERROR for one that can't be read, BLANK CHECK when filemarks are
    /// missing.
    pub fn verify(
        &mut self,
        extent: VerifyExtent,
        against: VerifyAgainst,
    ) -> Result<(), ScsiError> {
        let (bits, length) = match extent {
            VerifyExtent::Block(length) => (0, length),
            VerifyExtent::Filemarks(count) => (BY_FILEMARKS, count),
            VerifyExtent::EndOfData => (TO_END_OF_DATA, 0),
        };
        if length >= 1 << 24 {
            let what = format!("a verification length of {length}, at most 16,777,215 fit");
            return Err(self.not_sent("VERIFY(6)", what));
        }
        let protection = match against {
            VerifyAgainst::ErrorCorrection => 0,
            VerifyAgainst::BlockProtection => BLOCK_PROTECTION,
        };
        let [a, b, c] = low24(length);
        let cdb = [VERIFY_6, bits | protection, a, b, c, 0];
        Command::new("VERIFY(6)", timeout::WHOLE_TAPE, cdb).run(&mut *self.transport)?;
        Ok(())
    }
}
