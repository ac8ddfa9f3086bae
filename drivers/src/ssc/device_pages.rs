//! Log pages about the drive: sequential-access device 0Ch, DT device status 11h and device
//! statistics 14h (SSC-4; 11h as in ADC-3).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::drive::Drive;
use crate::bytes::{array_at, ascii, u16_at};
use crate::error::ScsiError;
use crate::spc::error_counters::{self, ErrorCounters};
use crate::spc::log::{self, LogPage};

/// Page code of the sequential-access device page.
pub const SEQUENTIAL_ACCESS_DEVICE: u8 = 0x0c;
/// Page code of the DT device status page.
pub const DEVICE_STATUS: u8 = 0x11;
/// Page code of the device statistics page.
pub const DEVICE_STATISTICS: u8 = 0x14;

/// A parameter's number unless all its bits are ones, which means unknown.
fn known(page: &LogPage, code: u16) -> Option<u64> {
    let parameter = page.parameter(code)?;
    let unknown = parameter.value.iter().all(|byte| *byte == 0xff);
    parameter.number().filter(|_| !unknown)
}

/// Log page 0Ch: what went through the drive since the cartridge was loaded. `None` is what the
/// drive doesn't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SequentialAccessCounters {
    /// 0000h: bytes from hosts for WRITE.
    pub received: Option<u64>,
    /// 0001h: bytes written to tape, after compression.
    pub written: Option<u64>,
    /// 0002h: bytes read from tape, before decompression.
    pub read: Option<u64>,
    /// 0003h: bytes to hosts for READ.
    pub sent: Option<u64>,
    /// 0004h: megabytes (10^6) from the beginning to the end of data.
    pub to_end_of_data: Option<u64>,
    /// 0005h: megabytes from the beginning to early warning.
    pub to_early_warning: Option<u64>,
    /// 0006h: megabytes from early warning to the end of the partition, at least.
    pub behind_early_warning: Option<u64>,
    /// 0007h: megabytes from the beginning to here.
    pub to_position: Option<u64>,
    /// 0100h: the drive wants to be cleaned, or is being cleaned.
    pub cleaning_required: Option<bool>,
}

impl SequentialAccessCounters {
    /// From log page 0Ch.
    #[must_use]
    pub fn from_log(page: &LogPage) -> Self {
        Self {
            received: known(page, 0x0000),
            written: known(page, 0x0001),
            read: known(page, 0x0002),
            sent: known(page, 0x0003),
            to_end_of_data: known(page, 0x0004),
            to_early_warning: known(page, 0x0005),
            behind_early_warning: known(page, 0x0006),
            to_position: known(page, 0x0007),
            cleaning_required: page.number(0x0100).map(|value| value != 0),
        }
    }
}

/// DT DEVICE ACTIVITY (ADC-3, very high frequency data).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceActivity {
    /// 00h
    None,
    /// 01h
    Cleaning,
    /// 02h
    Loading,
    /// 03h
    Unloading,
    /// 04h: anything else about the medium.
    Other,
    /// 05h
    Reading,
    /// 06h
    Writing,
    /// 07h
    Locating,
    /// 08h
    Rewinding,
    /// 09h
    Erasing,
    /// 0Ah
    Formatting,
    /// 0Bh
    Calibrating,
    /// 0Ch: anything else the drive does.
    OtherDeviceActivity,
    /// 0Dh
    UpdatingMicrocode,
    /// 0Eh
    ReadingEncrypted,
    /// 0Fh
    WritingEncrypted,
    /// 10h
    Diagnosing,
    /// Any other value.
    Reserved(u8),
}

