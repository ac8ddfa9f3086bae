//! A virtual library: its folder, its devices, what an operator can do at it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::transport::{Cdb, Data, Reply, Status};
use thiserror::Error;

use crate::cartridge::{Cartridge, CartridgeId, CartridgeRecord, CartridgeSpec, Generation};
use crate::clock::{Account, Timing, VirtualClock};
use crate::fault::{FaultPlan, PlannedFault};
use crate::files::write_atomically;
use crate::personality::{self, Personality};
use crate::sense::{Sense, SenseFormat, SenseKey};
use crate::store::Durability;
use crate::target::{
    self, Changer, ChangerIdentity, Content, Drive, DriveIdentity, Exchange, Outcome, Placement,
};
use crate::target::{DeviceType, Identity};

pub use crate::target::ElementKind;

const SPEC_FILE: &str = "library.json";
const ELEMENTS_FILE: &str = "elements.json";
const FAULTS_FILE: &str = "faults.json";
const LOCK_FILE: &str = "lock";
const CARTRIDGES: &str = "cartridges";

/// A library to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibrarySpec {
    /// Name of a row of [`personality::PERSONALITIES`].
    pub personality: String,
    /// Serial number, 1 to 8 characters; the drives' start with it.
    pub serial: String,
    /// Generation of the drives; the model's own if not given.
    #[serde(default)]
    pub drive_generation: Option<Generation>,
    /// Whether virtual time is accounted for.
    #[serde(default)]
    pub timing: Timing,
    /// Cartridges in the storage elements, from the first on.
    #[serde(default, skip_serializing)]
    pub cartridges: Vec<CartridgeSpec>,
}

impl LibrarySpec {
    /// A library of this model without cartridges.
    #[must_use]
    pub fn new(personality: &str, serial: &str) -> Self {
        Self {
            personality: personality.to_owned(),
            serial: serial.to_owned(),
            drive_generation: None,
            timing: Timing::Off,
            cartridges: Vec::new(),
        }
    }

    /// The same with one more cartridge.
    #[must_use]
    pub fn with_cartridge(mut self, cartridge: CartridgeSpec) -> Self {
        self.cartridges.push(cartridge);
        self
    }

    /// The same with drives of this generation.
    #[must_use]
    pub fn with_drives(mut self, generation: Generation) -> Self {
        self.drive_generation = Some(generation);
        self
    }

    /// The same with virtual time.
    #[must_use]
    pub fn with_timing(mut self) -> Self {
        self.timing = Timing::On;
        self
    }

    fn row(&self) -> Result<&'static Personality, LibraryError> {
        personality::find(&self.personality).ok_or_else(|| LibraryError::UnknownPersonality {
            name: self.personality.clone(),
        })
    }
}

/// Why something could not be done to a library.
#[derive(Debug, Error)]
pub enum LibraryError {
    /// A file of the library.
    #[error("{}: {source}", .path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something is in the way of a new library.
    #[error("{}: a virtual library is made in an empty folder; this one is not", .dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// Two processes cannot have the same library open.
    #[error("{}: the virtual library is in use by another process", .dir.display())]
    InUse {
        /// Its folder.
        dir: PathBuf,
    },
    /// No such model.
    #[error("there is no library model \"{name}\"; there are: {}", model_names())]
    UnknownPersonality {
        /// What was asked for.
        name: String,
    },
    /// Serial numbers stand in fixed fields.
    #[error("the serial number \"{serial}\" is not 1 to 8 letters and digits")]
    BadSerial {
        /// What was given.
        serial: String,
    },
    /// A label that cannot be a folder's name.
    #[error(
        "\"{text}\" cannot be a cartridge's name: 1 to 32 printable ASCII characters, no \"/\""
    )]
    BadName {
        /// What was given.
        text: String,
    },
    /// More cartridges than places.
    #[error("no {what} element is free")]
    NoFreeElement {
        /// Kind of element.
        what: &'static str,
    },
    /// No such element, or not one an operator can reach.
    #[error("element {address} is not a storage or import/export element")]
    NoSuchElement {
        /// Its address.
        address: u16,
    },
    /// Something is in it.
    #[error("element {address} holds {holds}")]
    ElementFull {
        /// Its address.
        address: u16,
        /// The cartridge in it.
        holds: CartridgeId,
    },
    /// No such cartridge.
    #[error("there is no cartridge {id} here")]
    NoSuchCartridge {
        /// What was asked for.
        id: CartridgeId,
    },
    /// It is in the library already.
    #[error("cartridge {id} is in element {address} already")]
    AlreadyInside {
        /// The cartridge.
        id: CartridgeId,
        /// Where it is.
        address: u16,
    },
    /// An operator cannot reach into a drive.
    #[error("cartridge {id} is in the drive at element {address}; move it out of the drive first")]
    InDrive {
        /// The cartridge.
        id: CartridgeId,
        /// Address of the drive's element.
        address: u16,
    },
    /// A host sent PREVENT ALLOW MEDIUM REMOVAL.
    #[error("a host keeps the import/export elements locked")]
    DoorLocked,
}

