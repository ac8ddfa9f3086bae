//! What was found, for people and programs.

use serde::Serialize;
use tapeward_drivers::linux::scan::{ScsiAddress, ScsiDevice};
use tapeward_drivers::smc::{ElementAddress, ElementKind};

use super::Survey;
use crate::library::fitting::KeyGiver;
use crate::library::matching::{Conflict, DriveIndex, Evidence, LibraryIndex, claims_text};

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Medium changers.
    pub libraries: Vec<LibraryRow>,
    /// Drives.
    pub drives: Vec<DriveRow>,
    /// What can't be true, or could not be asked; nothing is configured until it is solved.
    pub conflicts: Vec<String>,
    /// What is worth knowing.
    pub remarks: Vec<String>,
}

/// Nodes of a device and what it says of itself.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceRow {
    /// Where it is attached.
    pub address: ScsiAddress,
    /// SCSI generic node.
    pub generic: Option<String>,
    /// The kernel's own node.
    pub kernel: Option<String>,
    /// Vendor identification.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// Firmware level.
    pub firmware: String,
    /// Unit serial number.
    pub serial: Option<String>,
}

/// A medium changer.
#[derive(Debug, Clone, Serialize)]
pub struct LibraryRow {
    /// The device.
    #[serde(flatten)]
    pub device: DeviceRow,
    /// Storage elements.
    pub slots: usize,
    /// Import/export elements.
    pub mail_slots: usize,
    /// Drive elements.
    pub drives: usize,
    /// Cartridges.
    pub cartridges: usize,
    /// Serial numbers of changers that look like partitions of the same library.
    pub partitions: Vec<String>,
}

/// A drive.
#[derive(Debug, Clone, Serialize)]
pub struct DriveRow {
    /// The device.
    #[serde(flatten)]
    pub device: DeviceRow,
    /// Serial number of its library's changer.
    pub library: Option<String>,
    /// Its element.
    pub element: Option<ElementAddress>,
    /// How that is known.
    pub evidence: Option<Evidence>,
    /// Whether it is concluded and not said by a device.
    pub inferred: bool,
    /// Who gives it keys; null when it was not asked, or does not say.
    pub encryption: Option<KeyGiver>,
}

fn device_row(device: &ScsiDevice, identity: &super::Identity) -> DeviceRow {
    let text = |path: Option<&std::path::Path>| path.map(|path| path.display().to_string());
    DeviceRow {
        address: device.address,
        generic: text(device.generic.as_deref()),
        kernel: text(device.kernel_node()),
        vendor: identity.vendor.clone(),
        product: identity.product.clone(),
        firmware: identity.revision.clone(),
        serial: identity.serial.clone(),
    }
}

impl Report {
    /// Of a survey.
    #[must_use]
    pub fn new(survey: &Survey) -> Self {
        Self {
            libraries: (0..survey.libraries.len())
                .map(|index| library_row(survey, LibraryIndex(index)))
                .collect(),
            drives: (0..survey.drives.len())
                .map(|index| drive_row(survey, DriveIndex(index)))
                .collect(),
            conflicts: conflicts(survey),
            remarks: remarks(survey),
        }
    }
}

fn library_row(survey: &Survey, index: LibraryIndex) -> LibraryRow {
    let library = &survey.libraries[index.0];
    let count = |kind| {
        let view = library.view.as_ref();
        view.map_or(0, |view| view.of_kind(kind).count())
    };
    LibraryRow {
        device: device_row(&library.device, &library.identity),
        slots: count(ElementKind::Storage),
        mail_slots: count(ElementKind::ImportExport),
        drives: count(ElementKind::DataTransfer),
        cartridges: library
            .view
            .as_ref()
            .map_or(0, |view| view.places.iter().filter(|one| one.full).count()),
        partitions: survey
            .partitions(index)
            .into_iter()
            .filter_map(|other| other.identity.serial.clone())
            .collect(),
    }
}

