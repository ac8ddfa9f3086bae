//! The section of the configuration that describes a library, from what was found. The rest of
//! the file stays as it is, comments included.

use std::fmt::Write as _;

use tapeward_drivers::smc::ElementAddress;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::Survey;
use crate::config::{ChangerConfig, Config, DevicePath, DriveConfig, LibraryConfig, Reservations};
use crate::error::{Context, Error, Result};
use crate::library::matching::{Evidence, LibraryIndex};

/// Begins the comment above a section that was written here; the digest behind it tells whether
/// somebody has changed the section since.
const MARK: &str =
    "# Written by \"tapeward library discover\"; renewed by it unless changed by hand. ";

/// What to write of one library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Serial number of the changer.
    pub changer: String,
    /// Serial number and element of each drive, by element, and how that is known.
    pub drives: Vec<(String, ElementAddress, Evidence)>,
    /// The kernel's own drivers instead of SCSI commands.
    pub path: Option<DevicePath>,
}

/// Whether drive elements may stay without a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elements {
    /// Every one must have one.
    All,
    /// Drives of other hosts are left out.
    AsFound,
}

/// Whether a section that somebody has written or changed may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandMade {
    /// No.
    Keep,
    /// Somebody has said so.
    Replace,
}

impl Section {
    /// Of one library of a survey.
    ///
    /// # Errors
    /// A changer or a matched drive without a serial number; no drive at all; an element whose
    /// drive is not known, unless that is allowed.
    pub fn new(survey: &Survey, index: LibraryIndex, elements: Elements) -> Result<Self> {
        let library = &survey.libraries[index.0];
        let by_hand = "describe it by hand in config.toml, with device = \"/dev/tape/by-path/...\"";
        let changer = library.identity.serial.clone().ok_or_else(|| {
            Error::failed(format!("{} tells no serial number", library.name())).hint(by_hand)
        })?;
        let mut drives = Vec::new();
        for one in &survey.matching.matches {
            if one.bay.library != index {
                continue;
            }
            let drive = survey.drive(one.drive);
            let serial = drive.identity.serial.clone().ok_or_else(|| {
                Error::failed(format!("{} tells no serial number", drive.name())).hint(by_hand)
            })?;
            drives.push((serial, one.bay.element, one.evidence));
        }
        let missing: Vec<String> = survey
            .matching
            .bays_left
            .iter()
            .filter(|bay| bay.library == index)
            .map(|bay| bay.element.to_string())
            .collect();
        if elements == Elements::All && !missing.is_empty() {
            return Err(Error::failed(format!(
                "the drive of element {} of {} is not known",
                missing.join(" and of element "),
                library.name()
            ))
            .hint("attach it; find it with --trial BARCODE; or leave it out with --partial"));
        }
        if drives.is_empty() {
            return Err(Error::failed(format!(
                "no drive of {} is attached to this machine",
                library.name()
            )));
        }
        Ok(Self {
            changer,
            drives,
            path: None,
        })
    }

    /// As the configuration has it.
    #[must_use]
    pub fn config(&self) -> LibraryConfig {
        LibraryConfig::Scsi {
            changer: ChangerConfig {
                serial: Some(self.changer.clone()),
                device: None,
                path: self.path,
            },
            drive: self
                .drives
                .iter()
                .map(|(serial, element, _)| DriveConfig {
                    serial: Some(serial.clone()),
                    device: None,
                    path: self.path,
                    element: Some(element.0),
                })
                .collect(),
            reservations: Reservations::default(),
            restore_drives: 0,
        }
    }

    fn table(&self, mark: &str) -> Table {
        let mut changer = Table::new();
        changer.insert("serial", value(&self.changer));
        let path = self.path.map(|path| match path {
            DevicePath::Sg => "sg",
            DevicePath::Kernel => "kernel",
        });
        if let Some(path) = path {
            changer.insert("path", value(path));
        }
        let mut drives = ArrayOfTables::new();
        for (serial, element, evidence) in &self.drives {
            let mut drive = Table::new();
            drive.insert("serial", value(serial));
            if let Some(path) = path {
                drive.insert("path", value(path));
            }
            let mut address = toml_edit::Value::from(i64::from(element.0));
            address.decor_mut().set_suffix(format!(" # {evidence}"));
            drive.insert("element", Item::Value(address));
            drives.push(drive);
        }
        let mut table = Table::new();
        table.decor_mut().set_prefix(format!("\n{mark}\n"));
        table.insert("kind", value("scsi"));
        table.insert("changer", Item::Table(changer));
        table.insert("drive", Item::ArrayOfTables(drives));
        table
    }
}

