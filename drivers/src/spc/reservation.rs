//! PERSISTENT RESERVE IN and OUT (SPC-4), RESERVE(6) and RELEASE(6) (SPC-2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::{array_at, slice_at, u8_at, u16_at, u32_at, u64_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of RESERVE(6).
pub const RESERVE_6: u8 = 0x16;
/// OPERATION CODE of RELEASE(6).
pub const RELEASE_6: u8 = 0x17;
/// OPERATION CODE of PERSISTENT RESERVE IN.
pub const PERSISTENT_RESERVE_IN: u8 = 0x5e;
/// OPERATION CODE of PERSISTENT RESERVE OUT.
pub const PERSISTENT_RESERVE_OUT: u8 = 0x5f;

const NAME_IN: &str = "PERSISTENT RESERVE IN";
const NAME_OUT: &str = "PERSISTENT RESERVE OUT";

/// RESERVATION KEY: who registered, as far as the host chose it so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReservationKey(pub u64);

impl ReservationKey {
    /// No key: not registered, or about to be no longer.
    pub const NONE: Self = Self(0);
}

impl fmt::Debug for ReservationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReservationKey({:#018x})", self.0)
    }
}

impl fmt::Display for ReservationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

/// TYPE (SPC-4, persistent reservation type codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReservationType {
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

impl ReservationType {
    /// All types, in the order of their codes.
    pub const ALL: [Self; 6] = [
        Self::WriteExclusive,
        Self::ExclusiveAccess,
        Self::WriteExclusiveRegistrantsOnly,
        Self::ExclusiveAccessRegistrantsOnly,
        Self::WriteExclusiveAllRegistrants,
        Self::ExclusiveAccessAllRegistrants,
    ];

    /// Its code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::WriteExclusive => 1,
            Self::ExclusiveAccess => 3,
            Self::WriteExclusiveRegistrantsOnly => 5,
            Self::ExclusiveAccessRegistrantsOnly => 6,
            Self::WriteExclusiveAllRegistrants => 7,
            Self::ExclusiveAccessAllRegistrants => 8,
        }
    }

    /// The type with this code; `None` for obsolete and reserved ones.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// READ KEYS: who is registered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RegisteredKeys {
    /// PRGENERATION: counts changes of registrations, not of reservations.
    pub generation: u32,
    /// A key for each registered I_T nexus; the same key can be there more than once.
    pub keys: Vec<ReservationKey>,
}

impl RegisteredKeys {
    /// Parses the reply as far as it goes; `None` without a whole header.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let (generation, list) = header(raw)?;
        let keys = list.chunks_exact(8);
        Some(Self {
            generation,
            keys: keys
                .filter_map(|key| u64_at(key, 0).map(ReservationKey))
                .collect(),
        })
    }
}

/// What is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Key of the holder; 0 with a type that all registrants hold.
    pub key: ReservationKey,
    /// Its type; `None` if it is none of the standard's.
    pub kind: Option<ReservationType>,
    /// SCOPE and TYPE as received.
    pub scope_and_type: u8,
}

/// READ RESERVATION: PRGENERATION, and the reservation if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReservationStatus {
    /// PRGENERATION.
    pub generation: u32,
    /// The reservation of the logical unit.
    pub reservation: Option<Reservation>,
}

impl ReservationStatus {
    /// Parses the reply; `None` without a whole header.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let (generation, list) = header(raw)?;
        let reservation = || {
            let scope_and_type = u8_at(list, 13)?;
            Some(Reservation {
                key: ReservationKey(u64_at(list, 0)?),
                kind: ReservationType::from_code(scope_and_type & 0x0f),
                scope_and_type,
            })
        };
        Some(Self {
            generation,
            reservation: reservation(),
        })
    }
}

/// REPORT CAPABILITIES: what of persistent reservations the device has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReservationCapabilities {
    /// CRH: RESERVE and RELEASE of SPC-2 may be used by who is registered.
    pub compatible_handling: bool,
    /// SIP_C: initiator ports can be named when registering.
    pub specify_initiator_ports: bool,
    /// ATP_C: registering on all target ports.
    pub all_target_ports: bool,
    /// PTPL_C: reservations can be made to persist through a loss of power.
    pub through_power_loss: bool,
    /// PTPL_A: they do.
    pub through_power_loss_active: bool,
    /// The types it has, if it says so (TMV).
    pub types: Option<Vec<ReservationType>>,
}

