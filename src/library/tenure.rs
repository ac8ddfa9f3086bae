//! A drive while this process holds it: what others left in it is undone at the beginning, and what
//! this process changed at the end. A process that dies leaves what it owes in the lock file.

use tapeward_drivers::spc::reservation::ReservationKey;
use tapeward_drivers::ssc;
use tapeward_drivers::ssc::DriveModes;
use tapeward_drivers::ssc::encryption::{EncryptionMode, Reservation};
use tapeward_drivers::{Drive, ScsiError};

use super::connection::{Connection, Unit};
use super::fencing::{self, ClaimError, Fencing};
use super::lock::DeviceLock;
use super::robot::{DriveSite, Library};
use crate::config::Reservations;
use crate::error::{Context, Error, ErrorKind, Result};

/// A drive that is held. Dropping it lets the drive go as it was.
#[derive(Debug)]
pub(super) struct Tenure {
    lock: DeviceLock,
    connection: Connection,
    unit: Unit,
    /// As messages name the drive.
    name: String,
    key: Option<ReservationKey>,
    fencing: Fencing,
    /// The modes it had; none where they are not this process's business.
    before: Option<DriveModes>,
}

impl Library {
    /// Takes a drive over: reserves it, and undoes what a process that died has left.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when another process or host has it.
    pub(super) fn begin_tenure(&self, site: &DriveSite) -> Result<Tenure> {
        let lock = self.hold_drive(site)?;
        let name = format!("{} (serial {})", site.name, site.serial);
        let mut drive = self.open_without_asking(&site.unit)?;
        let mut tenure = Tenure {
            lock,
            connection: self.connection().clone(),
            unit: site.unit.clone(),
            name,
            key: match self.reservations() {
                Reservations::Persistent => Some(fencing::host_key(self.state())?),
                Reservations::Off => None,
            },
            fencing: Fencing::Off,
            before: None,
        };
        tenure.claim(&mut drive)?;
        drive
            .consume_unit_attentions()
            .map_err(|error| tenure.failed(error))?;
        tenure.undo_earlier(&mut drive)?;
        tenure.note_modes(&mut drive)?;
        Ok(tenure)
    }
}

impl Tenure {
    /// How the drive is kept from other hosts.
    pub(super) fn fencing(&self) -> Fencing {
        self.fencing
    }

    /// Makes sure of the reservation, which a reset or a power cycle takes, and tells the drive's
    /// path of it.
    pub(super) fn claim(&mut self, drive: &mut Drive) -> Result<()> {
        let (Some(key), Some(scsi)) = (self.key, drive.scsi()) else {
            self.fencing = match self.key {
                Some(_) => Fencing::NotByPath,
                None => Fencing::Off,
            };
            return Ok(());
        };
        self.fencing = match fencing::claim(scsi.transport_mut(), key) {
            Ok(fencing) => fencing,
            Err(ClaimError::Reserved(other)) => return Err(reserved(&self.name, Some(other))),
            // It has the commands and answers them with something else than the standard's.
            Err(ClaimError::Scsi(
                error @ (ScsiError::ShortReply { .. } | ScsiError::Malformed { .. }),
            )) => {
                tracing::warn!(drive = self.name, %error, "persistent reservations");
                Fencing::Unsupported
            }
            Err(ClaimError::Scsi(error)) if error.is_unsupported() => Fencing::Unsupported,
            Err(ClaimError::Scsi(error)) => return Err(self.failed(error)),
        };
        scsi.set_reservation(match self.fencing {
            Fencing::Reserved => Reservation::Held,
            _ => Reservation::None,
        });
        Ok(())
    }

    fn failed(&self, error: ScsiError) -> Error {
        if error.is_reservation_conflict() {
            return reserved(&self.name, None);
        }
        Error::failed(format!("cannot take over {}", self.name)).because(error)
    }

    /// A key, block protection and modes that a process of this host has left, and a key of somebody
    /// else, which would encrypt what is meant to be in clear.
    fn undo_earlier(&mut self, drive: &mut Drive) -> Result<()> {
        let owed = self.lock.owed();
        if let Some(scsi) = drive.scsi() {
            no_key(scsi, &self.name)?;
            if let Err(error) = clear_protection(scsi) {
                tracing::warn!(drive = self.name, %error, "block protection may be on");
            }
        }
        if let Some(owed) = owed {
            tracing::info!(
                drive = self.name,
                "restoring the modes a process that died left"
            );
            set_modes(drive, &owed, &self.name);
        }
        Ok(())
    }

