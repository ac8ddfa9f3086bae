//! Reservations of a logical unit (SPC-4, reservations): RESERVE and RELEASE of SPC-2, and
//! persistent reservations with their registrations, kept per I_T nexus.
//!
//! Only state and its rules are here; commands are in `reservation_commands`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tapeward_drivers::socket::InitiatorId;

use super::Access;
use super::attention::Condition;
use crate::files::write_atomically;
use crate::store::Durability;

/// A reservation key; 0 is none.
pub(super) type Key = u64;

/// TYPE of a persistent reservation (SPC-4, persistent reservation type codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Type {
    /// 1h
    WriteExclusive,
    /// 3h
    ExclusiveAccess,
    /// 5h
    WriteExclusiveRegistrantsOnly,
    /// 6h
    ExclusiveAccessRegistrantsOnly,
    /// 7h
    WriteExclusiveAllRegistrants,
    /// 8h
    ExclusiveAccessAllRegistrants,
}

impl Type {
    pub(super) fn from_code(code: u8) -> Option<Self> {
        match code {
            0x1 => Some(Self::WriteExclusive),
            0x3 => Some(Self::ExclusiveAccess),
            0x5 => Some(Self::WriteExclusiveRegistrantsOnly),
            0x6 => Some(Self::ExclusiveAccessRegistrantsOnly),
            0x7 => Some(Self::WriteExclusiveAllRegistrants),
            0x8 => Some(Self::ExclusiveAccessAllRegistrants),
            _ => None,
        }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::WriteExclusive => 0x1,
            Self::ExclusiveAccess => 0x3,
            Self::WriteExclusiveRegistrantsOnly => 0x5,
            Self::ExclusiveAccessRegistrantsOnly => 0x6,
            Self::WriteExclusiveAllRegistrants => 0x7,
            Self::ExclusiveAccessAllRegistrants => 0x8,
        }
    }

    /// Everyone registered holds it.
    fn is_all_registrants(self) -> bool {
        matches!(
            self,
            Self::WriteExclusiveAllRegistrants | Self::ExclusiveAccessAllRegistrants
        )
    }

    /// Everyone registered may use the unit.
    fn admits_registrants(self) -> bool {
        !matches!(self, Self::WriteExclusive | Self::ExclusiveAccess)
    }

    fn admits_readers(self) -> bool {
        matches!(
            self,
            Self::WriteExclusive
                | Self::WriteExclusiveRegistrantsOnly
                | Self::WriteExclusiveAllRegistrants
        )
    }
}

/// A persistent reservation. With an all-registrants type `holder` is who made it, which counts
/// for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) holder: InitiatorId,
    pub(super) kind: Type,
}

/// What survives a power cut, if it was asked to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Persistent {
    /// PRGENERATION
    pub(super) generation: u32,
    pub(super) registrations: BTreeMap<InitiatorId, Key>,
    pub(super) reservation: Option<Reservation>,
    /// APTPL
    pub(super) through_power_loss: bool,
}

/// Why a PERSISTENT RESERVE OUT was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// RESERVATION CONFLICT.
    Conflict,
    /// INVALID RELEASE OF PERSISTENT RESERVATION.
    InvalidRelease,
    /// The service action reservation key is of no use here: INVALID FIELD IN PARAMETER LIST.
    ServiceActionKey,
    /// The state could not be written down.
    NotSaved,
}

/// What a service action is to do to others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notices {
    pub(super) to: Vec<(InitiatorId, Condition)>,
    /// Whose registration was taken away.
    pub(super) removed: Vec<InitiatorId>,
}

/// REGISTER minds the existing key, REGISTER AND IGNORE EXISTING KEY does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExistingKey {
    MustBe(Key),
    Ignored,
}

/// All reservations of one logical unit.
#[derive(Debug)]
pub(crate) struct Reservations {
    /// Holder by RESERVE (SPC-2).
    reserved: Option<InitiatorId>,
    persistent: Persistent,
    file: PathBuf,
    durability: Durability,
}

