//! What is in a drive, and where on it the drive stands.

use crate::cartridge::{Cartridge, CartridgeKind, Generation};
use crate::sense::{Sense, SenseKey};

/// Bytes on the tape that a block takes beside its data.
const BLOCK_OVERHEAD: u64 = 16;
/// Bytes on the tape that a filemark takes.
const FILEMARK_LENGTH: u64 = 512;

/// What is in a drive.
#[derive(Debug)]
pub(crate) enum Medium {
    Empty,
    /// Unthreaded: the robot may take it.
    Unloaded(Box<Cartridge>),
    Loaded(Box<Mounted>),
}

impl Medium {
    /// The medium, if it can be read and written.
    pub(crate) fn ready(&mut self) -> Result<&mut Mounted, Sense> {
        let Self::Loaded(mounted) = self else {
            return Err(Sense::no_medium());
        };
        match mounted.fitness {
            Fitness::Usable => Ok(mounted),
            // INCOMPATIBLE MEDIUM INSTALLED
            Fitness::Incompatible => Err(Sense::new(SenseKey::MediumError, (0x30, 0x00))),
            // CLEANING CARTRIDGE INSTALLED
            Fitness::Cleaning => Err(Sense::new(SenseKey::NotReady, (0x30, 0x03))),
            // CLEANING FAILURE
            Fitness::CleaningExpired => Err(Sense::new(SenseKey::NotReady, (0x30, 0x07))),
        }
    }
}

/// What a drive can do with a cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fitness {
    Usable,
    Incompatible,
    Cleaning,
    CleaningExpired,
}

impl Fitness {
    pub(crate) fn of(drive: Generation, cartridge: &Cartridge) -> Self {
        match cartridge.record.kind {
            CartridgeKind::Data { generation, .. } if drive.accepts(generation) => Self::Usable,
            CartridgeKind::Data { .. } => Self::Incompatible,
            CartridgeKind::Cleaning { .. } if cartridge.record.uses_left == 0 => {
                Self::CleaningExpired
            }
            CartridgeKind::Cleaning { .. } => Self::Cleaning,
        }
    }
}

/// Where a position is with regard to the end of the tape (SSC-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Zone {
    Normal,
    BeyondProgrammableEarlyWarning,
    BeyondEarlyWarning,
}

/// A threaded cartridge.
#[derive(Debug)]
pub(crate) struct Mounted {
    pub(crate) cartridge: Cartridge,
    pub(crate) fitness: Fitness,
    /// Logical object number of the next object.
    pub(crate) position: u64,
    /// The programmable early warning zone was entered by writing and nobody was told yet.
    pub(crate) warning_due: bool,
}

impl Mounted {
    pub(crate) fn new(drive: Generation, cartridge: Cartridge) -> Self {
        Self {
            fitness: Fitness::of(drive, &cartridge),
            cartridge,
            position: 0,
            warning_due: false,
        }
    }

    pub(crate) fn is_worm(&self) -> bool {
        let kind = self.cartridge.record.kind;
        matches!(kind, CartridgeKind::Data { worm: true, .. })
    }

    pub(crate) fn generation(&self) -> Option<Generation> {
        match self.cartridge.record.kind {
            CartridgeKind::Data { generation, .. } => Some(generation),
            CartridgeKind::Cleaning { .. } => None,
        }
    }

    /// Bytes of the partition the tape is in.
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity_of(self.cartridge.partition())
    }

    /// Bytes of a partition; 0 for one that is not there.
    pub(crate) fn capacity_of(&self, partition: u8) -> u64 {
        let sizes = self.cartridge.partition_sizes();
        sizes.get(usize::from(partition)).copied().unwrap_or(0)
    }

    /// Bytes of a partition behind its data.
    pub(crate) fn remaining_in(&self, partition: u8) -> u64 {
        let used = self.used_in(partition, u64::MAX);
        self.capacity_of(partition).saturating_sub(used)
    }

    /// Bytes of tape before this record.
    pub(crate) fn used_before(&self, record: u64) -> u64 {
        self.used_in(self.cartridge.partition(), record)
    }

    /// Bytes of a partition before this record.
    pub(crate) fn used_in(&self, partition: u8, record: u64) -> u64 {
        let store = self.cartridge.store_of(partition);
        let filemarks = store.filemarks_before(record);
        let blocks = record.min(store.len()) - filemarks;
        store.bytes_before(record) + blocks * BLOCK_OVERHEAD + filemarks * FILEMARK_LENGTH
    }

    /// Bytes of tape before the current position.
    pub(crate) fn used(&self) -> u64 {
        self.used_before(self.position)
    }

    /// Bytes from the end of the data to the physical end.
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining_in(self.cartridge.partition())
    }

    /// Whether an object fits before the physical end.
    pub(crate) fn fits(&self, length: u64) -> bool {
        self.used() + length <= self.capacity()
    }

    pub(crate) fn block_fits(&self, length: usize) -> bool {
        self.fits(length as u64 + BLOCK_OVERHEAD)
    }

    pub(crate) fn filemark_fits(&self) -> bool {
        self.fits(FILEMARK_LENGTH)
    }

    /// Zone of a place, with the programmable early warning zone `size` bytes long (0: none).
    pub(crate) fn zone(&self, used: u64, size: u64) -> Zone {
        let capacity = self.capacity();
        let early_warning = capacity - self.cartridge.record.early_warning.min(capacity);
        // A zone longer than the tape starts with its first object.
        let programmable = early_warning.saturating_sub(size).max(1);
        if used >= early_warning {
            Zone::BeyondEarlyWarning
        } else if size > 0 && used >= programmable {
            Zone::BeyondProgrammableEarlyWarning
        } else {
            Zone::Normal
        }
    }

    /// Writes the buffer out; a failure of the host's file system is one of the medium.
    pub(crate) fn synchronize(&mut self) -> Result<(), Sense> {
        let result = self.cartridge.store.synchronize();
        result.map_err(|error| write_failure(&self.cartridge, &error))
    }
}

/// MEDIUM ERROR / WRITE ERROR for an error of the files underneath.
pub(crate) fn write_failure(cartridge: &Cartridge, error: &std::io::Error) -> Sense {
    tracing::error!(cartridge = %cartridge.id, %error, "files of the cartridge not written");
    Sense::new(SenseKey::MediumError, (0x0c, 0x00))
}

/// MEDIUM ERROR / UNRECOVERED READ ERROR for an error of the files underneath.
pub(crate) fn read_failure(cartridge: &Cartridge, error: &std::io::Error) -> Sense {
    tracing::error!(cartridge = %cartridge.id, %error, "files of the cartridge not read");
    Sense::new(SenseKey::MediumError, (0x11, 0x00))
}
