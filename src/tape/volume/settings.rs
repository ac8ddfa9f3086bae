//! The modes a drive is in while a volume is written, and how its end is noticed in time.

use tapeward_drivers::Drive;
use tapeward_drivers::ssc::{Buffering, DriveModes, Megabytes};

use crate::clock::SharedClock;
use crate::tape::error::VolumeError;
use crate::tape::stream::Geometry;

/// How a volume is written.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Tells the time for labels and directories.
    pub clock: SharedClock,
    /// The sizes of the stream, which say how much must still fit when it is told to stop.
    pub geometry: Geometry,
    /// Whether the drive compresses; of no use for encrypted data.
    pub compression: DriveCompression,
}

/// Compression by the drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DriveCompression {
    /// The drive writes what it is given.
    #[default]
    Off,
    /// The drive compresses.
    On,
}

/// What tells that only the reserve is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EarlyWarning {
    /// The drive warns at the place it was asked to (SSC-4, PEWS).
    Programmable,
    /// The drive has no such thing: bytes are counted against what it said is left, or against
    /// the cartridge's native capacity.
    Counted,
}

/// A drive whose modes were set, with those it had before.
pub(super) struct Prepared {
    pub(super) before: DriveModes,
    pub(super) early_warning: EarlyWarning,
}

/// Sets the modes writing depends on: buffered, variable block length, compression, programmable
/// early warning.
pub(super) fn prepare(
    drive: &mut Drive,
    settings: &WriterSettings,
) -> Result<Prepared, VolumeError> {
    let doing = "setting the drive's modes";
    let before = drive.modes().map_err(VolumeError::scsi(doing))?;
    if before.write_protected {
        return Err(VolumeError::WriteProtected);
    }
    let reserve = settings.geometry.reserve();
    // PEWS counts in units of 10^6 bytes (SSC-4, device configuration extension).
    let megabytes = reserve.div_ceil(1_000_000);
    let wanted = Megabytes(u16::try_from(megabytes).unwrap_or(u16::MAX));
    let set = drive
        .set_modes(&DriveModes {
            buffering: Buffering::Buffered,
            block_length: 0,
            compression: Some(settings.compression == DriveCompression::On),
            programmable_early_warning: Some(wanted),
            write_protected: false,
        })
        .map_err(VolumeError::scsi(doing))?;
    for shortfall in &set.shortfalls {
        tracing::info!(drive = drive.path(), %shortfall, "a mode is not as asked for");
    }
    let granted = set
        .modes
        .programmable_early_warning
        .is_some_and(|size| u64::from(size.0) * 1_000_000 >= reserve);
    Ok(Prepared {
        before,
        early_warning: if granted {
            EarlyWarning::Programmable
        } else {
            EarlyWarning::Counted
        },
    })
}

/// Puts the modes back as they were.
pub(super) fn restore(drive: &mut Drive, before: &DriveModes) {
    if let Err(error) = drive.set_modes(before) {
        tracing::warn!(drive = drive.path(), %error, "the drive's modes could not be restored");
    }
}