impl Reservations {
    /// As after power on: what the file kept, else nothing.
    pub(crate) fn open(file: PathBuf, durability: Durability) -> io::Result<Self> {
        let persistent = match std::fs::read(&file) {
            Ok(text) => Stored::parse(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Persistent::default(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            reserved: None,
            persistent,
            file,
            durability,
        })
    }

    /// The power was cut: only what was to persist is left. PRGENERATION begins again.
    pub(crate) fn power_cycle(&mut self) {
        self.reserved = None;
        if self.persistent.through_power_loss {
            self.persistent.generation = 0;
        } else {
            self.persistent = Persistent::default();
        }
    }

    pub(super) fn persistent(&self) -> &Persistent {
        &self.persistent
    }

    /// RESERVE. Both kinds of reservation exclude each other.
    pub(super) fn reserve_unit(&mut self, by: InitiatorId) -> Result<(), Refusal> {
        let others = self.reserved.is_some_and(|holder| holder != by);
        if others || !self.persistent.registrations.is_empty() {
            return Err(Refusal::Conflict);
        }
        self.reserved = Some(by);
        Ok(())
    }

    /// RELEASE: of no effect unless this initiator holds the reservation, and no error.
    pub(super) fn release_unit(&mut self, by: InitiatorId) -> Result<(), Refusal> {
        if !self.persistent.registrations.is_empty() {
            return Err(Refusal::Conflict);
        }
        if self.reserved == Some(by) {
            self.reserved = None;
        }
        Ok(())
    }

    /// Whether this initiator holds the unit, by whatever command.
    pub(super) fn holds(&self, nexus: InitiatorId) -> bool {
        self.reserved == Some(nexus) || self.persistent.is_holder(nexus)
    }

    /// Whether the unit is held by RESERVE: then there are no persistent reservations.
    pub(super) fn is_unit_reserved(&self) -> bool {
        self.reserved.is_some()
    }

    /// Whether a command with this kind of access is a conflict when it comes from `by`.
    pub(super) fn conflicts(&self, by: InitiatorId, access: Access) -> bool {
        if let Some(holder) = self.reserved {
            return holder != by && access != Access::Always;
        }
        let Some(reservation) = self.persistent.reservation else {
            return false;
        };
        let registered = self.persistent.registrations.contains_key(&by);
        if self.persistent.is_holder(by) || registered && reservation.kind.admits_registrants() {
            return false;
        }
        match access {
            Access::Always | Access::UnlessReserved => false,
            Access::Reads => !reservation.kind.admits_readers(),
            Access::Exclusive => true,
        }
    }

    /// REGISTER and REGISTER AND IGNORE EXISTING KEY; `new` 0 takes the registration back.
    pub(super) fn register(
        &mut self,
        by: InitiatorId,
        existing: ExistingKey,
        new: Key,
        through_power_loss: bool,
    ) -> Result<Notices, Refusal> {
        let registered = self.persistent.registrations.get(&by).copied();
        if let ExistingKey::MustBe(key) = existing
            && registered.unwrap_or(0) != key
        {
            return Err(Refusal::Conflict);
        }
        if registered.is_none() && new == 0 {
            return Ok(Notices::default());
        }
        let mut next = self.persistent.clone();
        let mut notices = Notices::default();
        next.generation = next.generation.wrapping_add(1);
        next.through_power_loss = through_power_loss;
        if new == 0 {
            next.registrations.remove(&by);
            next.release_of_unregistered(by, &mut notices);
        } else {
            next.registrations.insert(by, new);
        }
        self.replace(next)?;
        Ok(notices)
    }

    /// RESERVE: the same once more is no error.
    pub(super) fn reserve(&mut self, by: InitiatorId, key: Key, kind: Type) -> Result<(), Refusal> {
        self.check_key(by, key)?;
        match self.persistent.reservation {
            Some(held) if self.persistent.is_holder(by) && held.kind == kind => Ok(()),
            Some(_) => Err(Refusal::Conflict),
            None => {
                let mut next = self.persistent.clone();
                next.reservation = Some(Reservation { holder: by, kind });
                self.replace(next)
            }
        }
    }

    /// RELEASE: no error when there is nothing of this initiator's to release.
    pub(super) fn release(
        &mut self,
        by: InitiatorId,
        key: Key,
        kind: Option<Type>,
    ) -> Result<Notices, Refusal> {
        self.check_key(by, key)?;
        let Some(held) = self.persistent.reservation else {
            return Ok(Notices::default());
        };
        if !self.persistent.is_holder(by) {
            return Ok(Notices::default());
        }
        if kind != Some(held.kind) {
            return Err(Refusal::InvalidRelease);
        }
        let mut next = self.persistent.clone();
        next.reservation = None;
        let mut notices = Notices::default();
        if held.kind.admits_registrants() {
            next.tell_registered(by, Condition::ReservationsReleased, &mut notices);
        }
        self.replace(next)?;
        Ok(notices)
    }

    /// CLEAR: all registrations and the reservation.
    pub(super) fn clear(&mut self, by: InitiatorId, key: Key) -> Result<Notices, Refusal> {
        self.check_key(by, key)?;
        let mut notices = Notices::default();
        self.persistent
            .tell_registered(by, Condition::ReservationsPreempted, &mut notices);
        let next = Persistent {
            generation: self.persistent.generation.wrapping_add(1),
            through_power_loss: self.persistent.through_power_loss,
            ..Persistent::default()
        };
        self.replace(next)?;
        Ok(notices)
    }

    /// PREEMPT and PREEMPT AND ABORT: takes the registrations with the key `of`, and the
    /// reservation if it was held with that key.
    pub(super) fn preempt(
        &mut self,
        by: InitiatorId,
        key: Key,
        of: Key,
        kind: Option<Type>,
    ) -> Result<Notices, Refusal> {
        self.check_key(by, key)?;
        let mut next = self.persistent.clone();
        let mut notices = Notices::default();
        let takes_reservation = match self.persistent.reservation {
            Some(held) if held.kind.is_all_registrants() => of == 0,
            Some(held) => self.persistent.registrations.get(&held.holder) == Some(&of),
            None => false,
        };
        if of == 0 && !takes_reservation {
            return Err(Refusal::ServiceActionKey);
        }
        let taken: Vec<InitiatorId> = (self.persistent.registrations.iter())
            .filter(|(_, registered)| of == 0 || **registered == of)
            .map(|(nexus, _)| *nexus)
            .collect();
        if taken.is_empty() {
            return Err(Refusal::Conflict);
        }
        next.generation = next.generation.wrapping_add(1);
        for nexus in taken {
            // Who preempts its own key with the reservation keeps its registration.
            if nexus == by && takes_reservation {
                continue;
            }
            next.registrations.remove(&nexus);
            notices.removed.push(nexus);
            if nexus != by {
                notices.to.push((nexus, Condition::RegistrationsPreempted));
            }
        }
        if takes_reservation {
            let kind = kind.ok_or(Refusal::Conflict)?;
            let changed = next.reservation.is_some_and(|held| held.kind != kind);
            next.reservation = Some(Reservation { holder: by, kind });
            if changed {
                next.tell_registered(by, Condition::ReservationsReleased, &mut notices);
            }
        } else {
            next.release_of_unregistered(by, &mut notices);
        }
        self.replace(next)?;
        Ok(notices)
    }

    fn check_key(&self, by: InitiatorId, key: Key) -> Result<(), Refusal> {
        if self.persistent.registrations.get(&by) == Some(&key) {
            Ok(())
        } else {
            Err(Refusal::Conflict)
        }
    }

    /// Writes the new state down where it is to survive, then puts it in force.
    fn replace(&mut self, next: Persistent) -> Result<(), Refusal> {
        let kept = self.persistent.through_power_loss || next.through_power_loss;
        if kept && let Err(error) = self.save(&next) {
            tracing::error!(%error, file = %self.file.display(), "reservations not saved");
            return Err(Refusal::NotSaved);
        }
        self.persistent = next;
        Ok(())
    }

    fn save(&self, state: &Persistent) -> io::Result<()> {
        if state.through_power_loss {
            write_atomically(&self.file, &Stored::encode(state)?, self.durability)
        } else {
            match std::fs::remove_file(&self.file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            }
        }
    }
}

impl Persistent {
    pub(super) fn is_holder(&self, nexus: InitiatorId) -> bool {
        self.reservation.is_some_and(|held| {
            if held.kind.is_all_registrants() {
                self.registrations.contains_key(&nexus)
            } else {
                held.holder == nexus
            }
        })
    }