impl ReservationCapabilities {
    /// Parses the eight bytes; `None` when there are fewer than four.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let [_, _, can, does] = array_at(raw, 0)?;
        let mask = u16_at(raw, 4).filter(|_| does & 0x80 != 0);
        let types = mask.map(|mask| {
            // Types 0h to 7h are bits 0 to 7 of byte 4, 8h is bit 0 of byte 5.
            let bit = |kind: &ReservationType| match kind.code() {
                low @ 0..=7 => 8 + low,
                high => high - 8,
            };
            let all = ReservationType::ALL.into_iter();
            all.filter(|kind| mask >> bit(kind) & 1 == 1).collect()
        });
        Some(Self {
            compatible_handling: can & 0x10 != 0,
            specify_initiator_ports: can & 0x08 != 0,
            all_target_ports: can & 0x04 != 0,
            through_power_loss: can & 0x01 != 0,
            through_power_loss_active: does & 0x01 != 0,
            types,
        })
    }
}

/// One full status descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The key registered.
    pub key: ReservationKey,
    /// ALL_TG_PT: registered on every target port.
    pub all_target_ports: bool,
    /// R_HOLDER: it holds the reservation.
    pub holder: bool,
    /// Type of the reservation it holds.
    pub kind: Option<ReservationType>,
    /// RELATIVE TARGET PORT IDENTIFIER, meaningless with `all_target_ports`.
    pub target_port: u16,
    /// TransportID of the initiator port (SPC-4; its first byte says of which protocol).
    pub transport_id: Vec<u8>,
}

/// READ FULL STATUS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FullStatus {
    /// PRGENERATION.
    pub generation: u32,
    /// Every registration that is whole.
    pub registrations: Vec<Registration>,
}

impl FullStatus {
    /// Parses the reply as far as it goes; `None` without a whole header.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let (generation, mut rest) = header(raw)?;
        let mut registrations = Vec::new();
        while let Some((registration, length)) = parse_registration(rest) {
            registrations.push(registration);
            rest = &rest[length..];
        }
        Some(Self {
            generation,
            registrations,
        })
    }
}

fn parse_registration(bytes: &[u8]) -> Option<(Registration, usize)> {
    let length = usize::try_from(u32_at(bytes, 20)?).ok()?;
    let flags = u8_at(bytes, 12)?;
    let holder = flags & 0x01 != 0;
    let kind = ReservationType::from_code(u8_at(bytes, 13)? & 0x0f);
    let registration = Registration {
        key: ReservationKey(u64_at(bytes, 0)?),
        all_target_ports: flags & 0x02 != 0,
        holder,
        kind: kind.filter(|_| holder),
        target_port: u16_at(bytes, 18)?,
        transport_id: slice_at(bytes, 24, length)?.to_vec(),
    };
    Some((registration, 24 + length))
}

/// PRGENERATION and what follows, as far as ADDITIONAL LENGTH says and there is.
fn header(raw: &[u8]) -> Option<(u32, &[u8])> {
    let generation = u32_at(raw, 0)?;
    let length = usize::try_from(u32_at(raw, 4)?).ok()?;
    let list = &raw[8..];
    Some((generation, &list[..list.len().min(length)]))
}

/// What PERSISTENT RESERVE OUT is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReserveOut {
    /// 00h: registers `new` in place of `existing`; 0 on one side registers or unregisters.
    Register {
        /// The key registered so far.
        existing: ReservationKey,
        /// The one to register.
        new: ReservationKey,
        /// APTPL.
        through_power_loss: bool,
    },
    /// 06h: registers whatever was registered before.
    RegisterAndIgnore {
        /// The key to register.
        new: ReservationKey,
        /// APTPL.
        through_power_loss: bool,
    },
    /// 01h
    Reserve(ReservationKey, ReservationType),
    /// 02h
    Release(ReservationKey, ReservationType),
    /// 03h: all registrations and the reservation.
    Clear(ReservationKey),
    /// 04h, 05h
    Preempt {
        /// The own key.
        own: ReservationKey,
        /// Whose registrations go, and whose reservation becomes ours.
        other: ReservationKey,
        /// Type of the new reservation.
        kind: ReservationType,
        /// PREEMPT AND ABORT: also ends the other's commands and prevention of removal.
        abort: Abort,
    },
}

