//! READ POSITION (SSC-4): where the tape is.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::bytes::{u8_at, u24_at, u32_at, u64_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;

/// OPERATION CODE of READ POSITION.
pub const READ_POSITION: u8 = 0x34;

/// LOGICAL OBJECT NUMBER in a partition: blocks and filemarks before this place.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BlockAddress(pub u64);

impl fmt::Display for BlockAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// LOGICAL FILE IDENTIFIER: filemarks between the beginning of the partition and this place.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct FilemarkCount(pub u64);

impl fmt::Display for FilemarkCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a partition of a tape.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Partition(pub u32);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the tape is, as the host sees it: behind everything the drive has taken, written or
/// still buffered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// Address of the next block or filemark; meaningless when `position_unknown`.
    pub block: BlockAddress,
    /// Partition the tape is in.
    pub partition: Partition,
    /// Filemarks before this place; `None` when the drive does not count them.
    pub file: Option<FilemarkCount>,
    /// BOP: at the beginning of the partition.
    pub beginning_of_partition: bool,
    /// EOP: between early warning and the end of the partition.
    pub end_of_partition: bool,
    /// Blocks and filemarks taken but not yet on tape; `None` when the drive does not know.
    pub buffered_blocks: Option<u64>,
    /// BPEW: behind programmable early warning.
    pub beyond_programmable_early_warning: bool,
    /// LOLU, LONU or PERR: the drive does not know where the tape is, or can't say.
    pub position_unknown: bool,
}

/// Short form data, service actions 00h and 01h (SSC-4, READ POSITION data, short form).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortForm {
    /// Byte 0.
    pub flags: u8,
    /// PARTITION NUMBER.
    pub partition: u8,
    /// FIRST LOGICAL OBJECT LOCATION: the next to be exchanged with the host.
    pub first: u32,
    /// LAST LOGICAL OBJECT LOCATION: the next to be exchanged with the tape.
    pub last: u32,
    /// NUMBER OF LOGICAL OBJECTS IN OBJECT BUFFER, 24 bits.
    pub buffered_blocks: u32,
    /// NUMBER OF BYTES IN OBJECT BUFFER.
    pub buffered_bytes: u32,
}

impl ShortForm {
    /// Length of the data.
    pub const LENGTH: usize = 20;

    /// Parses the 20 bytes; `None` when there are fewer.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        Some(Self {
            flags: u8_at(raw, 0)?,
            partition: u8_at(raw, 1)?,
            first: u32_at(raw, 4)?,
            last: u32_at(raw, 8)?,
            buffered_blocks: u24_at(raw, 13)?,
            buffered_bytes: u32_at(raw, 16)?,
        })
    }

    /// LOCU is clear, so NUMBER OF LOGICAL OBJECTS IN OBJECT BUFFER is valid.
    #[must_use]
    pub fn buffered(&self) -> Option<u64> {
        (self.flags & 0x20 == 0).then(|| u64::from(self.buffered_blocks))
    }

    /// The same as a [`Position`].
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            block: BlockAddress(u64::from(self.first)),
            partition: Partition(u32::from(self.partition)),
            file: None,
            beginning_of_partition: self.flags & 0x80 != 0,
            end_of_partition: self.flags & 0x40 != 0,
            buffered_blocks: self.buffered(),
            beyond_programmable_early_warning: self.flags & 0x01 != 0,
            // LOLU (bit 2), PERR (bit 1): an address or a count does not fit its field.
            position_unknown: self.flags & 0x06 != 0,
        }
    }
}

/// Parses long form data, service action 06h (SSC-4, READ POSITION data, long form); `None` below
/// 32 bytes.
#[must_use]
pub fn parse_long_form(raw: &[u8]) -> Option<Position> {
    let flags = u8_at(raw, 0)?;
    u64_at(raw, 24)?;
    Some(Position {
        block: BlockAddress(u64_at(raw, 8)?),
        partition: Partition(u32_at(raw, 4)?),
        // MPU: partition number and file identifier are unknown.
        file: if flags & 0x08 == 0 {
            u64_at(raw, 16).map(FilemarkCount)
        } else {
            None
        },
        beginning_of_partition: flags & 0x80 != 0,
        end_of_partition: flags & 0x40 != 0,
        buffered_blocks: None,
        beyond_programmable_early_warning: flags & 0x01 != 0,
        position_unknown: flags & 0x04 != 0,
    })
}

