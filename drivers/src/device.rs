//! What a tape room needs of a drive and of a robot, whichever way they are reached: by SCSI
//! commands ([`ssc::Drive`](crate::ssc::Drive), [`smc::Changer`](crate::smc::Changer)) or through
//! the kernel's own drivers ([`linux::st`](crate::linux::st), [`linux::ch`](crate::linux::ch)).
//!
//! What only SCSI commands can do is behind [`TapeDrive::scsi`] and [`MediumChanger::scsi`];
//! a path that has none says what it lacks.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::error::ScsiError;
use crate::sense::SenseData;
use crate::smc::{self, ElementAddress, ElementKind, Exchange, Inventory, InventoryOptions};
use crate::ssc::modes::ModesSet;
use crate::ssc::readiness::CALIBRATION_LIMIT;
use crate::ssc::{
    self, BlockAddress, Capacity, DriveModes, Pause, Position, ReadOutcome, Readiness, Removal,
    Space, Synchronize, WaitError, WriteError, WriteOutcome,
};

/// A tape drive by whichever path.
pub type Drive = Box<dyn TapeDrive>;

/// A medium changer by whichever path.
pub type Changer = Box<dyn MediumChanger>;

/// Something a path to a device can't do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Sense data: only the kernel's error number is known.
    SenseData,
    /// Programmable early warning.
    ProgrammableEarlyWarning,
    /// Logical block protection.
    BlockProtection,
    /// The cartridge's chip (MAM).
    CartridgeMemory,
    /// TapeAlert and all other log pages.
    LogPages,
    /// Encryption by the drive.
    Encryption,
    /// Whether blocks are still in the drive's buffer.
    BufferFill,
    /// Addresses of blocks above 4,294,967,295.
    LongAddresses,
    /// Which drive is in which element (DVCID).
    DeviceIdentifiers,
    /// Kinds of cartridges, other than by their barcodes.
    MediumTypes,
    /// Why an element is in an abnormal state.
    ExceptionCodes,
    /// Which picker moves.
    ChoiceOfPicker,
    /// What the changer says it can move where.
    MoveCapabilities,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SenseData => "sense data",
            Self::ProgrammableEarlyWarning => "programmable early warning",
            Self::BlockProtection => "logical block protection",
            Self::CartridgeMemory => "cartridge memory",
            Self::LogPages => "log pages",
            Self::Encryption => "encryption by the drive",
            Self::BufferFill => "buffer fill",
            Self::LongAddresses => "block addresses above 2^32",
            Self::DeviceIdentifiers => "device identifiers",
            Self::MediumTypes => "medium types",
            Self::ExceptionCodes => "exception codes",
            Self::ChoiceOfPicker => "choice of the picker",
            Self::MoveCapabilities => "what can be moved where",
        })
    }
}

/// A tape drive.
pub trait TapeDrive: Send + fmt::Debug {
    /// What messages call this drive.
    fn path(&self) -> &str;

    /// The drive as SCSI commands reach it, if they do by this path.
    fn scsi(&mut self) -> Option<&mut ssc::Drive>;

    /// What can't be done by this path, whatever the drive can do.
    fn lacks(&self) -> &'static [Missing];

    /// Takes what has happened to the drive since its last command; NOT READY is for the next
    /// call to report.
    fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError>;

    /// Whether a cartridge is loaded and ready.
    fn readiness(&mut self) -> Readiness;

    /// Loads the cartridge and positions at its beginning. The first load of an LTO-9 cartridge
    /// may take two hours.
    fn load(&mut self) -> Result<(), ScsiError>;

    /// Writes what is buffered, rewinds and ejects the cartridge.
    fn unload(&mut self) -> Result<(), ScsiError>;

    /// Writes what is buffered and goes to the beginning of the partition.
    fn rewind(&mut self) -> Result<(), ScsiError>;

    /// Holds the cartridge in the drive, or lets it go.
    fn prevent_removal(&mut self, removal: Removal) -> Result<(), ScsiError>;

    /// Writes one block of 1 to 16,777,215 bytes.
    fn write_block(&mut self, block: &[u8]) -> Result<WriteOutcome, WriteError>;

    /// Writes filemarks; with none and [`Synchronize::Flush`], only what is buffered.
    fn write_filemarks(
        &mut self,
        count: u32,
        synchronize: Synchronize,
    ) -> Result<WriteOutcome, WriteError>;

