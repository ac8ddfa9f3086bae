//! One library: reaching its robot and drives, looking at it, moving cartridges.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tapeward_drivers::Changer;
use tapeward_drivers::Drive;
use tapeward_drivers::ScsiError;
use tapeward_drivers::smc::{ElementAddress, ElementKind, InventoryOptions};

use super::connection::{Connection, Unit};
use super::element::ElementName;
use super::lock::DeviceLock;
use super::view::View;
use crate::clock::SharedClock;
use crate::config::LibraryConfig;
use crate::error::{Context, Error, ErrorKind, Result};

/// How long to wait for another process that is moving a cartridge.
const ROBOT_PATIENCE: Duration = Duration::from_secs(300);
/// How often to look whether it has finished.
const ROBOT_PAUSE: Duration = Duration::from_millis(100);

/// A drive and where it is.
#[derive(Debug, Clone, Serialize)]
pub struct DriveSite {
    /// Its element, as people name it.
    pub name: ElementName,
    /// Its element's address.
    pub element: ElementAddress,
    /// Unit serial number.
    pub serial: String,
    /// Vendor identification.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// Firmware level.
    pub revision: String,
    /// How it is reached.
    #[serde(skip)]
    pub unit: Unit,
}

/// A cartridge that was moved.
#[derive(Debug, Clone)]
pub struct Moved {
    /// What was moved, in words.
    pub content: String,
    /// From where.
    pub from: ElementName,
    /// Where to.
    pub to: ElementName,
    /// The library afterwards.
    pub view: View,
}

/// A tape library this process may use.
#[derive(Debug)]
pub struct Library {
    name: String,
    connection: Connection,
    clock: SharedClock,
    lock_folder: PathBuf,
    purpose: String,
}