    /// Tells all who are registered but `except`.
    fn tell_registered(&self, except: InitiatorId, what: Condition, notices: &mut Notices) {
        let others = self.registrations.keys().filter(|nexus| **nexus != except);
        notices.to.extend(others.map(|nexus| (*nexus, what)));
    }

    /// Ends the reservation when nobody who holds it is registered any more.
    fn release_of_unregistered(&mut self, by: InitiatorId, notices: &mut Notices) {
        let Some(held) = self.reservation else {
            return;
        };
        let lives_on = if held.kind.is_all_registrants() {
            !self.registrations.is_empty()
        } else {
            self.registrations.contains_key(&held.holder)
        };
        if lives_on {
            return;
        }
        self.reservation = None;
        if held.kind.admits_registrants() {
            self.tell_registered(by, Condition::ReservationsReleased, notices);
        }
    }
}

/// The file's form.
#[derive(Serialize, Deserialize)]
struct Stored {
    registrations: Vec<(String, Key)>,
    reservation: Option<(String, Type)>,
}

impl Stored {
    fn encode(state: &Persistent) -> io::Result<Vec<u8>> {
        let stored = Self {
            registrations: (state.registrations.iter())
                .map(|(nexus, key)| (hex(*nexus), *key))
                .collect(),
            reservation: (state.reservation).map(|held| (hex(held.holder), held.kind)),
        };
        serde_json::to_vec(&stored).map_err(io::Error::other)
    }

    fn parse(text: &[u8]) -> io::Result<Persistent> {
        let stored: Self = serde_json::from_slice(text).map_err(io::Error::other)?;
        let nexus = |name: &str| {
            u128::from_str_radix(name, 16)
                .map(|number| InitiatorId(number.to_be_bytes()))
                .map_err(io::Error::other)
        };
        let mut state = Persistent {
            through_power_loss: true,
            ..Persistent::default()
        };
        for (name, key) in &stored.registrations {
            state.registrations.insert(nexus(name)?, *key);
        }
        if let Some((name, kind)) = &stored.reservation {
            state.reservation = Some(Reservation {
                holder: nexus(name)?,
                kind: *kind,
            });
        }
        Ok(state)
    }
}

/// 32 hexadecimal digits.
pub(super) fn hex(nexus: InitiatorId) -> String {
    format!("{:032x}", u128::from_be_bytes(nexus.0))
}