    /// Reads one block of any length up to the buffer's.
    fn read_block(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError>;

    /// Moves over blocks or filemarks, backwards where the count is negative, or to the end of
    /// data.
    fn space(&mut self, space: Space) -> Result<(), ScsiError>;

    /// Goes to a block of the current partition.
    fn locate(&mut self, block: BlockAddress) -> Result<(), ScsiError>;

    /// Where the tape is.
    fn position(&mut self) -> Result<Position, ScsiError>;

    /// The modes all users of a drive share.
    fn modes(&mut self) -> Result<DriveModes, ScsiError>;

    /// Sets them as far as drive and path let it; the shortfalls say what stayed.
    fn set_modes(&mut self, wanted: &DriveModes) -> Result<ModesSet, ScsiError>;

    /// How much room the cartridge has, where the drive tells it by this path.
    fn capacity(&mut self) -> Result<Option<Capacity>, ScsiError> {
        self.scsi().map_or(Ok(None), ssc::Drive::capacity)
    }

    /// Whether the cartridge can be written only once, where the drive tells it by this path.
    fn is_worm(&mut self) -> Result<Option<bool>, ScsiError> {
        self.scsi().map_or(Ok(None), ssc::Drive::is_worm)
    }

    /// Asks every `interval` until the drive is ready, for at most `limit` without any progress and
    /// [`CALIBRATION_LIMIT`] with. Unit attentions are taken and logged; whoever must know of a
    /// change asks for it with [`TapeDrive::consume_unit_attentions`] first.
    ///
    /// # Errors
    /// [`WaitError::NotReady`] as soon as waiting is of no use.
    fn wait_ready(
        &mut self,
        pause: &mut dyn Pause,
        interval: Duration,
        limit: Duration,
    ) -> Result<(), WaitError> {
        let start = pause.elapsed();
        let (mut furthest, mut advanced) = (None, start);
        loop {
            match self.readiness() {
                Readiness::Ready => return Ok(()),
                Readiness::UnitAttention(sense) => {
                    tracing::info!(path = self.path(), %sense, "unit attention while waiting");
                }
                Readiness::BecomingReady { progress, .. } => {
                    if let Some(progress) = progress {
                        pause.progress(progress);
                    }
                    if progress > furthest {
                        (furthest, advanced) = (progress, pause.elapsed());
                    }
                    pause.pause(interval);
                }
                state => {
                    return Err(WaitError::NotReady {
                        path: self.path().to_owned(),
                        state,
                    });
                }
            }
            let now = pause.elapsed();
            let waited = now.saturating_sub(start);
            let idle = now.saturating_sub(advanced);
            if idle >= limit || waited >= limit.max(CALIBRATION_LIMIT) {
                return Err(WaitError::TooLong {
                    path: self.path().to_owned(),
                    after: waited,
                });
            }
        }
    }
}

/// A medium changer.
pub trait MediumChanger: Send + fmt::Debug {
    /// What messages call this changer.
    fn path(&self) -> &str;

    /// The changer as SCSI commands reach it, if they do by this path.
    fn scsi(&mut self) -> Option<&mut smc::Changer>;

    /// What can't be done by this path, whatever the changer can do.
    fn lacks(&self) -> &'static [Missing];

    /// Takes what has happened to the changer since its last command; other errors are for the
    /// next call to report.
    fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError>;

    /// All elements the options ask for. What can't be told is left out and reported.
    fn inventory(&mut self, options: &InventoryOptions) -> Result<Inventory, ScsiError>;

    /// Lets the library look at all its elements again. May take an hour.
    fn initialize_element_status(&mut self) -> Result<(), ScsiError>;

    /// Moves a cartridge. `transport` is the picker to use where the path lets one choose, or 0
    /// for the library's choice.
    ///
    /// After an error the cartridge may be in the source, the destination or the picker: only
    /// the next inventory tells.
    fn move_medium(
        &mut self,
        transport: ElementAddress,
        source: ElementAddress,
        destination: ElementAddress,
    ) -> Result<(), ScsiError>;

    /// Moves the cartridge of the first destination to the second, and that of the source to the
    /// first. `kinds` are those of the source and the first destination; `transport` as in
    /// [`MediumChanger::move_medium`].
    ///
    /// After an error either cartridge may be anywhere: only the next inventory tells.
    fn exchange_medium(
        &mut self,
        transport: ElementAddress,
        exchange: Exchange,
        kinds: (ElementKind, ElementKind),
    ) -> Result<(), ScsiError>;

