//! Medium partition mode page 11h (SSC-4): how a tape is divided.

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::bytes::{u8_at, u16_at};
use crate::error::ScsiError;
use crate::spc::mode::{self, ModePage, PageCode};

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
        let sizes = page.body.get(6..).unwrap_or_default().chunks_exact(2);
        Some(Self {
            maximum_additional: u8_at(&page.body, 0)?,
            additional: page.byte(3)?,
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

impl Drive {
    /// How the tape in the drive is divided; `None` when the drive lacks the page.
    pub fn partitions(&mut self) -> Result<Option<MediumPartitions>, ScsiError> {
        let page = mode::current_page(&mut *self.transport, PageCode::MEDIUM_PARTITION)?;
        Ok(page.as_ref().and_then(MediumPartitions::parse))
    }
}