fn model_names() -> String {
    let names: Vec<&str> = personality::PERSONALITIES
        .iter()
        .map(|row| row.name)
        .collect();
    names.join(", ")
}

/// Where an operator puts a cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The first free import/export element.
    ImportExport,
    /// The first free storage element, with the door open.
    Storage,
    /// This storage or import/export element.
    Element(u16),
}

/// An element and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementListing {
    /// Address.
    pub address: u16,
    /// Kind.
    pub kind: ElementKind,
    /// The cartridge in it.
    pub cartridge: Option<CartridgeId>,
    /// The cartridge's label.
    pub barcode: Option<String>,
}

/// What all devices of a library use.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: VirtualClock,
    pub(crate) faults: FaultPlan,
    pub(crate) durability: Durability,
    /// Folder of the cartridges.
    pub(crate) cartridges: PathBuf,
    /// Number of logical units.
    pub(crate) units: u16,
}

/// A library, switched on.
#[derive(Debug)]
pub struct Library {
    dir: PathBuf,
    shared: Arc<Shared>,
    changer: Mutex<Changer>,
    drives: Arc<[Mutex<Drive>]>,
    /// Counts power cuts: connections from before one are dead.
    epoch: AtomicU64,
    /// Held as long as the library is open.
    _lock: Flock<File>,
}

/// Makes a library in `dir`, which must be empty or missing.
pub fn create(dir: &Path, spec: &LibrarySpec) -> Result<(), LibraryError> {
    let row = spec.row()?;
    let plain = spec.serial.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain || !(1..=8).contains(&spec.serial.len()) {
        return Err(LibraryError::BadSerial {
            serial: spec.serial.clone(),
        });
    }
    if spec.cartridges.len() > usize::from(row.storage.count) {
        return Err(LibraryError::NoFreeElement { what: "storage" });
    }
    let cartridges = dir.join(CARTRIDGES);
    fs::create_dir_all(dir).map_err(|source| at(dir, source))?;
    let mut there = fs::read_dir(dir).map_err(|source| at(dir, source))?;
    if there.next().is_some() {
        return Err(LibraryError::NotEmpty {
            dir: dir.to_owned(),
        });
    }
    fs::create_dir(&cartridges).map_err(|source| at(&cartridges, source))?;
    let mut filled = Vec::new();
    for (cartridge, address) in spec.cartridges.iter().zip(row.storage.first..) {
        let content = make_cartridge(&cartridges, cartridge, Durability::Machine)?;
        filled.push((address, content));
    }
    let save = |name: &str, text: Result<Vec<u8>, serde_json::Error>| {
        let path = dir.join(name);
        let saved = text
            .map_err(io::Error::other)
            .and_then(|text| write_atomically(&path, &text, Durability::Machine));
        saved.map_err(|source| at(&path, source))
    };
    save(ELEMENTS_FILE, serde_json::to_vec(&filled))?;
    // Last: a folder with this file is a whole library.
    save(SPEC_FILE, serde_json::to_vec_pretty(spec))
}

/// Makes the folder of a new cartridge, named by its label or `NOLABEL`; a number follows where
/// that is taken.
fn make_cartridge(
    cartridges: &Path,
    spec: &CartridgeSpec,
    durability: Durability,
) -> Result<Content, LibraryError> {
    let name = spec.barcode.as_deref().unwrap_or("NOLABEL");
    let bad = || LibraryError::BadName {
        text: name.to_owned(),
    };
    if name.len() > 32 {
        return Err(bad());
    }
    let mut id = CartridgeId::new(name).ok_or_else(bad)?;
    let mut number = 2;
    while cartridges.join(id.as_str()).exists() {
        id = CartridgeId::new(&format!("{name}~{number}")).ok_or_else(bad)?;
        number += 1;
    }
    let dir = cartridges.join(id.as_str());
    Cartridge::create(&dir, &id, spec, durability).map_err(|source| at(&dir, source))?;
    Ok(Content {
        cartridge: id,
        barcode: spec.barcode.clone(),
        kind: spec.kind,
        source: None,
        placement: Placement::ByOperator,
    })
}