impl From<u8> for DeviceActivity {
    fn from(value: u8) -> Self {
        match value {
            0x00 => Self::None,
            0x01 => Self::Cleaning,
            0x02 => Self::Loading,
            0x03 => Self::Unloading,
            0x04 => Self::Other,
            0x05 => Self::Reading,
            0x06 => Self::Writing,
            0x07 => Self::Locating,
            0x08 => Self::Rewinding,
            0x09 => Self::Erasing,
            0x0a => Self::Formatting,
            0x0b => Self::Calibrating,
            0x0c => Self::OtherDeviceActivity,
            0x0d => Self::UpdatingMicrocode,
            0x0e => Self::ReadingEncrypted,
            0x0f => Self::WritingEncrypted,
            0x10 => Self::Diagnosing,
            other => Self::Reserved(other),
        }
    }
}

/// Very high frequency data, parameter 0000h of log page 11h: how the drive is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// PAMR: some host prevents removal.
    pub removal_prevented: bool,
    /// HIU: hosts may unload.
    pub host_initiated_unload: bool,
    /// MACC: the chip of the cartridge can be read.
    pub memory_accessible: bool,
    /// CMPR
    pub compressing: bool,
    /// WRTP: the cartridge is write protected.
    pub write_protected: bool,
    /// CRQST: clean when convenient.
    pub cleaning_requested: bool,
    /// CRQRD: clean now.
    pub cleaning_required: bool,
    /// DINIT: what else is told is valid.
    pub initialized: bool,
    /// INXTN: the second byte's states are changing.
    pub in_transition: bool,
    /// RAA: the robot may come.
    pub robot_access_allowed: bool,
    /// MPRSNT
    pub medium_present: bool,
    /// MSTD
    pub medium_seated: bool,
    /// MTHRD
    pub medium_threaded: bool,
    /// MOUNTED: hosts can use the cartridge.
    pub mounted: bool,
    /// DT DEVICE ACTIVITY.
    pub activity: DeviceActivity,
    /// TDDEC: there is new diagnostic data.
    pub diagnostic_data_created: bool,
    /// EPP: encryption parameters are set.
    pub encryption_parameters_present: bool,
    /// ESR: encryption needs a key manager's help.
    pub encryption_service_requested: bool,
    /// RRQST: the drive asks for a recovery, to be had with a reset for example.
    pub recovery_requested: bool,
    /// INTFC: a port's state changed.
    pub interface_changed: bool,
    /// TAFC: a TapeAlert flag changed and was not read.
    pub tape_alert_changed: bool,
}

impl DeviceStatus {
    /// From log page 11h; `None` without a whole parameter 0000h.
    #[must_use]
    pub fn from_log(page: &LogPage) -> Option<Self> {
        let [first, second, activity, fourth] = array_at(&page.parameter(0x0000)?.value, 0)?;
        Some(Self {
            removal_prevented: first & 0x80 != 0,
            host_initiated_unload: first & 0x40 != 0,
            memory_accessible: first & 0x20 != 0,
            compressing: first & 0x10 != 0,
            write_protected: first & 0x08 != 0,
            cleaning_requested: first & 0x04 != 0,
            cleaning_required: first & 0x02 != 0,
            initialized: first & 0x01 != 0,
            in_transition: second & 0x80 != 0,
            robot_access_allowed: second & 0x20 != 0,
            medium_present: second & 0x10 != 0,
            medium_seated: second & 0x04 != 0,
            medium_threaded: second & 0x02 != 0,
            mounted: second & 0x01 != 0,
            activity: DeviceActivity::from(activity),
            diagnostic_data_created: fourth & 0x20 != 0,
            encryption_parameters_present: fourth & 0x10 != 0,
            encryption_service_requested: fourth & 0x08 != 0,
            recovery_requested: fourth & 0x04 != 0,
            interface_changed: fourth & 0x02 != 0,
            tape_alert_changed: fourth & 0x01 != 0,
        })
    }

    /// Parameter 0001h: how long to wait before asking again.
    #[must_use]
    pub fn polling_delay(page: &LogPage) -> Option<Duration> {
        let delay = u16_at(&page.parameter(0x0001)?.value, 0)?;
        Some(Duration::from_millis(u64::from(delay)))
    }
}

