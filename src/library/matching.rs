//! Which drive is in which drive element: a pure decision from what drives and libraries say.
//!
//! In the order of what is believed: the configuration; the identifier the library gives for the
//! element (DVCID of READ ELEMENT STATUS, SMC-3) against the drive's own serial number and
//! designators (VPD pages 80h and 83h); the element address the drive itself gives (VPD page B4h,
//! SSC-4). What remains is inferred: an identifier that is cut off, and the last drive for the
//! last element. What contradicts itself is never matched.

use std::fmt;

use serde::Serialize;
use tapeward_drivers::smc::{DeviceIdentifier, ElementAddress};
use tapeward_drivers::spc::identity::Identity;

use super::view::Place;

/// Which library, by its place in the list of libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct LibraryIndex(pub usize);

/// Which drive, by its place in the list of drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DriveIndex(pub usize);

/// A drive element of one of the libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Bay {
    /// Whose element.
    pub library: LibraryIndex,
    /// Its address.
    pub element: ElementAddress,
}

/// What a drive says of itself, and the configuration of it.
#[derive(Debug, Clone, Default)]
pub struct DriveSeen {
    /// Unit serial number.
    pub serial: Option<String>,
    /// Its names (VPD page 83h).
    pub designators: Vec<DeviceIdentifier>,
    /// The element address it gives (VPD page B4h).
    pub element: Option<ElementAddress>,
    /// The element the configuration puts it in.
    pub configured: Option<Bay>,
}

impl DriveSeen {
    /// From what the drive says.
    #[must_use]
    pub fn new(identity: &Identity, configured: Option<Bay>) -> Self {
        Self {
            serial: identity.serial.clone(),
            designators: identity.designators.clone(),
            element: identity.element,
            configured,
        }
    }
}

/// What a library says of a drive element.
#[derive(Debug, Clone)]
pub struct BaySeen {
    /// Which element.
    pub bay: Bay,
    /// What the library calls the drive in it (DVCID).
    pub device: Option<DeviceIdentifier>,
    /// The library has taken the element out of use.
    pub disabled: bool,
}

impl BaySeen {
    /// From a library's view.
    #[must_use]
    pub fn new(place: &Place, library: LibraryIndex) -> Self {
        Self {
            bay: Bay {
                library,
                element: place.address,
            },
            device: place.device.clone(),
            disabled: place.disabled,
        }
    }
}

/// Why a drive is believed to be in an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The configuration says so, and nothing contradicts it.
    Configured,
    /// The library's identifier of the element names the drive.
    Identifier,
    /// The drive gives the element's address.
    DrivePage,
    /// The library's identifier is cut off, and begins as only this drive's does.
    IdentifierBeginning,
    /// Neither another drive nor another element is left.
    Elimination,
    /// A cartridge moved into the element was found in the drive.
    TrialLoad,
}

impl Evidence {
    /// Not said by either device, but concluded.
    #[must_use]
    pub fn is_inferred(self) -> bool {
        matches!(self, Self::IdentifierBeginning | Self::Elimination)
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Configured => "configuration",
            Self::Identifier => "identifier of the library",
            Self::DrivePage => "page B4h of the drive",
            Self::IdentifierBeginning => "inferred: beginning of an identifier",
            Self::Elimination => "inferred: the last one left",
            Self::TrialLoad => "trial load",
        })
    }
}

/// A drive and its element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The drive.
    pub drive: DriveIndex,
    /// Its element.
    pub bay: Bay,
    /// Why.
    pub evidence: Evidence,
}

