//! RESERVE, RELEASE (SPC-2), PERSISTENT RESERVE IN and OUT (SPC-4): what a host sends and gets.

use tapeward_drivers::socket::InitiatorId;

use super::attention::Attentions;
use super::reservation::{ExistingKey, Notices, Persistent, Refusal, Reservations, Type, hex};
use super::{Exchange, Stop};
use crate::bytes::{u16_at, u32, u32_at, u64_at};
use crate::sense::{Sense, SenseKey};

/// Length of the parameter list of every service action but REGISTER AND MOVE.
const LIST_LENGTH: usize = 24;

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Conflict => Self::ReservationConflict,
            // INVALID RELEASE OF PERSISTENT RESERVATION
            Refusal::InvalidRelease => {
                Self::Check(Sense::new(SenseKey::IllegalRequest, (0x26, 0x04)))
            }
            Refusal::ServiceActionKey => Self::Check(Sense::invalid_parameter(8)),
            Refusal::NotSaved => Self::Check(Sense::internal_failure()),
        }
    }
}

impl Reservations {
    /// RESERVE(6) 16h: the whole unit; third-party reservations (3RDPTY, bit 4 of byte 1) and
    /// extents or elements (bit 0) are not there.
    pub(super) fn answer_reserve(&mut self, exchange: &Exchange<'_>) -> Result<(), Stop> {
        check_whole_unit(exchange.cdb)?;
        Ok(self.reserve_unit(exchange.initiator)?)
    }

    /// RELEASE(6) 17h.
    pub(super) fn answer_release(&mut self, exchange: &Exchange<'_>) -> Result<(), Stop> {
        check_whole_unit(exchange.cdb)?;
        Ok(self.release_unit(exchange.initiator)?)
    }

    /// PERSISTENT RESERVE IN 5Eh: SERVICE ACTION bits 4-0 of byte 1, ALLOCATION LENGTH bytes 7-8.
    pub(super) fn answer_in(&self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        if self.is_unit_reserved() {
            return Err(Stop::ReservationConflict);
        }
        let state = self.persistent();
        let bytes = match exchange.cdb[1] & 0x1f {
            0x00 => with_header(state, &keys(state)),
            0x01 => with_header(state, &reservation(state)),
            0x02 => capabilities(state),
            0x03 => with_header(state, &full_status(state)),
            _ => return Err(Sense::invalid_cdb_field(1).into()),
        };
        exchange.reply(&bytes, usize::from(u16_at(exchange.cdb, 7)));
        Ok(())
    }

    /// PERSISTENT RESERVE OUT 5Fh: SERVICE ACTION bits 4-0 of byte 1, SCOPE bits 7-4 and TYPE
    /// bits 3-0 of byte 2, PARAMETER LIST LENGTH bytes 5-8. Tells other initiators what has
    /// happened to them; whose prevention of medium removal has ended is returned.
    pub(super) fn answer_out(
        &mut self,
        exchange: &mut Exchange<'_>,
        attentions: &mut Attentions,
    ) -> Result<Vec<InitiatorId>, Stop> {
        if self.is_unit_reserved() {
            return Err(Stop::ReservationConflict);
        }
        let request = Request::parse(exchange)?;
        let by = exchange.initiator;
        let notices = match request.action {
            Action::Register => self.register(
                by,
                ExistingKey::MustBe(request.key),
                request.action_key,
                request.through_power_loss,
            )?,
            Action::RegisterAndIgnore => self.register(
                by,
                ExistingKey::Ignored,
                request.action_key,
                request.through_power_loss,
            )?,
            Action::Reserve => {
                let kind = request.kind.ok_or_else(|| Sense::invalid_cdb_field(2))?;
                self.reserve(by, request.key, kind)?;
                Notices::default()
            }
            Action::Release => self.release(by, request.key, request.kind)?,
            Action::Clear => self.clear(by, request.key)?,
            Action::Preempt | Action::PreemptAndAbort => {
                request.kind.ok_or_else(|| Sense::invalid_cdb_field(2))?;
                self.preempt(by, request.key, request.action_key, request.kind)?
            }
        };
        for (nexus, condition) in notices.to {
            attentions.raise_for(condition, nexus);
        }
        Ok(match request.action {
            // One command is carried out at a time: there is none to abort.
            Action::PreemptAndAbort => notices.removed,
            _ => Vec::new(),
        })
    }
}

fn check_whole_unit(cdb: &[u8]) -> Result<(), Sense> {
    if cdb[1] & 0x11 == 0 {
        Ok(())
    } else {
        Err(Sense::invalid_cdb_field(1))
    }
}

/// SERVICE ACTION of PERSISTENT RESERVE OUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Register,
    Reserve,
    Release,
    Clear,
    Preempt,
    PreemptAndAbort,
    RegisterAndIgnore,
}