fn at(path: &Path, source: io::Error) -> LibraryError {
    LibraryError::Io {
        path: path.to_owned(),
        source,
    }
}

impl Library {
    /// Switches a library on. Cartridges in drives are loaded and at their beginning.
    pub fn open(dir: &Path, durability: Durability) -> Result<Arc<Self>, LibraryError> {
        let spec_path = dir.join(SPEC_FILE);
        let spec: LibrarySpec = fs::read(&spec_path)
            .and_then(|text| serde_json::from_slice(&text).map_err(io::Error::other))
            .map_err(|source| at(&spec_path, source))?;
        let row = spec.row()?;
        let lock = lock(dir)?;
        let faults_path = dir.join(FAULTS_FILE);
        let drive_count = usize::from(row.drives.count);
        let shared = Arc::new(Shared {
            clock: VirtualClock::new(spec.timing, drive_count),
            faults: FaultPlan::open(&faults_path).map_err(|source| at(&faults_path, source))?,
            durability,
            cartridges: dir.join(CARTRIDGES),
            units: row.drives.count + 1,
        });
        let drives: Arc<[Mutex<Drive>]> = (0..row.drives.count)
            .map(|index| Mutex::new(drive(&spec, row, index, &shared)))
            .collect();
        let identity = changer_identity(dir, &spec, row);
        let changer = Changer::open(identity, Arc::clone(&shared), Arc::clone(&drives))
            .map_err(|source| at(&dir.join(ELEMENTS_FILE), source))?;
        let library = Self {
            dir: dir.to_owned(),
            shared,
            changer: Mutex::new(changer),
            drives,
            epoch: AtomicU64::new(0),
            _lock: lock,
        };
        library.load_drives()?;
        Ok(Arc::new(library))
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Number of logical units: the changer and the drives.
    #[must_use]
    pub fn units(&self) -> u16 {
        self.shared.units
    }

    /// Carries out one command, unless the power was cut since `epoch` or is cut now.
    pub(crate) fn execute(
        &self,
        lun: Lun,
        initiator: InitiatorId,
        epoch: u64,
        cdb: &Cdb,
        data: Data<'_>,
    ) -> Option<Reply> {
        let exchange = Exchange::new(cdb.as_bytes(), initiator, data);
        let outcome = if lun == Lun::CHANGER {
            let mut changer = lock_of(&self.changer);
            self.is_alive(epoch)
                .then(|| target::execute(&mut *changer, exchange))?
        } else if let Some(drive) = self.drives.get(usize::from(lun.0) - 1) {
            let mut drive = lock_of(drive);
            self.is_alive(epoch)
                .then(|| target::execute(&mut *drive, exchange))?
        } else {
            // LOGICAL UNIT NOT SUPPORTED
            let sense = Sense::new(SenseKey::IllegalRequest, (0x25, 0x00));
            Outcome::Reply(Reply {
                status: Status::CheckCondition,
                sense: sense.encode(SenseFormat::Fixed),
                transferred: 0,
            })
        };
        match outcome {
            Outcome::Reply(reply) => Some(reply),
            Outcome::PowerCut => {
                self.power_cut();
                None
            }
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn is_alive(&self, epoch: u64) -> bool {
        self.epoch() == epoch
    }

    /// Cuts the power and turns it on again: what was not synchronised is lost, connections are
    /// dead, cartridges are where they were.
    pub fn power_cut(&self) {
        let mut changer = lock_of(&self.changer);
        let mut drives: Vec<MutexGuard<'_, Drive>> = self.drives.iter().map(lock_of).collect();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        changer.power_cycle();
        for drive in &mut drives {
            if let Err(error) = drive.power_cycle() {
                tracing::error!(%error, "drive lost its cartridge at a power cut");
            }
        }
    }

    /// Writes everything out, as before the process ends. Connections are dead afterwards.
    pub fn shut_down(&self) -> Result<(), LibraryError> {
        let _changer = lock_of(&self.changer);
        let mut drives: Vec<MutexGuard<'_, Drive>> = self.drives.iter().map(lock_of).collect();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        for drive in &mut drives {
            drive
                .shut_down()
                .map_err(|source| at(&self.shared.cartridges, source))?;
        }
        Ok(())
    }

    /// Makes a cartridge and puts it in; where it is now.
    pub fn insert_new(
        &self,
        spec: &CartridgeSpec,
        destination: Destination,
    ) -> Result<(CartridgeId, u16), LibraryError> {
        let mut changer = lock_of(&self.changer);
        let index = free_element(&changer, destination)?;
        let content = make_cartridge(&self.shared.cartridges, spec, self.shared.durability)?;
        self.place(&mut changer, index, content)
    }

    /// Puts in a cartridge that was taken out before; where it is now.
    pub fn insert(
        &self,
        id: &CartridgeId,
        destination: Destination,
    ) -> Result<(CartridgeId, u16), LibraryError> {
        let mut changer = lock_of(&self.changer);
        if let Some(index) = holder(&changer, id) {
            let address = changer.elements[index].address;
            let id = id.clone();
            return Err(LibraryError::AlreadyInside { id, address });
        }
        let record = self.cartridge(id)?;
        let index = free_element(&changer, destination)?;
        let content = Content {
            cartridge: id.clone(),
            barcode: record.barcode,
            kind: record.kind,
            source: None,
            placement: Placement::ByOperator,
        };
        self.place(&mut changer, index, content)
    }

    /// Takes a cartridge out of a storage or import/export element; its files stay.
    pub fn remove(&self, id: &CartridgeId) -> Result<u16, LibraryError> {
        let mut changer = lock_of(&self.changer);
        let missing = || LibraryError::NoSuchCartridge { id: id.clone() };
        let index = holder(&changer, id).ok_or_else(missing)?;
        let (address, kind) = (
            changer.elements[index].address,
            changer.elements[index].kind,
        );
        match kind {
            ElementKind::Storage => {}
            ElementKind::ImportExport if changer.is_removal_prevented() => {
                return Err(LibraryError::DoorLocked);
            }
            ElementKind::ImportExport => {}
            ElementKind::DataTransfer | ElementKind::MediumTransport => {
                let id = id.clone();
                return Err(LibraryError::InDrive { id, address });
            }
        }
        self.save(&changer, &[(address, None)])?;
        changer.elements[index].content = None;
        tell(&mut changer, kind);
        Ok(address)
    }

    /// All elements.
    #[must_use]
    pub fn elements(&self) -> Vec<ElementListing> {
        let changer = lock_of(&self.changer);
        let listing = |element: &target::Element| ElementListing {
            address: element.address,
            kind: element.kind,
            cartridge: element.content.as_ref().map(|held| held.cartridge.clone()),
            barcode: element
                .content
                .as_ref()
                .and_then(|held| held.barcode.clone()),
        };
        changer.elements.iter().map(listing).collect()
    }

    /// Cartridges that were taken out.
    pub fn outside(&self) -> Result<Vec<CartridgeId>, LibraryError> {
        let inside: BTreeSet<CartridgeId> = self
            .elements()
            .into_iter()
            .filter_map(|element| element.cartridge)
            .collect();
        let mut outside = Vec::new();
        let dir = &self.shared.cartridges;
        for entry in fs::read_dir(dir).map_err(|source| at(dir, source))? {
            let name = entry.map_err(|source| at(dir, source))?.file_name();
            let id = name.to_str().and_then(CartridgeId::new);
            outside.extend(id.filter(|id| !inside.contains(id)));
        }
        outside.sort();
        Ok(outside)
    }

    /// What is kept of a cartridge beside its records, as it was last saved.
    pub fn cartridge(&self, id: &CartridgeId) -> Result<CartridgeRecord, LibraryError> {
        let dir = self.shared.cartridges.join(id.as_str());
        match crate::cartridge::read_record(&dir) {
            Ok(record) => Ok(record),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(LibraryError::NoSuchCartridge { id: id.clone() })
            }
            Err(source) => Err(at(&dir, source)),
        }
    }

    /// Replaces the plan of faults.
    pub fn set_faults(&self, planned: Vec<PlannedFault>) -> Result<(), LibraryError> {
        let set = self.shared.faults.set(planned);
        set.map_err(|source| at(&self.dir.join(FAULTS_FILE), source))
    }

    /// Faults still to happen.
    #[must_use]
    pub fn faults(&self) -> Vec<PlannedFault> {
        self.shared.faults.planned()
    }

    /// Virtual time of the devices, the changer first.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.shared.clock.accounts()
    }

