//! One library: reaching its robot and drives, looking at it, moving cartridges.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tapeward_drivers::Changer;
use tapeward_drivers::Drive;
use tapeward_drivers::ScsiError;
use tapeward_drivers::smc::{ElementAddress, ElementKind, InventoryOptions, UnloadBeforeMove};
use tapeward_drivers::spc::identity::Identity;

use super::connection::{Connection, Unit};
use super::element::ElementName;
use super::lock::DeviceLock;
use super::matching::{Bay, BaySeen, DriveIndex, DriveSeen, LibraryIndex, Matching, match_drives};
use super::mount::HeldDrive;
use super::tenure;
use super::unmatched;
use super::usage::Mounts;
use super::view::View;
use crate::catalogue::BlockLimit;
use crate::clock::SharedClock;
use crate::config::{LibraryConfig, Reservations};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::health::DriveSerial;
use crate::tape::BlockSize;

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
    reservations: Reservations,
    /// Drives that jobs leave to restores.
    restore_drives: usize,
    state: PathBuf,
    clock: SharedClock,
    lock_folder: PathBuf,
    purpose: String,
    mounts: Mounts,
    out_of_use: BTreeSet<DriveSerial>,
    /// What is on record of which blocks get through to which drive.
    block_limits: Vec<BlockLimit>,
    /// Size of the largest blocks that are written, in bytes.
    block_size: u32,
    /// What is worth knowing of how drives were used.
    remarks: Mutex<BTreeSet<String>>,
    /// For looking where there is room and moving there without another thread in between.
    robot: Mutex<()>,
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
            reservations: config.reservations(),
            restore_drives: config.restore_drives().into(),
            state: state.to_owned(),
            clock,
            lock_folder: super::lock::folder(),
            purpose: purpose.to_owned(),
            mounts: Mounts::default(),
            out_of_use: BTreeSet::new(),
            block_limits: Vec::new(),
            block_size: 0,
            remarks: Mutex::new(BTreeSet::new()),
            robot: Mutex::new(()),
        })
    }

    /// Leaves these drives alone when one is needed: they are out of use for their health.
    #[must_use]
    pub fn without(mut self, drives: BTreeSet<DriveSerial>) -> Self {
        self.out_of_use = drives;
        self
    }

    /// For new volumes with blocks of this size at most, and with what is on record of drives.
    #[must_use]
    pub fn with_blocks(mut self, largest: BlockSize, limits: Vec<BlockLimit>) -> Self {
        self.block_size = largest.into();
        self.block_limits = limits;
        self
    }

    pub(super) fn known_limit(&self, serial: &str) -> Option<&BlockLimit> {
        let serial: DriveSerial = serial.parse().ok()?;
        self.block_limits.iter().find(|limit| limit.drive == serial)
    }

    pub(super) fn block_size(&self) -> u32 {
        self.block_size
    }

    /// Keeps a remark; whether it is a new one.
    pub(super) fn remark(&self, line: String) -> bool {
        let remarks = self.remarks.lock();
        remarks.unwrap_or_else(PoisonError::into_inner).insert(line)
    }

    /// What is worth knowing of how this process used the drives, in lines.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let remarks = self.remarks.lock();
        let remarks = remarks.unwrap_or_else(PoisonError::into_inner);
        remarks.iter().cloned().collect()
    }

    /// Whether a drive is out of use for its health.
    #[must_use]
    pub fn is_out_of_use(&self, site: &DriveSite) -> bool {
        site.serial
            .parse()
            .is_ok_and(|serial: DriveSerial| self.out_of_use.contains(&serial))
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether drives are reserved while they are held.
    pub(super) fn reservations(&self) -> Reservations {
        self.reservations
    }

    /// Drives that jobs leave to restores.
    pub(super) fn restore_drives(&self) -> usize {
        self.restore_drives
    }

    /// The state folder.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    pub(super) fn mounts(&self) -> &Mounts {
        &self.mounts
    }

    /// No other thread of this process moves anything meanwhile.
    pub(super) fn robot_for_this_process(&self) -> MutexGuard<'_, ()> {
        self.robot.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Who the robot is.
    pub fn identity(&self) -> Result<Identity> {
        self.connection.changer_identity()
    }

    /// A path to the robot, with pending unit attentions consumed.
    pub fn changer(&self) -> Result<Changer> {
        let mut changer = self.connection.changer()?;
        changer
            .consume_unit_attentions()
            .context(format!("the robot of library \"{}\"", self.name))?;
        Ok(changer)
    }

    /// Everything in the library as the robot sees it now.
    pub fn view(&self) -> Result<View> {
        self.look(&mut self.changer()?)
    }

    pub(super) fn look(&self, changer: &mut Changer) -> Result<View> {
        let inventory = changer
            .inventory(&InventoryOptions::default())
            .context(format!("cannot read the inventory of \"{}\"", self.name))?;
        Ok(View::new(&inventory))
    }

    /// Has the robot check every element.
    pub fn initialize(&self) -> Result<()> {
        let mut changer = self.changer()?;
        let _lock = self.hold_robot()?;
        changer
            .initialize_element_status()
            .context("INITIALIZE ELEMENT STATUS")
    }

    /// The drives, matched to their elements.
    ///
    /// # Errors
    /// A configured drive that does not answer, or whose element nobody can tell; what drives,
    /// library and configuration say against each other.
    pub fn drives(&self, view: &View) -> Result<Vec<DriveSite>> {
        let mut sites = self.sites(view)?.into_iter().collect::<Result<Vec<_>>>()?;
        sites.sort_by_key(|site| site.element);
        Ok(sites)
    }

    /// As [`Library::drives`], without those that do not answer while another one does.
    ///
    /// # Errors
    /// What the last one said when none answers.
    pub fn answering_drives(&self, view: &View) -> Result<Vec<DriveSite>> {
        let mut sites = Vec::new();
        let mut silent = None;
        for site in self.sites(view)? {
            match site {
                Ok(site) => sites.push(site),
                Err(error) => {
                    tracing::warn!(%error, "a drive cannot be used");
                    silent = Some(error);
                }
            }
        }
        sites.sort_by_key(|site| site.element);
        match silent {
            Some(error) if sites.is_empty() => Err(error),
            _ => Ok(sites),
        }
    }

    /// Each configured drive with its element, or why it can't be used.
    fn sites(&self, view: &View) -> Result<Vec<Result<DriveSite>>> {
        let units: Vec<(Unit, Result<Identity>)> = self
            .connection
            .drive_units()?
            .into_iter()
            .map(|unit| {
                let identity = self.connection.drive_identity(&unit);
                (unit, identity)
            })
            .collect();
        // A drive that does not answer still takes the element it is configured for.
        let seen: Vec<DriveSeen> = units
            .iter()
            .map(|(unit, identity)| {
                let configured = unit.configured_element().map(bay);
                match identity {
                    Ok(identity) => DriveSeen::new(identity, configured),
                    Err(_) => DriveSeen::new(&Identity::default(), configured),
                }
            })
            .collect();
        let bays: Vec<BaySeen> = view
            .of_kind(ElementKind::DataTransfer)
            .map(|place| BaySeen::new(place, LibraryIndex(0)))
            .collect();
        let matching = match_drives(&seen, &bays);
        let sites = units
            .into_iter()
            .enumerate()
            .map(|(index, (unit, identity))| {
                self.site(view, unit, identity?, DriveIndex(index), &matching)
            });
        Ok(sites.collect())
    }

    fn site(
        &self,
        view: &View,
        unit: Unit,
        identity: Identity,
        index: DriveIndex,
        matching: &Matching,
    ) -> Result<DriveSite> {
        let serial = identity
            .serial
            .ok_or_else(|| Error::failed(format!("the drive at {unit} has no serial number")))?;
        let place = matching
            .of(index)
            .and_then(|found| view.at(found.bay.element))
            .ok_or_else(|| unmatched::refuse(&self.name, &unit, &serial, index, matching))?;
        Ok(DriveSite {
            name: place.name,
            element: place.address,
            serial,
            vendor: identity.vendor,
            product: identity.product,
            revision: identity.revision,
            unit,
        })
    }

    /// A path to a drive this process holds, with pending unit attentions consumed.
    pub fn open_unit(&self, unit: &Unit) -> Result<Drive> {
        let mut drive = self.open_without_asking(unit)?;
        drive.consume_unit_attentions().map_err(|error| {
            let name = format!("the drive at {unit}");
            if error.is_reservation_conflict() {
                return tenure::reserved(&name, None);
            }
            Error::failed(name).because(error)
        })?;
        Ok(drive)
    }

    /// A path to a drive; nothing is sent.
    pub(super) fn open_without_asking(&self, unit: &Unit) -> Result<Drive> {
        let watch = |path| self.mounts.watch(unit, path);
        self.connection.drive(unit, &watch)
    }

    /// A path to a drive this process holds, as one that is used by nobody else: reserved, and
    /// without a key.
    pub fn open_held(&self, held: &mut HeldDrive) -> Result<Drive> {
        let mut drive = self.open_without_asking(&held.site.unit)?;
        held.claim(&mut drive)?;
        drive
            .consume_unit_attentions()
            .context(format!("the drive at {}", held.site.unit))?;
        if let Some(scsi) = drive.scsi() {
            tenure::no_key(scsi, &held.site.name.to_string())?;
        }
        Ok(drive)
    }

    /// Holds a drive for this process, or says who has it.
    pub fn hold_drive(&self, site: &DriveSite) -> Result<DeviceLock> {
        DeviceLock::acquire(
            &self.lock_folder,
            &site.serial,
            &format!("{} (serial {})", site.name, site.serial),
            &self.purpose,
            self.clock.now(),
        )
    }

    /// Holds the robot, waiting for others to finish their move.
    pub(super) fn hold_robot(&self) -> Result<DeviceLock> {
        let serial = self
            .identity()?
            .serial
            // Nothing else names it; two nameless robots on one host then wait for each other.
            .unwrap_or_else(|| format!("changer {}", self.name));
        let give_up = self.clock.monotonic() + ROBOT_PATIENCE;
        loop {
            let taken = DeviceLock::acquire(
                &self.lock_folder,
                &serial,
                &format!("the robot (serial {serial})"),
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
        let _lock = self.hold_robot()?;
        let before = self.look(&mut changer)?;
        let (source, target) = check_move(&before, from, to)?;
        if let Some(changer) = changer.scsi() {
            changer
                .check_move(source.name.kind, target.name.kind)
                .context(format!(
                    "cannot move {} to {}",
                    source.content(),
                    target.name
                ))?;
        }
        let content = source.content();
        let (from_name, to_name) = (source.name, target.name);
        let robot = before
            .of_kind(ElementKind::MediumTransport)
            .next()
            .map_or(ElementAddress(0), |place| place.address);
        let mut outcome = changer.move_medium(robot, from, to);
        if outcome.as_ref().is_err_and(ScsiError::is_unit_attention) {
            // A unit attention means the command was not performed (SPC-5, unit attention
            // conditions): look whether the
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
            Err(error) => {
                let what = format!(
                    "cannot move {content} from {from_name} to {to_name}{}",
                    whereabouts(&view, from, to)
                );
                Err(not_moved(&mut changer, what, from_name.kind).because(error))
            }
        }
    }
}

fn bay(element: ElementAddress) -> Bay {
    Bay {
        library: LibraryIndex(0),
        element,
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

/// Some libraries leave it to the host to unload a drive before they take the cartridge out.
fn not_moved(changer: &mut Changer, what: String, from: ElementKind) -> Error {
    let by_host = changer
        .scsi()
        .and_then(|changer| changer.quirks().ok())
        .is_some_and(|quirks| quirks.unload == UnloadBeforeMove::ByHost);
    let failed = Error::failed(what);
    if by_host && from == ElementKind::DataTransfer {
        failed.hint("this library takes nothing out of a loaded drive: unload it first, at the drive if need be")
    } else {
        failed
    }
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