/// Something that can't be true at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Two devices with one serial number: one drive on two paths, or a wrong number.
    SameSerial {
        /// The number.
        serial: String,
        /// Who has it.
        drives: Vec<DriveIndex>,
    },
    /// Two drives for one element.
    SameElement {
        /// The element.
        bay: Bay,
        /// Who claims it.
        drives: Vec<DriveIndex>,
    },
    /// Drive, library and configuration put the drive in different elements.
    Contradiction {
        /// The drive.
        drive: DriveIndex,
        /// Where, and who says so.
        claims: Vec<(Bay, Evidence)>,
    },
    /// The configuration puts a drive in an element of which the library says that another drive,
    /// which is none of these, is in it: since the configuration was written, drives were exchanged
    /// or given to other logical libraries.
    OtherDrive {
        /// The drive.
        drive: DriveIndex,
        /// The element.
        bay: Bay,
        /// What the library calls the drive in it.
        named: DeviceIdentifier,
    },
    /// The configuration puts a drive where no drive element is.
    NoSuchElement {
        /// The drive.
        drive: DriveIndex,
        /// Where.
        bay: Bay,
    },
}

impl Conflict {
    /// Whether it is about this drive.
    #[must_use]
    pub fn is_about(&self, index: DriveIndex) -> bool {
        match self {
            Self::SameSerial { drives, .. } | Self::SameElement { drives, .. } => {
                drives.contains(&index)
            }
            Self::Contradiction { drive, .. }
            | Self::OtherDrive { drive, .. }
            | Self::NoSuchElement { drive, .. } => *drive == index,
        }
    }
}

/// Where, and who says so, in words.
#[must_use]
pub fn claims_text(claims: &[(Bay, Evidence)]) -> String {
    let texts: Vec<String> = claims
        .iter()
        .map(|(bay, evidence)| format!("{} ({evidence})", bay.element))
        .collect();
    texts.join(", ")
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matching {
    /// Drives with their elements, by element.
    pub matches: Vec<Match>,
    /// Drives that are in no element anybody knows of.
    pub drives_left: Vec<DriveIndex>,
    /// Elements whose drive is not among the drives.
    pub bays_left: Vec<Bay>,
    /// What can't be true.
    pub conflicts: Vec<Conflict>,
}

impl Matching {
    /// What can't be true of a drive.
    #[must_use]
    pub fn conflict_of(&self, index: DriveIndex) -> Option<&Conflict> {
        self.conflicts
            .iter()
            .find(|conflict| conflict.is_about(index))
    }

    /// The match of a drive.
    #[must_use]
    pub fn of(&self, drive: DriveIndex) -> Option<&Match> {
        self.matches.iter().find(|one| one.drive == drive)
    }
}

/// Shortest part of a serial number that tells drives apart when an identifier is cut off.
const SHORTEST_BEGINNING: usize = 4;

/// Matches drives and elements.
#[must_use]
pub fn match_drives(drives: &[DriveSeen], bays: &[BaySeen]) -> Matching {
    let mut open = Open {
        drives,
        bays,
        result: Matching {
            conflicts: same_serials(drives),
            drives_left: (0..drives.len()).map(DriveIndex).collect(),
            bays_left: bays.iter().map(|seen| seen.bay).collect(),
            ..Matching::default()
        },
    };
    open.match_claims();
    open.match_beginnings();
    open.match_last();
    open.result.matches.sort_by_key(|one| one.bay);
    open.result
}

fn same_serials(drives: &[DriveSeen]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for (at, drive) in drives.iter().enumerate() {
        let Some(serial) = &drive.serial else {
            continue;
        };
        let same: Vec<DriveIndex> = (0..drives.len())
            .filter(|other| drives[*other].serial.as_ref() == Some(serial))
            .map(DriveIndex)
            .collect();
        if same.len() > 1 && same[0] == DriveIndex(at) {
            conflicts.push(Conflict::SameSerial {
                serial: serial.clone(),
                drives: same,
            });
        }
    }
    conflicts
}

struct Open<'a> {
    drives: &'a [DriveSeen],
    bays: &'a [BaySeen],
    result: Matching,
}

