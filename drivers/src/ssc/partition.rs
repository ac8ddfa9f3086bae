//! Medium partition mode page 11h (SSC-4): how a tape is divided.

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use super::position::{BlockAddress, Partition};
use crate::bytes::{u8_at, u16_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::spc::mode::{self, ModePage, PageCode};
use crate::timeout;

/// OPERATION CODE of FORMAT MEDIUM.
pub const FORMAT_MEDIUM: u8 = 0x04;
/// OPERATION CODE of SET CAPACITY.
pub const SET_CAPACITY: u8 = 0x0b;
/// OPERATION CODE of ALLOW OVERWRITE.
pub const ALLOW_OVERWRITE: u8 = 0x82;

/// FORMAT of FORMAT MEDIUM. All of it is lost in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediumFormat {
    /// 0h: one partition, whatever was there: former LTFS cartridges have two.
    OnePartition,
    /// 1h: as the medium partition mode page says.
    Partitions,
    /// 2h: the one, and then the other.
    OneThenPartitions,
}

/// How much of a cartridge is used, in 65,535ths (MEDIUM FOR USE PROPORTION VALUE).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CapacityProportion(pub u16);

impl CapacityProportion {
    /// All of it.
    pub const WHOLE: Self = Self(0xffff);
}

/// What may be overwritten next in append-only mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overwriting {
    /// 0h: nothing.
    Nothing,
    /// 1h: from here on, which has to be where the tape is.
    At(Partition, BlockAddress),
    /// 2h: everything, by formatting.
    Format,
}

/// What sizes are counted in (PSUM and PARTITION UNITS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionUnit {
    /// 00b
    Bytes,
    /// 01b
    Kilobytes,
    /// 10b
    Megabytes,
    /// 11b: this power of ten of bytes.
    PowerOfTen(u8),
}

impl PartitionUnit {
    /// Bytes of one unit.
    #[must_use]
    pub fn bytes(self) -> u128 {
        match self {
            Self::Bytes => 1,
            Self::Kilobytes => 1_000,
            Self::Megabytes => 1_000_000,
            Self::PowerOfTen(exponent) => 10_u128.pow(u32::from(exponent & 0x0f)),
        }
    }
}

/// How a tape is divided, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediumPartitions {
    /// MAXIMUM ADDITIONAL PARTITIONS the drive can make on this tape.
    pub maximum_additional: u8,
    /// ADDITIONAL PARTITIONS DEFINED: 0 for a tape of one partition.
    pub additional: u8,
    /// FDP: divided as the drive has it fixed.
    pub fixed: bool,
    /// SDP: divided as the drive chose.
    pub selected: bool,
    /// IDP: divided as a host said.
    pub by_host: bool,
    /// POFM: a change takes effect with FORMAT MEDIUM only.
    pub on_format: bool,
    /// What `sizes` count.
    pub unit: PartitionUnit,
    /// MEDIUM FORMAT RECOGNITION: 3 when both formats and partitions are recognized.
    pub recognition: u8,
    /// PARTITION SIZE of each partition, from 0 on; FFFFh is what is left.
    pub sizes: Vec<u16>,
}

impl MediumPartitions {
    /// From page 11h; `None` when it ends before the sizes.
    #[must_use]
    pub fn parse(page: &ModePage) -> Option<Self> {
        let flags = page.byte(4)?;
        let unit = match flags >> 3 & 0x03 {
            0 => PartitionUnit::Bytes,
            1 => PartitionUnit::Kilobytes,
            2 => PartitionUnit::Megabytes,
            _ => PartitionUnit::PowerOfTen(page.byte(6)? & 0x0f),
        };
        let additional = page.byte(3)?;
        // There may be room for more partitions than there are.
        let sizes = page.body.get(6..).unwrap_or_default().chunks_exact(2);
        let sizes = sizes.take(usize::from(additional) + 1);
        Some(Self {
            maximum_additional: u8_at(&page.body, 0)?,
            additional,
            fixed: flags & 0x80 != 0,
            selected: flags & 0x40 != 0,
            by_host: flags & 0x20 != 0,
            on_format: flags & 0x04 != 0,
            unit,
            recognition: page.byte(5)?,
            sizes: sizes.filter_map(|size| u16_at(size, 0)).collect(),
        })
    }
}

/// Byte 5 of the device configuration extension mode page: WRITE MODE in bits 7-4.
const WRITE_MODE_BYTE: usize = 5;

impl Drive {
    /// Formats the cartridge; everything on it is lost. The tape has to be at the beginning of
    /// partition 0.
    pub fn format_medium(&mut self, format: MediumFormat) -> Result<(), ScsiError> {
        let code = match format {
            MediumFormat::OnePartition => 0,
            MediumFormat::Partitions => 1,
            MediumFormat::OneThenPartitions => 2,
        };
        let cdb = [FORMAT_MEDIUM, 0, code, 0, 0, 0];
        Command::new("FORMAT MEDIUM", timeout::WHOLE_TAPE, cdb).run(&mut *self.transport)?;
        Ok(())
    }

    /// Uses only part of the cartridge, or all of it again; everything on it is lost. The tape has
    /// to be at the beginning of partition 0.
    pub fn set_capacity(&mut self, proportion: CapacityProportion) -> Result<(), ScsiError> {
        let [high, low] = proportion.0.to_be_bytes();
        let cdb = [SET_CAPACITY, 0, 0, high, low, 0];
        Command::new("SET CAPACITY", timeout::WHOLE_TAPE, cdb).run(&mut *self.transport)?;
        Ok(())
    }

    /// Puts the drive into append-only mode until the cartridge is unloaded: what is on it is not
    /// overwritten by mistake. Whether the drive has it and took it.
    pub fn append_only(&mut self) -> Result<bool, ScsiError> {
        self.change_page(PageCode::DEVICE_CONFIGURATION_EXTENSION, |page| {
            let byte = page.byte(WRITE_MODE_BYTE).unwrap_or(0) & 0x0f;
            page.set_byte(WRITE_MODE_BYTE, 0x10 | byte)
        })
    }

    /// Allows one overwrite in append-only mode.
    pub fn allow_overwrite(&mut self, what: Overwriting) -> Result<(), ScsiError> {
        let (code, partition, block) = match what {
            Overwriting::Nothing => (0, 0, 0),
            Overwriting::At(partition, block) => (1, partition.0, block.0),
            Overwriting::Format => (2, 0, 0),
        };
        let Ok(partition) = u8::try_from(partition) else {
            let what = format!("partition {partition} is above 255");
            return Err(self.not_sent("ALLOW OVERWRITE", what));
        };
        let mut cdb = [0; 16];
        (cdb[0], cdb[2], cdb[3]) = (ALLOW_OVERWRITE, code, partition);
        cdb[4..12].copy_from_slice(&block.to_be_bytes());
        Command::new("ALLOW OVERWRITE", timeout::SETTING, cdb).run(&mut *self.transport)?;
        Ok(())
    }

    /// How the tape in the drive is divided; `None` when the drive lacks the page.
    pub fn partitions(&mut self) -> Result<Option<MediumPartitions>, ScsiError> {
        let page = mode::current_page(&mut *self.transport, PageCode::MEDIUM_PARTITION)?;
        Ok(page.as_ref().and_then(MediumPartitions::parse))
    }
}