/// Parses extended form data, service action 08h (SSC-4, READ POSITION data, extended form);
/// `None` below 32 bytes.
#[must_use]
pub fn parse_extended_form(raw: &[u8]) -> Option<Position> {
    let flags = u8_at(raw, 0)?;
    u64_at(raw, 24)?;
    Some(Position {
        block: BlockAddress(u64_at(raw, 8)?),
        partition: Partition(u32::from(u8_at(raw, 1)?)),
        file: None,
        beginning_of_partition: flags & 0x80 != 0,
        end_of_partition: flags & 0x40 != 0,
        buffered_blocks: if flags & 0x20 == 0 {
            u24_at(raw, 5).map(u64::from)
        } else {
            None
        },
        beyond_programmable_early_warning: flags & 0x01 != 0,
        position_unknown: flags & 0x06 != 0,
    })
}

/// Long form with what only the short form says. The two have to agree on the place as far as
/// the short form can say it: a drive that answers a form it does not really know must not pass
/// for one that knows where the tape is.
fn merge(long: Position, short: &ShortForm) -> Position {
    let lost = short.flags & 0x04 != 0;
    let overflow = short.flags & 0x02 != 0;
    let agrees = overflow || long.block.0 & 0xffff_ffff == u64::from(short.first);
    Position {
        buffered_blocks: short.buffered(),
        beyond_programmable_early_warning: long.beyond_programmable_early_warning
            || short.flags & 0x01 != 0,
        position_unknown: long.position_unknown || lost || !agrees,
        ..long
    }
}

/// What the addresses of the short form count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShortKind {
    /// Service action 00h: blocks and filemarks.
    LogicalObjects,
    /// Service action 01h: something of the vendor's own, for a later LOCATE with BT.
    VendorSpecific,
}

/// Service action of READ POSITION.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Short(ShortKind),
    Long,
    Extended,
}

impl Drive {
    /// Where the tape is: long form for the filemarks and 64-bit addresses, short form for what
    /// is still buffered. Two commands, one if the drive lacks the long form.
    pub fn position(&mut self) -> Result<Position, ScsiError> {
        let long = self.long_position()?;
        let short = self.short_form(ShortKind::LogicalObjects)?;
        let Some(long) = long else {
            return Ok(short.position());
        };
        Ok(merge(long, &short))
    }

    /// The extended form alone: 64-bit address and buffered count in one command. `None` when
    /// the drive lacks it.
    pub fn extended_position(&mut self) -> Result<Option<Position>, ScsiError> {
        match self.read_position(Form::Extended) {
            Ok((command, raw)) => parse_extended_form(&raw)
                .map(Some)
                .ok_or_else(|| command.short(self.transport.path(), 32, &raw)),
            Err(error) if error.is_unsupported() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The short form alone, with the bytes still buffered.
    pub fn short_form(&mut self, kind: ShortKind) -> Result<ShortForm, ScsiError> {
        let (command, raw) = self.read_position(Form::Short(kind))?;
        ShortForm::parse(&raw)
            .ok_or_else(|| command.short(self.transport.path(), ShortForm::LENGTH, &raw))
    }

    fn long_position(&mut self) -> Result<Option<Position>, ScsiError> {
        if self.forms.no_long_position {
            return Ok(None);
        }
        let raw = match self.read_position(Form::Long) {
            Ok((_, raw)) => raw,
            Err(error) if error.is_unsupported() => {
                self.forms.no_long_position = true;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let position = parse_long_form(&raw);
        // A drive that ignores the service action answers with the 20 bytes of the short form.
        self.forms.no_long_position = position.is_none();
        Ok(position)
    }

    fn read_position(&mut self, form: Form) -> Result<(Command, Vec<u8>), ScsiError> {
        // ALLOCATION LENGTH is for the extended form only (SSC-4).
        let (action, length, allocation) = match form {
            Form::Short(ShortKind::LogicalObjects) => (0x00, 20, 0),
            Form::Short(ShortKind::VendorSpecific) => (0x01, 20, 0),
            Form::Long => (0x06, 32, 0),
            Form::Extended => (0x08, 32, 32),
        };
        let command = Command::new(
            "READ POSITION",
            timeout::SETTING,
            [READ_POSITION, action, 0, 0, 0, 0, 0, 0, allocation, 0],
        );
        let raw = command.read(&mut *self.transport, length)?;
        Ok((command, raw))
    }
}