    /// Keeps in mind how the drive is, in the lock file too.
    fn note_modes(&mut self, drive: &mut Drive) -> Result<()> {
        // The kernel's own driver keeps its modes itself.
        if drive.scsi().is_none() {
            return Ok(());
        }
        match drive.modes() {
            Ok(modes) => {
                self.before = Some(modes);
                self.lock.owe(&modes)
            }
            Err(error) => {
                tracing::debug!(drive = self.name, %error, "the modes cannot be read now");
                Ok(())
            }
        }
    }

    /// Leaves the drive as it was found.
    fn end(&mut self) -> Result<()> {
        let reserved = self.key.filter(|_| self.fencing == Fencing::Reserved);
        if self.before.is_none() && reserved.is_none() {
            return Ok(());
        }
        let mut drive = self.connection.drive(&self.unit, &|path| path)?;
        drive
            .consume_unit_attentions()
            .map_err(|error| self.failed(error))?;
        if let Some(scsi) = drive.scsi() {
            scsi.forget_earlier_key()
                .context(format!("a key may still be in {}", self.name))?;
            clear_protection(scsi).context(format!("block protection of {}", self.name))?;
        }
        if let Some(before) = self.before
            && set_modes(&mut drive, &before, &self.name)
        {
            self.lock.settle();
        }
        if let (Some(key), Some(scsi)) = (reserved, drive.scsi()) {
            fencing::release(scsi.transport_mut(), key)
                .context(format!("{} stays reserved", self.name))?;
        }
        Ok(())
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(drive = self.name, %error, "the drive is not as it was found");
        }
    }
}

/// Takes a key that this host has left out of a drive.
///
/// # Errors
/// When the drive encrypts all the same, with a key of another host.
pub(super) fn no_key(drive: &mut ssc::Drive, name: &str) -> Result<()> {
    match drive.forget_earlier_key() {
        Ok(true) => tracing::info!(drive = name, "took out a key that a process that died left"),
        Ok(false) => {}
        Err(error) => tracing::warn!(drive = name, %error, "an earlier key may be in the drive"),
    }
    match drive.encryption_status() {
        // What the library encrypts by itself nobody here notices.
        Ok(Some(status))
            if status.encryption == EncryptionMode::Encrypt && !status.is_managed_elsewhere() =>
        {
            Err(Error::failed(format!(
                "{name} encrypts with a key that is not of this job"
            ))
            .hint("end the other program's use of the drive, or turn the drive off and on"))
        }
        _ => Ok(()),
    }
}

fn clear_protection(drive: &mut ssc::Drive) -> std::result::Result<(), ScsiError> {
    let on = drive
        .block_protection()?
        .is_some_and(|found| found.on_write || found.on_read);
    if on {
        drive.protect_blocks(false)?;
    }
    Ok(())
}

/// Sets modes unless they are so already; whether they are now.
fn set_modes(drive: &mut Drive, wanted: &DriveModes, name: &str) -> bool {
    let same = |modes: &DriveModes| {
        DriveModes {
            write_protected: wanted.write_protected,
            ..*modes
        } == *wanted
    };
    let outcome = drive.modes().and_then(|now| {
        if same(&now) {
            return Ok(true);
        }
        Ok(same(&drive.set_modes(wanted)?.modes))
    });
    match outcome {
        Ok(true) => true,
        Ok(false) => {
            tracing::warn!(drive = name, "not all modes could be restored");
            true
        }
        Err(error) => {
            tracing::warn!(drive = name, %error, "the modes could not be restored");
            false
        }
    }
}

/// Another host has the drive.
pub(super) fn reserved(name: &str, key: Option<ReservationKey>) -> Error {
    let by = key
        .filter(|key| key.0 != 0)
        .map_or_else(String::new, |key| {
            format!(" (reservation key {:016x})", key.0)
        });
    Error::new(
        ErrorKind::Locked,
        format!("{name} is reserved by another host{by}"),
    )
    .hint(
        "wait until that host has finished; if it is gone, \"sg_persist --out --clear\" there or a \
         power cycle of the drive frees it",
    )
}