/// Whether preempting ends the other's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abort {
    /// They go on.
    No,
    /// They are ended.
    Commands,
}

impl ReserveOut {
    /// Service action; scope (0: the logical unit) and type; the two keys; APTPL.
    fn fields(self) -> (u8, u8, ReservationKey, ReservationKey, bool) {
        let none = ReservationKey::NONE;
        match self {
            Self::Register {
                existing,
                new,
                through_power_loss,
            } => (0x00, 0, existing, new, through_power_loss),
            Self::RegisterAndIgnore {
                new,
                through_power_loss,
            } => (0x06, 0, none, new, through_power_loss),
            Self::Reserve(key, kind) => (0x01, kind.code(), key, none, false),
            Self::Release(key, kind) => (0x02, kind.code(), key, none, false),
            Self::Clear(key) => (0x03, 0, key, none, false),
            Self::Preempt {
                own,
                other,
                kind,
                abort,
            } => {
                let action = if abort == Abort::No { 0x04 } else { 0x05 };
                (action, kind.code(), own, other, false)
            }
        }
    }
}

/// PERSISTENT RESERVE OUT. A wrong key or someone else's reservation is an error for which
/// [`ScsiError::is_reservation_conflict`] holds.
pub fn persistent_reserve_out(
    transport: &mut dyn Transport,
    what: ReserveOut,
) -> Result<(), ScsiError> {
    let (action, kind, key, other, through_power_loss) = what.fields();
    let mut list = [0; 24];
    list[..8].copy_from_slice(&key.0.to_be_bytes());
    list[8..16].copy_from_slice(&other.0.to_be_bytes());
    list[20] = u8::from(through_power_loss);
    Command::new(
        NAME_OUT,
        timeout::SETTING,
        [PERSISTENT_RESERVE_OUT, action, kind, 0, 0, 0, 0, 0, 24, 0],
    )
    .write(transport, &list)?;
    Ok(())
}

fn reserve_in<T>(
    transport: &mut dyn Transport,
    action: u8,
    parse: fn(&[u8]) -> Option<T>,
) -> Result<T, ScsiError> {
    let length: u16 = 0x2000;
    let [high, low] = length.to_be_bytes();
    let command = Command::new(
        NAME_IN,
        timeout::SHORT,
        [PERSISTENT_RESERVE_IN, action, 0, 0, 0, 0, 0, high, low, 0],
    );
    let raw = command.read(transport, usize::from(length))?;
    parse(&raw).ok_or_else(|| command.short(transport.path(), 8, &raw))
}

/// Who is registered.
pub fn read_keys(transport: &mut dyn Transport) -> Result<RegisteredKeys, ScsiError> {
    reserve_in(transport, 0x00, RegisteredKeys::parse)
}

/// What is reserved.
pub fn read_reservation(transport: &mut dyn Transport) -> Result<ReservationStatus, ScsiError> {
    reserve_in(transport, 0x01, ReservationStatus::parse)
}

/// What the device can do.
pub fn report_capabilities(
    transport: &mut dyn Transport,
) -> Result<ReservationCapabilities, ScsiError> {
    reserve_in(transport, 0x02, ReservationCapabilities::parse)
}

/// Every registration with its initiator.
pub fn read_full_status(transport: &mut dyn Transport) -> Result<FullStatus, ScsiError> {
    reserve_in(transport, 0x03, FullStatus::parse)
}

/// RESERVE(6), for devices without persistent reservations: until RELEASE, a reset or a power
/// cycle.
pub fn reserve_unit(transport: &mut dyn Transport) -> Result<(), ScsiError> {
    let cdb = [RESERVE_6, 0, 0, 0, 0, 0];
    Command::new("RESERVE(6)", timeout::SHORT, cdb).run(transport)?;
    Ok(())
}

/// RELEASE(6); no error when somebody else holds the unit.
pub fn release_unit(transport: &mut dyn Transport) -> Result<(), ScsiError> {
    let cdb = [RELEASE_6, 0, 0, 0, 0, 0];
    Command::new("RELEASE(6)", timeout::SHORT, cdb).run(transport)?;
    Ok(())
}