impl Library {
    /// A library from the configuration; nothing is sent yet. `purpose` is what others are told
    /// while this process holds a device.
    pub fn new(
        name: &str,
        config: &LibraryConfig,
        state: &Path,
        clock: SharedClock,
        purpose: &str,
    ) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            connection: Connection::new(config, state)?,
            clock,
            lock_folder: super::lock::folder(),
            purpose: purpose.to_owned(),
        })
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What others are told while this process holds a device.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The clock everything here waits by.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// A path to the robot, with pending unit attentions consumed.
    pub fn changer(&self) -> Result<Changer> {
        let mut changer: Changer = Box::new(smc::Changer::new(self.connection.changer()?));
        changer
            .consume_unit_attentions()
            .context(format!("the robot of library \"{}\"", self.name))?;
        Ok(changer)
    }

    /// Everything in the library as the robot sees it now.
    pub fn view(&self) -> Result<View> {
        self.look(&mut self.changer()?)
    }

    fn look(&self, changer: &mut Changer) -> Result<View> {
        let inventory = changer
            .inventory(&InventoryOptions::default())
            .context(format!("cannot read the inventory of \"{}\"", self.name))?;
        Ok(View::new(&inventory))
    }

    /// Has the robot check every element.
    pub fn initialize(&self) -> Result<()> {
        let mut changer = self.changer()?;
        let _lock = self.hold_robot(&mut changer)?;
        changer
            .initialize_element_status()
            .context("INITIALIZE ELEMENT STATUS")
    }

    /// The drives that can be reached, matched to their elements.
    ///
    /// # Errors
    /// A configured drive that does not answer, or whose element nobody can tell.
    pub fn drives(&self, view: &View) -> Result<Vec<DriveSite>> {
        let mut sites = Vec::new();
        for unit in self.connection.drive_units()? {
            // INQUIRY does not report unit attentions, so whoever holds the drive still gets them.
            let mut drive = Drive::new(self.connection.drive(&unit)?);
            let inquiry = drive
                .inquiry()
                .context(format!("cannot identify the drive at {unit}"))?;
            let serial = drive
                .serial()
                .context(format!("cannot identify the drive at {unit}"))?
                .ok_or_else(|| {
                    Error::failed(format!("the drive at {unit} has no serial number"))
                })?;
            let (name, element) = self.match_element(view, &unit, &mut drive, &serial)?;
            sites.push(DriveSite {
                name,
                element,
                serial,
                vendor: inquiry.vendor,
                product: inquiry.product,
                revision: inquiry.revision,
                unit,
            });
        }
        sites.sort_by_key(|site| site.element);
        Ok(sites)
    }

    /// By configuration, by the serial number the library gives, by the names it gives; with one
    /// drive and one element there is nothing to match.
    fn match_element(
        &self,
        view: &View,
        unit: &Unit,
        drive: &mut Drive,
        serial: &str,
    ) -> Result<(ElementName, ElementAddress)> {
        let places: Vec<_> = view.of_kind(ElementKind::DataTransfer).collect();
        if let Some(address) = unit.configured_element() {
            return places
                .iter()
                .find(|place| place.address == address)
                .map(|place| (place.name, place.address))
                .ok_or_else(|| {
                    Error::usage(format!(
                        "the configuration puts {unit} at element {address}, which is no drive element of \"{}\"",
                        self.name
                    ))
                });
        }
        let names = drive.designators().unwrap_or_default();
        let matching = places.iter().find(|place| {
            place
                .device
                .as_ref()
                .is_some_and(|device| device.names_serial(serial) || names.contains(device))
        });
        match (matching, places.as_slice()) {
            (Some(place), _) => Ok((place.name, place.address)),
            (None, [only]) if self.connection.drive_units()?.len() == 1 => {
                Ok((only.name, only.address))
            }
            (None, _) => Err(Error::failed(format!(
                "library \"{}\" does not say which element holds the drive at {unit} (serial {serial})",
                self.name
            ))
            .hint("add element = ADDRESS to this drive in config.toml")),
        }
    }

    /// A path to a drive this process holds, with pending unit attentions consumed.
    pub fn open_unit(&self, unit: &Unit) -> Result<Drive> {
        let mut drive = Drive::new(self.connection.drive(unit)?);
        drive
            .consume_unit_attentions()
            .context(format!("the drive at {unit}"))?;
        Ok(drive)
    }

    /// Holds a drive for this process, or says who has it.
    pub fn hold_drive(&self, site: &DriveSite) -> Result<DeviceLock> {
        DeviceLock::acquire(
            &self.lock_folder,
            &site.serial,
            &site.name.to_string(),
            &self.purpose,
            self.clock.now(),
        )
    }

    /// Holds the robot, waiting for others to finish their move.
    fn hold_robot(&self, changer: &mut Changer) -> Result<DeviceLock> {
        let serial = changer
            .serial()
            .context("cannot identify the robot")?
            // Nothing else names it; two nameless robots on one host then wait for each other.
            .unwrap_or_else(|| format!("changer {}", self.name));
        let give_up = self.clock.monotonic() + ROBOT_PATIENCE;
        loop {
            let taken = DeviceLock::acquire(
                &self.lock_folder,
                &serial,
                "the robot",
                &self.purpose,
                self.clock.now(),
            );
            match taken {
                Err(error)
                    if error.kind() == ErrorKind::Locked && self.clock.monotonic() < give_up =>
                {
                    self.clock.pause(ROBOT_PAUSE);
                }
                other => return other,
            }
        }
    }

    /// Moves a cartridge: checks first, moves, looks again.
    ///
    /// # Errors
    /// Nothing was moved when the check fails; after an error of the robot the message says
    /// where the cartridge is seen.
    pub fn transfer(&self, from: ElementAddress, to: ElementAddress) -> Result<Moved> {
        let mut changer = self.changer()?;
        let _lock = self.hold_robot(&mut changer)?;
        let before = self.look(&mut changer)?;
        let (source, target) = check_move(&before, from, to)?;
        let content = source.content();
        let (from_name, to_name) = (source.name, target.name);
        let robot = before
            .of_kind(ElementKind::MediumTransport)
            .next()
            .map_or(ElementAddress(0), |place| place.address);
        let mut outcome = changer.move_medium(robot, from, to);
        if outcome.as_ref().is_err_and(ScsiError::is_unit_attention) {
            // A unit attention means the command was not performed (SPC-5 5.14): look whether the
            // elements still are as checked, then give it again, once.
            check_move(&self.look(&mut changer)?, from, to)?;
            outcome = changer.move_medium(robot, from, to);
        }
        let view = self.look(&mut changer)?;
        let arrived = view.at(to).is_some_and(|place| place.full)
            && view.at(from).is_some_and(|place| !place.full);
        match outcome {
            Ok(()) if arrived => Ok(Moved {
                content,
                from: from_name,
                to: to_name,
                view,
            }),
            Ok(()) => Err(Error::failed(format!(
                "the robot says it moved {content} from {from_name} to {to_name}, but it is not there"
            ))
            .hint("look with \"tapeward library inventory --initialize\"")),
            Err(error) => Err(Error::failed(format!(
                "cannot move {content} from {from_name} to {to_name}{}",
                whereabouts(&view, from, to)
            ))
            .because(error)),
        }
    }
}

fn check_move(
    view: &View,
    from: ElementAddress,
    to: ElementAddress,
) -> Result<(&super::view::Place, &super::view::Place)> {
    let find = |address| {
        view.at(address)
            .ok_or_else(|| Error::usage(format!("the library has no element {address}")))
    };
    let (source, target) = (find(from)?, find(to)?);
    if !source.full {
        return Err(Error::failed(format!("{} is empty", source.name)));
    }
    if target.full {
        return Err(Error::failed(format!(
            "{} is not free: {} is in it",
            target.name,
            target.content()
        )));
    }
    if !source.access && source.name.kind != ElementKind::DataTransfer {
        return Err(Error::failed(format!(
            "the robot cannot reach {}",
            source.name
        )));
    }
    if target.disabled {
        return Err(Error::failed(format!("{} is disabled", target.name)));
    }
    Ok((source, target))
}

fn whereabouts(view: &View, from: ElementAddress, to: ElementAddress) -> String {
    let full = |address| view.at(address).is_some_and(|place| place.full);
    let held = view
        .of_kind(ElementKind::MediumTransport)
        .any(|place| place.full);
    match (full(from), full(to), held) {
        (true, false, _) => " (it is still where it was)".to_owned(),
        (false, true, _) => " (it has arrived nevertheless)".to_owned(),
        (false, false, true) => " (the robot is holding it)".to_owned(),
        _ => " (nobody sees it now)".to_owned(),
    }
}
