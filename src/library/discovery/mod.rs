//! What libraries and drives are attached to this machine, and which drive is in which element.

pub mod report;
pub mod section;
pub mod trial;

use tapeward_drivers::linux::scan::{DeviceKind, ScsiDevice};
use tapeward_drivers::linux::sg::SgDevice;
use tapeward_drivers::smc::{self, ElementKind, InventoryOptions};
use tapeward_drivers::spc::identity::Identity;
use tapeward_drivers::{Drive, ssc};

use super::attachment;
use super::fitting::{KeyGiver, key_giver};
use super::matching::{BaySeen, DriveIndex, DriveSeen, LibraryIndex, Matching, match_drives};
use super::view::View;
use crate::error::{Context, Error, Result};

/// A medium changer of this machine.
#[derive(Debug, Clone)]
pub struct FoundLibrary {
    /// Its nodes.
    pub device: ScsiDevice,
    /// Who it is.
    pub identity: Identity,
    /// Its elements; the reason why not, where they can't be read.
    pub view: Result<View, String>,
}

impl FoundLibrary {
    /// How it is called in messages.
    #[must_use]
    pub fn name(&self) -> String {
        let serial = self.identity.serial.as_deref().unwrap_or("no serial");
        format!(
            "{} {} ({serial})",
            self.identity.vendor, self.identity.product
        )
    }
}

/// A tape drive of this machine.
#[derive(Debug, Clone)]
pub struct FoundDrive {
    /// Its nodes.
    pub device: ScsiDevice,
    /// Who it is.
    pub identity: Identity,
    /// Who gives it keys; unknown while another program uses it.
    pub key_giver: Option<KeyGiver>,
}

impl FoundDrive {
    /// How it is called in messages.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.identity.serial {
            Some(serial) => format!("drive {serial}"),
            None => format!("the drive at {}", self.device.address),
        }
    }
}

/// Everything that is attached.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Medium changers, by where they are attached.
    pub libraries: Vec<FoundLibrary>,
    /// Drives, likewise.
    pub drives: Vec<FoundDrive>,
    /// Which drive is where.
    pub matching: Matching,
    /// Devices that could not be asked, and why.
    pub silent: Vec<String>,
}

impl Survey {
    /// Looks at this machine. Nothing is moved, locked or changed; devices in use are asked who they
    /// are, and whoever uses them does not notice.
    pub fn take() -> Result<Self> {
        let mut libraries = Vec::new();
        let mut drives = Vec::new();
        let mut silent = Vec::new();
        for device in attachment::attached()? {
            let identity = match device.identity() {
                Ok(identity) => identity,
                Err(error) => {
                    silent.push(format!("{} at {}: {error}", device.kind, device.address));
                    continue;
                }
            };
            match device.kind {
                DeviceKind::TapeDrive => drives.push(FoundDrive {
                    key_giver: ask_key_giver(&device),
                    device,
                    identity,
                }),
                DeviceKind::MediumChanger => libraries.push(FoundLibrary {
                    view: look(&device).map_err(|error| error.to_string()),
                    device,
                    identity,
                }),
            }
        }
        let matching = Self::match_all(&libraries, &drives);
        Ok(Self {
            libraries,
            drives,
            matching,
            silent,
        })
    }

    fn match_all(libraries: &[FoundLibrary], drives: &[FoundDrive]) -> Matching {
        let seen: Vec<DriveSeen> = drives
            .iter()
            .map(|drive| DriveSeen::new(&drive.identity, None))
            .collect();
        let bays: Vec<BaySeen> = libraries
            .iter()
            .enumerate()
            .filter_map(|(index, library)| Some((LibraryIndex(index), library.view.as_ref().ok()?)))
            .flat_map(|(index, view)| {
                view.of_kind(ElementKind::DataTransfer)
                    .map(move |place| BaySeen::new(place, index))
            })
            .collect();
        match_drives(&seen, &bays)
    }

    /// Takes in what a trial load found.
    pub fn accept(&mut self, found: &[super::matching::Match]) {
        let matching = &mut self.matching;
        for one in found {
            matching.drives_left.retain(|left| *left != one.drive);
            matching.bays_left.retain(|left| *left != one.bay);
        }
        matching.matches.extend_from_slice(found);
        matching.matches.sort_by_key(|one| one.bay);
    }

    /// The library whose changer has this serial number, or the only one.
    pub fn library(&self, serial: Option<&str>) -> Result<LibraryIndex> {
        let hint = || {
            let names: Vec<String> = self.libraries.iter().map(FoundLibrary::name).collect();
            format!("attached: {}", names.join(", "))
        };
        let found = match serial {
            Some(serial) => self
                .libraries
                .iter()
                .position(|library| library.identity.serial.as_deref() == Some(serial))
                .ok_or_else(|| {
                    Error::usage(format!("no medium changer has the serial number {serial}"))
                        .hint(hint())
                })?,
            None if self.libraries.len() > 1 => {
                return Err(
                    Error::usage("several medium changers are attached to this machine")
                        .hint(format!("choose one with --changer SERIAL; {}", hint())),
                );
            }
            None if self.libraries.is_empty() => {
                return Err(
                    Error::failed("no medium changer is attached to this machine")
                        .hint("switch it on, check its cable, and load the drivers sg and ch"),
                );
            }
            None => 0,
        };
        Ok(LibraryIndex(found))
    }

