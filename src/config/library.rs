//! Tape libraries, and how their devices are named and reached.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One tape library.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum LibraryConfig {
    /// A virtual library in a folder, served by a process of its own.
    #[serde(rename_all = "kebab-case")]
    Virtual {
        /// The folder; relative paths start at the state folder.
        path: PathBuf,
        /// Whether drives are reserved while they are held.
        #[serde(default, skip_serializing_if = "Reservations::is_usual")]
        reservations: Reservations,
        /// Drives that jobs leave to restores, as long as another one works.
        #[serde(default, skip_serializing_if = "is_none_of_them")]
        restore_drives: u16,
    },
    /// A real library.
    #[serde(rename_all = "kebab-case")]
    Scsi {
        /// The medium changer.
        changer: ChangerConfig,
        /// The drives.
        #[serde(default)]
        drive: Vec<DriveConfig>,
        /// Whether drives are reserved while they are held.
        #[serde(default, skip_serializing_if = "Reservations::is_usual")]
        reservations: Reservations,
        /// Drives that jobs leave to restores, as long as another one works.
        #[serde(default, skip_serializing_if = "is_none_of_them")]
        restore_drives: u16,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
fn is_none_of_them(number: &u16) -> bool {
    *number == 0
}

impl LibraryConfig {
    /// Drives that jobs leave to restores, as long as another one works.
    #[must_use]
    pub fn restore_drives(&self) -> u16 {
        match self {
            Self::Virtual { restore_drives, .. } | Self::Scsi { restore_drives, .. } => {
                *restore_drives
            }
        }
    }

    /// Whether drives are reserved while they are held.
    #[must_use]
    pub fn reservations(&self) -> Reservations {
        match self {
            Self::Virtual { reservations, .. } | Self::Scsi { reservations, .. } => *reservations,
        }
    }
}

/// Whether a drive is kept from other hosts while it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reservations {
    /// By a persistent reservation, where the drive has them.
    #[default]
    Persistent,
    /// Not: other programs of this host use the drives by another path, for example.
    Off,
}

impl Reservations {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// The medium changer of a real library: `serial`, or `device` for one that has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChangerConfig {
    /// Unit serial number; its node is looked for whenever it is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// A node, or a link that names the device for good: `/dev/tape/by-id/...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<PathBuf>,
    /// How it is reached; by SCSI commands unless `device` is the kernel's own node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<DevicePath>,
}

/// One drive of a real library: `serial`, or `device` for one that has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DriveConfig {
    /// Unit serial number; its node is looked for whenever it is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// A node, or a link that names the device for good: `/dev/tape/by-id/...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<PathBuf>,
    /// How it is reached; by SCSI commands unless `device` is the kernel's own node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<DevicePath>,
    /// Element address of the drive's place in the library; found out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u16>,
}

/// How a device is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DevicePath {
    /// SCSI commands through `/dev/sgN`: everything the device can do.
    Sg,
    /// The kernel's own driver, `/dev/nstN` or `/dev/schN`: without block protection, early
    /// warning where asked for, cartridge memory and sense data.
    Kernel,
}

/// What a device is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceName<'a> {
    /// Unit serial number.
    Serial(&'a str),
    /// A node or a link to one.
    Node(&'a Path),
}

impl fmt::Display for DeviceName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => write!(f, "serial {serial}"),
            Self::Node(path) => path.display().fmt(f),
        }
    }
}

fn device_name<'a>(
    serial: Option<&'a str>,
    device: Option<&'a Path>,
) -> Result<DeviceName<'a>, &'static str> {
    match (serial, device) {
        (Some(serial), None) if !serial.trim().is_empty() => Ok(DeviceName::Serial(serial)),
        (None, Some(device)) => Ok(DeviceName::Node(device)),
        (Some(_), None) => Err("has an empty serial"),
        (Some(_), Some(_)) => Err("has both serial and device; one of them names it"),
        (None, None) => Err("has no serial"),
    }
}

impl ChangerConfig {
    /// What it is known by.
    ///
    /// # Errors
    /// What is wrong, for a sentence that begins with the device.
    pub fn name(&self) -> Result<DeviceName<'_>, &'static str> {
        device_name(self.serial.as_deref(), self.device.as_deref())
    }
}

impl DriveConfig {
    /// What it is known by.
    ///
    /// # Errors
    /// What is wrong, for a sentence that begins with the device.
    pub fn name(&self) -> Result<DeviceName<'_>, &'static str> {
        device_name(self.serial.as_deref(), self.device.as_deref())
    }
}

/// Every device is known by one thing, and no drive or robot is in two places.
pub(super) fn check_devices(libraries: &BTreeMap<String, LibraryConfig>) -> Result<(), String> {
    let mut seen: Vec<(DeviceName<'_>, String)> = Vec::new();
    for (library, config) in libraries {
        let LibraryConfig::Scsi { changer, drive, .. } = config else {
            continue;
        };
        let changer = (format!("library.{library}.changer"), changer.name());
        let drives = drive.iter().enumerate().map(|(at, drive)| {
            let place = format!("drive {} of library.{library}", at + 1);
            (place, drive.name())
        });
        for (place, name) in std::iter::once(changer).chain(drives) {
            let name = name.map_err(|what| format!("{place} {what}"))?;
            if let Some((_, other)) = seen.iter().find(|(known, _)| *known == name) {
                return Err(format!("{other} and {place} are the same ({name})"));
            }
            seen.push((name, place));
        }
        let elements: Vec<u16> = drive.iter().filter_map(|one| one.element).collect();
        if let Some(twice) = elements
            .iter()
            .enumerate()
            .find_map(|(at, one)| elements[..at].contains(one).then_some(one))
        {
            return Err(format!(
                "two drives of library.{library} are in element {twice}"
            ));
        }
    }
    Ok(())
}
