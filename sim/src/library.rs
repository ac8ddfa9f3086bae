//! A virtual library: its folder, its devices, what an operator can do at it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use nix::fcntl::{Flock, FlockArg};
use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::transport::{Cdb, Data, Reply};

use crate::cartridge::Cartridge;
use crate::clock::{Account, HostClock, SystemHostClock, VirtualClock};
use crate::create::LibrarySpec;
use crate::error::{Holder, LibraryError, at};
use crate::fault::{Counts, FaultPlan, PlannedFault};
use crate::personality::{DriveAddress, Personality};
use crate::store::Durability;
use crate::target::{self, Changer, ChangerIdentity, Drive, DriveIdentity, ElementKind, Exchange};
use crate::target::{DeviceType, Identity, MAX_BLOCK_LENGTH, Outcome};

pub(crate) const SPEC_FILE: &str = "library.json";
pub(crate) const ELEMENTS_FILE: &str = "elements.json";
pub(crate) const CARTRIDGES: &str = "cartridges";
const FAULTS_FILE: &str = "faults.json";
const LOCK_FILE: &str = "lock";

/// What to do if another process has the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Fail.
    No,
    /// Wait until it has let it go.
    UntilFree,
}

/// What a library is open for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// This process alone.
    OwnUse,
    /// Serving it on its socket.
    Serving,
}

/// How to switch a library on.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// What synchronised records survive.
    pub durability: Durability,
    /// What to do if another process has it.
    pub waiting: Waiting,
    /// What others are told who has it.
    pub purpose: Purpose,
    /// Tells when data comes, for counting the stops of the tape; used with timing only.
    pub host_clock: Arc<dyn HostClock>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Machine,
            waiting: Waiting::No,
            purpose: Purpose::OwnUse,
            host_clock: Arc::new(SystemHostClock::default()),
        }
    }
}

/// What all devices of a library use.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: VirtualClock,
    pub(crate) faults: FaultPlan,
    pub(crate) durability: Durability,
    /// The library's folder.
    pub(crate) dir: PathBuf,
    /// Folder of the cartridges.
    pub(crate) cartridges: PathBuf,
    /// Number of logical units.
    pub(crate) units: u16,
}

/// Somebody who has to know when the power fails.
pub(crate) trait PowerWatcher: std::fmt::Debug + Send + Sync {
    /// The power failed and is back.
    fn power_failed(&self);
}

/// A library, switched on.
#[derive(Debug)]
pub struct Library {
    dir: PathBuf,
    serial: String,
    watchers: Mutex<Vec<Weak<dyn PowerWatcher>>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) changer: Mutex<Changer>,
    drives: Arc<[Mutex<Drive>]>,
    /// Counts power cuts: connections from before one are dead.
    epoch: AtomicU64,
    /// Held as long as the library is open.
    _lock: Flock<File>,
}

impl Library {
    /// Switches a library on. Cartridges in drives are loaded and at their beginning.
    pub fn open(dir: &Path, durability: Durability) -> Result<Arc<Self>, LibraryError> {
        let options = OpenOptions {
            durability,
            ..OpenOptions::default()
        };
        Self::open_with(dir, &options)
    }

    /// The same with more to say about how.
    pub fn open_with(dir: &Path, options: &OpenOptions) -> Result<Arc<Self>, LibraryError> {
        let spec_path = dir.join(SPEC_FILE);
        let spec: LibrarySpec = fs::read(&spec_path)
            .and_then(|text| serde_json::from_slice(&text).map_err(io::Error::other))
            .map_err(|source| at(&spec_path, source))?;
        let row = spec.row()?;
        let lock = lock(dir, options)?;
        let faults_path = dir.join(FAULTS_FILE);
        let drive_count = usize::from(row.drives.count);
        let shared = Arc::new(Shared {
            clock: VirtualClock::new(spec.timing, drive_count, Arc::clone(&options.host_clock)),
            faults: FaultPlan::open(&faults_path).map_err(|source| at(&faults_path, source))?,
            durability: options.durability,
            dir: dir.to_owned(),
            cartridges: dir.join(CARTRIDGES),
            units: row.drives.count + 1,
        });
        let drives: Arc<[Mutex<Drive>]> = (0..row.drives.count)
            .map(|index| drive(&spec, row, index, &shared).map(Mutex::new))
            .collect::<io::Result<_>>()
            .map_err(|source| at(dir, source))?;
        let identity = changer_identity(dir, &spec, row);
        let changer = Changer::open(identity, Arc::clone(&shared), Arc::clone(&drives))
            .map_err(|source| at(&dir.join(ELEMENTS_FILE), source))?;
        let library = Self {
            dir: dir.to_owned(),
            serial: spec.serial.clone(),
            watchers: Mutex::default(),
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
            self.is_alive(epoch)
                .then(|| target::absent::execute(self.units(), exchange))?
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

    /// Serial number of the changer.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Has somebody told of power cuts, as long as they are there.
    pub(crate) fn watch_power(&self, watcher: &Arc<dyn PowerWatcher>) {
        let mut watchers = lock_of(&self.watchers);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(watcher));
    }

    /// Logical unit reset (SAM-5), unless the power was cut since `epoch`.
    pub(crate) fn reset_unit(&self, lun: Lun, epoch: u64) -> Option<()> {
        if lun == Lun::CHANGER {
            let mut changer = lock_of(&self.changer);
            return self.is_alive(epoch).then(|| changer.logical_unit_reset());
        }
        let mut drive = lock_of(self.drives.get(usize::from(lun.0) - 1)?);
        self.is_alive(epoch).then(|| drive.logical_unit_reset())
    }

    /// An initiator's session is over (I_T nexus loss, SAM-5).
    pub(crate) fn lose_nexus(&self, initiator: InitiatorId) {
        lock_of(&self.changer).lose_nexus(initiator);
        for drive in self.drives.iter() {
            lock_of(drive).lose_nexus(initiator);
        }
    }

    /// Cuts the power and turns it on again: what was not synchronised is lost, connections are
    /// dead, cartridges are where they were.
    pub fn power_cut(&self) {
        self.cycle_power();
        let watchers = lock_of(&self.watchers).clone();
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.power_failed();
        }
    }