fn mark(config: &LibraryConfig) -> Result<String> {
    let text = toml::to_string(config).context("cannot render the configuration")?;
    let digest = blake3::hash(text.as_bytes()).to_hex();
    Ok(format!("{MARK}({})", &digest[..16]))
}

/// The text of the configuration file with this section, or `None` when it says so already.
///
/// # Errors
/// A section of this name that somebody has written or changed, unless it may be replaced; the
/// message says what would change.
pub fn put(
    text: &str,
    name: &str,
    section: &Section,
    hand_made: HandMade,
) -> Result<Option<String>> {
    let mut document: DocumentMut = text.parse().context("cannot read config.toml")?;
    let wanted = section.config();
    let libraries = document
        .entry("library")
        .or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        })
        .as_table_mut()
        .ok_or_else(|| Error::usage("\"library\" in config.toml is not a table"))?;
    if let Some(present) = libraries.get(name) {
        let known = read(text, name)?;
        if known == wanted {
            return Ok(None);
        }
        let comment = present
            .as_table()
            .and_then(|table| table.decor().prefix())
            .and_then(|prefix| prefix.as_str())
            .unwrap_or_default();
        let own = comment.contains(&mark(&known)?) && same_changer(&known, section);
        if !own && hand_made == HandMade::Keep {
            return Err(Error::usage(format!(
                "library.{name} in config.toml was written or changed by hand and differs: {}",
                differences(&known, &wanted)
            ))
            .hint("replace it with --replace, or write another section with --name"));
        }
    }
    libraries.insert(name, Item::Table(section.table(&mark(&wanted)?)));
    Ok(Some(document.to_string()))
}

/// The section of another library is not ours to renew.
fn same_changer(known: &LibraryConfig, section: &Section) -> bool {
    matches!(known, LibraryConfig::Scsi { changer, .. }
        if changer.serial.as_ref() == Some(&section.changer))
}

/// The name of the section that has this changer.
#[must_use]
pub fn name_of(config: &Config, section: &Section) -> Option<String> {
    let mut libraries = config.library.iter();
    libraries
        .find(|(_, known)| same_changer(known, section))
        .map(|(name, _)| name.clone())
}

fn read(text: &str, name: &str) -> Result<LibraryConfig> {
    let config = Config::parse(text, std::path::Path::new("config.toml"))?;
    let (_, library) = config.library(Some(name))?;
    Ok(library.clone())
}

/// What is configured but was not found, and the reverse, in a few words.
fn differences(known: &LibraryConfig, wanted: &LibraryConfig) -> String {
    let lines = |config: &LibraryConfig| -> Vec<String> {
        match config {
            LibraryConfig::Virtual { .. } => vec!["a virtual library".to_owned()],
            LibraryConfig::Scsi { changer, drive, .. } => {
                let name = changer.name().map(|name| format!("changer {name}"));
                let drives = drive.iter().map(|one| {
                    let mut text = one
                        .name()
                        .map_or_else(str::to_owned, |name| format!("drive {name}"));
                    if let Some(element) = one.element {
                        // Writing to a string cannot fail.
                        let _ = write!(text, " in element {element}");
                    }
                    if one.path == Some(DevicePath::Kernel) {
                        text.push_str(" by the kernel's driver");
                    }
                    text
                });
                std::iter::once(name.unwrap_or_else(str::to_owned))
                    .chain(drives)
                    .collect()
            }
        }
    };
    let (known, wanted) = (lines(known), lines(wanted));
    let only = |these: &[String], those: &[String]| -> String {
        let left: Vec<&str> = these
            .iter()
            .filter(|line| !those.contains(line))
            .map(String::as_str)
            .collect();
        if left.is_empty() {
            "nothing else".to_owned()
        } else {
            left.join(", ")
        }
    };
    format!(
        "configured is {}; found was {}",
        only(&known, &wanted),
        only(&wanted, &known)
    )
}

#[cfg(test)]
#[path = "section_tests.rs"]
mod tests;