    fn place(
        &self,
        changer: &mut Changer,
        index: usize,
        content: Content,
    ) -> Result<(CartridgeId, u16), LibraryError> {
        let (address, kind) = (
            changer.elements[index].address,
            changer.elements[index].kind,
        );
        self.save(changer, &[(address, Some(&content))])?;
        let id = content.cartridge.clone();
        changer.elements[index].content = Some(content);
        tell(changer, kind);
        Ok((id, address))
    }

    fn save(
        &self,
        changer: &Changer,
        changes: &[(u16, Option<&Content>)],
    ) -> Result<(), LibraryError> {
        let saved = changer.save_with(changes);
        saved.map_err(|source| at(&self.dir.join(ELEMENTS_FILE), source))
    }

    fn load_drives(&self) -> Result<(), LibraryError> {
        let changer = lock_of(&self.changer);
        let elements = changer
            .elements
            .iter()
            .filter(|element| element.kind == ElementKind::DataTransfer);
        for (element, drive) in elements.zip(self.drives.iter()) {
            let Some(content) = &element.content else {
                continue;
            };
            let dir = self.shared.cartridges.join(content.cartridge.as_str());
            let cartridge = Cartridge::open(&dir, &content.cartridge, self.shared.durability)
                .map_err(|source| at(&dir, source))?;
            lock_of(drive).insert(cartridge);
        }
        Ok(())
    }
}

