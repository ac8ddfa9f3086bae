//! VOL1.

use super::columns::{LabelReader, LabelWriter};
use super::{LabelBlock, LabelError};

/// VOL1, the first block of a labelled tape (ISO 1001 and ECMA-13, "Volume Header Label"; the
/// same columns in CDC's NOS/VE 1.7.1, deck `FST$ANSI_VOL1_LABEL`).
///
/// | columns | field | here |
/// |---|---|---|
/// | 1-4 | label identifier and number | `VOL1` |
/// | 5-10 | volume identifier | the volume serial |
/// | 11 | accessibility | blank |
/// | 12-24 | reserved | blanks |
/// | 25-37 | implementation identifier | `TAPEWARD` |
/// | 38-51 | owner identifier | blanks |
/// | 52-79 | reserved | blanks |
/// | 80 | label standard version | `4` |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeLabel {
    /// Columns 5-10 without trailing blanks; tapes of others may have any characters here.
    pub volume: String,
    /// Column 11.
    pub accessibility: char,
    /// Columns 25-37 without trailing blanks.
    pub implementation: String,
    /// Columns 38-51 without trailing blanks.
    pub owner: String,
    /// Column 80.
    pub standard_version: char,
}

impl VolumeLabel {
    /// Columns 25-37 of every tape written here, and the system code in HDR1.
    pub const IMPLEMENTATION: &'static str = "TAPEWARD";

    /// VOL1 of a volume with this serial.
    #[must_use]
    pub fn new(serial: &crate::id::VolumeSerial) -> Self {
        Self {
            volume: serial.to_string(),
            accessibility: ' ',
            implementation: Self::IMPLEMENTATION.to_owned(),
            owner: String::new(),
            standard_version: '4',
        }
    }

    /// Whether the tape says it was written here.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.implementation == Self::IMPLEMENTATION
    }

    /// The block.
    #[must_use]
    pub fn encode(&self) -> LabelBlock {
        LabelWriter::new("VOL1")
            .text(5, 10, &self.volume)
            .text(11, 11, self.accessibility.encode_utf8(&mut [0; 4]))
            .text(25, 37, &self.implementation)
            .text(38, 51, &self.owner)
            .text(80, 80, self.standard_version.encode_utf8(&mut [0; 4]))
            .finish()
    }

    /// Reads the block.
    pub fn parse(block: &[u8]) -> Result<Self, LabelError> {
        let label = LabelReader::new(block, "VOL1")?;
        let character = |column| -> Result<char, LabelError> {
            Ok(label.raw(column, column)?.chars().next().unwrap_or(' '))
        };
        Ok(Self {
            volume: label.text(5, 10)?,
            accessibility: character(11)?,
            implementation: label.text(25, 37)?,
            owner: label.text(38, 51)?,
            standard_version: character(80)?,
        })
    }
}