/// Log page 14h: the drive's life. `None` is what the drive doesn't tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeviceStatistics {
    /// 0000h
    pub media_loads: Option<u64>,
    /// 0001h
    pub cleanings: Option<u64>,
    /// 0002h: hours.
    pub power_on_hours: Option<u64>,
    /// 0003h: hours the tape moved.
    pub motion_hours: Option<u64>,
    /// 0004h: metres of tape.
    pub metres: Option<u64>,
    /// 0008h: hours of motion since the last successful cleaning.
    pub motion_hours_since_cleaning: Option<u64>,
    /// 000Ch
    pub power_cycles: Option<u64>,
    /// 000Dh
    pub loads_since_reset: Option<u64>,
    /// 000Eh
    pub hard_write_errors: Option<u64>,
    /// 000Fh
    pub hard_read_errors: Option<u64>,
    /// 0040h: serial number of the maker.
    pub manufacturer_serial: Option<String>,
    /// 0041h: serial number of the drive.
    pub serial: Option<String>,
    /// 0080h
    pub removal_prevented: Option<bool>,
    /// 0081h: the mechanism was once hotter than it should.
    pub too_hot: Option<bool>,
}

impl DeviceStatistics {
    /// From log page 14h.
    #[must_use]
    pub fn from_log(page: &LogPage) -> Self {
        let text = |code| {
            let text = ascii(&page.parameter(code)?.value);
            (!text.is_empty()).then_some(text)
        };
        let flag = |code| page.number(code).map(|value| value & 1 == 1);
        Self {
            media_loads: known(page, 0x0000),
            cleanings: known(page, 0x0001),
            power_on_hours: known(page, 0x0002),
            motion_hours: known(page, 0x0003),
            metres: known(page, 0x0004),
            motion_hours_since_cleaning: known(page, 0x0008),
            power_cycles: known(page, 0x000c),
            loads_since_reset: known(page, 0x000d),
            hard_write_errors: known(page, 0x000e),
            hard_read_errors: known(page, 0x000f),
            manufacturer_serial: text(0x0040),
            serial: text(0x0041),
            removal_prevented: flag(0x0080),
            too_hot: flag(0x0081),
        }
    }
}

impl Drive {
    fn log_page(&mut self, page: u8) -> Result<Option<LogPage>, ScsiError> {
        log::log_sense(&mut *self.transport, page, 0)
    }

    /// What went through the drive since the load; `None` when it lacks the page.
    pub fn sequential_access_counters(
        &mut self,
    ) -> Result<Option<SequentialAccessCounters>, ScsiError> {
        let page = self.log_page(SEQUENTIAL_ACCESS_DEVICE)?;
        Ok(page.map(|page| SequentialAccessCounters::from_log(&page)))
    }

    /// How the drive is now; `None` when it lacks the page or the very high frequency data.
    pub fn device_status(&mut self) -> Result<Option<DeviceStatus>, ScsiError> {
        let page = self.log_page(DEVICE_STATUS)?;
        Ok(page.as_ref().and_then(DeviceStatus::from_log))
    }

    /// The drive's life; `None` when it lacks the page.
    pub fn device_statistics(&mut self) -> Result<Option<DeviceStatistics>, ScsiError> {
        let page = self.log_page(DEVICE_STATISTICS)?;
        Ok(page.map(|page| DeviceStatistics::from_log(&page)))
    }

    /// Errors of writing since the load; `None` when the drive lacks the page.
    pub fn write_errors(&mut self) -> Result<Option<ErrorCounters>, ScsiError> {
        error_counters::write_errors(&mut *self.transport)
    }

    /// Errors of reading since the load; `None` when the drive lacks the page.
    pub fn read_errors(&mut self) -> Result<Option<ErrorCounters>, ScsiError> {
        error_counters::read_errors(&mut *self.transport)
    }
}
