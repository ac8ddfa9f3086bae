//! Volume statistics log page 17h (SSC-4): the life of the cartridge in the drive.

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::bytes::ascii;
use crate::error::ScsiError;
use crate::spc::log::{self, LogPage};

/// What the drive and the cartridge's chip know of its life. `None` is what they don't tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VolumeStatistics {
    /// 0001h: times threaded.
    pub mounts: Option<u64>,
    /// 0002h
    pub data_sets_written: Option<u64>,
    /// 0003h
    pub write_retries: Option<u64>,
    /// 0004h
    pub unrecovered_write_errors: Option<u64>,
    /// 0007h
    pub data_sets_read: Option<u64>,
    /// 0008h
    pub read_retries: Option<u64>,
    /// 0009h
    pub unrecovered_read_errors: Option<u64>,
    /// 000Eh, megabytes
    pub last_mount_megabytes_written: Option<u64>,
    /// 000Fh, megabytes
    pub last_mount_megabytes_read: Option<u64>,
    /// 0010h, megabytes
    pub lifetime_megabytes_written: Option<u64>,
    /// 0011h, megabytes
    pub lifetime_megabytes_read: Option<u64>,
    /// 0016h, megabytes
    pub native_capacity: Option<u64>,
    /// 0017h, megabytes
    pub used_native_capacity: Option<u64>,
    /// 0040h
    pub volume_serial: Option<String>,
    /// 0042h
    pub barcode: Option<String>,
    /// 0043h
    pub manufacturer: Option<String>,
    /// 0045h: kind and density, "Ultrium-8" for example.
    pub personality: Option<String>,
    /// 0080h
    pub write_protected: Option<bool>,
    /// 0081h
    pub worm: Option<bool>,
    /// 0101h: passes over the beginning of the tape.
    pub beginning_passes: Option<u64>,
    /// 0102h: passes over the middle of the tape.
    pub middle_passes: Option<u64>,
}

impl VolumeStatistics {
    /// From log page 17h. Values that are all ones mean unknown (SSC-4).
    #[must_use]
    pub fn from_log(page: &LogPage) -> Self {
        let number = |code| {
            let parameter = page.parameter(code)?;
            if parameter.value.iter().all(|byte| *byte == 0xff) {
                return None;
            }
            parameter.number()
        };
        let text = |code| {
            let text = ascii(&page.parameter(code)?.value);
            (!text.is_empty()).then_some(text)
        };
        let flag = |code| number(code).map(|value| value & 1 == 1);
        Self {
            mounts: number(0x0001),
            data_sets_written: number(0x0002),
            write_retries: number(0x0003),
            unrecovered_write_errors: number(0x0004),
            data_sets_read: number(0x0007),
            read_retries: number(0x0008),
            unrecovered_read_errors: number(0x0009),
            last_mount_megabytes_written: number(0x000e),
            last_mount_megabytes_read: number(0x000f),
            lifetime_megabytes_written: number(0x0010),
            lifetime_megabytes_read: number(0x0011),
            native_capacity: number(0x0016),
            used_native_capacity: number(0x0017),
            volume_serial: text(0x0040),
            barcode: text(0x0042),
            manufacturer: text(0x0043),
            personality: text(0x0045),
            write_protected: flag(0x0080),
            worm: flag(0x0081),
            beginning_passes: number(0x0101),
            middle_passes: number(0x0102),
        }
    }
}

impl Drive {
    /// The life of the cartridge; `None` when the drive lacks the page.
    pub fn volume_statistics(&mut self) -> Result<Option<VolumeStatistics>, ScsiError> {
        let page = log::log_sense(&mut *self.transport, log::VOLUME_STATISTICS, 0)?;
        Ok(page.map(|page| VolumeStatistics::from_log(&page)))
    }
}