    /// Other changers that look like partitions of the same library: the same product, and serial
    /// numbers that differ in their last few characters only.
    #[must_use]
    pub fn partitions(&self, of: LibraryIndex) -> Vec<&FoundLibrary> {
        let this = &self.libraries[of.0];
        self.libraries
            .iter()
            .enumerate()
            .filter(|(index, other)| *index != of.0 && share_a_frame(this, other))
            .map(|(_, other)| other)
            .collect()
    }

    /// A drive.
    #[must_use]
    pub fn drive(&self, index: DriveIndex) -> &FoundDrive {
        &self.drives[index.0]
    }
}

/// Longest part in which serial numbers of partitions differ.
const PARTITION_SUFFIX: usize = 4;

fn share_a_frame(one: &FoundLibrary, other: &FoundLibrary) -> bool {
    let (Some(a), Some(b)) = (&one.identity.serial, &other.identity.serial) else {
        return false;
    };
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let rest = a.len().max(b.len()) - common;
    one.identity.vendor == other.identity.vendor
        && one.identity.product == other.identity.product
        && common >= 2 * PARTITION_SUFFIX
        && (1..=PARTITION_SUFFIX).contains(&rest)
}

/// Asks a drive that no program of this machine has open.
fn ask_key_giver(device: &ScsiDevice) -> Option<KeyGiver> {
    // The kernel lets in one program at a time.
    let _node = match &device.tape {
        Some(node) => Some(super::node::open(node).ok()?),
        None => None,
    };
    let transport = SgDevice::open(device.generic.as_ref()?).ok()?;
    let mut drive: Drive = Box::new(ssc::Drive::new(Box::new(transport)));
    drive.consume_unit_attentions().ok()?;
    key_giver(&mut drive)
}

fn look(device: &ScsiDevice) -> Result<View> {
    let node = device
        .generic
        .as_ref()
        .or(device.changer.as_ref())
        .ok_or_else(|| {
            Error::failed("the kernel has no node for it")
                .hint("load its driver with \"modprobe sg\"")
        })?;
    let transport = SgDevice::open(node).context("cannot open a SCSI device")?;
    let mut changer = smc::Changer::new(Box::new(transport));
    changer
        .consume_unit_attentions()
        .context("the robot does not answer")?;
    let inventory = changer
        .inventory(&InventoryOptions::default())
        .context("cannot read the inventory")?;
    Ok(View::new(&inventory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeward_drivers::linux::scan::ScsiAddress;

    fn changer(lun: u64, serial: &str) -> FoundLibrary {
        let identity = Identity {
            vendor: "HPE".to_owned(),
            product: "MSL G3 Series".to_owned(),
            serial: Some(serial.to_owned()),
            ..Identity::default()
        };
        FoundLibrary {
            device: ScsiDevice {
                address: ScsiAddress {
                    host: 1,
                    channel: 0,
                    target: 0,
                    lun,
                },
                kind: DeviceKind::MediumChanger,
                vendor: identity.vendor.clone(),
                product: identity.product.clone(),
                revision: String::new(),
                generic: None,
                tape: None,
                changer: None,
                serial: identity.serial.clone(),
                designators: Vec::new(),
            },
            identity,
            view: Err("not asked".to_owned()),
        }
    }

    fn survey(serials: &[&str]) -> Survey {
        Survey {
            libraries: (0..)
                .zip(serials)
                .map(|(lun, one)| changer(lun, one))
                .collect(),
            drives: Vec::new(),
            matching: Matching::default(),
            silent: Vec::new(),
        }
    }

    #[test]
    fn partitions_are_told_by_their_serial_numbers() {
        let several = survey(&["DE64200123_LL01", "DE64200123_LL02", "DE99999999_LL01"]);
        let of = |index| -> Vec<String> {
            let found = several.partitions(LibraryIndex(index));
            found.iter().map(|one| one.name()).collect()
        };
        assert_eq!(of(0), ["HPE MSL G3 Series (DE64200123_LL02)"]);
        assert_eq!(of(2), Vec::<String>::new());
        let same = survey(&["DE64200123", "DE64200123"]);
        assert!(same.partitions(LibraryIndex(0)).is_empty());
    }

    #[test]
    fn one_of_several_changers_must_be_chosen() {
        let several = survey(&["A1", "B1"]);
        assert_eq!(several.library(Some("B1")).unwrap(), LibraryIndex(1));
        assert!(several.library(None).is_err());
        assert!(several.library(Some("C1")).is_err());
        assert_eq!(survey(&["A1"]).library(None).unwrap(), LibraryIndex(0));
        assert!(survey(&[]).library(None).is_err());
    }
}