/// Tells hosts that an operator was there.
fn tell(changer: &mut Changer, kind: ElementKind) {
    if kind == ElementKind::ImportExport {
        changer.import_export_accessed();
    } else {
        changer.medium_changed();
    }
}

fn free_element(changer: &Changer, destination: Destination) -> Result<usize, LibraryError> {
    let first = |kind, what| {
        let free = |element: &target::Element| element.kind == kind && element.content.is_none();
        let index = changer.elements.iter().position(free);
        index.ok_or(LibraryError::NoFreeElement { what })
    };
    let index = match destination {
        Destination::ImportExport => first(ElementKind::ImportExport, "import/export")?,
        Destination::Storage => first(ElementKind::Storage, "storage")?,
        Destination::Element(address) => changer
            .index_of(address)
            .ok_or(LibraryError::NoSuchElement { address })?,
    };
    let element = &changer.elements[index];
    let address = element.address;
    match element.kind {
        ElementKind::ImportExport if changer.is_removal_prevented() => {
            Err(LibraryError::DoorLocked)
        }
        ElementKind::MediumTransport | ElementKind::DataTransfer => {
            Err(LibraryError::NoSuchElement { address })
        }
        ElementKind::Storage | ElementKind::ImportExport => match &element.content {
            None => Ok(index),
            Some(content) => Err(LibraryError::ElementFull {
                address,
                holds: content.cartridge.clone(),
            }),
        },
    }
}

fn holder(changer: &Changer, id: &CartridgeId) -> Option<usize> {
    let holds = |element: &target::Element| {
        element
            .content
            .as_ref()
            .is_some_and(|content| content.cartridge == *id)
    };
    changer.elements.iter().position(holds)
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock(dir: &Path) -> Result<Flock<File>, LibraryError> {
    let path = dir.join(LOCK_FILE);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| at(&path, source))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        nix::errno::Errno::EWOULDBLOCK => LibraryError::InUse {
            dir: dir.to_owned(),
        },
        errno => at(&path, errno.into()),
    })
}

fn drive(spec: &LibrarySpec, row: &'static Personality, index: u16, shared: &Arc<Shared>) -> Drive {
    let generation = spec.drive_generation.unwrap_or(row.drive_generation);
    let identity = DriveIdentity {
        inquiry: Identity {
            device_type: DeviceType::SequentialAccess,
            vendor: row.drive_vendor,
            product: format!("{}{}", row.drive_product, generation.number()),
            revision: row.revision,
            serial: format!("{:0<8}{:02}", spec.serial, index + 1),
        },
        generation,
        element: row.drives.first + index,
        library_serial: spec.serial.clone(),
        account: usize::from(index) + 1,
    };
    Drive::new(identity, Arc::clone(shared))
}

fn changer_identity(dir: &Path, spec: &LibrarySpec, row: &'static Personality) -> ChangerIdentity {
    ChangerIdentity {
        inquiry: Identity {
            device_type: DeviceType::MediumChanger,
            vendor: row.vendor,
            product: row.product.to_owned(),
            revision: row.revision,
            serial: spec.serial.clone(),
        },
        personality: row,
        elements_file: dir.join(ELEMENTS_FILE),
    }
}