    /// Brings the picker before an element.
    fn position_to_element(
        &mut self,
        transport: ElementAddress,
        element: ElementAddress,
    ) -> Result<(), ScsiError>;
}

impl TapeDrive for ssc::Drive {
    fn path(&self) -> &str {
        Self::path(self)
    }

    fn scsi(&mut self) -> Option<&mut ssc::Drive> {
        Some(self)
    }

    fn lacks(&self) -> &'static [Missing] {
        &[]
    }

    fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError> {
        Self::consume_unit_attentions(self)
    }

    fn readiness(&mut self) -> Readiness {
        Self::readiness(self)
    }

    fn load(&mut self) -> Result<(), ScsiError> {
        Self::load(self)
    }

    fn unload(&mut self) -> Result<(), ScsiError> {
        Self::unload(self)
    }

    fn rewind(&mut self) -> Result<(), ScsiError> {
        Self::rewind(self)
    }

    fn prevent_removal(&mut self, removal: Removal) -> Result<(), ScsiError> {
        Self::prevent_removal(self, removal)
    }

    fn write_block(&mut self, block: &[u8]) -> Result<WriteOutcome, WriteError> {
        Self::write_block(self, block)
    }

    fn write_filemarks(
        &mut self,
        count: u32,
        synchronize: Synchronize,
    ) -> Result<WriteOutcome, WriteError> {
        Self::write_filemarks(self, count, synchronize)
    }

    fn read_block(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
        Self::read_block(self, buffer)
    }

    fn space(&mut self, space: Space) -> Result<(), ScsiError> {
        Self::space(self, space)
    }

    fn locate(&mut self, block: BlockAddress) -> Result<(), ScsiError> {
        match Self::locate(self, block) {
            Err(error) if error.is_missing_command() => locate_by_spacing(self, block, error),
            other => other,
        }
    }

    fn position(&mut self) -> Result<Position, ScsiError> {
        Self::position(self)
    }

    fn modes(&mut self) -> Result<DriveModes, ScsiError> {
        Self::modes(self)
    }

    fn set_modes(&mut self, wanted: &DriveModes) -> Result<ModesSet, ScsiError> {
        Self::set_modes(self, wanted)
    }
}

impl MediumChanger for smc::Changer {
    fn path(&self) -> &str {
        Self::path(self)
    }

    fn scsi(&mut self) -> Option<&mut smc::Changer> {
        Some(self)
    }

    fn lacks(&self) -> &'static [Missing] {
        &[]
    }

    fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError> {
        Self::consume_unit_attentions(self)
    }

    fn inventory(&mut self, options: &InventoryOptions) -> Result<Inventory, ScsiError> {
        Self::inventory(self, options)
    }

    fn initialize_element_status(&mut self) -> Result<(), ScsiError> {
        Self::initialize_element_status(self)
    }

    fn move_medium(
        &mut self,
        transport: ElementAddress,
        source: ElementAddress,
        destination: ElementAddress,
    ) -> Result<(), ScsiError> {
        Self::move_medium(self, transport, source, destination)
    }

    fn exchange_medium(
        &mut self,
        transport: ElementAddress,
        exchange: Exchange,
        kinds: (ElementKind, ElementKind),
    ) -> Result<(), ScsiError> {
        Self::exchange_medium(self, transport, exchange, kinds)
    }

    fn position_to_element(
        &mut self,
        transport: ElementAddress,
        element: ElementAddress,
    ) -> Result<(), ScsiError> {
        Self::position_to_element(self, transport, element)
    }
}

/// Goes to a block with SPACE for drives without LOCATE, looking at READ POSITION after every
/// step: SPACE over blocks ends behind each filemark (SSC-4, SPACE). `refused` is what LOCATE
/// said, for drives that do not get there this way either.
pub(crate) fn locate_by_spacing(
    drive: &mut dyn TapeDrive,
    block: BlockAddress,
    refused: ScsiError,
) -> Result<(), ScsiError> {
    let mut at = drive.position()?;
    if at.position_unknown || at.block > block {
        drive.rewind()?;
        at = drive.position()?;
    }
    while at.block < block && !at.position_unknown {
        let before = at.block;
        let left = i64::try_from(block.0 - before.0).unwrap_or(i64::MAX);
        let outcome = drive.space(Space::Blocks(left));
        at = drive.position()?;
        match outcome {
            // A filemark ends SPACE: the tape has moved over it.
            Err(error) if at.block <= before || error.is_end_of_data() => return Err(error),
            _ => {}
        }
    }
    if at.block == block && !at.position_unknown {
        Ok(())
    } else {
        Err(refused)
    }
}