fn drive_row(survey: &Survey, index: DriveIndex) -> DriveRow {
    let drive = survey.drive(index);
    let found = survey.matching.of(index);
    DriveRow {
        device: device_row(&drive.device, &drive.identity),
        library: found.and_then(|found| {
            let library = &survey.libraries[found.bay.library.0];
            library.identity.serial.clone()
        }),
        element: found.map(|found| found.bay.element),
        evidence: found.map(|found| found.evidence),
        inferred: found.is_some_and(|found| found.evidence.is_inferred()),
        encryption: drive.key_giver,
    }
}

fn conflicts(survey: &Survey) -> Vec<String> {
    let names = |drives: &[DriveIndex]| -> String {
        let places: Vec<String> = drives
            .iter()
            .map(|index| survey.drive(*index).device.address.to_string())
            .collect();
        places.join(" and ")
    };
    let mut all: Vec<String> = survey
        .matching
        .conflicts
        .iter()
        .map(|conflict| match conflict {
            Conflict::SameSerial { serial, drives } => format!(
                "the drives at {} have one serial number, {serial}: attach a drive by one path only",
                names(drives)
            ),
            Conflict::SameElement { bay, drives } => format!(
                "the drives at {} are said to be in one element, {}",
                names(drives),
                bay.element
            ),
            Conflict::Contradiction { drive, claims } => format!(
                "{} is said to be in several elements: {}",
                survey.drive(*drive).name(),
                claims_text(claims)
            ),
            Conflict::OtherDrive { drive, bay, named } => format!(
                "{} is configured for element {}, whose drive the library calls \"{named}\"",
                survey.drive(*drive).name(),
                bay.element
            ),
            Conflict::NoSuchElement { drive, bay } => format!(
                "{} is configured for element {}, which is no drive element",
                survey.drive(*drive).name(),
                bay.element
            ),
        })
        .collect();
    for (index, library) in survey.libraries.iter().enumerate() {
        if let Err(error) = &library.view {
            all.push(format!("{}: {error}", library.name()));
        }
        let serial = library.identity.serial.as_ref();
        let twin = survey.libraries[..index]
            .iter()
            .find(|other| serial.is_some() && other.identity.serial.as_ref() == serial);
        if let Some(twin) = twin {
            all.push(format!(
                "the medium changers at {} and {} have one serial number: attach a changer by one path only",
                twin.device.address, library.device.address
            ));
        }
    }
    all.extend(survey.silent.iter().cloned());
    all
}

fn remarks(survey: &Survey) -> Vec<String> {
    let mut all = Vec::new();
    for bay in &survey.matching.bays_left {
        let library = &survey.libraries[bay.library.0];
        let called = library
            .view
            .as_ref()
            .ok()
            .and_then(|view| view.at(bay.element)?.device.as_ref())
            .map_or_else(String::new, |device| {
                format!(", which the library calls \"{device}\"")
            });
        all.push(format!(
            "the drive in element {} of {}{called} is not attached to this machine, or not known to be",
            bay.element,
            library.name()
        ));
    }
    for index in &survey.matching.drives_left {
        if survey.matching.conflict_of(*index).is_none() {
            all.push(format!(
                "{} is in no element that a library names",
                survey.drive(*index).name()
            ));
        }
    }
    for library in &survey.libraries {
        let anomalies = library
            .view
            .as_ref()
            .map_or(&[][..], |view| &view.anomalies);
        all.extend(
            anomalies
                .iter()
                .map(|anomaly| format!("{}: {anomaly}", library.name())),
        );
    }
    for drive in &survey.drives {
        if drive.key_giver == Some(KeyGiver::Library) {
            all.push(format!(
                "{} is given its keys by the library: sets with encryption \"drive\" are refused",
                drive.name()
            ));
        }
    }
    let mixed = survey.drives.iter().enumerate().find_map(|(at, drive)| {
        let same_kind = |other: &&super::FoundDrive| {
            other.identity.product == drive.identity.product
                && other.identity.revision != drive.identity.revision
        };
        survey.drives[..at].iter().find(same_kind).map(|_| drive)
    });
    if let Some(drive) = mixed {
        all.push(format!(
            "drives of kind {} have different firmware levels",
            drive.identity.product
        ));
    }
    all
}