impl Open<'_> {
    /// What configuration, libraries and drives say themselves.
    fn match_claims(&mut self) {
        let mut claimed: Vec<(DriveIndex, Bay, Evidence)> = Vec::new();
        for (at, drive) in self.drives.iter().enumerate() {
            let index = DriveIndex(at);
            if self.has_conflict(index) {
                continue;
            }
            let claims = self.claims(index, drive);
            let Some(&(bay, evidence)) = claims.first() else {
                continue;
            };
            if !self.bays.iter().any(|seen| seen.bay == bay) {
                self.conflict(Conflict::NoSuchElement { drive: index, bay });
            } else if claims.iter().any(|(other, _)| *other != bay) {
                self.conflict(Conflict::Contradiction {
                    drive: index,
                    claims,
                });
            } else if let Some(named) = self.other_drive(index, bay) {
                self.conflict(Conflict::OtherDrive {
                    drive: index,
                    bay,
                    named,
                });
            } else {
                claimed.push((index, bay, evidence));
            }
        }
        for (drive, bay, evidence) in &claimed {
            let rivals: Vec<DriveIndex> = claimed
                .iter()
                .filter(|(_, other, _)| other == bay)
                .map(|(drive, ..)| *drive)
                .collect();
            if rivals.len() == 1 {
                self.accept(*drive, *bay, *evidence);
            } else if rivals[0] == *drive {
                self.conflict(Conflict::SameElement {
                    bay: *bay,
                    drives: rivals,
                });
            }
        }
    }

    /// Where a drive is said to be, the most believable first.
    fn claims(&self, index: DriveIndex, drive: &DriveSeen) -> Vec<(Bay, Evidence)> {
        let mut claims = Vec::new();
        claims.extend(drive.configured.map(|bay| (bay, Evidence::Configured)));
        let named = self
            .bays
            .iter()
            .filter(|seen| self.best_named(seen) == Some(index));
        claims.extend(named.map(|seen| (seen.bay, Evidence::Identifier)));
        let addressed = self.addressed(index, drive);
        let fits = |bay: &Bay| {
            claims
                .first()
                .is_none_or(|(known, _)| bay.library == known.library)
        };
        let bay = only(addressed.into_iter().filter(fits));
        claims.extend(bay.map(|bay| (bay, Evidence::DrivePage)));
        claims
    }

    /// What the library calls the drive in an element, where that cannot be this drive: nor is it
    /// another one of these, which then claims the element itself.
    fn other_drive(&self, index: DriveIndex, bay: Bay) -> Option<DeviceIdentifier> {
        let seen = self.bays.iter().find(|seen| seen.bay == bay)?;
        let device = seen.device.as_ref()?;
        let other = self.best_named(seen).is_none() && names_another(device, &self.drives[index.0]);
        other.then(|| device.clone())
    }

    /// The elements with the address that a drive gives. It does not say in which library: where
    /// there are several, those that name another drive are left out. With one, that is a
    /// contradiction to be told, unless the drive it names is not here.
    fn addressed(&self, index: DriveIndex, drive: &DriveSeen) -> Vec<Bay> {
        let serial = drive.serial.as_deref().unwrap_or_default();
        let mut found: Vec<(Bay, Option<DriveIndex>)> = self
            .bays
            .iter()
            .filter(|seen| drive.element == Some(seen.bay.element))
            .map(|seen| (seen, self.best_named(seen)))
            .filter(|(seen, named)| {
                named.is_some()
                    || seen.device.as_ref().is_none_or(|device| {
                        device.text().is_none() || ends_in_beginning(device, serial)
                    })
            })
            .map(|(seen, named)| (seen.bay, named))
            .collect();
        if found.len() > 1 {
            found.retain(|(_, named)| named.is_none_or(|named| named == index));
        }
        found.into_iter().map(|(bay, _)| bay).collect()
    }

    /// The drive that the identifier of an element names: by a designator, else by the longest
    /// serial number at its end.
    fn best_named(&self, seen: &BaySeen) -> Option<DriveIndex> {
        let device = seen.device.as_ref()?;
        let by_designator = self.drives.iter().position(|drive| {
            drive
                .designators
                .iter()
                .any(|own| own.kind == device.kind && own.bytes == device.bytes)
        });
        by_designator
            .or_else(|| {
                let named = self.drives.iter().enumerate().filter_map(|(at, drive)| {
                    let serial = drive.serial.as_ref()?;
                    device.names_serial(serial).then_some((serial.len(), at))
                });
                named.max().map(|(_, at)| at)
            })
            .map(DriveIndex)
    }

    /// Identifiers that were cut off.
    fn match_beginnings(&mut self) {
        let mut found = Vec::new();
        for seen in self.unmatched_bays() {
            let mut candidates = self.free_drives().filter(|index| {
                let serial = self.drives[index.0].serial.as_deref().unwrap_or_default();
                seen.device
                    .as_ref()
                    .is_some_and(|device| ends_in_beginning(device, serial))
            });
            if let (Some(drive), None) = (candidates.next(), candidates.next()) {
                found.push((drive, seen.bay));
            }
        }
        for (drive, bay) in &found {
            if found.iter().filter(|(other, _)| other == drive).count() == 1 {
                self.accept(*drive, *bay, Evidence::IdentifierBeginning);
            }
        }
    }

    /// One drive and one element without a name of its own are left.
    fn match_last(&mut self) {
        if !self.result.conflicts.is_empty() {
            return;
        }
        let drive = only(self.free_drives());
        let bay = only(
            self.unmatched_bays()
                .filter(|seen| seen.device.is_none() && !seen.disabled),
        )
        .map(|seen| seen.bay);
        if let (Some(drive), Some(bay)) = (drive, bay) {
            self.accept(drive, bay, Evidence::Elimination);
        }
    }

    fn free_drives(&self) -> impl Iterator<Item = DriveIndex> {
        self.result
            .drives_left
            .iter()
            .copied()
            .filter(|index| !self.has_conflict(*index))
    }

    fn unmatched_bays(&self) -> impl Iterator<Item = &BaySeen> {
        self.bays
            .iter()
            .filter(|seen| self.result.bays_left.contains(&seen.bay))
    }

    fn has_conflict(&self, index: DriveIndex) -> bool {
        self.result.conflict_of(index).is_some()
    }

    fn conflict(&mut self, conflict: Conflict) {
        self.result.conflicts.push(conflict);
    }

    fn accept(&mut self, drive: DriveIndex, bay: Bay, evidence: Evidence) {
        self.result.drives_left.retain(|left| *left != drive);
        self.result.bays_left.retain(|left| *left != bay);
        self.result.matches.push(Match {
            drive,
            bay,
            evidence,
        });
    }
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

/// Whether the text of an identifier ends in the first characters of a serial number.
fn ends_in_beginning(device: &DeviceIdentifier, serial: &str) -> bool {
    let Some(text) = device.text() else {
        return false;
    };
    let text = text.as_bytes();
    let serial = serial.trim().as_bytes();
    (SHORTEST_BEGINNING..serial.len()).any(|length| text.ends_with(&serial[..length]))
}

/// Whether a library's identifier is of the same kind and length as a drive's own one, and another.
/// What a library says in any other form is not about the drive's own names.
fn names_another(device: &DeviceIdentifier, drive: &DriveSeen) -> bool {
    let serial = drive.serial.as_deref().unwrap_or_default();
    let alike = |own: &&DeviceIdentifier| {
        (own.kind, own.association) == (device.kind, device.association)
            && own.bytes.len() == device.bytes.len()
    };
    let mut own = drive.designators.iter().filter(alike).peekable();
    own.peek().is_some()
        && own.all(|own| own.bytes != device.bytes)
        && !device.names_serial(serial)
        && !ends_in_beginning(device, serial)
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
