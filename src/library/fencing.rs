//! Persistent reservations of drives: what keeps other hosts away while this one works, and what a
//! process that died leaves for the next one to take over (SPC-4, 5.12).

use std::path::Path;

use tapeward_drivers::ScsiError;
use tapeward_drivers::spc::reservation::{
    Abort, ReservationKey, ReservationType, ReserveOut, persistent_reserve_out, read_reservation,
};
use tapeward_drivers::transport::Transport;

use crate::error::{Context, Error, Result};
use crate::files::write_atomically;

/// Nobody else does anything with the drive but look who it is.
const TYPE: ReservationType = ReservationType::ExclusiveAccess;
/// Unit attentions that may be pending, one after the other.
const MOST_ATTENTIONS: usize = 8;
/// Name of the file with this host's key in the state folder.
const KEY_FILE: &str = "reservation-key";

/// How a drive is kept from other hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fencing {
    /// By a persistent reservation.
    Reserved,
    /// Not at all: the drive has no persistent reservations.
    Unsupported,
    /// Not at all: the path to the drive has no commands for it.
    NotByPath,
    /// Not at all: the configuration says so.
    Off,
}

/// Why a drive was not reserved.
#[derive(Debug)]
pub enum ClaimError {
    /// Another host has reserved it, with this key.
    Reserved(ReservationKey),
    /// A command failed.
    Scsi(ScsiError),
}

impl From<ScsiError> for ClaimError {
    fn from(error: ScsiError) -> Self {
        Self::Scsi(error)
    }
}

/// This host's key: made once, and kept in the state folder.
pub fn host_key(state: &Path) -> Result<ReservationKey> {
    let path = state.join(KEY_FILE);
    let what = || format!("the reservation key in {}", path.display());
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let key = u64::from_str_radix(text.trim(), 16)
                .ok()
                .filter(|key| *key != 0);
            key.map(ReservationKey).ok_or_else(|| {
                Error::failed(format!("{} is not 16 hexadecimal digits", what()))
                    .hint("remove the file while no job runs: another key will be made")
            })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let random = getrandom::u64()
                .map_err(|error| Error::failed("cannot make a reservation key").because(error))?;
            // 0 is no key.
            let key = ReservationKey(random.max(1));
            write_atomically(&path, format!("{:016x}\n", key.0).as_bytes())?;
            Ok(key)
        }
        Err(error) => Err(error).context(format!("cannot read {}", what())),
    }
}

/// Gives a command again while unit attentions are pending.
fn patient<T>(
    transport: &mut dyn Transport,
    mut command: impl FnMut(&mut dyn Transport) -> Result<T, ScsiError>,
) -> Result<T, ScsiError> {
    for _ in 0..MOST_ATTENTIONS {
        match command(transport) {
            Err(error) if error.is_unit_attention() => {}
            other => return other,
        }
    }
    command(transport)
}

fn out(transport: &mut dyn Transport, what: ReserveOut) -> Result<(), ScsiError> {
    patient(transport, |transport| {
        persistent_reserve_out(transport, what)
    })
}

/// Reserves a drive for this host, whatever it has left there at an earlier time.
///
/// # Errors
/// [`ClaimError::Reserved`] when another host has it: then nothing was changed.
pub fn claim(transport: &mut dyn Transport, key: ReservationKey) -> Result<Fencing, ClaimError> {
    let status = match patient(transport, read_reservation) {
        Err(error) if error.is_unsupported() => return Ok(Fencing::Unsupported),
        other => other?,
    };
    if let Some(held) = status.reservation.filter(|held| held.key != key) {
        // Who registers in place of that key must have registered it by this path: another state
        // folder of this machine, whose process is gone, since it does not hold the lock.
        let mine = ReserveOut::Register {
            existing: held.key,
            new: key,
            through_power_loss: false,
        };
        let nobody_in_particular = held.key == ReservationKey::NONE;
        match (nobody_in_particular, out(transport, mine)) {
            (false, Ok(())) => {}
            (false, Err(error)) if !error.is_reservation_conflict() => return Err(error.into()),
            _ => return Err(ClaimError::Reserved(held.key)),
        }
    } else {
        let whatever_was = ReserveOut::RegisterAndIgnore {
            new: key,
            through_power_loss: false,
        };
        out(transport, whatever_was)?;
    }
    match out(transport, ReserveOut::Reserve(key, TYPE)) {
        Ok(()) => Ok(Fencing::Reserved),
        // Ours, made by another path or of another type: it goes, with what is still under way.
        Err(error) if error.is_reservation_conflict() => {
            let preempt = ReserveOut::Preempt {
                own: key,
                other: key,
                kind: TYPE,
                abort: Abort::Commands,
            };
            match patient(transport, read_reservation)?.reservation {
                Some(held) if held.key != key => Err(ClaimError::Reserved(held.key)),
                _ => {
                    out(transport, preempt)?;
                    Ok(Fencing::Reserved)
                }
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives up reservation and registration.
pub fn release(transport: &mut dyn Transport, key: ReservationKey) -> Result<(), ScsiError> {
    let unregister = ReserveOut::Register {
        existing: key,
        new: ReservationKey::NONE,
        through_power_loss: false,
    };
    // Who unregisters gives up the reservation too (SPC-4, 5.12.11.2.3).
    match out(transport, unregister) {
        // A reset or a power cycle has taken it already.
        Err(error) if error.is_reservation_conflict() => Ok(()),
        other => other,
    }
}