struct Request {
    action: Action,
    kind: Option<Type>,
    /// RESERVATION KEY, bytes 0-7.
    key: u64,
    /// SERVICE ACTION RESERVATION KEY, bytes 8-15.
    action_key: u64,
    /// APTPL, bit 0 of byte 20.
    through_power_loss: bool,
}

impl Request {
    fn parse(exchange: &mut Exchange<'_>) -> Result<Self, Sense> {
        let cdb = exchange.cdb;
        let action = match cdb[1] & 0x1f {
            0x00 => Action::Register,
            0x01 => Action::Reserve,
            0x02 => Action::Release,
            0x03 => Action::Clear,
            0x04 => Action::Preempt,
            0x05 => Action::PreemptAndAbort,
            0x06 => Action::RegisterAndIgnore,
            _ => return Err(Sense::invalid_cdb_field(1)),
        };
        let registers = matches!(action, Action::Register | Action::RegisterAndIgnore);
        // SCOPE and TYPE are ignored by the actions that name no reservation.
        let names_reservation = !registers && action != Action::Clear;
        if names_reservation && cdb[2] >> 4 != 0 {
            return Err(Sense::invalid_cdb_field(2)); // LU_SCOPE only
        }
        if u32_at(cdb, 5) as usize != LIST_LENGTH {
            return Err(Sense::parameter_list_length());
        }
        let list = exchange.take(LIST_LENGTH)?;
        // SPEC_I_PT (bit 3) and ALL_TG_PT (bit 2): REPORT CAPABILITIES denies both.
        if registers && list[20] & 0x0c != 0 {
            return Err(Sense::invalid_parameter(20));
        }
        Ok(Self {
            action,
            kind: Type::from_code(cdb[2] & 0x0f),
            key: u64_at(list, 0),
            action_key: u64_at(list, 8),
            through_power_loss: list[20] & 0x01 != 0,
        })
    }
}

/// PRGENERATION and ADDITIONAL LENGTH before whatever follows.
fn with_header(state: &Persistent, rest: &[u8]) -> Vec<u8> {
    let mut bytes = state.generation.to_be_bytes().to_vec();
    bytes.extend(u32(rest.len() as u64));
    bytes.extend(rest);
    bytes
}

fn keys(state: &Persistent) -> Vec<u8> {
    let keys = state.registrations.values();
    keys.flat_map(|key| key.to_be_bytes()).collect()
}

/// READ RESERVATION: key (0 when all registrants hold it), four obsolete bytes, a reserved one,
/// scope and type, two obsolete bytes.
fn reservation(state: &Persistent) -> Vec<u8> {
    let Some(held) = state.reservation else {
        return Vec::new();
    };
    let key = match held.kind {
        Type::WriteExclusiveAllRegistrants | Type::ExclusiveAccessAllRegistrants => 0,
        _ => state.registrations.get(&held.holder).copied().unwrap_or(0),
    };
    let mut bytes = key.to_be_bytes().to_vec();
    bytes.extend([0, 0, 0, 0, 0, held.kind.code(), 0, 0]);
    bytes
}

/// REPORT CAPABILITIES: PTPL_C (bit 0 of byte 2); TMV (bit 7 of byte 3), ALLOW COMMANDS 001b
/// (bits 6-4: TEST UNIT READY is allowed under any reservation) and PTPL_A (bit 0); the mask of
/// all six types.
fn capabilities(state: &Persistent) -> Vec<u8> {
    let active = u8::from(state.through_power_loss);
    vec![0, 8, 0x01, 0x80 | 0x10 | active, 0xea, 0x01, 0, 0]
}

/// READ FULL STATUS: for each registration its key, R_HOLDER (bit 0 of byte 12), scope and type,
/// relative target port 1, the initiator port's TransportID.
fn full_status(state: &Persistent) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (nexus, key) in &state.registrations {
        let holds = state.is_holder(*nexus);
        let kind = state.reservation.filter(|_| holds);
        let transport = transport_id(*nexus);
        bytes.extend(key.to_be_bytes());
        bytes.extend([0, 0, 0, 0, u8::from(holds)]);
        bytes.push(kind.map_or(0, |held| held.kind.code()));
        bytes.extend([0, 0, 0, 0, 0, 1]);
        bytes.extend(u32(transport.len() as u64));
        bytes.extend(transport);
    }
    bytes
}

/// TransportID of an iSCSI initiator port: PROTOCOL IDENTIFIER 5h, ADDITIONAL LENGTH, a name
/// ended by zeros up to a multiple of four bytes.
fn transport_id(nexus: InitiatorId) -> Vec<u8> {
    let mut name = format!("naa.{}", hex(nexus)).into_bytes();
    name.resize((name.len() + 4) / 4 * 4, 0);
    let [high, low] = crate::bytes::u16(name.len());
    let mut bytes = vec![0x05, 0, high, low];
    bytes.extend(name);
    bytes
}