    fn cycle_power(&self) {
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

    /// Replaces the plan of faults.
    pub fn set_faults(&self, planned: Vec<PlannedFault>) -> Result<(), LibraryError> {
        let set = self.shared.faults.set(planned);
        set.map_err(|source| at(&self.dir.join(FAULTS_FILE), source))
    }

    /// Counts a command that came over the socket; what happens at it.
    pub(crate) fn next_command_fault(&self) -> Option<crate::fault::Fault> {
        self.shared.faults.on_command()
    }

    /// What the plan of faults has counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.faults.counts()
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

pub(crate) fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the lock file, then writes into it who has it.
fn lock(dir: &Path, options: &OpenOptions) -> Result<Flock<File>, LibraryError> {
    let how = match options.waiting {
        Waiting::No => FlockArg::LockExclusiveNonblock,
        Waiting::UntilFree => FlockArg::LockExclusive,
    };
    let path = dir.join(LOCK_FILE);
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(|source| at(&path, source))?;
    let file = Flock::lock(file, how).map_err(|(file, errno)| match errno {
        nix::errno::Errno::EWOULDBLOCK => LibraryError::InUse {
            dir: dir.to_owned(),
            holder: holder(&file),
        },
        errno => at(&path, errno.into()),
    })?;
    let verb = match options.purpose {
        Purpose::OwnUse => "uses",
        Purpose::Serving => "serves",
    };
    let text = format!("{} {verb} this library\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all_at(text.as_bytes(), 0))
        .map_err(|source| at(&path, source))?;
    Ok(file)
}

/// Who has the lock, by what it wrote. What cannot be read is taken for a server, which is
/// either starting or leaving.
fn holder(file: &File) -> Holder {
    let mut bytes = [0; 64];
    let length = file.read_at(&mut bytes, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..length]);
    let mut words = text.split(' ');
    let process = words.next().and_then(|word| word.parse().ok());
    match (process, words.next()) {
        (Some(process), Some("uses")) => Holder::Process { process },
        (process, _) => Holder::Server { process },
    }
}

fn drive(
    spec: &LibrarySpec,
    row: &'static Personality,
    index: u16,
    shared: &Arc<Shared>,
) -> io::Result<Drive> {
    let own = spec.first_drives.get(usize::from(index)).copied();
    let generation = own
        .or(spec.drive_generation)
        .unwrap_or(row.drive_generation);
    let identity = DriveIdentity {
        inquiry: Identity {
            device_type: DeviceType::SequentialAccess,
            vendor: row.drive_vendor,
            product: format!("{}{}", row.drive_product, generation.number()),
            revision: row.revision,
            serial: format!("{:0<8}{:02}", spec.serial, index + 1),
        },
        generation,
        encryption: spec.drive_encryption,
        longest_block: spec
            .longest_block
            .unwrap_or(MAX_BLOCK_LENGTH)
            .clamp(1024, MAX_BLOCK_LENGTH),
        element: (row.oddities.drive_address == DriveAddress::Told)
            .then_some(row.drives.first + index),
        library_serial: spec.serial.clone(),
        account: usize::from(index) + 1,
    };
    Drive::open(identity, Arc::clone(shared))
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
